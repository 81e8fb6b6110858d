"""A code cell as Python that can be parsed, whatever IPython allows beside it.

Takes a cell's source; gives Python in which magics (`%matplotlib inline`), shell lines (`!ls`) and
questions (`name?`) are the calls that IPython makes of them. What stands below a cell magic counts where
that magic runs it as Python, so that its imports are seen. Cost: none, and IPython's import where a cell is
no plain Python.
"""

from __future__ import annotations

import ast

RUNS_PYTHON = {"%%time", "%%timeit", "%%capture", "%%prun"}


def plain_python(source: str) -> str:
    """The cell's code; a mistake in it stays one, and raises SyntaxError when it is parsed."""
    try:
        ast.parse(source)
    except SyntaxError:
        return _without_magics(source)
    return source


def _without_magics(source: str) -> str:
    # Imported here: few notebooks hold a magic, and a report without changes is quick.
    from IPython.core.inputtransformer2 import TransformerManager

    first, _, body = source.strip().partition("\n")
    if first.startswith("%%"):
        return plain_python(body) if first.split()[0] in RUNS_PYTHON else ""
    return TransformerManager().transform_cell(source)
