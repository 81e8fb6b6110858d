"""The model card beside a checkpoint: `model_card.md` in the run's folder.

Takes a study, its split, a finished run and that run's test predictions; gives the card as Markdown with the
hub's metadata above it, filled into `model_card.md.j2`, in the order of Mitchell et al. 2019 (Model Cards for
Model Reporting, arXiv 1810.03993). Numbers are of this one network and carry their intervals. Same inputs,
same bytes: no date, and no path of a machine. Written in one step; it is no part of what makes a run.
Refused: a test that is not this run's split (by `predict`). Cost: as the chapter's numbers, for one seed.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import pandas as pd
from huggingface_hub import ModelCard, ModelCardData

from dfstudy.model.packaged import find_packaged
from dfstudy.number import Number, name_methods
from dfstudy.present.lookup import read_id
from dfstudy.present.numbers import literal
from dfstudy.stats.aligned import align
from dfstudy.stats.calibration import USED
from dfstudy.stats.decisions import SURE
from dfstudy.stats.measures import measure, number_by_method
from dfstudy.stats.registry import listed
from dfstudy.stats.score_meaning import TARGET, Meaning, calibrate, meaning_numbers
from dfstudy.stats.verdicts import IMPROVES, INCONCLUSIVE, WORSENS
from dfstudy.system.kept import write_atomic

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study
    from dfstudy.train.run import Run

FILE = "model_card.md"
HARDEST = 5  # methods that are listed as hard
TEMPLATE = Path(__file__).with_name("model_card.md.j2")


def write_model_card(study: Study, split: Split, run: Run, predictions: pd.DataFrame) -> Path:
    """Write the card beside the run's checkpoint; returns its file.

    Args:
        predictions: table of `predict` for this run's test.
    """
    file = run.folder / FILE
    write_atomic(file, model_card(study, split, run, predictions).encode())
    return file


def model_card(study: Study, split: Split, run: Run, predictions: pd.DataFrame) -> str:
    """The card's text."""
    meaning = calibrate([run], [predictions], study.evaluate)
    thresholds = [run.checkpoint["threshold"]]
    numbers = measure(align([predictions]), thresholds, study.evaluate, asked=listed("card"))
    methods = number_by_method([predictions], thresholds, study.evaluate)
    told = meaning_numbers(meaning, study.evaluate)
    by_id = {number.id: number for number in [*numbers, *told]}
    return str(
        ModelCard.from_template(
            ModelCardData(
                library_name="timm",
                pipeline_tag="image-classification",
                tags=["deepfake-detection", "dfstudy"],
            ),
            template_path=str(TEMPLATE),
            literal=lambda value: literal(str(value)),
            backbone=run.checkpoint["backbone"],
            seed=run.seed,
            key=run.key,
            title=study.title,
            study_name=study.name,
            network=_network(run),
            data=_data(study, split, run),
            recipe=_recipe(run),
            tested=_tested(split),
            measured=numbers,
            hardest=_hardest(methods, align([predictions]).methods),
            meaning=_meaning(run, meaning, by_id),
            calibrated=told,
            versions=sorted(run.checkpoint.get("versions", {}).items()),
        )
    )


def _network(run: Run) -> list[tuple[str, object]]:
    told = run.checkpoint
    weights = told.get("pretrained", {}).get("source", "none")
    return [
        ("backbone", told["backbone"]),
        ("input", f"{told['size']} pixels a side, resized and padded"),
        ("output", "one logit; its sigmoid is the probability of fake, before calibration"),
        ("parameters", f"{told['parameters']:,}, of which {told['trainable']:,} were trained"),
        ("started from", _source(told["backbone"], weights)),
        ("weights file", f"best.safetensors, sha256 {told['weights']['best']}"),
        ("trained on device", told.get("device", "not recorded")),
    ]


def _source(backbone: str, weights: str) -> str:
    if weights == "none":
        return "random weights"
    if weights != "package":
        return weights
    known = find_packaged(backbone)
    return f"{known.origin} (package {known.package}, licence {known.licence}, sha256 {known.sha256})"


def _data(study: Study, split: Split, run: Run) -> list[tuple[str, object]]:
    card = study.data.card
    train, val = split.part("train"), split.part("val")
    fakes = train[train["label"] == 1]
    methods = fakes["method"].value_counts().sort_index(kind="stable")
    named = ", ".join(f"{name} ({count:,})" for name, count in methods.items())
    kind = "portraits rendered by a program; no person is shown" if study.is_sample else "a folder of images"
    stated = [
        (name, getattr(card, name).strip() or f"not stated (data.card.{name} of the study file)")
        for name in ("origin", "licence", "consent", "notes")
    ]
    missing = split.why_groups_unknown
    known = f"{missing}: a person may be in several splits" if missing else "named by the set"
    return [
        ("images", f"{kind}: {_count(train)}"),
        ("forgery methods", named),
        ("groups", f"{train['group'].nunique():,}; {known}"),
        ("validation", f"{_count(val)}, which chose the epoch, the threshold and the calibration"),
        *stated,
        ("fingerprint of images and split", run.checkpoint["fingerprint"]),
    ]


def _recipe(run: Run) -> list[tuple[str, object]]:
    told, recipe = run.checkpoint, run.checkpoint["training"]
    rate, decay = f"{recipe['learning_rate']:g}", f"{recipe['weight_decay']:g}"
    return [
        ("optimiser", f"{recipe['optimiser']}, weight decay {decay}"),
        ("learning rate", f"{rate} at most, {recipe['schedule']} schedule"),
        ("steps", f"{recipe['batch_size']} images each"),
        ("epochs", f"{told['epochs']} of at most {recipe['epochs']}; the best by {recipe['select_by']} was "
         f"{told['best_epoch']}"),
        ("weight of a fake in the loss", f"{told['fake_weight']:.3g}"),
        ("augmentation", told["policy"]),
        ("seed", run.seed),
    ]  # fmt: skip


def _tested(split: Split) -> dict[str, str]:
    test = split.part("test")
    return {"count": _count(test), "groups": f"{test['group'].nunique():,}"}


def _hardest(methods: list[Number], images: Mapping[str, object]) -> list[tuple[str, Number, Number]]:
    """(method, share of its fakes found, AUC), smallest share first; none where the test holds no fake."""
    names = name_methods(images)
    of = {x.id: read_id(x.id) for x in methods}
    found = {of[x.id].method: x for x in methods if of[x.id].quantity == "sensitivity"}
    ranked = sorted(found, key=lambda slug: (_value(found[slug]), slug))[:HARDEST]
    auc = {x.id: x for x in methods}
    return [(names[slug], found[slug], auc[f"test.auc.method.{slug}"]) for slug in ranked]


def _meaning(run: Run, meaning: Meaning, numbers: Mapping[str, Number]) -> list[str]:
    used = meaning.judgements[USED]
    [fitted] = used.calibrations
    effect = {
        IMPROVES: "On the test this improves the log-loss.",
        WORSENS: "On the test this worsens the log-loss: the probabilities before it are better.",
        INCONCLUSIVE: "Whether this improves the log-loss cannot be said from the test.",
    }[used.verdict()]
    lines = [
        f"Verdict: fake from probability {run.checkpoint['threshold']:.4f} (before calibration) on, which "
        f"is {meaning.thresholds[0]:.4f} after it; chosen on validation for the best balanced accuracy.",
        f"Calibration: sigmoid({fitted.slope:.4f} * logit {fitted.intercept:+.4f}). {effect}"
        f"{''.join(f' Note: {remark}.' for remark in used.remarks)} A probability is right where "
        f"{fitted.fakes:.0%} of the images are fake, as among the validation images; where fakes are "
        "rarer it is too high.",
    ]
    for rate, [alarm] in meaning.alarms.items():
        percent = f"{100 * rate:g}"
        became = numbers[f"test.false_alarms.at_{percent.replace('.', '_')}"]
        if alarm.threshold is None:
            lines.append(f"At most {percent} % false alarms: no threshold. There are {alarm.lacks}.")
            continue
        from_here = (
            f"fake from calibrated probability {alarm.threshold:.4f} on"
            if math.isfinite(alarm.threshold)
            else "nothing is called fake"
        )
        lines.append(f"At most {percent} % false alarms {SURE}: {from_here}; on the test {became}.")
    [band] = meaning.bands
    lines.append(
        f"Unsure band, at most {100 * TARGET:g} % of the verdicts of each kind wrong {SURE}: "
        f"{_band(band.low, band.high)}"
    )
    return lines


def _band(low: float, high: float) -> str:
    real = f"real below {low:.4f}" if math.isfinite(low) else "nothing is called real"
    fake = f"fake from {high:.4f} on" if math.isfinite(high) else "nothing is called fake"
    return f"{real}, {fake}, on calibrated probabilities; no verdict on the rest."


def _count(rows: pd.DataFrame) -> str:
    fakes = int((rows["label"] == 1).sum())
    return f"{len(rows):,} images ({len(rows) - fakes:,} real, {fakes:,} fake)"


def _value(number: Number) -> float:
    return math.inf if number.value is None else float(number.value)
