"""Archives for the fuzz: one with bytes changed anywhere, and whole ones that hold anything.

A changed archive must be refused, or told from the one that was published; one whose author
changed study or numbers, and the checksums with them, must be refused, or give a study of the images that its
user named and of no other file. Nothing may be unpacked.
"""

from __future__ import annotations

import copy
import hashlib
import io
import json
from functools import partial
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from dfstudy.pipeline.archive.container import Contents, opened, pack
from dfstudy.pipeline.archive.integrity import MANIFEST, check_integrity
from dfstudy.pipeline.archive.paths import change_paths
from dfstudy.pipeline.archive.rerun import NUMBERS, read_numbers_of, restore
from dfstudy.pipeline.compare import compare_numbers
from dfstudy.study.study import FROZEN, Study

NUMBER = {"id": "test.auc", "value": 0.9, "low": 0.8, "high": 1.0, "n": 24, "unit": "", "note": ""}
Place = tuple[str | int, ...]


class Archives:
    """One archive, and the reader of those that were made of it.

    Args:
        folder: for its file, and for the results that none of them may write.
        study: the one that the archive holds.
        images: folder that its user names.
    """

    def __init__(self, folder: Path, study: Study, images: Path) -> None:
        self.file, self.out, self.images = folder / "archive.zip", folder / "again", images
        self.settings = study.model_dump(mode="json")
        self.settings["data"]["root"] = "faces"
        files = self.files(self.settings, [NUMBER])
        self.own: Contents = {name: partial(io.BytesIO, text) for name, text in files.items()}
        self.published = packed(self.own)

    def files(self, settings: Any, numbers: Any) -> dict[str, bytes]:
        """Those of an archive, with a list that agrees with them."""
        texts = {FROZEN: {"settings": settings}, f"{NUMBERS}04_test.json": numbers}
        files = {name: json.dumps(told).encode() for name, told in texts.items()}
        listed = [f"{hashlib.sha256(text).hexdigest()}  {name}\n" for name, text in sorted(files.items())]
        return files | {MANIFEST: "".join(listed).encode()}

    def changed(self, data: bytes) -> None:
        """It is intact where no byte differs, and nowhere else."""
        self.file.write_bytes(data)
        with opened(self.file) as contents:
            found = check_integrity(self.file, contents)
        assert found.is_intact == (data == self.published), found
        assert found.is_intact or found.lines()

    def drawn(self) -> st.SearchStrategy[tuple[Any, Any]]:
        """Settings and numbers: as they are, or one of them with something else in some places."""
        numbers = [NUMBER, NUMBER | {"id": "data.images"}]
        as_they_are = st.tuples(st.just(self.settings), st.just(numbers))
        other_settings = st.tuples(with_other(self.settings), st.just(numbers))
        return as_they_are | other_settings | st.tuples(st.just(self.settings), with_other(numbers))

    def authored(self, told: tuple[Any, Any]) -> None:
        """A study of the user's images that names no file of its author's, and numbers by their id."""
        yaml = self.out.with_name(f"{self.out.name}.yaml")
        yaml.unlink(missing_ok=True)
        files = self.files(*told)
        self.file.write_bytes(packed({name: partial(io.BytesIO, text) for name, text in files.items()}))
        with opened(self.file) as contents:
            assert check_integrity(self.file, contents).is_intact
            numbers = read_numbers_of(contents)
            compared = compare_numbers(read_numbers_of(self.own), numbers)
            assert len(compared.only_there) + len(compared.outside) <= len(numbers)
            again = restore(contents, str(self.images), self.out)
        assert again.settings.pictures == self.images
        named: list[Path] = []
        change_paths(again.settings.model_dump(mode="json"), named.append, lambda _: "")
        assert not named and not self.out.exists()


def packed(contents: Contents) -> bytes:
    """The bytes of an archive."""
    stream = io.BytesIO()
    pack(stream, contents)
    return stream.getvalue()


def places(told: Any, at: Place = ()) -> list[Place]:
    """Where something stands in it."""
    inner = told.items() if isinstance(told, dict) else enumerate(told) if isinstance(told, list) else ()
    return [at, *(place for key, value in inner for place in places(value, (*at, key)))]


_paths = st.sampled_from(["/etc/passwd", "../x.py:f", "x.py:f", "x.safetensors", "sample", "..", "~"])
_text = st.text(max_size=6) | _paths
_leaf = st.none() | st.booleans() | st.integers() | st.floats() | _text
_other = _leaf | st.lists(_leaf, max_size=2) | st.dictionaries(_text, _leaf, max_size=2)


@st.composite
def with_other(draw: st.DrawFn, told: Any) -> Any:
    """It, with one or two of its places holding something else, or gone."""
    changed = copy.deepcopy(told)
    for _ in range(draw(st.integers(1, 2))):
        place = draw(st.sampled_from(places(changed)))
        other, gone = draw(_other), draw(st.booleans())
        if not place:
            changed = other
            continue
        within = changed
        for key in place[:-1]:
            within = within[key]
        if gone:
            del within[place[-1]]
        else:
            within[place[-1]] = other
    return changed
