"""Settings that are changed without a study file: a notebook's `overrides`, `--set` on the command line.

Takes dotted keys with values, such as `{"training.epochs": 6}`; gives the settings with these values in
place, checked later like a file's, and the name of a results folder of their own. Refuses a key given twice,
a key below a single value, and what is no mapping. Pure.
"""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import yaml

from dfstudy.errors import StudyError
from dfstudy.system.provenance import digest

NONE = "none"  # what is said of a study without overrides
EXAMPLE = 'overrides = {"training.epochs": 6, "augment.policy": "none"}'
REFERENCE = "dfstudy settings, or docs/settings.md"  # every key with its values, default and meaning
MOST_CHARACTERS = 80  # of a folder's name that the overrides take before they are cut
_KEY = r"[A-Za-z_]\w*(?:\.\w+)*"
_SAFE = re.compile(r"[^A-Za-z0-9_.=,+*-]+")


def parse_overrides(texts: Iterable[str]) -> dict[str, Any]:
    """Overrides as they are typed: `training.epochs=6`, several in one text with spaces between.

    Values are YAML, so `[0, 1]` is a list. `on`, `off`, `yes` and `no` stay words: a setting of true or false
    takes them as well.

    Raises:
        StudyError: a text is no `key=value`, a value is not YAML, or a key is given twice.
    """
    found: dict[str, Any] = {}
    for text in texts:
        for part in re.split(rf"\s+(?={_KEY}=)", text.strip()):
            key, sign, value = part.partition("=")
            if not sign or not re.fullmatch(_KEY, key):
                raise StudyError(
                    f"--set: '{part}' is no key=value",
                    f"write --set training.epochs=6; every key: {REFERENCE}",
                )
            if key in found:
                raise StudyError(f"--set: {key} is given twice", "leave one of them out")
            found[key] = _parse_value(key, value)
    return found


def with_overrides(settings: Mapping[str, Any], overrides: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a file says them, with other values; what they were is left as it is.

    Raises:
        StudyError: `overrides` is no mapping from keys, or a key lies below a single value.
    """
    if not isinstance(overrides, Mapping) or not all(isinstance(key, str) for key in overrides):
        raise StudyError(f"overrides: {overrides!r} is no mapping from keys to values", f"write {EXAMPLE}")
    changed = copy.deepcopy(dict(settings))
    for key, value in overrides.items():
        *above, last = key.split(".")
        part: Any = changed
        for name in above:
            if part.get(name) is None:
                part[name] = {}
            part = part[name]
            if not isinstance(part, dict):
                raise StudyError(
                    f"overrides: {key}: '{name}' is {part!r}, which has no keys below it",
                    f"give '{key.partition(name)[0]}{name}' as a whole; every key: {REFERENCE}",
                )
        part[last] = value
    return changed


def find_value(settings: Mapping[str, Any], key: str) -> Any:
    """The value at a dotted key."""
    found: Any = settings
    for name in key.split("."):
        found = found[name]
    return found


def describe_overrides(overrides: Mapping[str, Any]) -> str:
    """In words, equal for equal overrides: `augment.policy=none, training.epochs=6`, or `none`."""
    return ", ".join(f"{key}={_exact(overrides[key])}" for key in sorted(overrides)) or NONE


def as_options(overrides: Mapping[str, Any]) -> list[str]:
    """Options of a command that give the same overrides again."""
    return [word for key in sorted(overrides) for word in ("--set", f"{key}={_as_yaml(overrides[key])}")]


def name_folder(base: str, overrides: Mapping[str, Any]) -> str:
    """Folder of the results: `sample+augment.policy=none,training.epochs=6`; `base` without overrides.

    Equal overrides give equal names, others give others: where a name had to be changed or cut, it ends with
    a digest of them.
    """
    if not overrides:
        return base
    exact = ",".join(f"{key}={_exact(overrides[key])}" for key in sorted(overrides))
    shown = ",".join(f"{key}={_shown(overrides[key])}" for key in sorted(overrides))
    short = shown[:MOST_CHARACTERS].rstrip("-.,=")
    return f"{base}+{short}" if short == exact else f"{base}+{short}-{digest(dict(overrides))[:8]}"


def _parse_value(key: str, text: str) -> Any:
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        told = " ".join(str(error).split())
        raise StudyError(
            f"--set: {key}: '{text}' is not readable as YAML: {told}", "quote the value, or mend it"
        ) from None
    return text if isinstance(value, bool) and text.lower() not in ("true", "false") else value


def _as_yaml(value: Any) -> str:
    text: str = yaml.safe_dump(value, default_flow_style=True, width=float("inf"), allow_unicode=True)
    return text.removesuffix("...\n").strip()


def _exact(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, sort_keys=True)


def _shown(value: Any) -> str:
    """As part of a file's name: a path by its last part, a list without its brackets."""
    text = Path(value).name if isinstance(value, str) else re.sub(r'[\[\]{}" ]', "", _exact(value))
    return _SAFE.sub("-", text.replace(",", "-")).strip("-")
