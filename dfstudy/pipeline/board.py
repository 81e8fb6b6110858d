"""The runs of a study in TensorBoard: by variant and seed, the study's own first, with their settings.

Takes a study; lays out `<out>/.tensorboard`, a folder a run: `main/seed 0`, `variants/policy_none, seed 1`.
Each holds links to the events that the training writes (curves, augmented images) and its settings for the
tab HParams. Names come from the notes that the report's steps leave, and for a training under way from what
its `config.json` shares with a variant of the study; a run that is neither keeps its key. Nothing of a run is
changed. Cost: a look at the folders; where a run has no note, the index is read and split, once a new run.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.system.lock import file_lock
from dfstudy.train.key import describe_run
from dfstudy.variants.leakage import draw_split, scatter, small_study, why_not
from dfstudy.variants.registry import GROUPS, list_variants
from dfstudy.variants.variant import MAIN, Variant, methods_of

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

FOLDER = ".tensorboard"  # in the results
OWN, OTHERS, UNNAMED = "main", "variants", "without a name"  # TensorBoard sorts names, so these are in order
SETTINGS = (
    "events.out.tfevents.0.settings"  # its place among events is first: TensorBoard goes on to the next
)
HERE = ("code", "device", "versions")  # of a run's config.json: of this machine, and not of a variant
# settings that the tab shows, by their keys in the study file
TRAINING = ("epochs", "learning_rate", "batch_size", "optimiser", "schedule")
MODEL = ("backbone", "size")
SECONDS = 15.0  # between looks for new runs; TensorBoard itself looks every 5 for what they write
SCORES = ("auc/validation", "accuracy/validation", "loss/validation")  # as `dfstudy.train.log` calls them


@contextmanager
def serve(folder: Path) -> Iterator[str]:
    """TensorBoard on a folder, in this process; its address.

    Raises:
        StudyError: no port is free.
    """
    from tensorboard import program

    server = program.TensorBoard()
    server.configure(argv=["tensorboard", "--logdir", str(folder)])
    try:
        yield server.launch()
    except program.TensorBoardServerException as error:
        raise StudyError(
            f"TensorBoard does not start: {error.msg}", "end another one, and try again"
        ) from None


class Board:
    """The folder that TensorBoard reads, kept up to date while trainings begin and end."""

    def __init__(self, study: Study) -> None:
        self._study, self._runs = study, study.out / "runs"
        self.folder = study.out / FOLDER
        self._named: dict[str, str] = {}  # by key, what no note names; empty where nothing does

    def refresh(self) -> list[str]:
        """Lay out every run that has events; returns their names, the study's own first."""
        keys = {file.parents[1].name for file in self._runs.glob("*/tensorboard/events*")}
        names = _unique(self._name(sorted(keys)))
        for stale in set(self._laid_out()) - set(names.values()):
            shutil.rmtree(self.folder / stale)
        for key, name in names.items():
            self._lay_out(self._runs / key, self.folder / name)
        return sorted(names.values())

    def keep_up(self, seconds: float = SECONDS) -> None:
        """Lay out runs as they begin and end, until Ctrl-C."""
        with suppress(KeyboardInterrupt):
            while True:
                time.sleep(seconds)
                self.refresh()

    def _laid_out(self) -> Iterator[str]:
        for file in self.folder.glob(f"*/*/{SETTINGS}"):
            yield str(file.parent.relative_to(self.folder))

    def _name(self, keys: list[str]) -> dict[str, str]:
        """A name for each key, noted ones first; a run and what it was before an edit share one."""
        noted = _read_notes(self._runs)
        unknown = [key for key in keys if key not in noted and key not in self._named]
        if unknown:
            self._named |= dict.fromkeys(unknown, "") | self._match(unknown)
        ordered = sorted(keys, key=lambda key: key not in noted)
        return {key: noted.get(key) or self._named[key] or f"{UNNAMED}/{key}" for key in ordered}

    def _match(self, keys: list[str]) -> dict[str, str]:
        """Names of runs by what shapes them: those that are trained now."""
        told = {key: _read_config(self._runs / key) for key in keys}
        try:
            with file_lock(self._study.out / ".index.lock"):  # as the steps of a report take it
                split = split_study(self._study, index_study(self._study, progress=False))
        except StudyError:  # images that are gone name no run, and its curves are there all the same
            return {}
        found: dict[str, str] = {}
        for variant in _every_variant(self._study, split):
            for seed in variant.study.training.seeds:
                place: Any = SimpleNamespace(name="")
                own = _shared(describe_run(variant.study, variant.split.fingerprint, seed, place))
                for key, one in told.items():
                    if one and _shared(one) == own:
                        found.setdefault(key, _spoken(variant.name, seed))
        return found

    def _lay_out(self, run: Path, shown: Path) -> None:
        shown.mkdir(parents=True, exist_ok=True)
        wanted = {events.name: events.resolve() for events in (run / "tensorboard").glob("events*")}
        for link in shown.iterdir():
            if link.is_symlink() and wanted.get(link.name) != link.readlink():
                link.unlink()
        for name, events in wanted.items():
            if not (shown / name).is_symlink():
                (shown / name).symlink_to(events)
        settings = shown / SETTINGS
        if not settings.is_file():
            _write_settings(settings, _read_config(run))


def _every_variant(study: Study, split: Split) -> Iterator[Variant]:
    """What a report trains, the leakage estimate's small networks last."""
    for group in GROUPS:
        yield from list_variants(study, split, group)
    if not why_not(split):
        small = small_study(study, pictures=len(split.part("train")))
        grouped = draw_split(split, study.data.split_seed)
        for name, own in (("grouped", grouped), ("random", scatter(grouped, study.data.split_seed))):
            yield Variant(f"leakage_{name}", methods_of(own), small, own)


def _read_notes(runs: Path) -> dict[str, str]:
    """Names by key, as the steps of a report noted them; the study's own where two variants share a run."""
    found: dict[str, str] = {}
    notes = sorted(runs.glob("*seed_*.json"), key=lambda note: not note.name.startswith("seed_"))
    for note in notes:
        variant, _, seed = note.stem.rpartition("seed_")
        try:
            key = str(json.loads(note.read_text("utf-8"))["key"])
        except (OSError, ValueError, KeyError, TypeError):  # cut off: its step writes it again
            continue
        found.setdefault(key, _spoken(variant.removesuffix("-") or MAIN, seed))
    return found


def _spoken(variant: str, seed: int | str) -> str:
    return f"{OWN}/seed {seed}" if variant == MAIN else f"{OTHERS}/{variant}, seed {seed}"


def _unique(names: dict[str, str]) -> dict[str, str]:
    """Where several runs have one name, all but the first carry their key as well."""
    first: dict[str, str] = {}
    for key, name in names.items():
        first.setdefault(name, key)
    return {key: name if first[name] == key else f"{name}, {key}" for key, name in names.items()}


def _read_config(run: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((run / "config.json").read_text("utf-8")))
    except (OSError, ValueError, TypeError):
        return {}


def _shared(told: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in told.items() if name not in HERE}


def _write_settings(file: Path, told: dict[str, Any]) -> None:
    """The event file of a run's settings, for the tab HParams."""
    from tensorboard.compat.proto.event_pb2 import Event
    from tensorboard.summary.writer.record_writer import RecordWriter
    from torch.utils.tensorboard.summary import hparams

    shown = {"policy": told.get("policy", ""), "seed": told.get("seed", "")}
    shown |= {name: told.get("model", {}).get(name) for name in MODEL}
    shown |= {name: told.get("training", {}).get(name) for name in TRAINING}
    shown["flaws"] = ", ".join(told.get("protocol", {})) or "none"
    plain = {name: value for name, value in shown.items() if isinstance(value, bool | int | float | str)}
    with file.open("wb") as stream:
        writer = RecordWriter(stream)
        for summary in hparams(plain, dict.fromkeys(SCORES, 0.0)):
            writer.write(Event(summary=summary).SerializeToString())
        writer.flush()
