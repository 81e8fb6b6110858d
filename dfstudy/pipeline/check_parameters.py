"""Parameters of a notebook, checked against its literal parameters cell before a kernel starts.

Takes a notebook and the values to set; refuses a name that the cell does not assign and a value of
another type. papermill alone only warns of the first and does not see the second.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from typing import Any

from nbformat import NotebookNode

from dfstudy.errors import StudyError, near_match

TAG = "parameters"


def read_parameters(notebook: NotebookNode, name: str) -> dict[str, Any]:
    """Names and default values that the parameters cell assigns.

    Args:
        notebook: the notebook, any version 4.
        name: what messages call it.
    Raises:
        StudyError: not exactly one cell is tagged `parameters`, or it holds more than literals.
    """
    cells = [cell for cell in notebook.cells if TAG in cell.metadata.get("tags", [])]
    if len(cells) != 1:
        raise StudyError(
            f"{name}: {len(cells)} cells are tagged '{TAG}', one is needed",
            "tag one cell in JupyterLab: Property Inspector (the cogs), Common Tools, Cell Tags",
        )
    values = {}
    try:
        statements = ast.parse(cells[0].source).body
    except SyntaxError as error:
        raise StudyError(
            f"{name}: the parameters cell is not Python: {error.msg}: {(error.text or '').strip()}",
            "leave only lines such as  seed = 0  in that cell",
        ) from None
    for statement in statements:
        try:
            (target,) = statement.targets  # type: ignore[attr-defined]
            values[target.id] = ast.literal_eval(statement.value)  # type: ignore[attr-defined]
        except (AttributeError, ValueError):
            line = ast.unparse(statement)
            raise StudyError(
                f"{name}: the parameters cell holds more than literals: {line}",
                "leave only lines such as  seed = 0  in that cell and move the rest below it",
            ) from None
    return values


def check_parameters(notebook: NotebookNode, values: Mapping[str, Any], name: str) -> None:
    """Refuse `values` that the notebook does not take.

    Raises:
        StudyError: unknown name, or another type than the default's (an int serves for a float).
    """
    known = read_parameters(notebook, name)
    for key, value in values.items():
        if key not in known:
            raise StudyError(
                f"{name} has no parameter '{key}'{near_match(key, known)}",
                f"it takes {', '.join(known)}: give one of these, or add it to the parameters cell",
            )
        wanted = type(known[key])
        if type(value) is not wanted and not (wanted is float and type(value) is int):
            raise StudyError(
                f"{name}: parameter '{key}' is {value!r} ({type(value).__name__}), "
                f"the notebook's own value is {known[key]!r} ({wanted.__name__})",
                f"give a value of type {wanted.__name__}",
            )
