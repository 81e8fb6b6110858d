"""The audit: which trainings it asks for, and that it finds planted costs and flattery and no others."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from zlib import crc32

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import pytest
from scipy.special import expit
from sklearn.metrics import roc_auc_score

from dfstudy.chapters.c08_protocol import figures, measure
from dfstudy.chapters.c08_protocol.effect import FlawEffect, mean_by_batch
from dfstudy.chapters.c08_protocol.measure import measure_defects
from dfstudy.chapters.c08_protocol.numbers import defect_numbers
from dfstudy.data.split import Split
from dfstudy.errors import Diverged
from dfstudy.stats.learning import Learning
from dfstudy.stats.metrics import accuracy, log_loss
from dfstudy.stats.paired import PairedDifference, paired_difference
from dfstudy.study.comparisons import Defects, Evaluate, Forgeries, Policies
from dfstudy.study.recipe import Model, Protocol, Training
from dfstudy.study.study import load_study
from dfstudy.variants.defects import ALL, SWITCHES, correct_variant, guess_labels, thin_fakes, why_not
from dfstudy.variants.registry import DEFECTS, find_variants, list_variants
from dfstudy.variants.variant import Variant

GROUPS = {"train": 60, "val": 40, "test": 60}


def make_split(root: str = "pictures", fake: str = "fake", real: str = "real") -> Split:
    """Groups of two reals and two fakes, by method in turn; folders named as asked."""
    rows = []
    for part, count in GROUPS.items():
        for group in range(count):
            for frame in range(4):
                label = frame % 2
                path = f"{fake if label else real}/{part}_{group:03d}_{frame}.png"
                method = ["swap", "gan"][frame // 2] if label else "real"
                rows.append((path, path, label, method, f"{part}{group}", part))
    table = pd.DataFrame(rows, columns=["path", "sha256", "label", "method", "group", "split"])
    table = table.sort_values("path", ignore_index=True)
    return Split(table, table.iloc[:0], Path(root), "f" * 64, True, (), table.iloc[:0])


def make_study(seeds: int = 4, **changed):
    study = load_study("sample", out="somewhere")
    recipe = study.training.model_copy(update={"seeds": list(range(seeds)), "batch_size": 64})
    parts = {
        "model": Model(),
        "training": recipe,
        "defects": Defects(seeds=seeds),
        "evaluate": Evaluate(replicates=100),
    }
    parts |= {"policies": Policies(names=[]), "forgeries": Forgeries()}
    return study.model_copy(update=parts | changed)


def scored(rows: pd.DataFrame, variant: str, seed: int, skill: float) -> pd.DataFrame:
    """A table of `predict`; what is hard about an image is the same for every network."""
    hard = np.array([np.random.default_rng(crc32(path.encode())).normal() for path in rows["sha256"]])
    noise = np.random.default_rng([seed, crc32(variant.encode())]).normal(0, 0.15, len(rows))
    logit = skill * (2 * rows["label"].to_numpy() - 1) + hard + noise
    table = rows[["path", "label", "method", "group"]].assign(logit=logit, probability=expit(logit))
    return table.reset_index(drop=True)


def make_tested(study, split, skills: dict[str, float], own: dict[str, float] | None = None) -> dict:
    """Every variant, tested: `skills` on the honest images and, where `own` says so, on what it reports."""
    variants = [correct_variant(study, split), *list_variants(study, split, DEFECTS)]
    made = {}
    for variant in variants:
        honest = skills.get(variant.name, 1.0)
        claimed = (own or {}).get(variant.name, honest)
        torn = variant.name == "defect_random_split"
        seeds = variant.study.training.seeds
        made[variant.name] = measure.AuditedVariant(
            variant,
            [
                scored(variant.split.part("test"), variant.name, seed, claimed if torn else honest)
                for seed in seeds
            ],
            [scored(variant.split.part("val"), variant.name, seed, claimed) for seed in seeds],
        )
    return made


def test_each_arm_turns_on_its_own_defect_and_shares_the_test():
    study, split = make_study(seeds=2), make_split()
    variants = {variant.name: variant for variant in list_variants(study, split, DEFECTS)}
    assert list(variants) == [
        *("defect_bgr_channels", "defect_raw_pixels", "imbalanced", "defect_inverted_class_weight"),
        *("defect_random_split", "defect_selection_is_result", "defect_plain_sgd", "defect_all"),
    ]
    for name, variant in variants.items():
        on = variant.study.protocol.model_dump(exclude_defaults=True)
        if name != "defect_all":
            assert on == ({} if name == "imbalanced" else {name.removeprefix("defect_"): True})
        same = variant.study.model_copy(update={"protocol": Protocol()})
        assert same.model_dump() == study.model_dump()
        assert variant.study.training.seeds == [0, 1]
        if name != "defect_random_split":
            pd.testing.assert_frame_equal(
                *(part.reset_index(drop=True) for part in (variant.split.part("test"), split.part("test")))
            )
    assert set(variants["defect_all"].study.protocol.model_dump(exclude_defaults=True)) == set(SWITCHES) - {
        "drifting_batch_norm",
        "substring_labels",
        "timm_head",
    }
    assert find_variants(study, split, ["defect_all"])[0].study == variants["defect_all"].study


def test_the_correct_arm_is_the_studys_own_run_where_it_is_the_same_training():
    study, split = make_study(seeds=2), make_split()
    base = correct_variant(study, split)
    assert base.name == "main" and base.identity(1) == find_variants(study, split, ["main"])[0].identity(1)
    two = study.model_copy(update={"training": study.training.model_copy(update={"devices": 2})})
    assert correct_variant(two, split).name == "correct" == list_variants(two, split, DEFECTS)[0].name
    short = make_study(seeds=2, defects=Defects(seeds=2, epochs=1))
    assert correct_variant(short, split).name == "correct"
    assert {variant.study.training.epochs for variant in list_variants(short, split, DEFECTS)} == {1}
    off = study.model_copy(update={"defects": Defects(measured=False)})
    assert list_variants(off, split, DEFECTS) == []


def test_a_torn_split_tears_groups_and_keeps_shares():
    study, split = make_study(), make_split()
    for name, kept in (("defect_random_split", ()), ("defect_all", ("test",))):
        torn = find_variants(study, split, [name])[0].split
        assert torn.fingerprint != split.fingerprint and len(torn.rows) == len(split.rows)
        parts = [set(torn.part(part)["group"]) for part in ("train", "val", "test")]
        assert len(parts[0] & parts[1]) > 20
        assert bool(parts[0] & parts[2]) == (not kept)
        for part, count in GROUPS.items():
            assert len(torn.part(part)) == pytest.approx(4 * count, abs=3)
            assert torn.part(part)["label"].mean() == pytest.approx(0.5, abs=0.02)


def test_fakes_are_thinned_in_a_fixed_order_and_the_test_stays():
    split = make_split()
    thin, thinner = (thin_fakes(split, imbalance, 0) for imbalance in (2.0, 5.0))
    for part in ("train", "val"):
        reals = int((split.part(part)["label"] == 0).sum())
        for found, imbalance in ((thin, 2), (thinner, 5)):
            counts = found.part(part)["label"].value_counts()
            assert (counts[0], counts[1]) == (reals, reals // imbalance)
        assert set(thinner.part(part)["path"]) < set(thin.part(part)["path"])
    assert thin.part("test")["path"].tolist() == split.part("test")["path"].tolist()
    shuffled = replace(split, rows=split.rows.sample(frac=1, random_state=0).reset_index(drop=True))
    assert set(thin_fakes(shuffled, 2.0, 0).rows["path"]) == set(thin.rows["path"])


@pytest.mark.parametrize(
    ("split", "told"),
    [
        (make_split(), "no label changes"),
        (make_split(root="real_vs_fake"), "every image would be fake"),
        (make_split(fake="forged"), "every image would be real"),
        (make_split(real="not_fake"), "every image would be fake"),
    ],
)
def test_labels_by_substring_apply_only_where_they_change_some_and_leave_two_classes(split, told):
    assert told in why_not(make_study(), split)["substring_labels"]


def test_guessed_labels_where_some_fakes_are_not_called_fake():
    split = make_split()
    hidden = split.rows["method"] == "gan"
    rows = split.rows.assign(
        path=split.rows["path"].mask(hidden, split.rows["sha256"].str.replace("fake", "gan"))
    )
    split = replace(split, rows=rows)
    guessed = guess_labels(split)
    assert guessed.rows["label"].tolist() == (split.rows["method"] == "swap").astype(int).tolist()
    assert set(guessed.rows.loc[hidden, "method"]) == {"real"}
    assert why_not(make_study(), split)["substring_labels"] == ""
    variant = find_variants(make_study(), split, ["defect_all"])[0]
    assert variant.study.protocol.substring_labels and variant.trained_on == ("swap",)


def test_reasons_follow_the_study():
    study, split = make_study(), make_split()
    assert why_not(study, split)["drifting_batch_norm"] == "no stage is frozen"
    frozen = study.model_copy(update={"model": Model(trainable_stages=1)})
    assert why_not(frozen, split)["drifting_batch_norm"] == ""
    held = study.model_copy(update={"model": Model(trainable_stages=1, batch_norm="eval")})
    assert "still" in why_not(held, split)["drifting_batch_norm"]
    sgd = load_study("original", out="somewhere")
    assert "trains with it" in why_not(sgd, split)["plain_sgd"]
    assert "near zero" in why_not(study, split)["timm_head"] and why_not(sgd, split)["timm_head"] == ""
    loss = study.model_copy(update={"training": Training(select_by="loss", batch_size=64)})
    assert "defect_batch_means" in [variant.name for variant in list_variants(loss, split, DEFECTS)]
    even = study.model_copy(update={"training": Training(batch_size=40)})
    assert "smaller" in why_not(even, split)["batch_means"]
    alone = replace(split, rows=split.rows.assign(group=split.rows["path"]))
    assert "tear apart" in why_not(study, alone)["random_split"]
    few = make_study(defects=Defects(imbalance=20))
    assert "6 fakes" in why_not(few, split)["inverted_class_weight"]


def test_planted_costs_and_flattery_are_found_and_nothing_else():
    study, split = make_study(), make_split()
    skills = {"defect_bgr_channels": 0.2, "defect_all": 0.4}
    own = {"defect_random_split": 2.5, "defect_all": 1.8}
    audit = measure_defects(study, split, make_tested(study, split, skills, own))
    verdicts = {name: effect.verdict(0.05) for name, effect in audit.effects.items()}
    assert verdicts == {
        **dict.fromkeys(SWITCHES, "no difference found"),
        **dict.fromkeys(("drifting_batch_norm", "substring_labels", "timm_head"), "does not apply"),
        "bgr_channels": "worsens",
        "random_split": "flatters",
        ALL: "worsens and flatters",
    }


def test_a_defect_that_cannot_be_trained_is_a_finding_and_the_others_are_measured(monkeypatch):
    study, split = make_study(), make_split()
    where = "the loss is not finite any more: seed 0, epoch 1, step 5 of 20"

    def test_runs(variant, progress):
        if variant.study.protocol.raw_pixels:
            raise Diverged(where, "a lower rate")
        return []

    monkeypatch.setattr(Variant, "train", test_runs)
    monkeypatch.setattr(measure, "judge_runs", lambda *_: None)
    found = measure.run_defects(study, split)
    assert {name for name, one in found.items() if one.diverged} == {"defect_raw_pixels", "defect_all"}
    tested = make_tested(study, split, {"defect_bgr_channels": 0.2})
    tested |= {name: found[name] for name in ("defect_raw_pixels", "defect_all")}
    audit = measure_defects(study, split, tested)
    verdicts = {name: effect.verdict(0.05) for name, effect in audit.effects.items()}
    assert verdicts["raw_pixels"] == verdicts[ALL] == "diverges"
    assert verdicts["bgr_channels"] == "worsens"
    numbers = {number.id: number for number in defect_numbers(audit)}
    assert numbers["defect.raw_pixels.applies"].value == 1
    assert numbers["defect.raw_pixels.diverged"].value == 1
    assert numbers["defect.raw_pixels.auc.change"].value is None
    assert where in numbers["defect.all.auc.inflation"].note
    shown = figures.verdict_table(audit).set_index("flaw")
    assert shown.loc["raw grey levels", "verdict"] == "diverges"
    told = figures.answer_defects(audit, numbers)
    assert "make training diverge: raw grey levels." in told and "All together: training diverges" in told
    assert "No difference found: " in told and "Inconclusive" not in told
    drawn = figures.draw_effects(audit)
    assert "a training diverged" in [text.get_text() for text in drawn.axes[0].texts]
    plt.close(drawn)


def test_a_correct_training_that_diverges_ends_the_audit(monkeypatch):
    def diverge(variant, progress):
        raise Diverged("the loss is not finite any more", "a lower rate")

    monkeypatch.setattr(Variant, "train", diverge)
    with pytest.raises(Diverged):
        measure.run_defects(make_study(), make_split())


def test_groups_are_drawn_at_every_level_because_runs_keep_no_videos():
    split = make_split()
    levels = [Evaluate(replicates=100, level=level) for level in ("group", "video")]
    group, video = (
        measure_defects(study, split, make_tested(study, split, {}))
        for study in (make_study(seeds=2, evaluate=settings) for settings in levels)
    )
    assert defect_numbers(video) == defect_numbers(group) and video.settings.level == "group"


def test_values_are_what_a_second_way_computes():
    study, split = make_study(seeds=2), make_split()
    tested = make_tested(study, split, {"defect_bgr_channels": 0.5}, {"defect_selection_is_result": 2.0})
    audit = measure_defects(study, split, tested)
    labels = split.part("test")["label"]

    def by(name, table):
        return np.mean(
            [roc_auc_score(each["label"], each["probability"]) for each in getattr(tested[name], table)]
        )

    change = audit.effects["bgr_channels"].changes["auc"]
    assert change.value == pytest.approx(by("defect_bgr_channels", "test") - by("main", "test"))
    selection = audit.effects["selection_is_result"]
    assert selection.inflation["auc"].value == pytest.approx(
        by("defect_selection_is_result", "validation") - by("defect_selection_is_result", "test")
    )
    assert selection.compared == len(labels) + len(split.part("val"))
    means = audit.effects["batch_means"]
    assert means.changes == {} and means.compared == len(labels)
    hits = [
        (table.sort_values("path")["probability"] >= 0.5).to_numpy() == table.sort_values("path")["label"]
        for table in tested["main"].test
    ]
    taken = [np.mean([hit[at : at + 64].mean() for at in range(0, len(hit), 64)]) for hit in hits]
    assert means.inflation["accuracy"].value == pytest.approx(np.mean(taken) - np.mean(hits))


def test_wrong_labels_are_compared_with_right_ones_on_the_same_pictures():
    split = make_split()
    gan = split.rows["method"] == "gan"
    split = replace(
        split,
        rows=split.rows.assign(path=split.rows["path"].mask(gan, "gan/" + split.rows.index.astype(str))),
    )
    split = replace(split, rows=split.rows.sort_values("path", ignore_index=True))
    study = make_study()
    audit = measure_defects(study, split, make_tested(study, split, {}))
    effect = audit.effects["substring_labels"]
    # tables hold scores that follow the guessed labels: true labels find half of the fakes among the reals
    assert effect.compared == len(split.part("test"))
    assert effect.changes["auc"].value < -0.1 and effect.inflation["auc"].value > 0.1
    assert effect.verdict(0.05) == "worsens and flatters"


def test_p_are_holms_over_single_defects_and_over_all_together():
    study, split = make_study(), make_split()
    audit = measure_defects(study, split, make_tested(study, split, {"defect_bgr_channels": 0.2}))
    raw = {(name, kind): one.p for name, each in audit.effects.items() for kind, one in each.asked().items()}
    adjusted = {(name, kind): audit.effects[name].adjusted[kind] for name, kind in raw}
    single = {key: p for key, p in raw.items() if key[0] != ALL}
    assert len(single) == 8 and len(raw) == 10 and min(raw, key=raw.get) == ("bgr_channels", "change")
    assert adjusted["bgr_channels", "change"] == pytest.approx(8 * min(raw.values()))
    both = sorted(raw[ALL, kind] for kind in ("change", "inflation"))
    first, second = sorted(adjusted[ALL, kind] for kind in ("change", "inflation"))
    assert (first, second) == pytest.approx((min(2 * both[0], 1), max(min(2 * both[0], 1), both[1])))


def test_what_only_the_correction_hides_is_inconclusive():
    flat, apart = np.full((3, 18), 0.5), np.tile([0.2, 0.8], (3, 9))
    one = paired_difference([0, 1] * 9, flat, apart, range(18), Evaluate())
    made = {
        p: FlawEffect("raw_pixels", changes={"auc": replace(one, p=p)}, adjusted={"change": 0.3})
        for p in (0.01, 0.3)
    }
    assert {p: effect.verdict(0.05) for p, effect in made.items()} == {
        0.01: "inconclusive",
        0.3: "no difference found",
    }


def test_a_metric_by_batches_counts_the_last_whole():
    random = np.random.default_rng(0)
    labels, scores = random.integers(0, 2, 21), random.uniform(0.05, 0.95, 21)
    weights = random.integers(0, 3, (5, 21)).astype(float)
    for metric in (log_loss, lambda labels, scores, weights: accuracy(labels, scores, 0.5, weights)):
        found = mean_by_batch(metric, 8)(labels, scores, weights)
        for row, value in zip(weights, found, strict=True):
            repeated = [
                np.repeat(np.arange(at, min(at + 8, 21)), row[at : at + 8].astype(int)) for at in (0, 8, 16)
            ]
            each = [metric(labels[part], scores[part], None) for part in repeated if len(part)]
            assert value == pytest.approx(np.mean(each))


def test_numbers_say_what_applies_and_what_they_cover():
    study, split = make_study(), make_split()
    audit = measure_defects(study, split, make_tested(study, split, {}, {"defect_all": 2.0}))
    numbers = {number.id: number for number in defect_numbers(audit)}
    assert {f"defect.{name}.applies" for name in (*SWITCHES, ALL)} <= set(numbers)
    assert numbers["defect.drifting_batch_norm.applies"].value == 0
    assert numbers["defect.drifting_batch_norm.applies"].note == "no stage is frozen"
    assert "defect.drifting_batch_norm.auc.change" not in numbers
    assert "4 seeds" in numbers["defect.bgr_channels.auc.change"].note
    assert numbers["defect.bgr_channels.auc.inflation"].value == 0
    assert numbers["defect.random_split.auc.change"].value is None
    assert numbers["defect.all.accuracy.inflation"].low > 0
    reported, true = (numbers[f"defect.all.{side}.accuracy"].value for side in ("reported", "true"))
    assert numbers["defect.all.accuracy.inflation"].value == pytest.approx(reported - true)
    assert numbers["defect.inverted_class_weight.log_loss.detectable"].value > 0
    off = study.model_copy(update={"defects": Defects(measured=False)})
    nothing = {number.id: number for number in defect_numbers(measure_defects(off, split, {}))}
    assert set(nothing) == {f"defect.{name}.applies" for name in (*SWITCHES, ALL)}
    assert all("measured is false" in number.note for number in nothing.values())


def learning(train_auc: float) -> Learning:
    """Of networks that rank their training images so, surely, and predict validation well."""
    spread = (0.5, 0.1, (train_auc,) * 4, 0.01, 0.01, 9.0, 40, Evaluate())
    gain = PairedDifference(0.2, 0.1, 0.3, *spread)
    return Learning(
        PairedDifference(train_auc, train_auc - 0.05, train_auc + 0.04, *spread), gain, 0.8, 0.0, False, 90
    )


def test_no_defect_is_judged_beside_a_correct_network_that_has_not_learned():
    study, split = make_study(), make_split()
    tested = make_tested(study, split, {"defect_bgr_channels": 0.2})
    for state, verdict in ((learning(0.6), "not trained enough to tell"), (learning(0.95), "worsens")):
        tested["main"] = replace(tested["main"], learning=state)
        audit = measure_defects(study, split, tested)
        assert audit.effects["bgr_channels"].verdict(0.05) == verdict
        numbers = {number.id: number for number in defect_numbers(audit)}
        assert numbers["defect.correct.learned"].value == int(state.learned)


def test_a_network_that_has_not_learned_costs_and_flatters_nobody():
    study, split = make_study(), make_split()
    tested = make_tested(study, split, {"defect_all": 0.1}, {"defect_all": 1.8})
    assert measure_defects(study, split, tested).effects[ALL].verdict(0.05) == "worsens and flatters"
    tested["defect_all"] = replace(tested["defect_all"], learning=learning(0.6))
    assert measure_defects(study, split, tested).effects[ALL].verdict(0.05) == "worsens"


def test_two_seeds_decide_no_defect():
    study, split = make_study(seeds=2), make_split()
    audit = measure_defects(study, split, make_tested(study, split, {"defect_bgr_channels": 0.0}))
    assert audit.effects["bgr_channels"].changes["auc"].high < 0
    assert audit.effects["bgr_channels"].verdict(0.05) == "inconclusive"
