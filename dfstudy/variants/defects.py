"""The variants of chapter 08: the study trained correctly, with one flaw of the original protocol, with all.

Takes a study and its split; gives variants `defect_bgr_channels` and so on, and `defect_all`. They differ
from the study's own run in the defect alone and share its test images. The correct one is the study's own
where that is the same training, so that nothing is trained twice. Which defects apply is decided from the
study and the split, before anything is trained; `why_not` says why one does not.

Two variants have images of their own. `defect_inverted_class_weight` is compared with `imbalanced`: both
learn and select on fakes thinned to `defects.imbalance` reals a fake, because between equal classes the
inverted weight is the right one. Single fakes are thinned, in an order that hashes seed and path: a larger
share contains a smaller one, and most groups keep an image. `defect_random_split` deals all images anew,
test too. In `defect_all` training and validation are dealt anew and the test stays whole, so that its network
can be tested honestly.
"""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import numpy as np

from dfstudy.data.assign import assign_groups
from dfstudy.study.own_code import read_own
from dfstudy.study.recipe import Protocol
from dfstudy.variants.leakage import scatter
from dfstudy.variants.leakage import why_not as nothing_to_tear
from dfstudy.variants.variant import MAIN, Variant, methods_of, with_recipe, with_rows, with_table

if TYPE_CHECKING:
    from dfstudy.data.split import Split
    from dfstudy.study.study import Study

SWITCHES = tuple(Protocol.model_fields)
ALL, CORRECT, IMBALANCED = "all", "correct", "imbalanced"
LEAST_FAKES = 10  # in training and in validation, after thinning: fewer are memorised
# beside the efficientnets, families whose head `timm.models._efficientnet_builder` draws from U(-1, 1)
EFFICIENTNET_BUILDER = ("mobilenetv", "mixnet", "mnasnet", "fbnet", "spnasnet", "tinynet")
WORD = "fake"  # what the original notebook looked for in a path


def list_defects(study: Study, split: Split) -> list[Variant]:
    """What must be trained beside the study's own runs; nothing where `defects.measured` is false."""
    if not study.defects.measured:
        return []
    applying = [switch for switch, reason in why_not(study, split).items() if not reason]
    base = correct_variant(study, split)
    variants = [] if base.name == MAIN else [base]
    for switch in applying:
        if switch == "inverted_class_weight":
            thinned = thin_fakes(split, study.defects.imbalance, study.data.split_seed)
            variants.append(_variant(base, IMBALANCED, thinned))
            variants.append(_variant(base, f"defect_{switch}", thinned, **{switch: True}))
        elif switch == "random_split":
            variants.append(_variant(base, f"defect_{switch}", scatter_all(study, split), **{switch: True}))
        elif switch == "substring_labels":
            variants.append(_variant(base, f"defect_{switch}", guess_labels(split), **{switch: True}))
        elif switch != "batch_means" or study.training.select_by == "loss":
            # means of batch means change no weight where the AUC selects
            variants.append(_variant(base, f"defect_{switch}", split, **{switch: True}))
    together = guess_labels(split) if "substring_labels" in applying else split
    if "random_split" in applying:
        together = _scatter_training(together, study.data.split_seed)
    variants.append(_variant(base, f"defect_{ALL}", together, **dict.fromkeys(applying, True)))
    return variants


def correct_variant(study: Study, split: Split) -> Variant:
    """The study without any defect, for the audit's seeds; named `main` where it is the study's own run."""
    epochs = study.defects.epochs or study.training.epochs
    honest = with_recipe(study, study.defects.seeds, epochs=epochs)
    honest = honest.model_copy(update={"protocol": Protocol()})
    kept = ("devices", "epochs")
    alike = all(getattr(honest.training, name) == getattr(study.training, name) for name in kept)
    same = alike and honest.protocol == study.protocol
    return Variant(MAIN if same else CORRECT, methods_of(split), honest, split)


def why_not(study: Study, split: Split) -> dict[str, str]:
    """For each switch why it does not apply here, in words; empty where it does."""
    reasons = dict.fromkeys(SWITCHES, "")
    if study.model.trainable_stages == "all":
        reasons["drifting_batch_norm"] = "no stage is frozen"
    elif study.model.batch_norm == "eval":
        reasons["drifting_batch_norm"] = "model.batch_norm holds all statistics still"
    reasons["inverted_class_weight"] = _too_few_to_thin(study, split)
    reasons["random_split"] = nothing_to_tear(split)
    reasons["batch_means"] = _whole_batches(study, split)
    reasons["substring_labels"] = _labels_stay(split)
    recorded = study.model_copy(update={"protocol": Protocol(plain_sgd=True)}).recipe
    if recorded == study.training:
        reasons["plain_sgd"] = "the study trains with it"
    reasons["timm_head"] = _small_head(study)
    return reasons


def thin_fakes(split: Split, imbalance: float, seed: int) -> Split:
    """Training and validation with so many reals a fake, where they have fewer; the test stays."""
    rows = split.rows
    keep = np.ones(len(rows), bool)
    for part in ("train", "val"):
        own = rows["split"] == part
        fakes = rows.index[own & (rows["label"] == 1)]
        most = int((own & (rows["label"] == 0)).sum() / imbalance)
        order = sorted(fakes, key=lambda at: _shuffle_key(seed, rows["path"][at]))
        keep[order[most:]] = False
    return with_rows(split, keep)


def scatter_all(study: Study, split: Split) -> Split:
    """Single images drawn at random into all three parts; see `dfstudy.variants.leakage`."""
    return scatter(split, study.data.split_seed)


def guess_labels(split: Split) -> Split:
    """The split with labels guessed from paths: `fake` in the folder's or file's name, or in the root's."""
    rows = split.rows
    found = rows["path"].str.lower().str.contains(WORD, regex=False) | (WORD in split.root.name.lower())
    method = np.where(~found, "real", np.where(rows["label"] == 1, rows["method"], WORD))
    guessed = rows.assign(label=found.astype("int64"), method=method)
    return with_table(split, guessed)


def _variant(base: Variant, name: str, split: Split, **defects: bool) -> Variant:
    study = base.study.model_copy(update={"protocol": Protocol(**defects)})
    return Variant(name, methods_of(split), study, split, is_defective=bool(defects))


def _scatter_training(split: Split, seed: int) -> Split:
    """Single images of training and validation drawn at random in the same shares."""
    rows = split.rows
    learned = rows[rows["split"] != "test"]
    share = float((learned["split"] == "val").mean())
    dealt = assign_groups(learned.assign(group=learned["path"]), {"val": share}, seed)
    return with_table(split, rows.assign(split=rows["path"].map(dealt).fillna("test")))


def _shuffle_key(seed: int, path: str) -> bytes:
    return hashlib.sha256(f"{seed}/{path}".encode()).digest()


def _too_few_to_thin(study: Study, split: Split) -> str:
    if study.defects.imbalance == 1:
        return "defects.imbalance is 1: between equal classes it is the right weight"
    thinned = thin_fakes(split, study.defects.imbalance, study.data.split_seed)
    fakes = [int(thinned.part(part)["label"].sum()) for part in ("train", "val")]
    if min(fakes) >= LEAST_FAKES:
        return ""
    return (
        f"thinned to {study.defects.imbalance:g} reals a fake, training has {fakes[0]} fakes and validation "
        f"{fakes[1]}"
    )


def _small_head(study: Study) -> str:
    """timm draws single logits from U(-1, 1) in networks of its EfficientNet builder alone."""
    if read_own(study.model.backbone):
        return f"{study.model.network} starts as its own code says"
    name = study.model.network.partition(".")[0]
    if "efficientnet" in name or name.startswith(EFFICIENTNET_BUILDER):
        return ""
    return f"timm starts a single logit of {name} near zero"


def _whole_batches(study: Study, split: Split) -> str:
    batch = study.training.batch_size
    for part in ("test", *(("val",) if study.training.select_by == "loss" else ())):
        pictures = len(split.part(part))
        if pictures > batch and pictures % batch:
            return ""
    return f"no last batch of {batch} is smaller than the others"


def _labels_stay(split: Split) -> str:
    guessed = guess_labels(split)
    for part in ("train", "val", "test"):
        found = set(guessed.part(part)["label"])
        if len(found) == 1:
            return f"every image would be {'fake' if 1 in found else 'real'}: there is nothing to learn"
    changed = int((guessed.rows["label"] != split.rows["label"]).sum())
    return "" if changed else f"every path's '{WORD}' is where a fake is: no label changes"
