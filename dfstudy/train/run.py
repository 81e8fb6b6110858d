"""A training run found by what shapes it, gone on with, or begun.

Takes a study, its split and a seed; gives a `Run` under `<out>/runs/<key>`. The key is a digest of the
network, the policy, the recipe with this seed, the images and their split, the weights file's content,
the versions, the device class and the code that shapes weights; loader workers are no part of it. A
changed key is another folder, so nothing is ever resumed into another training. A study with overrides takes
a run that the study without them has finished, which has the same key. Two processes that ask
for one run: the second waits and loads it. A finished run of which something was deleted is trained again.
Cost of a finished run: milliseconds.
"""

from __future__ import annotations

import json
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd
from filelock import Timeout
from safetensors.torch import load_file
from torch import Tensor

from dfstudy.data.columns import PAIR
from dfstudy.errors import StudyError
from dfstudy.model.checkpoint import RETRAIN, keep_source, read_checkpoint, save_checkpoint
from dfstudy.model.device import DeviceSetup, choose_place
from dfstudy.model.process_group import ALONE, Team, join_team, launched
from dfstudy.model.tuning import remove_updates
from dfstudy.system.finished import FILE, lacking
from dfstudy.system.kept import write_atomic
from dfstudy.system.lock import file_lock
from dfstudy.system.provenance import digest
from dfstudy.train.key import describe_run
from dfstudy.train.launch import launch
from dfstudy.train.learner import pictures_at_once
from dfstudy.train.log import tell
from dfstudy.train.loop import STATE, Part, Trainer
from dfstudy.train.memory import explain_out_of_memory
from dfstudy.train.naming import say_run
from dfstudy.train.selection import check_both_classes
from dfstudy.train.threshold import best_threshold, fit_temperature

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study


@dataclass(frozen=True)
class Run:
    """A finished training.

    Attributes:
        history: a row an epoch: epoch, train_loss, train_accuracy, train_auc (over the epoch's augmented
            images, as the network learned), val_loss, val_accuracy, val_auc, learning_rate (its last).
        timings: a row an epoch: epoch, seconds (with validation), pictures_per_second (training alone).
        checkpoint: the JSON that describes the weights, see `dfstudy.model.checkpoint`.
    """

    key: str
    seed: int
    folder: Path
    history: pd.DataFrame
    timings: pd.DataFrame
    checkpoint: dict[str, Any]

    @property
    def clean(self) -> pd.DataFrame:
        """Logits of the best weights on unvaried training and validation images.

        Columns part, path, label, group, logit: what threshold, temperature and the gap come from. Raises
        StudyError where the table is gone or is none.
        """
        return _read_table(self.folder / "clean.csv")


def train_all(study: Study, split: Split, progress: bool = True) -> list[Run]:
    """One run for each seed of the study, in the order of its list."""
    return [train(study, split, seed, progress) for seed in study.training.seeds]


def train(study: Study, split: Split, seed: int, progress: bool = True, name: str = "") -> Run:
    """Find the finished run, go on with an unfinished one, or train.

    Args:
        progress: show a bar and a line an epoch on stderr.
        name: what these call it; empty is the study's name and the seed. See `say_run`.
    Raises:
        StudyError: one class is missing, or weights cannot be had.
        Diverged: the loss left the finite numbers.
    """
    recipe, name = study.training, name or say_run(study, seed)
    place = choose_place(recipe.precision, recipe.devices, recipe.deterministic, recipe.threads)
    shaped_by = describe_run(study, split.fingerprint, seed, place)
    key = f"seed{seed}-{digest(shaped_by)[:16]}"
    folder = study.out / "runs" / key
    if not lacking(folder):
        return load_run(folder)
    for other in _trained_elsewhere(folder, shaped_by):
        tell(f"{name}: finished for {other}, not for {place.name}: trained again for it", progress)
    folder.mkdir(parents=True, exist_ok=True)
    if launched() > 1:  # the process that launched this team holds the lock
        team = join_team(recipe.devices, place.device)
        _train_and_select(study, split, seed, place, folder, name, progress, team)
        return load_run(folder)
    with _alone(folder / "lock", name, progress):
        if study.base and lacking(folder) and not lacking(study.base / "runs" / key):
            _copy_run(study.base / "runs" / key, folder)
            tell(f"{name}: taken from {study.base.name}", progress)
        if gone := lacking(folder):  # else it was finished while we waited
            if FILE not in gone:
                tell(f"{name}: finished, but lacks {', '.join(gone)}: trained again", progress)
            write_atomic(folder / "config.json", _json_bytes(shaped_by))
            if recipe.devices > 1:
                launch(study, seed, folder)
            else:
                _train_and_select(study, split, seed, place, folder, name, progress, ALONE)
    return load_run(folder)


def _copy_run(finished: Path, folder: Path) -> None:
    """A run of the same key is the same run; the file that says so comes last."""
    left_out = shutil.ignore_patterns(FILE, "lock")
    shutil.copytree(finished, folder, ignore=left_out, dirs_exist_ok=True)
    write_atomic(folder / FILE, (finished / FILE).read_bytes())


def load_run(folder: Path) -> Run:
    """A finished run from its folder.

    Raises:
        StudyError: it is not finished, something of it is gone, or its description or a table is none.
    """
    told = read_checkpoint(folder)
    if gone := lacking(folder):
        raise StudyError(f"{folder} lacks {', '.join(gone)}", "train it again: make report")
    history, timings, clean = (
        _read_table(folder / f"{name}.csv") for name in ("history", "timings", "clean")
    )
    return Run(folder.name, told["seed"], folder, history, timings, {**told, **_choose(clean)})


def _choose(clean: pd.DataFrame) -> dict[str, float]:
    """What the rules of today choose on a run's validation images, whatever its file says."""
    chosen_on = [clean.loc[clean["part"] == "val", name].to_numpy() for name in ("logit", "label")]
    return {"threshold": best_threshold(*chosen_on), "temperature": fit_temperature(*chosen_on)}


def _trained_elsewhere(folder: Path, shaped_by: dict[str, Any]) -> list[str]:
    """Devices other than this one for which the same run is finished: their rounding is not this one's."""
    found = []
    for file in sorted(folder.parent.glob(f"seed{shaped_by['seed']}-*/config.json")):
        try:
            told = dict(json.loads(file.read_text("utf-8")))
        except (OSError, ValueError, TypeError):  # a damaged one tells nothing, and is no reason to end
            continue
        if not lacking(file.parent) and {**told, "device": ""} == {**shaped_by, "device": ""}:
            found.append(told["device"])
    return found


def _train_and_select(
    study: Study,
    split: Split,
    seed: int,
    place: DeviceSetup,
    folder: Path,
    name: str,
    progress: bool,
    team: Team,
) -> None:
    if team.leads and (folder / FILE).is_file():  # something is gone: from the start, and not finished
        for name in (STATE, FILE):
            (folder / name).unlink(missing_ok=True)
    team.wait()
    rows = {part: split.part(part) for part in ("train", "val")}
    for part, called in (("train", "training"), ("val", "validation")):
        check_both_classes(rows[part]["label"].to_numpy(), called)
    parts = {part: _part(split, table) for part, table in rows.items()}
    trainer = Trainer(study, seed, parts["train"], parts["val"], place, folder, team)
    with explain_out_of_memory(trainer):
        trainer.run(name, progress)
    best = trainer.progress.best_epoch
    tell(f"{name}: best epoch {best}, scoring its training images", progress and team.leads)
    team.wait()  # until the leader has written
    remove_updates(trainer.learner.tested)
    trainer.learner.tested.load_state_dict(load_file(folder / "best.safetensors"))
    logits = {part: trainer.clean_logits(pictures) for part, pictures in parts.items()}
    if team.leads:
        _write_run(study, split, trainer, rows, parts, logits)
    team.wait()


def _write_run(
    study: Study,
    split: Split,
    trainer: Trainer,
    rows: dict[str, pd.DataFrame],
    parts: dict[str, Part],
    logits: dict[str, Tensor],
) -> None:
    """Write what a finished training leaves; `checkpoint.json`, which makes it one, comes last."""
    folder = trainer.folder
    tables = [
        table[["path", "label", "group"]].assign(part=part, logit=logits[part].double().numpy())
        for part, table in rows.items()
    ]
    clean = pd.concat(tables)[["part", "path", "label", "group", "logit"]]
    _write_table(folder / "history.csv", pd.DataFrame(trainer.progress.history))
    _write_table(folder / "timings.csv", pd.DataFrame(trainer.progress.timings))
    _write_table(folder / "clean.csv", clean)
    description = {
        **describe_run(study, split.fingerprint, trainer.seed, trainer.place),
        **_describe_trained(trainer),
        **_choose(clean),
        "clean": {
            part: {**vars(trainer.score(logits[part], told.labels)), "pictures": len(told.labels)}
            for part, told in parts.items()
        },
    }
    keep_source(folder, study.model)
    save_checkpoint(folder, ("best", "last"), description)
    (folder / STATE).unlink()


def _describe_trained(trainer: Trainer) -> dict[str, Any]:
    everything, trainable = trainer.learner.parameters
    return {
        "backbone": trainer.study.model.network,
        "size": trainer.size,
        "normalisation": vars(trainer.normalisation),
        "new_layers": list(trainer.learner.new_layers),
        "fake_weight": trainer.weight,
        "parameters": everything,
        "trainable": trainable,
        "pictures_a_step": trainer.recipe.batch_size,
        "pictures_at_once": pictures_at_once(trainer.recipe),
        "best_epoch": trainer.progress.best_epoch,
        "epochs": len(trainer.progress.history),
    }


def _part(split: Split, table: pd.DataFrame) -> Part:
    paths = [split.root / path for path in table["path"]]
    sizes = table[["width", "height"]].to_numpy("int64")
    sets = pd.factorize(table[PAIR])[0] if PAIR in table else None
    return Part(paths, table["label"].to_numpy("int64"), sizes, sets)


class _alone:
    """Hold a run's lock; the operating system frees it when its holder ends, however it ends."""

    def __init__(self, file: Path, name: str, progress: bool) -> None:
        self.lock, self.name, self.progress = file_lock(file), name, progress

    def __enter__(self) -> None:
        try:
            self.lock.acquire(timeout=0)
        except Timeout:
            tell(f"{self.name}: another process trains this run; waiting for it", self.progress)
            self.lock.acquire()

    def __exit__(self, *_: object) -> None:
        self.lock.release()


def _json_bytes(value: Any) -> bytes:
    return (json.dumps(value, indent=1, sort_keys=True) + "\n").encode()


def _write_table(file: Path, table: pd.DataFrame) -> None:
    write_atomic(file, table.to_csv(index=False, lineterminator="\n").encode())


def _read_table(file: Path) -> pd.DataFrame:
    try:
        return pd.read_csv(file, keep_default_na=False, dtype={"path": str, "group": str})
    except (OSError, ValueError) as error:
        raise StudyError(f"{file} cannot be read: {error}", RETRAIN) from None
