"""Chapter 05's statistics: against a slow second way, and verdicts on effects that were planted."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from scipy.stats import t as student
from sklearn.metrics import log_loss as reference_log_loss
from sklearn.metrics import roc_auc_score

from dfstudy.chapters.c05_policies import compare
from dfstudy.chapters.c05_policies.compare import compare_policies
from dfstudy.chapters.c05_policies.numbers import policy_numbers
from dfstudy.chapters.c05_policies.per_metric import QUANTITIES
from dfstudy.chapters.c05_policies.questions_policies import decide_on_policies
from dfstudy.chapters.c05_policies.questions_transforms import decide_on_transforms
from dfstudy.stats.comparisons import holm
from dfstudy.study.comparisons import Evaluate, Policies
from dfstudy.study.study import load_study
from dfstudy.variants.policies import Trained, list_comparisons

NOTHING = {"leave_one_out": False, "add_one": False, "strengths": [], "budgets": []}


def make_study(replicates=200, seeds=(3, 4, 5), **wanted):
    study = load_study("sample", out="somewhere")
    recipe = study.training.model_copy(update={"epochs": 16, "seeds": list(seeds)})
    wanted = {"names": ["none", "original"], "seeds": len(seeds), **wanted}
    changed = {
        "training": recipe,
        "policies": Policies(**wanted),
        "evaluate": Evaluate(replicates=replicates),
    }
    return study.model_copy(update=changed)


def found(study, tested):
    compared = compare_policies(study, tested)
    numbers = policy_numbers(study, compared)
    assert len({number.id for number in numbers}) == len(numbers)
    return compared, {number.id: number for number in numbers}


def effect(compared, stem, quantity="auc"):
    (one,) = (x for x in compared.effects if (x.comparison.stem, x.quantity) == (stem, quantity))
    return one


def slow_interval(parts, statistic, replicates, seed=0):
    """Error of a mean over seeds by drawing groups and repeating their images, one draw after the other.

    `parts`: tables with a column group; `statistic` takes as many lists of row numbers.
    """
    random, drawn = np.random.default_rng(seed), []
    groups = [sorted(part["group"].unique()) for part in parts]
    members = [
        [np.flatnonzero(part["group"] == g) for g in own] for part, own in zip(parts, groups, strict=True)
    ]
    for _ in range(replicates):
        rows = [np.concatenate([own[at] for at in random.integers(0, len(own), len(own))]) for own in members]
        drawn.append(statistic(*rows))
    least = min(map(len, groups))
    return np.std(drawn, ddof=1) * np.sqrt(least / (least - 1))


def test_a_difference_is_that_of_a_slow_second_way(make_tested):
    study = make_study(names=["none", "original"], **NOTHING)
    tested = make_tested(study, {"original": 0.4}, groups=30, seed_sd=0.2)
    one = effect(compare_policies(study, tested), "policy.original")
    first, second = (
        [table[table["method"] != "warp"].reset_index(drop=True) for table in tested[Trained(p, 16)].test]
        for p in ("none", "original")
    )

    def gained(rows):
        values = [
            roc_auc_score(b["label"][rows], b["probability"][rows])
            - roc_auc_score(a["label"][rows], a["probability"][rows])
            for a, b in zip(first, second, strict=True)
        ]
        return np.array(values)

    each = gained(np.arange(60))
    assert one.difference.each == pytest.approx(each) and one.n == 60
    pictures = slow_interval([first[0]], lambda rows: gained(rows).mean(), 200)
    seeds = np.std(each, ddof=1) / np.sqrt(3)
    assert one.difference.sampling_error == pytest.approx(pictures)
    assert one.difference.seed_error == pytest.approx(seeds)
    error = np.hypot(pictures, seeds)
    counted = 3 * seeds**2  # 1 + 4 / 2: a guard against a spread of three seeds that is small by chance
    freedom = (pictures**2 + counted) ** 2 / (pictures**4 / 29 + counted**2 / 2)  # 30 groups of each class
    middle = np.arctanh(each.mean())
    half = student.ppf(0.975, freedom) * error / (1 - each.mean() ** 2)
    ends = np.tanh([middle - half, middle + half])
    assert (one.difference.low, one.difference.high) == pytest.approx(tuple(ends), rel=1e-3)


def test_the_gap_draws_training_and_validation_pictures_apart(make_tested):
    study = make_study(**NOTHING)
    tested = make_tested(study, {"original": -0.4}, groups=20, seed_sd=0.1)
    one = effect(compare_policies(study, tested), "policy.original", "gap")
    tables = {p: tested[Trained(p, 16)].clean for p in ("none", "original")}

    def part(table, name):
        return table[table["part"] == name].reset_index(drop=True)

    def gap(table, rows):
        aucs = [
            roc_auc_score(own["label"][at], own["logit"][at])
            for own, at in zip((part(table, "train"), part(table, "val")), rows, strict=True)
        ]
        return aucs[0] - aucs[1]

    def gained(*rows):
        return np.mean([gap(b, rows) - gap(a, rows) for a, b in zip(*tables.values(), strict=True)])

    whole = np.arange(40)
    assert one.difference.value == pytest.approx(gained(whole, whole)) and one.n == 80
    parts = [part(tables["none"][0], name) for name in ("train", "val")]
    assert one.difference.sampling_error == pytest.approx(slow_interval(parts, gained, 200))
    assert one.difference.value > 0 and one.difference.groups == 40


def test_the_other_quantities_are_what_they_say(make_tested):
    study = make_study(**NOTHING)
    tested = make_tested(study, {"original": 0.5}, groups=25)
    compared, numbers = found(study, tested)
    own = tested[Trained("original", 16)]

    def mean(metric, tables):
        return np.mean([metric(table["label"], table["probability"]) for table in tables])

    known = [table[table["method"] != "warp"] for table in own.test]
    unseen = [table[table["method"] != "swap"] for table in own.test]
    assert numbers["policy.original.unseen"].value == pytest.approx(mean(roc_auc_score, unseen))
    assert numbers["policy.original.log_loss"].value == pytest.approx(mean(reference_log_loss, known))
    corrupted = [
        part for table in own.corrupted for _, part in table[table["method"] != "warp"].groupby("corruption")
    ]
    assert len(corrupted) == 3 * 9
    assert numbers["policy.original.robust"].value == pytest.approx(mean(roc_auc_score, corrupted))
    assert compared.unseen == ("warp",) and numbers["policies.held_out"].note == "warp"
    for name in QUANTITIES:
        value, base = (numbers[f"policy.{p}.{name}"].value for p in ("original", "none"))
        assert numbers[f"policy.original.{name}.difference"].value == pytest.approx(value - base)
        assert "100 % of the epochs (16)" in numbers[f"policy.original.{name}.difference"].note


@pytest.mark.parametrize(("gain", "verdict"), [(0.8, "improves"), (-0.6, "worsens"), (0.0, "inconclusive")])
def test_a_planted_effect_gets_its_verdict(gain, verdict, make_tested):
    study = make_study(**NOTHING)
    compared, numbers = found(study, make_tested(study, {"original": gain}, groups=200))
    for quantity in ("auc", "unseen", "robust"):
        assert effect(compared, "policy.original", quantity).verdict == verdict
    assert numbers[f"policies.{verdict}"].value == 1
    # made-up training images are always ranked well: a worse validation is a larger gap, which worsens
    gap = effect(compared, "policy.original", "gap")
    assert gap.verdict == verdict and (gain == 0 or gap.difference.value * gain < 0)


def test_a_verdict_needs_both_the_interval_and_holm(make_tested):
    study = make_study(**NOTHING)
    one = effect(
        compare_policies(study, make_tested(study, {"original": 0.8}, groups=120)), "policy.original"
    )
    assert one.verdict == "improves"
    assert replace(one, p=0.06).verdict == "inconclusive"
    crossing = replace(one.difference, low=-0.001)
    assert replace(one, difference=crossing).verdict == "inconclusive"
    assert replace(one, quantity="log_loss").verdict == "worsens"  # more of it is worse
    assert replace(one, p=None, difference=replace(one.difference, low=None)).verdict == "inconclusive"


def test_holm_takes_what_is_exploratory_by_kind_quantity_and_budget(make_tested):
    names = ["none", "original", "dfdc_winner", "original-grey"]
    study = make_study(names=names, budgets=[0.5], add_one=False, strengths=[0.5], parts_budget=0.5)
    gains = {"original": 0.3, "dfdc_winner": 0.2, "original*0.5": 0.4}
    compared = compare_policies(study, make_tested(study, gains))
    sizes = {"policy": 3, "leave_out": 7, "strength": 2}
    for kind, size in sizes.items():
        for share in (1.0, 0.5) if kind == "policy" else (0.5,):
            for quantity in ("auc", "gap"):
                own = compared.of(kind, quantity, share)
                declared = kind == "policy" and share == 1
                own = [one for one in own if not declared or one.comparison.subject != "original"]
                raw = [one.difference.p for one in own]
                assert len(own) == size - declared == own[0].family
                assert {one.tier for one in own} == {"exploratory"}
                assert [one.p for one in own] == pytest.approx(holm(raw).tolist())


def test_one_question_stands_alone_and_the_secondary_ones_are_one_family(make_tested):
    study = make_study(names=["none", "dfdc_winner", "original"], **NOTHING)
    compared = compare_policies(study, make_tested(study, {"original": 0.3}, groups=60))
    primary = effect(compared, "policy.original")
    assert (primary.tier, primary.family, primary.p) == ("primary", 1, primary.difference.p)
    secondary = [effect(compared, "policy.original", name) for name in ("gap", "unseen", "robust")]
    assert {(one.tier, one.family) for one in secondary} == {("secondary", 3)}
    expected = holm([one.difference.p for one in secondary]).tolist()
    assert [one.p for one in secondary] == pytest.approx(expected)
    rest = [one for one in compared.effects if one.tier == "exploratory"]
    assert len(rest) == len(compared.effects) - 4 and {one.family for one in rest} == {1, 2}
    numbers = {number.id: number for number in policy_numbers(study, compared)}
    assert "primary question" in numbers["policy.original.auc.p"].note
    assert "over 3, secondary" in numbers["policy.original.unseen.p"].note
    found, among = (numbers[f"policy.original.{name}.detectable"].value for name in ("auc", "unseen"))
    assert found == pytest.approx(primary.difference.detectable)
    assert among > secondary[1].difference.detectable


def test_what_cannot_be_told_has_no_p_and_weighs_in_no_family(make_tested):
    study = make_study(names=["none", "original", "dfdc_winner"], **NOTHING)
    tested = make_tested(study, {"original": 0.3}, groups=60)
    idle = tested[Trained("dfdc_winner", 16)]
    tested[Trained("dfdc_winner", 16)] = replace(
        idle, clean=[table.assign(logit=0.0) for table in idle.clean]
    )
    compared = compare_policies(study, tested)
    own = effect(compared, "policy.dfdc_winner")
    assert own.untold and own.p is None and own.family == 0
    numbers = {number.id: number for number in policy_numbers(study, compared)}
    assert numbers["policy.dfdc_winner.auc.p"].value is None
    assert "not trained enough" in numbers["policy.dfdc_winner.auc.p"].note


@pytest.mark.parametrize("family", [1, 3, 12])
def test_a_detectable_difference_is_that_of_the_corrected_test(family, make_tested):
    study = make_study(**NOTHING)
    found = effect(
        compare_policies(study, make_tested(study, {"original": 0.3}, groups=60)), "policy.original"
    )
    one = found.difference
    error = np.hypot(one.sampling_error, one.seed_error)
    ends = student.ppf([1 - 0.025 / family, 0.8], one.freedom)
    assert one.detectable_among(family) == pytest.approx(ends.sum() * error)
    assert one.detectable_among(1) == pytest.approx(one.detectable)


def test_a_part_is_what_it_adds_and_a_strength_is_against_none(make_tested):
    study = make_study(names=["none", "original"], budgets=[], strengths=[0.5, 2], parts_budget=0.5)
    gains = {
        "original": 0.9,
        "original-grey": -0.5,
        "none+grey": 0.9,
        "original*0.5": 0.9,
        "original*2": -0.6,
    }
    compared, numbers = found(study, make_tested(study, gains, groups=120))
    assert effect(compared, "leave_out.grey").verdict == "improves"
    assert effect(compared, "add_one.grey").verdict == "improves"
    assert effect(compared, "strength.0_5").verdict == "improves"
    assert effect(compared, "strength.2").verdict == "worsens"
    for name in ("0", "0_5", "1", "2"):
        assert (
            0.5 < numbers[f"strength.{name}.auc"].value < 1
            and numbers[f"strength.{name}.gap"].low is not None
        )
    assert numbers["strength.0.auc"].note.startswith("policy none")
    assert "50 % of the epochs (8)" in numbers["leave_out.grey.auc.p"].note
    assert {one.stem for one in list_comparisons(study)} == {one.comparison.stem for one in compared.effects}


COURSES = {
    "crosses": ({4: -0.7, 8: 0.3, 16: 0.9}, 1, (0.25, 0.5)),
    "crosses late": ({4: -0.9, 8: -0.3, 16: 0.7}, 1, (0.5, 1.0)),
    "heads up": ({4: 0.2, 8: 0.5, 16: 1.4}, 1, None),
    "heads down": ({4: -0.1, 8: -0.5, 16: -1.0}, -1, None),
    "crosses down": ({4: 0.9, 8: 0.4, 16: -0.7}, -1, (0.5, 1.0)),
    "flat": ({4: 0.0, 8: 0.0, 16: 0.0}, 0, None),
}


@pytest.mark.parametrize("name", COURSES)
def test_a_course_over_the_budgets_is_read_by_rule(name, make_tested):
    gains, heads, crossing = COURSES[name]
    study = make_study(**{**NOTHING, "budgets": [0.25, 0.5]})
    tested = make_tested(study, lambda t: gains[t.epochs] if t.policy == "original" else 0.0, groups=200)
    compared, numbers = found(study, tested)
    (course,) = compared.courses
    assert (course.heads, course.crossing) == (heads, crossing)
    full, quarter = (numbers[f"policy.original{at}.auc.difference"].value for at in ("", ".at_25"))
    assert numbers["policy.original.auc.trend"].value == pytest.approx(full - quarter)


def test_one_budget_has_no_course_and_one_epoch_neither(make_tested):
    study = make_study(**NOTHING)
    assert compare_policies(study, make_tested(study, {})).courses == ()
    short = make_study(**{**NOTHING, "budgets": [0.5]})
    short = short.model_copy(update={"training": short.training.model_copy(update={"epochs": 1})})
    assert compare_policies(short, make_tested(short, {})).courses == ()


def test_with_every_method_learned_unseen_is_none_and_says_why(make_tested):
    study = make_study(**NOTHING)
    _, numbers = found(study, make_tested(study, {}, unseen=()))
    assert (
        numbers["policy.original.unseen"].value is None is numbers["policy.original.unseen.difference"].value
    )
    assert "no forgery method is held out" in numbers["policy.original.unseen"].note
    assert numbers["policy.original.auc"].value is not None


def test_one_seed_covers_pictures_alone_and_says_so(make_tested):
    study = make_study(seeds=(3,), **NOTHING)
    _, numbers = found(study, make_tested(study, {"original": 0.5}))
    told = numbers["policy.original.auc.difference"]
    assert told.low < told.value < told.high and "one seed: it covers no other" in told.note


def test_few_groups_give_values_without_verdicts(make_tested):
    study = make_study(**NOTHING)
    compared, numbers = found(study, make_tested(study, {"original": 0.5}, groups=1))
    assert numbers["policy.original.auc.difference"].low is None is numbers["policy.original.auc.p"].value
    assert effect(compared, "policy.original").verdict == "inconclusive"


def test_no_policy_named_is_one_number():
    study = make_study(names=[])
    assert compare_policies(study, {}) is None
    (number,) = policy_numbers(study, None)
    assert (number.id, number.value) == ("policies.compared", 0) and "empty" in number.note


def test_trainings_on_other_pictures_are_refused(make_tested):
    study = make_study(**NOTHING)
    tested = make_tested(study, {})
    key = Trained("original", 16)
    other = [table.assign(path=table["path"] + "x") for table in tested[key].clean]
    with pytest.raises(ValueError, match="trained on different images"):
        compare_policies(study, tested | {key: replace(tested[key], clean=other)})
    with pytest.raises(ValueError, match="learned different forgery methods"):
        compare_policies(study, tested | {key: replace(tested[key], learned=("swap", "warp"))})
    turned = [table.iloc[::-1].reset_index(drop=True) for table in tested[key].test]
    same = compare_policies(study, tested | {key: replace(tested[key], test=turned)})
    pd.testing.assert_series_equal(
        pd.Series(effect(same, "policy.original").difference.each),
        pd.Series(effect(compare_policies(study, tested), "policy.original").difference.each),
    )


def untrained(tested, policy):
    """The tests of a policy whose networks rank their own training images by chance."""
    random, (trained,) = np.random.default_rng(5), [one for one in tested if one.policy == policy]
    clean = [table.assign(logit=random.normal(size=len(table))) for table in tested[trained].clean]
    return tested | {trained: replace(tested[trained], clean=clean)}


def test_of_networks_that_have_not_learned_nothing_is_said(make_tested):
    study = make_study(**NOTHING)
    tested = untrained(make_tested(study, {"original": -0.6}, groups=120), "original")
    compared, numbers = found(study, tested)
    assert {one.verdict for one in compared.effects} == {"not trained enough to tell"}
    assert numbers["policy.none.learned"].value == 1 and numbers["policy.original.learned"].value == 0
    assert numbers["policy.original.train_auc"].value < 0.6
    assert numbers["policies.untold"].value == 1 and numbers["policies.worsens"].value == 0
    assert "original has not learned" in numbers["policy.original.auc.difference"].note


def test_where_both_are_near_perfect_there_is_no_room_to_tell(make_tested):
    study = make_study(**NOTHING)
    compared, _ = found(study, make_tested(study, lambda _: 9.0, groups=40))
    assert {effect(compared, "policy.original", name).verdict for name in ("auc", "unseen")} == {
        "no room to tell"
    }


@pytest.mark.parametrize(
    ("quantity", "first", "ends", "said"),
    [
        ("auc", 0.9904, (-0.006, 0.004), True),  # the margin of .01 could not be reached
        ("auc", 0.9904, (-0.06, -0.04), False),  # a loss is told
        ("auc", 0.9899, (-0.006, 0.004), False),
        ("gap", 0.0103, (-0.005, 0.004), True),
        ("gap", 0.0103, (0.03, 0.05), False),
        ("gap", 0.0203, (-0.005, 0.004), False),
        ("log_loss", 0.001, (-0.005, 0.004), False),
    ],
)
def test_a_margin_that_cannot_be_reached_is_not_excluded(make_tested, quantity, first, ends, said):
    one = effect(
        compare_policies(study := make_study(**NOTHING), make_tested(study, {}, groups=40)),
        "policy.original",
        quantity,
    )
    low, high = ends
    one = replace(one, difference=replace(one.difference, low=low, high=high))
    assert ("no room to tell" in compare._no_room(one, first)) == said


def test_a_smaller_gap_of_a_weaker_network_is_no_gain(make_tested):
    study = make_study(**NOTHING)
    one = effect(compare_policies(study, make_tested(study, {}, groups=60)), "policy.original", "gap")
    smaller = replace(one.difference, value=-0.1, low=-0.15, high=-0.05)
    assert replace(one, difference=smaller, p=0.01, is_weaker=False).verdict == "improves"
    assert replace(one, difference=smaller, p=0.01, is_weaker=True).verdict == "learns less"
    tested = make_tested(study, {"original": -0.6}, groups=120)
    assert effect(compare_policies(study, tested), "policy.original", "gap").is_weaker


def test_a_policy_that_makes_its_own_fakes_has_no_gap_on_the_sets(make_tested):
    study = make_study(names=["none", "self_blend"], **NOTHING)
    compared, _ = found(study, make_tested(study, {}, groups=60))
    assert effect(compared, "policy.self_blend", "gap").verdict == "not applicable"
    assert effect(compared, "policy.self_blend", "auc").verdict == "inconclusive"


@pytest.mark.parametrize("seeds", [(3,), (3, 4)])
def test_fewer_than_three_seeds_a_side_give_no_verdict(seeds, make_tested):
    """Networks of one recipe differ by their seeds alone; one of each side looks like a difference."""
    study = make_study(seeds=seeds, **NOTHING)
    one = effect(
        compare_policies(study, make_tested(study, {"original": 0.8}, groups=200)), "policy.original"
    )
    assert (
        one.difference.p < 0.05
        and one.difference.low > 0
        and replace(one, untold="").verdict == "inconclusive"
    )


def test_what_changes_no_score_is_not_applicable_and_outside_the_family(make_tested):
    """`random_interpolation` on square images of the network's size leaves every byte as it is."""
    study = make_study(names=["none", "original"], budgets=[], leave_one_out=False, strengths=[])
    tested = make_tested(study, {"none+grey": 0.9})
    share = list_comparisons(study)[-1].second.epochs
    tested[Trained("none+random_interpolation", share)] = tested[Trained("none", share)]
    compared, numbers = found(study, tested)
    idle = effect(compared, "add_one.random_interpolation")
    assert idle.verdict == "not applicable" and idle.untold.endswith("the same scores")
    assert (idle.difference.value, idle.p, idle.difference.low) == (0.0, None, None)
    others = [one for one in compared.of("add_one", "auc") if one is not idle]
    assert {one.family for one in others} == {len(others)} and len(others) == 6
    assert [one.p for one in others] == pytest.approx(holm([one.difference.p for one in others]).tolist())
    assert "not applicable" in numbers["add_one.random_interpolation.auc.difference"].note
    answers = decide_on_transforms(numbers, study)
    (asked,) = [one for one in answers if one.id == "answer.transforms.add_one"]
    assert "Holm over 6" in asked.claim


def test_seeds_that_differ_are_no_comparison_with_itself(make_tested):
    study = make_study(**NOTHING)
    tested = make_tested(study, {})
    none, seed = tested.values()
    assert none.is_same(none) and not none.is_same(seed)
    compared = compare_policies(
        study, tested | {Trained("original", 16): replace(none, test=none.test[::-1])}
    )
    assert effect(compared, "policy.original").verdict != "not applicable"


@pytest.mark.parametrize("strength", [40.0, 0.0], ids=["1 against 1", "1 against one half"])
def test_of_eight_pictures_nothing_is_said(make_tested, strength):
    """Both sides right everywhere, or one right and one the same score for all: no gain is excluded."""
    study = make_study(**NOTHING)
    made = make_tested(study, {"none": 40.0, "original": 40.0}, groups=4, noise=0.1, unseen=())
    if not strength:
        worse = made[Trained("original", 16)]
        flat = [table.assign(logit=0.0, probability=0.5) for table in worse.test]
        made[Trained("original", 16)] = replace(worse, test=flat)
    assert len(made[Trained("none", 16)].test[0]) == 8
    _, numbers = found(study, made)
    change = numbers["policy.original.auc.difference"]
    assert (change.value, change.low, numbers["policy.original.auc.detectable"].value) == (
        0.0 if strength else -0.5,
        None,
        None,
    )
    answers = {one.id: one.verdict for one in decide_on_policies(numbers, study)}
    assert answers["answer.augmentation.auc"] == "cannot tell"
