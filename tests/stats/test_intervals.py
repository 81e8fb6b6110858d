"""The group bootstrap against a plain loop, and what its intervals promise."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from sklearn.metrics import roc_auc_score

from dfstudy.stats import intervals
from dfstudy.stats.intervals import group_interval, groups_behind, resamples
from dfstudy.stats.metrics import auc
from dfstudy.study.comparisons import Evaluate


def correlated(random, groups=40, size=5, between=1.0, within=0.5):
    """Real and fake images in groups of unequal size whose images are alike."""
    sizes = random.integers(1, size + 1, groups)
    group = np.repeat(np.arange(groups), sizes)
    shift = np.repeat(random.normal(0, between, groups), sizes)
    labels = random.integers(0, 2, len(group))
    return group, labels, shift + labels + random.normal(0, within, len(group))


def weighted_mean(values):
    return lambda weights: weights @ values / weights.sum(axis=1)


def test_equals_a_loop_over_drawn_groups():
    group, labels, scores = correlated(np.random.default_rng(3))
    settings = Evaluate(replicates=100, confidence=0.9, seed=7)
    fast = group_interval(lambda w: auc(labels, scores, w), group, settings=settings)
    random, looped = np.random.default_rng(7), []
    for _ in range(100):
        drawn = random.integers(0, 40, 40)
        rows = np.concatenate([np.flatnonzero(group == g) for g in drawn])
        looped.append(roc_auc_score(labels[rows], scores[rows]))
    assert fast.value == pytest.approx(roc_auc_score(labels, scores))
    assert [float(fast.low), float(fast.high)] == pytest.approx(np.quantile(looped, [0.05, 0.95]), abs=1e-12)
    assert fast.groups == 40 and fast.undefined == 0


def test_same_seed_same_interval_another_seed_another():
    group, labels, scores = correlated(np.random.default_rng(4))
    intervals_of = [
        group_interval(lambda w: auc(labels, scores, w), group, settings=Evaluate(replicates=200, seed=seed))
        for seed in (1, 1, 2)
    ]
    ends = [(float(i.low), float(i.high)) for i in intervals_of]
    assert ends[0] == ends[1] != ends[2]


def test_draws_do_not_depend_on_chunks(monkeypatch):
    codes = [np.arange(6) // 2, np.arange(5)]
    settings = Evaluate(replicates=100)
    whole = [np.vstack(part) for part in zip(*resamples(codes, settings), strict=True)]
    monkeypatch.setattr(intervals, "CHUNK", 70)  # 6 replicates a chunk
    pieces = [np.vstack(part) for part in zip(*resamples(codes, settings), strict=True)]
    assert all(np.array_equal(a, b) for a, b in zip(whole, pieces, strict=True))
    assert whole[0].shape == (100, 6) and whole[1].shape == (100, 5)


def test_a_draw_takes_whole_groups_as_many_as_there_are():
    codes = np.array([0, 0, 1, 2, 2, 2])
    [(weights,)] = resamples([codes], Evaluate(replicates=100))
    first = [0, 2, 3]  # one image of each group
    assert (weights[:, first].sum(axis=1) == 3).all()
    assert all(np.array_equal(weights[:, i], weights[:, first[c]]) for i, c in enumerate(codes))
    assert weights.std(axis=0).min() > 0


def test_groups_may_have_any_names_in_any_order():
    group, labels, scores = correlated(np.random.default_rng(5))
    names = np.array([f"person{g:02d}" for g in group])
    settings = Evaluate(replicates=100)
    by_name = group_interval(lambda w: auc(labels, scores, w), names, settings=settings)
    by_number = group_interval(lambda w: auc(labels, scores, w), group, settings=settings)
    assert by_name.low == by_number.low and by_name.high == by_number.high


def test_intervals_hold_the_truth_as_often_as_they_say_where_pictures_depend():
    """Mean of values that are nearly equal within a group: by images it fails, by groups it holds."""
    random = np.random.default_rng(0)
    settings = Evaluate(replicates=300, confidence=0.9)
    held = {"groups": 0, "pictures": 0}
    trials = 200
    for trial in range(trials):
        group = np.repeat(np.arange(30), 6)
        values = np.repeat(random.normal(0, 1, 30), 6) + random.normal(0, 0.2, 180)
        for kind, units in (("groups", group), ("pictures", np.arange(180))):
            drawn = settings.model_copy(update={"seed": trial})
            interval = group_interval(weighted_mean(values), units, settings=drawn)
            held[kind] += bool(interval.low <= 0 <= interval.high)
    assert 0.83 <= held["groups"] / trials <= 0.95  # 0.9, less a little for 30 groups, and 2 sd of chance
    assert held["pictures"] / trials < 0.7


def test_a_paired_difference_is_surer_than_its_parts():
    random = np.random.default_rng(6)
    group, labels, scores = correlated(random, groups=60)
    better = scores + 0.3 * labels
    settings = Evaluate(replicates=300)

    def width(statistic):
        interval = group_interval(statistic, group, settings=settings)
        return interval.high - interval.low

    paired = width(lambda w: auc(labels, better, w) - auc(labels, scores, w))
    assert paired < 0.5 * width(lambda w: auc(labels, scores, w))


def test_two_independent_sets():
    random = np.random.default_rng(8)
    one, two = random.normal(1, 1, 200), random.normal(0, 1, 300)
    gap = group_interval(
        lambda a, b: weighted_mean(one)(a) - weighted_mean(two)(b),
        np.arange(200),
        np.arange(300),
        settings=Evaluate(replicates=2000),
    )
    error = np.sqrt(one.var() / 200 + two.var() / 300)
    assert gap.value == pytest.approx(one.mean() - two.mean())
    assert gap.groups == 500
    assert (gap.high - gap.low) / (2 * 1.96 * error) == pytest.approx(1, abs=0.07)


def test_a_statistic_of_many_values_gives_one_interval_each():
    values = np.random.default_rng(9).normal(size=(50, 3))
    interval = group_interval(
        lambda w: (w @ values) / w.sum(axis=1, keepdims=True),
        np.arange(50),
        settings=Evaluate(replicates=100),
    )
    assert interval.value.shape == interval.low.shape == interval.undefined.shape == (3,)
    single = group_interval(weighted_mean(values[:, 1]), np.arange(50), settings=Evaluate(replicates=100))
    assert interval[1].low == pytest.approx(float(single.low))
    assert interval[1].number("x", unit="1", n=50).high == pytest.approx(float(single.high))


def test_replicates_with_one_class_are_left_out_and_said():
    labels, scores = np.array([0, 0, 0, 0, 1, 1]), np.array([0.1, 0.6, 0.2, 0.3, 0.4, 0.8])
    interval = group_interval(
        lambda w: auc(labels, scores, w), np.arange(6), settings=Evaluate(replicates=1000)
    )
    # no fake drawn: (4/6)^6 = 0.088; no real: (2/6)^6 = 0.0014
    assert 60 <= interval.undefined <= 120
    number = interval.number("test.auc", unit="AUC", n=6)
    assert f"{int(interval.undefined):,} of them lack a class and are left out" in number.note
    assert np.isfinite([number.value, number.low, number.high]).all()


def test_no_interval_where_most_replicates_are_undefined():
    labels, scores = np.array([0] * 3 + [1]), np.array([0.1, 0.6, 0.2, 0.4])
    interval = group_interval(
        lambda w: np.where(w[:, 0] == 1, auc(labels, scores, w), np.nan),
        np.arange(4),
        settings=Evaluate(replicates=100),
    )
    number = interval.number("test.auc", unit="AUC", n=4, note="a remark")
    assert number.low is None and number.note == "a remark; too few groups, or nothing varies: no interval"


def test_one_group_has_no_interval():
    number = group_interval(
        weighted_mean(np.arange(5.0)), np.zeros(5), settings=Evaluate(replicates=100)
    ).number("x", unit="1", n=5)
    assert (
        number.value == 2.0 and number.low is None and number.groups == 1 and "too few groups" in number.note
    )


def test_an_undefined_value_is_none_with_the_reason():
    interval = group_interval(
        lambda w: auc([1, 1, 1], [0.1, 0.2, 0.3], w), np.arange(3), settings=Evaluate(replicates=100)
    )
    number = interval.number("test.auc", unit="AUC", n=3)
    assert number.value is None and number.low is None and "lack a class" in number.note


def test_a_number_says_how_its_interval_was_made():
    interval = group_interval(weighted_mean(np.arange(9.0)), np.arange(9), settings=Evaluate(replicates=1000))
    number = interval.number("x", unit="1", n=9)
    assert number.note == "95 % interval over 1,000 resamples of groups (percentiles)"
    assert number.low < number.value < number.high
    videos = Evaluate(replicates=1000, level="video")
    told = group_interval(weighted_mean(np.arange(9.0)), np.arange(9), settings=videos)
    note = told.student("positive", (9,)).number("x", unit="1", n=9).note
    assert note == "95 % interval over 1,000 resamples of videos (Student's interval)"


def test_student_is_the_textbook_interval_of_a_mean():
    values = np.random.default_rng(10).normal(3, 1, 40)
    found = group_interval(weighted_mean(values), np.arange(40), settings=Evaluate(replicates=4000))
    assert found.error == pytest.approx(stats.sem(values), rel=0.04)  # sd of 4,000 draws: 1.1 %
    ends = found.student("plain", (40,))
    low, high = stats.t.interval(0.95, 39, values.mean(), found.error)
    assert [float(ends.low), float(ends.high)] == pytest.approx([low, high])
    assert ends.value == found.value


@pytest.mark.parametrize(
    ("scale", "value", "forth", "back"),
    [
        ("share", 0.9, lambda v: np.log(v / (1 - v)), lambda x: 1 / (1 + np.exp(-x))),
        ("gap", -0.3, np.arctanh, np.tanh),
        ("positive", 0.2, np.log, np.exp),
    ],
)
def test_student_on_a_scale_is_symmetric_there(scale, value, forth, back):
    nothing = np.array(0)
    one = intervals.Interval(
        *map(np.array, (value, 0.0, 0.0, 0.02)), nothing, 30, 30.0, Evaluate(confidence=0.9)
    )
    ends = one.student(scale, (30,))
    step = 1e-6
    slope = (forth(value + step) - forth(value - step)) / (2 * step)
    half = stats.t.ppf(0.95, 29) * 0.02 * slope
    assert ends.low == pytest.approx(back(forth(value) - half), rel=1e-6)
    assert ends.high == pytest.approx(back(forth(value) + half), rel=1e-6)


@pytest.mark.parametrize(
    ("behind", "groups", "freedom"),
    [
        ((30,), 30, 29),
        ((30, 30), 30, 29),  # the same groups hold both classes
        ((30, 30), 60, 58),  # each its own
        ((7, 20), 27, (1 / 7 + 1 / 20) ** 2 / (1 / 49 / 6 + 1 / 400 / 19)),
        ((8, 4000), 4008, 7.0),
    ],
)
def test_degrees_of_freedom_follow_the_groups_of_each_class(behind, groups, freedom):
    one = intervals.Interval(*map(np.array, (0.0, 0.0, 0.0, 1.0, 0)), groups, float(groups), Evaluate())
    assert one.student("plain", behind).high == pytest.approx(stats.t.ppf(0.975, freedom), rel=1e-2)


def test_groups_of_unequal_size_count_for_fewer():
    groups = np.repeat(np.arange(11), [10] + [1] * 10)
    found = group_interval(weighted_mean(np.arange(20.0)), groups, settings=Evaluate(replicates=100))
    assert found.groups == 11 and found.effective == pytest.approx(400 / 110)  # not 11
    half = float(found.student("plain", (11,)).high - found.value)
    assert half == pytest.approx(stats.t.ppf(0.975, 400 / 110 - 1) * found.error)


def test_a_perfect_share_gets_the_exact_binomial_bound():
    labels = np.repeat([0, 1], [40, 12])
    groups = np.arange(52)
    found = group_interval(
        lambda w: np.stack([auc(labels, labels, w), auc(labels, -labels, w)], axis=1),
        groups,
        settings=Evaluate(replicates=100),
    ).student("share", groups_behind(labels, groups))
    bound = stats.binomtest(12, 12).proportion_ci(0.95, method="exact").low
    assert [*found.low, *found.high] == pytest.approx([bound, 0, 1, 1 - bound])


def test_a_share_of_none_that_some_draws_contradict_reaches_as_far_as_they_do():
    values = np.zeros(60)
    found = group_interval(
        lambda w: np.where(w[:, 0] == 0, 0.5, 0.0) if len(w) > 1 else np.zeros(1),
        np.arange(60),
        settings=Evaluate(replicates=200),
    )
    assert found.value == 0 and found.student("share", (60,)).high == found.high == 0.5
    alone = group_interval(weighted_mean(values), np.arange(60), settings=Evaluate(replicates=200))
    assert alone.student("share", (60,)).high == pytest.approx(1 - 0.025 ** (1 / 60))


def test_a_class_in_one_group_has_no_student_interval():
    labels, groups = np.array([0, 0, 0, 1, 1]), np.array([0, 1, 2, 3, 3])
    assert groups_behind(labels, groups) == (3, 1)
    found = group_interval(
        lambda w: auc(labels, np.arange(5.0), w), groups, settings=Evaluate(replicates=100)
    )
    number = found.student("share", groups_behind(labels, groups)).number("x", unit="AUC", n=5)
    assert number.value == 1 and number.low is None and "too few groups" in number.note


def test_refuses_no_pictures():
    with pytest.raises(ValueError, match="at least one image"):
        group_interval(weighted_mean(np.array([])), np.array([]), settings=Evaluate())
