"""Random files against everything that reads a stranger's, for as long as it is told.

    python tests/hostile/fuzz.py --seconds 60         (make fuzz SECONDS=60)

Each reader must refuse with a `StudyError` and its next step (an image: with a reason), or give a valid
result; no image, row or path may be gone without a listed reason. Any other exception ends the run and shows
the input, made small by hypothesis; an image is written to the folder that is named. Prints counts.
"""

from __future__ import annotations

import argparse
import io
import random
import sys
import tempfile
import time
import warnings
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import dfstudy  # noqa: F401 -- before torch: it sets how idle threads wait

# isort: split
import numpy as np
import pandas as pd
import yaml
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from PIL import Image

from dfstudy.data.images import PictureError, decode
from dfstudy.data.index_csv import read_index_csv
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.scoring.scores_file import read_scores
from dfstudy.study.study import Study, load_study

sys.path.insert(0, str(Path(__file__).parent))  # as a program and as a module of the suite

# isort: split
from archives import Archives

Counts = Counter[tuple[str, str]]
ROUND = 25  # examples of a table's reader between two looks at the clock
FORMATS = {"JPEG": {}, "PNG": {}, "WEBP": {}, "GIF": {}, "BMP": {}, "TIFF": {"compression": "tiff_lzw"}}

_PATHS = [
    "real/0.png",
    "real/1.png",
    "fake/0.png",
    "fake/1.png",
    "../x.png",
    "/x.png",
    "a" * 300 + ".png",
    "=1+1",
]
_ODD = ["", "1e999", "-inf", "nan", "'=x", "..", "a/./b.png", "~", "\\", "a\\b.png", "\u202e.png", "\x1b[2J"]
_ODD += ["<script>", "{x}", "%s", "'", "x\ty", "train", "real", "0", "1.0"]
_nasty = st.sampled_from([*_PATHS, *_ODD])
_cell = st.one_of(_nasty, st.text(max_size=8), st.floats().map(str), st.integers().map(str))
_tame = {  # of a table that is right in most of its cells
    "path": st.sampled_from(_PATHS),
    "label": st.sampled_from(["0", "1", "real", "fake", "1.0"]),
    "score": st.floats().map(str) | st.sampled_from(["", "1e999", "0.5"]),
    "mask": st.sampled_from(["", "../m.png", "/m.png", "real/1.png", "m.png"]),
    "split": st.sampled_from(["", "train", "val", "test"]),
    "method": _cell,
    "group": _cell,
    "video": _cell,
}
_separator = st.sampled_from(",;\t|")


@st.composite
def tables(draw: st.DrawFn) -> bytes:
    """Text that is a table, or nearly."""
    if draw(st.integers(0, 9)) == 0:
        return draw(
            st.binary(max_size=60) | st.text(max_size=60).map(lambda text: text.encode("utf-8", "replace"))
        )
    more = draw(st.lists(st.sampled_from([*_tame][3:]) | st.text(max_size=4), max_size=4, unique=True))
    head, wild = ["path", "label", "score", *more], draw(st.integers(0, 5)) == 0
    cells = st.tuples(*(_cell if wild else _tame.get(name, _cell) for name in head))
    rows = draw(st.lists(cells, max_size=8, unique_by=None if wild else lambda row: row[0]))
    text = io.StringIO()
    pd.DataFrame(rows, columns=head, dtype=str).to_csv(text, index=False, sep=draw(_separator))
    encoding = draw(st.sampled_from(["utf-8", "utf-8-sig", "utf-16", "latin-1"]))
    return text.getvalue().encode(encoding, "replace")


_scalar = st.none() | st.booleans() | st.integers() | st.floats() | _cell
_values = st.recursive(
    _scalar,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(_cell, inner, max_size=3),
    max_leaves=6,
)
_keys = [*Study.model_fields, "root", "size", "options", "policies", "seeds", "backbone", "weights"]
_sections = st.dictionaries(st.sampled_from(_keys) | _cell, _values, max_size=5)
_studies = st.one_of(
    _sections.map(lambda told: yaml.safe_dump({"name": "x", "title": "y", **told}, allow_unicode=True)),
    st.dictionaries(st.sampled_from([*Study.model_fields]), _sections, max_size=3).map(
        lambda told: yaml.safe_dump({"name": "x", "title": "y", **told})
    ),
    st.text(max_size=80),
    st.lists(
        st.sampled_from(["&a ", "*a", "[", "]", "{", "}", ": ", "- ", "\n", "? ", "!!int ", "!!set ", "x"])
    ).map("".join),
).map(lambda text: text.encode("utf-8", "replace"))
_indexes = st.lists(
    st.fixed_dictionaries(
        {
            "label": st.sampled_from([0, 1]),
            "group": _nasty,
            "given_split": st.sampled_from(["", "", "train", "val", "test"]),
            "sha256": st.integers(0, 9).map(str),
            "error": st.sampled_from(["", "", "", "the file is missing"]),
        }
    ),
    max_size=40,
)


class Fuzz:
    """The readers, and what came of each file.

    Args:
        folder: for the files.

    Attributes:
        counts: (reader, `refused` or `read`) -> how often.
    """

    def __init__(self, folder: Path) -> None:
        self.folder, self.counts = folder, Counter()
        (folder / "images").mkdir(parents=True, exist_ok=True)
        self.study = load_study("small", data=str(folder / "images"), out=str(folder / "out"))
        self.archives = Archives(folder, self.study, folder / "images")
        self.readers = [
            self._drawn("index.csv", tables(), self.index),
            self._drawn("split", _indexes, self.split),
            self._drawn("study file", _studies, self.read_study),
            self._drawn("scores", tables(), self.scores),
            self._drawn("archive", self.archives.drawn(), self.archives.authored),
        ]

    def run(self, seconds: float, seed: int) -> Counts:
        """All readers in turn until the time is over, each at least once."""
        end, chance, seeds = time.monotonic() + seconds, random.Random(seed), encode_seeds()
        while True:
            for _ in range(8 * ROUND):
                self.image(mutate(chance, seeds))
            for _ in range(ROUND):
                self.archive(mutate(chance, [self.archives.published]))
            for reader in self.readers:
                reader()
                if time.monotonic() > end and len({name for name, _ in self.counts}) == len(self.readers) + 2:
                    return self.counts

    def image(self, data: bytes) -> None:
        """An image's bytes: an array, or a reason."""
        try:
            pixels, _ = decode(data)
            assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3 and pixels.size
            self.counts["image", "read"] += 1
        except PictureError as error:
            assert error.reason
            self.counts["image", "refused"] += 1
        except BaseException:
            (self.folder / "crash.bin").write_bytes(data)
            print(f"the image lies in {self.folder / 'crash.bin'}")
            raise

    def archive(self, data: bytes) -> None:
        """An archive's bytes: refused, or told from the one that was published."""
        try:
            self.archives.changed(data)
            self.counts["archive, bytes", "read"] += 1
        except StudyError as error:
            assert error.message and error.hint
            self.counts["archive, bytes", "refused"] += 1

    def index(self, content: bytes) -> None:
        """Every path on disk and every row that names one has a row, and what is used is on disk."""
        (self.folder / "images" / "index.csv").write_bytes(content)
        there = ["real/0.png", "real/1.png", "fake/0.png", "fake/1.png"]
        rows = read_index_csv(self.study, there)
        masks = set(rows["mask"]) - {""}
        assert not rows["path"].duplicated().any() and set(there) - masks <= set(rows["path"])
        used = rows[rows["error"] == ""]
        assert set(used["path"]) <= set(there) and used["label"].notna().all()
        assert not any(path.startswith(("../", "/")) for path in (*used["path"], *masks))

    def split(self, drawn: list[dict]) -> None:
        """Every row is in one part or set aside with a reason, and no group is in two parts."""
        base = [
            {"label": n % 2, "group": f"c{n // 2}", "given_split": "", "sha256": "", "error": ""}
            for n in range(12)
        ]
        rows = pd.DataFrame([*base, *drawn]).assign(
            path=lambda t: [f"{n:03d}.png" for n in range(len(t))],
            method=lambda t: t["label"].map({0: "real", 1: "swap"}),
            sha256=lambda t: t["sha256"].where(t["sha256"] != "", t["path"]),
            phash="",
            pixels="",
        )
        rows = rows.assign(bytes=9, width=37, height=53, format="PNG").astype({"label": "Int8"})
        rows["group"] = rows["group"].where(rows["group"] != "", rows["path"])
        split = split_study(self.study, rows)
        assert sorted([*split.rows["path"], *split.set_aside["path"]]) == sorted(rows["path"])
        assert (split.set_aside["error"] != "").all()
        assert (split.rows.groupby("group")["split"].nunique() == 1).all()

    def read_study(self, content: bytes) -> None:
        """A study, or a list of what does not fit."""
        file = self.folder / "study.yaml"
        file.write_bytes(content)
        assert isinstance(load_study(str(file)), Study)

    def scores(self, content: bytes) -> None:
        """Each path once, with a finite score or none."""
        file = self.folder / "scores.csv"
        file.write_bytes(content)
        found = read_scores(file).pictures
        assert not found["path"].duplicated().any() and not np.isinf(found["probability"]).any()
        assert found["label"].isin([0, 1]).all()

    def _drawn(self, name: str, files: st.SearchStrategy, read: Callable) -> Callable[[], None]:
        """A test of one reader, with new examples each time."""

        @settings(
            max_examples=ROUND,
            deadline=None,
            database=None,
            suppress_health_check=list(HealthCheck),
            phases=(Phase.generate, Phase.shrink),
        )
        @given(files)
        def attempt(drawn: object) -> None:
            try:
                read(drawn)
                self.counts[name, "read"] += 1
            except StudyError as error:
                assert error.message and error.hint
                self.counts[name, "refused"] += 1

        return attempt


def encode_seeds() -> list[bytes]:
    """One image of each format that is read, and a progressive JPEG and a 16-bit PNG."""
    pixels = np.random.default_rng(0).integers(0, 255, (40, 48, 3), dtype=np.uint8)
    made = []
    variants = [*FORMATS.items(), ("JPEG", {"progressive": True, "exif": b"Exif\0\0MM\0*\0\0\0\x08\0\0"})]
    for kind, options in variants:
        stream = io.BytesIO()
        Image.fromarray(pixels).save(stream, kind, **options)
        made.append(stream.getvalue())
    deep = io.BytesIO()
    Image.fromarray(pixels[..., 0].astype(np.uint16) * 200).save(deep, "PNG")
    return [*made, deep.getvalue()]


def mutate(chance: random.Random, seeds: list[bytes]) -> bytes:
    """A seed with a few bytes changed, cut, repeated, or from another one."""
    data = bytearray(chance.choice(seeds))
    for _ in range(chance.randint(1, 6)):
        at = chance.randrange(len(data)) if chance.random() < 0.5 else chance.randrange(min(len(data), 64))
        match chance.randrange(6):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                data[at : at + 4] = chance.choice([b"\xff" * 4, b"\0" * 4, b"\x7f\xff\xff\xff", b"\0\0\0\1"])
            case 2:
                del data[at : at + chance.randrange(1, 200)]
            case 3:
                data[at:at] = data[: chance.randrange(1, 200)]
            case 4:
                other = chance.choice(seeds)
                data[at : at + 40] = other[at % len(other) :][:40]
            case 5:
                del data[at + 1 :]
        if not data:
            return b""
    return bytes(data)


def show(counts: Counts) -> str:
    """A table of what was read and what was refused."""
    lines = [f"{'files':<16}{'tried':>9}{'refused':>9}{'read':>9}{'crashed or lost':>17}"]
    for name in sorted({name for name, _ in counts}):
        refused, read = counts[name, "refused"], counts[name, "read"]
        lines.append(f"{name:<16}{refused + read:>9,}{refused:>9,}{read:>9,}{0:>17}")
    return "\n".join(lines)


def main() -> None:
    """Run for as long as it is told."""
    parser = argparse.ArgumentParser(description="Random files against all readers.")
    parser.add_argument("--seconds", type=float, default=0)
    parser.add_argument("--minutes", type=float, default=0, help="and these; without both a minute")
    parser.add_argument("--seed", type=int, default=None, help="of the images; default another each time")
    told = parser.parse_args()
    seed = random.SystemRandom().randrange(2**32) if told.seed is None else told.seed
    seconds = told.seconds + 60 * told.minutes or 60
    print(f"seed {seed}, {seconds:.0f} s")
    warnings.simplefilter("ignore")  # of what Pillow finds odd in metadata
    print(show(Fuzz(Path(tempfile.mkdtemp(prefix="dfstudy-fuzz-"))).run(seconds, seed)))


if __name__ == "__main__":
    main()
