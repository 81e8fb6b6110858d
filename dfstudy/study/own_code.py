"""Code of the user's own that a study file names: `path/to/file.py:function`.

Takes such a value; gives the function, and what names it in a run's key: the file's digest, and the version
of each package that it imports. A file is run because the user named it, and only then. It stands alone: an
import of another file of the user's is refused, because its content would be no part of the key. Refused
with `StudyError`: no such file, no such function (with a near match), a file that fails. Cost: that of the
file's imports, once a process.
"""

from __future__ import annotations

import importlib.metadata
import inspect
import os.path
import re
import sys
import types
from collections.abc import Callable, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from dfstudy.errors import StudyError, near_match
from dfstudy.system.provenance import file_digest, imports, version_now

FORM = re.compile(r"(.+\.py):([A-Za-z_]\w*)")
Function = Callable[..., Any]


class OwnCode(NamedTuple):
    """A function in a file of the user's."""

    file: Path
    function: str

    @property
    def title(self) -> str:
        """`file.py:function`, without the folder: what a report shows."""
        return f"{self.file.name}:{self.function}"


def read_own(value: object) -> OwnCode | None:
    """The function that a setting names; None where it names none."""
    match = FORM.fullmatch(value) if isinstance(value, str) else None
    return OwnCode(Path(match[1]), match[2]) if match else None


def resolve_own(value: str, base: Path) -> str:
    """The same with its path counted from `base`; any other value as it is."""
    own = read_own(value)
    return value if own is None else f"{resolve_path(str(own.file), base)}:{own.function}"


def resolve_path(value: str, base: Path) -> Path:
    """A path as it stands in a study file, counted from `base`."""
    return (base / os.path.expanduser(value)).resolve()  # noqa: PTH111  Path raises where ~ is nobody's home


def title_of(value: str) -> str:
    """What a report shows of a setting that may name own code."""
    own = read_own(value)
    return value if own is None else own.title


def name_content(value: Any) -> Any:
    """A setting in which own code has its digest for its folder: equal content gives equal values.

    Lists and mappings are gone through; a file that is gone is called so.
    """
    if isinstance(value, Mapping):
        return {key: name_content(each) for key, each in value.items()}
    if isinstance(value, list):
        return [name_content(each) for each in value]
    own = read_own(value)
    if own is None:
        return value
    return f"{own.title} {file_digest(own.file) if own.file.is_file() else 'gone'}"


def describe_own(own: OwnCode, key: str) -> dict[str, Any]:
    """What of own code shapes a result: file and function, sha256, and packages with their versions.

    Args:
        key: of the study file, for messages.
    """
    return {
        "source": own.title,
        "sha256": file_digest(_existing(own, key)),
        "packages": {name: version_now(name) for name in _packages(own, key)},
    }


def load_function(own: OwnCode, key: str) -> Function:
    """The function itself; its file is run once a process and content.

    Args:
        key: of the study file, for messages.
    """
    file = _existing(own, key)
    _packages(own, key)
    module = _run(file, file_digest(file), key)
    found = getattr(module, own.function, None)
    if not callable(found):
        there = [name for name, value in vars(module).items() if _is_own(value, module)]
        raise StudyError(
            f"{key}: {file} has no function '{own.function}'{near_match(own.function, there)}",
            f"name one of its functions after the colon: {', '.join(there)}"
            if there
            else "write the function into the file",
        )
    return found  # type: ignore[no-any-return]


def call_own(own: OwnCode, key: str, size: int, given: Mapping[str, Any] | None = None) -> Any:
    """What the function returns.

    Args:
        size: side of the network's input, pixels; handed over where the function has an argument `size`.
        given: further arguments by name.
    """
    function, arguments = load_function(own, key), dict(given or {})
    parameters = inspect.signature(function).parameters
    if "size" in parameters:
        arguments.setdefault("size", size)
    try:
        inspect.signature(function).bind(**arguments)
    except TypeError as error:
        with_what = ", ".join(arguments) or "no argument"
        raise StudyError(
            f"{key}: {own.title} cannot be called with {with_what}: {error}",
            "give its other arguments a default; `size` is handed over where it is asked for, and "
            "model.options to a network",
        ) from None
    try:
        return function(**arguments)
    except StudyError:
        raise
    except Exception as error:
        raise _failed(f"{key}: {own.title} failed", error, own.file) from error


def _existing(own: OwnCode, key: str) -> Path:
    if own.file.is_file():
        return own.file
    beside = [file.name for file in own.file.parent.glob("*.py")] if own.file.parent.is_dir() else []
    raise StudyError(
        f"{key}: there is no file {own.file}{near_match(own.file.name, beside)}",
        "give the path of a Python file, counted from the study file, and the function after a colon: "
        "path/to/file.py:function",
    )


def _packages(own: OwnCode, key: str) -> list[str]:
    """Distributions that the file imports.

    Raises:
        StudyError: it is not Python, or imports a file that belongs to no installed package.
    """
    return list(_packages_of(own.file, file_digest(own.file), key))


@cache
def _packages_of(file: Path, sha256: str, key: str) -> tuple[str, ...]:
    try:
        named = {name.partition(".")[0] for name in imports(file.read_text("utf-8"))}
    except (SyntaxError, ValueError) as error:
        where = f", line {error.lineno}" if isinstance(error, SyntaxError) else ""
        raise StudyError(f"{key}: {file}{where} is not Python: {error}", "mend that line") from None
    known = importlib.metadata.packages_distributions()
    found: set[str] = set()
    for name in sorted(named - sys.stdlib_module_names - {"dfstudy", ""}):
        if name not in known:
            raise StudyError(
                f"{key}: {file} imports '{name}', which is no installed package: its content would be no "
                "part of a run's key",
                f"write what it needs of '{name}' into the file itself, or install the package",
            )
        found.update(known[name])
    return tuple(sorted(found))


@cache
def _run(file: Path, sha256: str, key: str) -> types.ModuleType:
    """The file as a module, named after its content."""
    module = types.ModuleType(f"dfstudy_own_{sha256[:16]}")
    module.__file__ = str(file)
    sys.modules[module.__name__] = module  # dataclasses and the like look their module up
    try:
        exec(compile(file.read_bytes(), str(file), "exec"), module.__dict__)
    except StudyError:
        raise
    except Exception as error:
        raise _failed(f"{key}: {file} failed when it was read", error, file) from error
    return module


def _failed(what: str, error: Exception, file: Path) -> StudyError:
    lines, trace = [], error.__traceback__
    while trace is not None:
        if trace.tb_frame.f_code.co_filename == str(file):
            lines.append(trace.tb_lineno)
        trace = trace.tb_next
    where = f" in line {lines[-1]}" if lines else ""
    return StudyError(f"{what}{where}: {type(error).__name__}: {error}", f"mend {file}")


def _is_own(value: object, module: types.ModuleType) -> bool:
    return isinstance(value, types.FunctionType | type) and value.__module__ == module.__name__
