"""Small JSON files that outlive a process: written whole or not at all."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any


def write_if_changed(file: Path, value: Any) -> Path:
    """Write JSON, unless the file holds the same already."""
    text = json.dumps(value, indent=1, sort_keys=True) + "\n"
    if not file.is_file() or file.read_text("utf-8") != text:
        file.parent.mkdir(parents=True, exist_ok=True)
        partial = file.with_name(f".{file.name}")
        partial.write_text(text, "utf-8")
        partial.replace(file)
    return file


def read_json(file: Path) -> dict[str, Any]:
    """A small JSON file, or nothing where it is not there."""
    return json.loads(file.read_text("utf-8")) if file.is_file() else {}
