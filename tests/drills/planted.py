"""The drill of planted faults: what do the audits find, and what do they make up?

    python tests/drills/planted.py                 20 clean sets, then each fault at its strengths and seeds
    python tests/drills/planted.py --faults blur copies --clean 0 --strengths .05 .1 .2

Every set is made of rendered real images alone (`without_trace`): the forgeries of the sample leave real
traces, which an audit of shortcuts reports with good reason, so a set with forgeries in it says nothing about
false alarms. 60 people, 4 images each, 96 px: 240 images, half of them called fake, of two methods, every
second set with given splits. A fault is planted into it, and all audits run as `make report` runs them:
duplicates and split, and the shortcut audit in clean sets (of each method too) and with planted shortcuts.
Wrong labels are planted into the sample with its forgeries: where labels say nothing, none is wrong. They
are found where the first of the suspicious labels hold more planted ones than chance would give. A fault
counts as found by the rule in `EXPECTED`; any other alarm counts as false, but for families that the fault
changes too.
Prints the table (--markdown: as in docs/audits.md); ends with status 1 where a fault is missed at or above
the strength in `LISTED`, or clean sets raise more than one alarm. Keeps what is rendered and found under
--folder and goes on there; 8 CPU minutes in all.
"""

from __future__ import annotations

import argparse
import json
import shutil
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import pandas as pd
from faults.plant import FAULTS, Planted, plant, without_trace
from faults.shortcuts import SHORTCUTS
from scipy.special import expit
from tqdm import tqdm

import dfstudy
from dfstudy.chapters.c01_data.frozen import hold_out_images
from dfstudy.chapters.c01_data.shortcuts import TOGETHER, VERDICTS, audit_shortcuts
from dfstudy.data.duplicates import count_duplicates
from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.data.traits import draw_pictures, read_traits
from dfstudy.portraits.folder import render_sample
from dfstudy.stats.label_errors import find_label_errors, hit_rate
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.pictures import SamplePictures
from dfstudy.study.study import load_study
from dfstudy.system.provenance import digest, file_digest

PICTURES = SamplePictures(identities=60, frames=4, size=96)
CLEAN, SEEDS = 20, 2
WRONG = "wrong_labels"
# The least strength at which a fault must be found in every one of these sets.
LISTED = {
    "format": 0.3,
    "quality": 0.6,
    "metadata": 0.3,
    "dimensions": 0.4,
    "blur": 0.4,
    "brightness": 0.4,
    "gradient": 0.5,
    "frame": 0.4,
    "copies": 0.02,
    "near_copies": 0.03,
    "frames": 0.03,
    "torn_groups": 0.05,
    "both_labels": 0.01,
    "both_labels_near": 0.03,
    "lost_groups": 1.0,
    "wrong_labels": 0.1,
}
# What counts as found: this alarm, of those that `audit` gives. A shortcut's is its own family.
EXPECTED = {
    "copies": "given splits",
    "near_copies": "given splits",
    "frames": "given splits",
    "torn_groups": "torn groups",
    "both_labels": "both labels",
    "both_labels_near": "near, both labels",
    "lost_groups": "groups unknown",
    "wrong_labels": "wrong labels",
}
# Alarms that say the same thing in other words, or follow from it.
FOLLOWS = {
    "copies": {"copies", "torn groups"},
    "near_copies": {"near-duplicates", "torn groups"},
    "frames": {"near-duplicates", "torn groups"},
    "both_labels_near": {"near-duplicates"},
}


@dataclass(frozen=True)
class Result:
    """What the audits said about one set: alarms by name, and the share of planted pairs that were found."""

    fault: str
    strength: float
    seed: int
    touched: int
    found: bool
    alarms: dict[str, str]
    false: list[str]
    pairs: dict[str, tuple[int, int]]  # way -> found, planted


def audit(
    folder: Path, out: Path, settings: Evaluate, by_method: bool = False, shortcuts: bool = True
) -> tuple[dict[str, str], pd.DataFrame]:
    """Every alarm that the audits raise, by name; and all images with joined group and reason."""
    study = load_study("small", data=str(folder), out=str(out))
    split = split_study(study, index_study(study, progress=False))
    counts = count_duplicates(split.duplicates, split.rows)
    torn = split.set_aside["error"].str.startswith("its group, or an exact copy, is also")
    counted = {
        "copies": counts["copies"],
        "both labels": counts["both_labels"],
        "near-duplicates": counts["near"],
        "near, both labels": counts["near_labels"],
        "given splits": counts["given_splits"],
        "torn groups": int(torn.sum()),
        "groups unknown": int(not split.groups_known),
    }
    alarms = {name: str(count) for name, count in counted.items() if count}
    every = pd.concat([split.rows, split.set_aside])
    if not shortcuts:
        return alarms, every
    rows = draw_pictures(split.rows, settings.seed)
    if not by_method:
        rows = rows.assign(method=rows["label"].map({0: "real", 1: "fake"}))
    for found in audit_shortcuts(rows, read_traits(study, rows, progress=False), settings):
        if found.verdict in VERDICTS[:2]:
            name = f"{found.family} of {found.method}" if found.method else found.family
            alarms[name] = f"{float(found.interval.value):.2f} {found.verdict}"
    return alarms, every


def suspect(folder: Path, out: Path, planted: Planted) -> dict[str, str]:
    """An alarm where the first ranks, as many as were planted, hold surely more of these than chance."""
    study = load_study("sample", data=str(folder), out=str(out))
    split = split_study(study, index_study(study, progress=False))
    probed = hold_out_images(study, split, split.rows, progress=False)
    wrong = split.rows["path"].isin(planted.touched).to_numpy()
    ranks = find_label_errors(split.rows["label"], expit(probed.held.log_odds)).ranks
    hits = ranks[wrong] <= wrong.sum()
    rate = hit_rate(hits, split.rows["group"].to_numpy(str)[wrong], study.evaluate)
    told = f"{hits.sum()} of the first {wrong.sum()} ranks"
    return {"wrong labels": told} if rate.low > wrong.mean() else {}


def judge(planted: Planted, alarms: dict[str, str], rows: pd.DataFrame) -> Result:
    """Compare the alarms with the truth."""
    own = planted.families[:1] if planted.fault in SHORTCUTS else (EXPECTED.get(planted.fault, ""),)
    families = {*planted.families, *([TOGETHER] if planted.families else [])}
    expected = {*own, *FOLLOWS.get(planted.fault, set()), *families}
    false = [name for name in alarms if name.split(" of ")[0] not in expected]
    rows = rows.set_index("path")
    pairs: dict[str, tuple[int, int]] = {}
    for one, other, way in planted.pairs:
        caught = rows.loc[one, "group"] == rows.loc[other, "group"] or rows.loc[one, "error"] != ""
        done, all_of_them = pairs.get(way, (0, 0))
        pairs[way] = done + int(caught), all_of_them + 1
    found = bool(planted.touched) and any(name in alarms for name in own)
    return Result(
        planted.fault, planted.strength, planted.seed, len(planted.touched), found, alarms, false, pairs
    )


class Drill:
    """Sets and results under one folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True, exist_ok=True)
        code = sorted(
            path for room in ("data", "portraits", "stats", "chapters/c01_data") for path in _files(room)
        )
        self.key = digest([file_digest(path) for path in (*code, Path(__file__))])

    def clean_set(self, seed: int) -> Path:
        """The label-free set of a seed, rendered where it is not there yet."""
        target = self.folder / f"clean_{seed}"
        if not target.exists():
            source = self.folder / f"sample_{seed}"
            settings = PICTURES.model_copy(update={"seed": seed})
            render_sample(source, settings, progress=False, processes=1)
            without_trace(source, target, seed, given=seed % 2 == 0)
        return target

    def run(self, fault: str, strength: float, seed: int) -> Result:
        """Plant, audit, judge; found again where nothing changed."""
        name = f"{fault or 'clean'}_{strength:g}_{seed}"
        kept = self.folder / "results" / f"{name}_{self.key[:12]}.json"
        if kept.is_file():
            return Result(**json.loads(kept.read_text()))
        clean = self.clean_set(seed)
        folder, out = self.folder / f"set_{name}", self.folder / f"out_{name}"
        for path in (folder, out):
            shutil.rmtree(path, ignore_errors=True)
        planted = Planted("", 0.0, seed, (), (), ())
        if fault:
            whole = self.folder / f"sample_{seed}"
            planted = plant(whole if fault == WRONG else clean, folder, fault, strength, seed)
        audited = audit(
            folder if fault else clean,
            out,
            Evaluate(),
            by_method=not fault,
            shortcuts=fault not in EXPECTED,
        )
        if fault == WRONG:
            audited[0].update(suspect(folder, out, planted))
        result = judge(planted, *audited)
        for path in (folder, out):
            shutil.rmtree(path, ignore_errors=True)
        kept.parent.mkdir(exist_ok=True)
        kept.write_text(json.dumps(asdict(result)))
        return result


def _files(room: str) -> Iterable[Path]:
    return (Path(dfstudy.__file__).parent / room).rglob("*.py")


def planned(fault: str, seeds: int) -> list[tuple[float, int]]:
    """(strength, seed): the listed strength with every seed; with one, a full strength, and half of a
    shortcut's listed one, to see where it ends."""
    # With every real image under both labels no real image is left, and `split_study` refuses the set.
    once = [LISTED[fault] / 2, 1.0] if fault in SHORTCUTS or fault == "lost_groups" else [0.5]
    once = [LISTED[fault] / 2] if fault == WRONG else once  # with half of them wrong, no label says anything
    return sorted({*((LISTED[fault], seed) for seed in range(seeds)), *((strength, 0) for strength in once)})


def summarise(results: list[Result]) -> pd.DataFrame:
    """One row a fault and strength."""
    rows = []
    for (fault, strength), part in _grouped(results).items():
        listed = fault in LISTED and strength >= LISTED[fault]
        ways = sorted({way for result in part for way in result.pairs})
        pairs = []
        for way in ways:
            sums = [sum(r.pairs.get(way, (0, 0))[at] for r in part) for at in (0, 1)]
            pairs.append(f"{way}: {sums[0]} of {sums[1]}")
        touched = sorted({result.touched for result in part})
        rows.append(
            {
                "fault": fault.replace("_", " ") or "none",
                "strength": f"{strength:g}",
                "images touched": " to ".join(str(n) for n in {touched[0]: 0, touched[-1]: 0}),
                "found": f"{sum(result.found for result in part)} of {len(part)}" if fault else "",
                "must be": "yes" if listed else "",
                "false alarms": sum(len(result.false) for result in part),
                "pairs found": "; ".join(pairs),
            }
        )
    return pd.DataFrame(rows)


def _grouped(results: list[Result]) -> dict[tuple[str, float], list[Result]]:
    groups: dict[tuple[str, float], list[Result]] = {}
    for result in results:
        groups.setdefault((result.fault, result.strength), []).append(result)
    return groups


def to_markdown(table: pd.DataFrame) -> str:
    """The table as Markdown."""
    rows = [list(table.columns), ["---"] * len(table.columns), *table.astype(str).to_numpy().tolist()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def main() -> int:
    parser = argparse.ArgumentParser(description="What do the audits find, and what do they make up?")
    parser.add_argument("--folder", type=Path, default=Path("reports/drill_planted"))
    parser.add_argument("--faults", nargs="*", default=list(FAULTS), choices=list(FAULTS))
    parser.add_argument("--strengths", nargs="*", type=float, help="default: around the listed one")
    parser.add_argument("--seeds", type=int, default=SEEDS, help="sets a fault and listed strength")
    parser.add_argument("--clean", type=int, default=CLEAN, help="sets without a fault")
    parser.add_argument("--markdown", action="store_true")
    asked = parser.parse_args()
    runs = [("", 0.0, seed) for seed in range(asked.clean)]
    for fault in asked.faults:
        chosen = [(strength, seed) for strength in asked.strengths or [] for seed in range(asked.seeds)]
        runs += [(fault, *each) for each in chosen or planned(fault, asked.seeds)]
    drill = Drill(asked.folder)
    results = [drill.run(*run) for run in tqdm(runs, desc="planted sets", unit="set")]
    table = summarise(results)
    print(to_markdown(table) if asked.markdown else table.to_string(index=False))
    clean = [(r.seed, name, r.alarms[name]) for r in results if not r.fault for name in r.false]
    missed = [r for r in results if r.strength >= LISTED.get(r.fault, 2) and not r.found]
    beside = [(r.fault, r.strength, r.seed, n, r.alarms[n]) for r in results if r.fault for n in r.false]
    print(f"\nfalse alarms in {asked.clean} clean sets: {len(clean)} {clean or ''}")
    print(f"planted sets: {sum(bool(r.fault) for r in results)}; false alarms in them: {beside or 'none'}")
    print(
        f"missed at or above the listed strength: {[(r.fault, r.strength, r.seed) for r in missed] or 'none'}"
    )
    return int(bool(missed) or len(clean) > 1)


if __name__ == "__main__":
    sys.exit(main())
