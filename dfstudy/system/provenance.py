"""Where a result comes from: fingerprints of content and code, versions, commit, device.

Takes files, values and module names; gives hexadecimal sha256 digests and a dictionary for the
report's provenance table. Nothing here loads torch. Cost: one read of each source file.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.metadata
import importlib.util
import json
import platform
import subprocess
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

PACKAGE = Path(__file__).resolve().parents[1]

OPENCV = ("opencv-python", "opencv-python-headless")  # both own cv2
# Beside what shapes weights: what shapes numbers and images of the report, and how it reads and keeps them.
REPORT_PACKAGES = (
    "scikit-learn",
    "pandas",
    "matplotlib",
    "grad-cam",
    "threadpoolctl",
    "safetensors",
    "pyarrow",
    "pydantic",
    "pyyaml",
    "papermill",
    "nbclient",
    "nbformat",
    "nbconvert",
    "ipykernel",
    "ipython",
    "jinja2",
    "huggingface-hub",
    "beautifulsoup4",
    "snakemake",
)
# What shapes a trained weight besides our own code: a change of any of these is a new training run.
SHAPING_PACKAGES = (
    "torch",
    "torchvision",
    "timm",
    "albumentations",
    "albucore",  # does the arithmetic of albumentations
    *OPENCV,
    "numpy",
    "pillow",
    "scipy",
)


def project_root() -> Path:
    """The checkout this package runs from, or the current folder where it is installed alone."""
    checkout = PACKAGE.parent
    return checkout if (checkout / "pyproject.toml").is_file() else Path.cwd()


def digest(value: Any) -> str:
    """sha256 of a JSON-able value, with keys sorted: equal values give equal digests."""
    text = json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False)
    return hashlib.sha256(text.encode()).hexdigest()


def file_digest(path: Path) -> str:
    """sha256 of a file's bytes, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def import_closure(*modules: str) -> list[Path]:
    """Files of dfstudy that the named modules import, directly or not, sorted.

    Imports are read with `ast`, so nothing is executed. A package counts with its `__init__`,
    as Python runs it too. Names from outside dfstudy are left to the lock's versions.
    """
    seen: dict[str, Path | None] = {}  # None where a name is a function or a class of its module
    waiting = [name for module in modules for name in _with_parents(module)]
    while waiting:
        name = waiting.pop()
        if name in seen:
            continue
        seen[name] = path = _module_file(name)
        if path is not None:
            waiting += imported_modules(path.read_text("utf-8"), _package_of(name, path))
    return sorted({path for path in seen.values() if path is not None})


def read_beside(modules: Iterable[Path]) -> list[Path]:
    """Data files of the package that the modules name: those beside a module whose code holds their name.

    A folder that is no package counts with all its files. A file that a module reads without its name in the
    code, or from another folder, is not found: a test of whole steps fails there.
    """
    found: set[Path] = set()
    for module in modules:
        named = _read_source(module.read_text("utf-8")).words
        for entry in _data_beside(module.parent):
            if entry.name in named:
                found |= {file for file in entry.rglob("*") if file.is_file()} if entry.is_dir() else {entry}
    return sorted(file for file in found if "__pycache__" not in file.parts)


def imported_modules(source: str, package: str = "") -> list[str]:
    """Every dfstudy module named by an import in `source` (a module's text or a notebook's code)."""
    found = [
        part
        for name in imports(source, package)
        if name.split(".")[0] == "dfstudy"
        for part in _with_parents(name)
    ]
    return list(dict.fromkeys(found))


def imports(source: str, package: str = "") -> tuple[str, ...]:
    """Every name of a module that `source` imports from anywhere; some are names inside of modules."""
    return _read_source(source, package).imports


class _Source(NamedTuple):
    """What a text of Python imports, and its strings."""

    imports: tuple[str, ...]
    words: frozenset[str]


@cache
def _read_source(source: str, package: str = "") -> _Source:
    """By content, because a comparison asks for the digest of the same code once a run."""
    found: list[str] = []
    words: set[str] = set()
    waiting: list[ast.AST] = [ast.parse(source)]
    while waiting:
        node = waiting.pop()
        waiting += _executed(node)
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            words.add(node.value)
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            base = node.module or ""
            if node.level:
                parent = package.split(".")[: len(package.split(".")) - node.level + 1]
                base = ".".join([*parent, base] if base else parent)
            # `from dfstudy.data import images` may name a module as well as a function
            found += [base, *(f"{base}.{alias.name}" for alias in node.names)]
    return _Source(tuple(dict.fromkeys(found)), frozenset(words))


def _executed(node: ast.AST) -> list[ast.AST]:
    """Children of a node that Python runs: what stands under `if TYPE_CHECKING` is for readers alone."""
    children = list(ast.iter_child_nodes(node))
    if isinstance(node, ast.If) and isinstance(node.test, ast.Name) and node.test.id == "TYPE_CHECKING":
        children = [child for child in children if child not in node.body]
    return children[::-1]  # taken from the end: in the order of the text


@cache
def _data_beside(folder: Path) -> list[Path]:
    """What lies beside modules and is neither one nor a package of them."""
    entries = [entry for entry in folder.iterdir() if entry.suffix != ".py"]
    return [entry for entry in entries if not (entry / "__init__.py").exists()]


@cache
def code_digest(*modules: str, without: tuple[str, ...] = ()) -> str:
    """sha256 over the bytes of the import closure, by name: moves when any of that code changes.

    Modules in `without` are left out: they are imported, and shape nothing of the result.

    Read once a process, which runs what it imported, whatever is edited beside it.
    """
    apart = {_module_file(name) for name in without}
    files = [path for path in import_closure(*modules) if path not in apart]
    return digest({str(path.relative_to(PACKAGE)): file_digest(path) for path in files})


def _with_parents(name: str) -> list[str]:
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts) + 1)]


def _module_file(name: str) -> Path | None:
    base = PACKAGE.joinpath(*name.split(".")[1:])
    for candidate in (base / "__init__.py", base.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


def _package_of(name: str, path: Path) -> str:
    return name if path.name == "__init__.py" else name.rpartition(".")[0]


@cache
def versions(*packages: str) -> dict[str, str]:
    """Installed versions by package, as this process found them first; all that shape weights by default."""
    return {package: version_now(package) for package in packages or SHAPING_PACKAGES}


def version_now(package: str) -> str:
    """The installed version, read from package metadata (no import); `absent` where there is none."""
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return "absent"


def commit() -> str:
    """The checkout's commit, with `+changes` where tracked files differ.

    `unknown` without git, and where the repository around the checkout does not track it.
    """
    try:
        _git("ls-files", "--error-unmatch", "dfstudy/__init__.py")
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+changes" if _git("status", "--porcelain", "--untracked-files=no", "--", ".") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _git(*arguments: str) -> str:
    command = ["git", "-C", str(project_root()), *arguments]
    return subprocess.run(command, capture_output=True, text=True, check=True, timeout=20).stdout.strip()


def machine() -> dict[str, str]:
    """Operating system, processor architecture and Python, for the provenance table."""
    return {
        "system": f"{platform.system()} {platform.release()}",
        "processor": platform.machine(),
        "python": platform.python_version(),
    }
