"""Plant a fault into a copy of a set, and write down the truth.

Takes a folder with an `index.csv` (columns path and label, where known method and group; labels 0 and 1);
leaves a new folder with the images, an `index.csv` of path, label, method, group and split, and
`fault.json` (`Planted`). Nothing of the folder is changed. Masks and further columns are not carried over:
many faults move the pixels that they speak of. The same arguments give the same bytes. Refuses an unknown
fault, a strength outside 0..1, a target that exists. Cost: 2 ms a 128 px image.
"""

from __future__ import annotations

import json
import tempfile
import zlib
from dataclasses import asdict, dataclass, replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from dfstudy.data import images
from dfstudy.data.names import fit_path
from dfstudy.errors import StudyError, near_match
from faults.picture import SUFFIX, open_picture, write_picture
from faults.relations import RELATIONS, Change, Plan, choose, give_splits
from faults.shortcuts import SHORTCUTS, Shortcut

INDEX, TRUTH = "index.csv", "fault.json"
COLUMNS = ["path", "label", "method", "group", "split"]
FAULTS = {name: fault.about for name, fault in (SHORTCUTS | RELATIONS).items()}


@dataclass(frozen=True)
class Planted:
    """The truth about a planted set, as `fault.json` keeps it.

    Attributes:
        fault: a name of `FAULTS`; empty where nothing was planted.
        strength: 0..1, as `FAULTS` explains it.
        seed: decides which images are touched.
        families: families of traits that may differ by class; of a shortcut, the first is the planted one.
        touched: paths of the images that the fault concerns, in the planted set.
        pairs: (added image, the image that it repeats, in which way).
    """

    fault: str
    strength: float
    seed: int
    families: tuple[str, ...]
    touched: tuple[str, ...]
    pairs: tuple[tuple[str, str, str], ...]


def plant(folder: Path, target: Path, fault: str, strength: float, seed: int = 0) -> Planted:
    """Write a copy of a set with a fault in it.

    Args:
        folder: a set with an `index.csv`.
        target: folder that is made; its parent must exist.
        fault: a name of `FAULTS`.
        strength: 0 plants nothing, 1 as much as `FAULTS` says.
        seed: of everything drawn by chance.
    Raises:
        StudyError: see the head of this module.
    """
    if fault not in FAULTS:
        raise StudyError(
            f"no fault is called '{fault}'{near_match(fault, FAULTS)}", f"give one of {', '.join(FAULTS)}"
        )
    if not 0 <= strength <= 1:
        raise StudyError(f"a strength of {strength:g} means nothing", "give a number from 0 to 1")
    # The name is mixed in, so that two faults of one seed do not touch the same images.
    random = np.random.default_rng([seed, zlib.crc32(fault.encode())])
    table = _read(folder)
    if fault in SHORTCUTS:
        plan = _plan_shortcut(SHORTCUTS[fault], table, strength, random)
    else:
        plan = RELATIONS[fault].plant(table, strength, random)
    families = (SHORTCUTS | RELATIONS)[fault].families
    planted = Planted(fault, float(strength), seed, families if plan.touched else (), (), ())
    return _write(folder, target, plan, planted, random)


def without_trace(folder: Path, target: Path, seed: int = 0, given: bool = False) -> Planted:
    """Write a set whose labels say nothing: real images alone, half of them called fake.

    Within each group half of the images, chosen by chance, become fakes of `method_a` or `method_b`. No
    forgery has touched them, so whatever an audit finds in this set it has made up.

    Args:
        folder, target, seed: as `plant` takes them.
        given: splits are given as well, by group.
    """
    random = np.random.default_rng([seed, zlib.crc32(b"without trace")])
    table = _read(folder)
    table = table[table["label"] == 0].reset_index(drop=True)
    order = random.random(len(table))
    place = pd.Series(order).groupby(table["group"]).rank(method="first").astype(int)
    odd = table["group"].map({name: int(random.integers(2)) for name in sorted(table["group"].unique())})
    label = (place + odd) % 2
    method = np.where(random.random(len(table)) < 0.5, "method_a", "method_b")
    table = table.assign(label=label, method=np.where(label == 1, method, "real"))
    if given:
        table = give_splits(table, random)
    return _write(folder, target, Plan(table), Planted("", 0.0, seed, (), (), ()), random)


def _plan_shortcut(
    shortcut: Shortcut, table: pd.DataFrame, strength: float, random: np.random.Generator
) -> Plan:
    fakes = list(table.loc[table["label"] == 1, "path"])
    chosen = choose(fakes, strength, random) if shortcut.share else fakes if strength else []
    amount = 1.0 if shortcut.share else strength

    def changed(picture, random):
        return shortcut.change(picture, amount)

    # Every image is written anew, so that writing anew is no shortcut.
    changes: dict[str, Change] = {path: lambda picture, random: picture for path in table["path"]}
    return Plan(table, changes | dict.fromkeys(chosen, changed), chosen)


def _read(folder: Path) -> pd.DataFrame:
    """Path, label (int64), method, group, split and made_of of every image, sorted by path."""
    file = Path(folder) / INDEX
    if not file.is_file():
        raise StudyError(f"{file} is missing", f"a fault is planted into a set that has an {INDEX}")
    table = pd.read_csv(file, dtype=str, keep_default_na=False)
    if not {"path", "label"} <= set(table.columns) or not table["label"].isin(["0", "1"]).all():
        raise StudyError(f"{file} does not say what is real", "columns path and label, labels 0 and 1")
    table = table.reindex(columns=COLUMNS, fill_value="").astype({"label": "int64"})
    table["group"] = table["group"].where(table["group"] != "", table["path"])
    kind = np.where(table["label"] == 1, "fake", "real")
    table["method"] = table["method"].where(table["method"] != "", kind)
    return table.assign(made_of=table["path"]).sort_values("path", ignore_index=True)


def _write(folder: Path, target: Path, plan: Plan, planted: Planted, random: np.random.Generator) -> Planted:
    """Write all beside the target, give it its name when it is whole; the truth, with paths as written."""
    target = Path(target)
    if target.exists():
        raise StudyError(f"{target} exists already", "give the name of a folder that is not there yet")
    with tempfile.TemporaryDirectory(prefix=f".{target.name}.", dir=target.parent) as beside:
        new = Path(beside) / "set"
        names = {}
        for path, made_of in zip(plan.table["path"], plan.table["made_of"], strict=True):
            names[path], data = _make(Path(folder) / made_of, path, plan.changes.get(path), random)
            (new / names[path]).parent.mkdir(parents=True, exist_ok=True)
            (new / names[path]).write_bytes(data)
        table = plan.table.assign(path=plan.table["path"].map(names)).sort_values("path")
        table[COLUMNS].to_csv(new / INDEX, index=False, lineterminator="\n")
        touched = tuple(sorted(names[path] for path in plan.touched))
        pairs = tuple((names[added], names[old], way) for added, old, way in plan.pairs)
        planted = replace(planted, touched=touched, pairs=pairs)
        (new / TRUTH).write_text(json.dumps(asdict(planted), indent=1) + "\n", "utf-8")
        new.replace(target)
    return planted


def _make(file: Path, path: str, change: Change | None, random: np.random.Generator) -> tuple[str, bytes]:
    """The name and the bytes of an image; its suffix follows its format."""
    try:
        data = images.read_bytes(file)
        if change is None:
            return path, data
        picture = change(open_picture(data), random)
    except images.PictureError as error:
        raise StudyError(f"{file}: {error.reason}", "take it out of the set and its index.csv") from None
    place = PurePosixPath(path)
    kept = place.suffix.lower() in (".jpg", ".jpeg") and picture.kind == "JPEG"
    name = path if kept else fit_path(str(place.with_suffix("")), SUFFIX[picture.kind])
    return name, write_picture(picture)
