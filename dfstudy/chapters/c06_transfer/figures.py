"""Figures of cross-forgery testing: the matrix, what is lost on unseen methods, and the published experiment.

Takes `matrix.Cross` and the table of `published_models`; gives matplotlib figures. Nothing
is computed here beyond what is drawn.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from dfstudy.number import Number, name_methods
from dfstudy.present.axes import zoom
from dfstudy.present.numbers import literal
from dfstudy.present.style import FAKE, PALETTE, REAL, WIDTH
from dfstudy.stats.paired import LEAST_SEEDS
from dfstudy.stats.units import UNITS
from dfstudy.stats.verdicts import UNTRAINED

if TYPE_CHECKING:
    from dfstudy.chapters.c06_transfer.matrix import Cross
    from dfstudy.stats.intervals import Interval
    from dfstudy.study.recipe import Model
    from dfstudy.variants.variant import Variant

INK, FAINT = "#000000", "#8C8C8C"
MOST_CELLS = 16  # methods: with more a cell's number would not be read
SHOWN_NAME, SHOWN_NETWORK = 18, 24  # letters of a method's name, and of a network's
CHANCE = 0.5
SHADES, STEPS = "Blues", 12  # few: a saved chart has 256 colours in all
DARK = 0.83  # from here on letters on the shade are white
OWN_REALS = " A method's fakes are compared with the reals of their own pipelines."
NOTHING = (
    "**Nothing to compare here:** that takes two forgery methods in the training images, and "
    "`forgeries.train_on` other than off."
)

FEW_SEEDS = f"fewer than {LEAST_SEEDS} seeds compare networks and not kinds of them, so it is inconclusive"
NEIGHBOURS = (
    "without convolutions a network has to learn from images alone that neighbouring pixels belong "
    "together, which takes very many: trained on a million, vision transformers stay behind convolutional "
    "networks of like size, and overtake them with more (Dosovitskiy and others 2021, arXiv 2010.11929). "
    "From scratch on a few hundred images one ranks by chance (docs/unseen.md)"
)
NO_TRANSFORMER = (
    "No pure transformer is among them, as nothing starts from pretrained weights here: "
    f"{NEIGHBOURS}, which says nothing about how transformers generalise; a hybrid of convolution and "
    "attention can learn from them. With `weights: hub` any two networks can be compared."
)


def variants_table(variants: Sequence[Variant]) -> pd.DataFrame:
    """What is trained beside the study's own networks: one row a network, with its images."""
    rows = [
        (
            variant.name,
            f"{variant.study.model.network}, {variant.study.model.size} px",
            ", ".join(variant.trained_on),
            f"{len(variant.split.part('train')):,}",
            f"{variant.study.training.epochs}",
            ", ".join(map(str, variant.study.training.seeds)),
        )
        for variant in variants
    ]
    columns = ["training", "network", "methods learned", "training images", "epochs at most", "seeds"]
    return pd.DataFrame(rows, columns=columns)


def describe_test(cross: Cross) -> str:
    """What a caption must say: images, groups and seeds."""
    seeds = len(cross.variants[0].tables)
    return (
        f"n = {cross.reals:,} real and {sum(cross.fakes.values()):,} fake test images in "
        f"{cross.specificity.groups:,} {UNITS[cross.specificity.settings.level]}; {seeds} training "
        f"seed{'s' * (seeds > 1)} a network.{OWN_REALS * cross.by_pipeline}"
    )


def tell_cross(cross: Cross | None) -> str:
    """A sentence a network about what it loses on unseen methods, for `say`."""
    if cross is None:
        return NOTHING
    told = [
        f"{network}: AUC {{cross.{slug}.auc.seen}} on methods learned, {{cross.{slug}.auc.unseen}} on others."
        for network, slug in _slugs(cross).items()
    ]
    return " ".join(told)


def tell_networks(cross: Cross | None, models: Mapping[str, Model], bare: Sequence[str] = ()) -> str:
    """Which networks are compared, at what cost, and why no other; for `say`.

    Args:
        bare: names of those without convolutions.
    """
    if cross is None:
        return ""
    if len(cross.networks) < 2:
        return (
            "One kind of network is trained here. `forgeries.second` in the study file names another one, "
            "which then learns the same images by the same recipe."
        )
    first, second = cross.networks[:2]
    slugs = _slugs(cross)
    sizes = "{{cross.{0}.parameters}} parameters and {{cross.{0}.multiply_adds}} million multiply-adds"
    parts = [
        f"{second} is set beside {first}, with the same images, policy, epochs and learning rates. It has "
        f"{sizes.format(slugs[second])} an image, {first} {sizes.format(slugs[first])}: {{cross.cost}} "
        f"times the cost. They are compared over the {cross.paired} of {len(cross.arms_of(first))} trainings "
        "that both have."
    ]
    if models[first].size != models[second].size:
        parts.append(
            f"{second} takes the images at {models[second].size} px and {first} at {models[first].size}: "
            "what that brings is part of the difference."
        )
    if all(model.weights == "none" for model in models.values()):
        parts.append(_warn_of(bare) if bare else NO_TRANSFORMER)
    return " ".join(parts)


def _warn_of(bare: Sequence[str]) -> str:
    have = "has" if len(bare) == 1 else "have"
    return (
        f"{' and '.join(bare)} learned from scratch and {have} no convolutions: {NEIGHBOURS}. Where one does "
        "not rank above chance on methods learned either, the difference says nothing about how transformers "
        "generalise. With `weights: hub` it could."
    )


def headline(numbers: Mapping[str, Number]) -> list[Number]:
    """The means by network and their differences, without the matrices' cells."""
    cells = re.compile(r"cross\.(auc|balanced|found|specificity)\.")
    return [x for name, x in numbers.items() if name.startswith("cross.") and not cells.match(name)]


def times_table(cross: Cross) -> pd.DataFrame:
    """Measured seconds of a training, by network: they differ from machine to machine."""
    rows = []
    for network in cross.networks:
        seconds = [each for at in cross.arms_of(network) for each in cross.variants[at].seconds]
        rows.append((network, f"{len(seconds)}", f"{np.mean(seconds):.1f}" if seconds else "not known"))
    return pd.DataFrame(rows, columns=["network", "trainings", "seconds each, mean"])


def answer_cross(cross: Cross | None) -> str:
    """The chapter's answer in a sentence a network, for `say`; verdicts by rule from the intervals."""
    if cross is None:
        return NOTHING
    told = []
    for network, slug in _slugs(cross).items():
        if lacking := cross.unlearned(network):
            names = ", ".join(map(literal, lacking))
            told.append(f"{network} was {UNTRAINED}: of its trainings {names} learned too little.")
            continue
        gap, unseen = (cross.summaries[network]["auc"][name] for name in ("gap", "unseen"))
        loses = "loses" if gap.low > 0 else "gains" if gap.high < 0 else "is not shown to lose"
        above = "better than guessing" if unseen.low > 0.5 else "not shown to be better than guessing"
        told.append(
            f"{network} {loses} AUC on methods that it did not learn: {{cross.{slug}.auc.gap}}; with "
            f"{{cross.{slug}.auc.unseen}} it is {above} there; its specificity is "
            f"{{cross.{slug}.specificity}}."
        )
    if cross.differences:
        first, second = cross.networks[:2]
        found = cross.differences["auc"]
        better = "" if found.low is None else second if found.low > 0 else first if found.high < 0 else ""
        verdict = "which generalises better is inconclusive"
        if any(map(cross.unlearned, (first, second))):
            verdict = UNTRAINED
        elif better and found.seeds >= LEAST_SEEDS:
            verdict = f"{better} generalises better here"
        elif better:
            verdict = f"these trainings of {better} do better, but {FEW_SEEDS}"
        told.append(
            f"On unseen methods {second} minus {first} is {{cross.difference.auc}} AUC and "
            f"{{cross.difference.balanced}} balanced accuracy: {verdict}. Likewise the loss from methods "
            f"learned to others is {{cross.difference.gap}} AUC, the share of unseen fakes found "
            f"{{cross.difference.found}}, the specificity {{cross.difference.specificity}}."
        )
    return f"**Answer.** {' '.join(told)}"


def draw_matrix(cross: Cross, quantity: str, title: str) -> Figure:
    """One panel a network: rows trained on, columns tested on; the rarer of learned and not learned on white.

    Args:
        quantity: `auc` or `balanced`, both one half by chance.
        title: what the colour and the cells' numbers are.
    """
    methods = cross.methods
    rows = {name: cross.arms_of(name) for name in cross.networks}
    tall = [len(own) + 0.6 for own in rows.values()]  # a row is as high in every panel
    figure, every = plt.subplots(
        len(rows), 1, figsize=(WIDTH, 1.5 + 0.36 * sum(tall)), squeeze=False, sharex=True, height_ratios=tall
    )
    shown = None
    for axes, (network, own) in zip(every[:, 0], rows.items(), strict=True):
        values = _cells(cross, quantity, own)
        # from chance on: what differs between good networks is seen, and below chance there is nothing to see
        shown = axes.imshow(values, cmap=plt.get_cmap(SHADES, STEPS), vmin=CHANCE, vmax=1, aspect="auto")
        _write_cells(axes, values, cross.seen[own] == _learned_on_white(cross))
        axes.set_yticks(range(len(own)), [_learned(cross.variants[a].trained_on, methods) for a in own])
        axes.set(title=network, ylabel="learned")
        axes.grid(False)
        axes.spines[:].set_visible(False)
    reals = {name: f"\n{cross.against[name]:,} reals" * cross.by_pipeline for name in methods}
    names = [f"{_short(name)}\n{cross.fakes[name]:,} fakes{reals[name]}" for name in methods]
    look = {"fontsize": 8}
    if len(methods) > 6:  # slanted, where lines of one name would lie on those of the next
        names = [name.replace("\n", ", ") for name in names]
        look |= {"rotation": 40, "ha": "right", "rotation_mode": "anchor"}
    every[-1, 0].set_xticks(range(len(methods)), names, **look)
    against = "the reals of its own pipeline" if cross.by_pipeline else "all reals"
    every[-1, 0].set_xlabel(f"tested on (test images of the method and {against})")
    figure.colorbar(
        shown, ax=list(every[:, 0]), label=f"{title} (0.5: chance)", shrink=0.8, extend="min", pad=0.02
    )
    return figure


def _learned_on_white(cross: Cross) -> bool:
    """Whether the cells on white are those that were learned: the rarer ones, so that shades stay seen."""
    return bool(cross.seen.sum() < (~cross.seen).sum())


def describe_marks(cross: Cross) -> str:
    """What a caption must say of the cells on white."""
    return f"Bold on white: methods that it {'learned' if _learned_on_white(cross) else 'did not learn'}."


def describe_matrix(cross: Cross, quantity: str) -> str:
    """For an alt text: every value, row by row; with many methods each row's means."""
    told = []
    for network in cross.networks:
        own = cross.arms_of(network)
        for at, values in zip(own, _cells(cross, quantity, own), strict=True):
            learned = _learned(cross.variants[at].trained_on, cross.methods)
            seen = cross.seen[at]
            if len(cross.methods) > MOST_CELLS:
                means = [
                    f"mean on methods {word} {np.nanmean(values[part]):.2f}"
                    for word, part in (("learned", seen), ("not learned", ~seen))
                    if np.isfinite(values[part]).any()
                ]
                told.append(f"{network}, learned {learned}: {', '.join(means)}")
                continue
            cells = [
                f"{method} {value:.2f}{'' if known else ' (not learned)'}"
                for method, value, known in zip(cross.methods, values, seen, strict=True)
                if np.isfinite(value)
            ]
            told.append(f"{network}, learned {learned}: {', '.join(cells)}")
    return f"A table, one row a network by what it learned, one column a method tested on. {'; '.join(told)}."


def draw_gap(cross: Cross) -> Figure:
    """For each network: how it does on methods learned and not learned, and its specificity."""
    panels = {"auc": "AUC", "balanced": "balanced accuracy", "found": "fakes found (share)"}
    figure, every = plt.subplots(
        1, len(panels) + 1, figsize=(WIDTH, 1.6 + 0.6 * len(cross.networks)), sharey=True
    )
    places = np.arange(len(cross.networks))[::-1]
    for axes, (quantity, title) in zip(every, panels.items(), strict=False):
        drawn = []
        for part, color, marker, lift in (("seen", REAL, "o", 0.16), ("unseen", FAKE, "s", -0.2)):
            found = [cross.summaries[name][quantity][part] for name in cross.networks]
            label = "methods learned" if part == "seen" else "methods not learned"
            _draw_points(axes, found, places + lift, color, marker, label)
            drawn += found
        _fit(axes, drawn, near=[CHANCE] if quantity != "found" else [])
        axes.set(title=title)
        if quantity != "found":
            # drawn where the axis has it, named in the legend of all panels
            axes.axvline(CHANCE, color=FAINT, linestyle=":", label="chance")
    spared = [cross.spared[name] for name in cross.networks]
    _draw_points(every[-1], spared, places, INK, "D", "")
    _fit(every[-1], spared)
    every[-1].set(title="specificity (share)")
    for axes in every:
        axes.set_ylim(-0.5, len(places) - 0.3)
        axes.title.set_fontsize(8)
        axes.tick_params(axis="x", labelsize=8)
        axes.locator_params(axis="x", nbins=4)
        axes.grid(visible=False, axis="y")
    # what tells two networks of one backbone apart stands behind the comma
    every[0].set_yticks(
        places,
        ["\n".join(_short(part, SHOWN_NETWORK) for part in _parts(name)) for name in cross.networks],
        fontsize=8,
    )
    handles, labels = every[0].get_legend_handles_labels()
    if not every[0].get_xlim()[0] <= CHANCE <= every[0].get_xlim()[1]:
        handles, labels = handles[:-1], labels[:-1]
    figure.legend(handles, labels, loc="outside lower center", ncols=len(labels), fontsize=8)
    return figure


def describe_gap(cross: Cross) -> str:
    """For an alt text: the means of every network with their intervals."""
    told = []
    for name in cross.networks:
        own = cross.summaries[name]
        values = [
            f"{spoken} {_interval_text(own[quantity]['seen'])} on methods learned and "
            f"{_interval_text(own[quantity]['unseen'])} on others"
            for quantity, spoken in (
                ("auc", "AUC"),
                ("balanced", "balanced accuracy"),
                ("found", "fakes found"),
            )
        ]
        told.append(f"{name}: {'; '.join(values)}; specificity {_interval_text(cross.spared[name])}")
    return f"Four panels of points with intervals. {'. '.join(told)}."


def _draw_points(
    axes: Axes, found: Sequence[Interval], places: np.ndarray, color: str, marker: str, label: str
) -> None:
    """Values with their intervals, the value written above."""
    for place, one in zip(places, found, strict=True):
        axes.hlines(place, one.low, one.high, color=color, linewidth=1.6)
        if np.isfinite(one.value):
            axes.annotate(
                f"{float(one.value):.2f}", (float(one.value), place), xytext=(0, 5),
                textcoords="offset points", ha="center", fontsize=7.5,
            )  # fmt: skip
    values = [float(one.value) for one in found]
    axes.plot(values, places, marker, color=color, markersize=4, linestyle="none", label=label)


def _fit(axes: Axes, found: Sequence[Interval], near: Sequence[float] = ()) -> None:
    """Limits around the intervals: from 0 to 1 a good network's would lie behind its mark."""
    ends = [float(end) for one in found for end in (one.low, one.value, one.high)]
    axes.set_xlim(zoom(ends, lowest=0, highest=1, least=0.1, near=near))


def _interval_text(one: Interval) -> str:
    if not np.isfinite(one.value):
        return "not defined"
    text = f"{float(one.value):.2f}"
    return text if np.isnan(one.low) else f"{text} [{float(one.low):.2f}, {float(one.high):.2f}]"


def _cells(cross: Cross, quantity: str, own: Sequence[int]) -> np.ndarray:
    """Values of a network's variants [variants, methods]."""
    return np.stack([cross.cells[quantity][method].value[own] for method in cross.methods], axis=1)


def draw_published(models: pd.DataFrame) -> Figure:
    """Each published model: accuracy on reals and accuracy on unseen fakes, with lines of equal balance."""
    figure, axes = plt.subplots(figsize=(5.4, 4.2))
    ends = np.array([0.0, 1.0])
    for balance, words in ((CHANCE, "0.50 (chance)"), (0.55, "0.55"), (0.6, "0.60")):
        axes.plot(ends, 2 * balance - ends, color=FAINT, linestyle=":", linewidth=0.9)
        at = 0.92
        axes.annotate(
            words, (at, 2 * balance - at), fontsize=7.5, color=INK, ha="center", va="center",
            bbox={"facecolor": "white", "edgecolor": "none", "pad": 0.8},
        )  # fmt: skip
    for (network, rows), color, marker in zip(models.groupby("network"), PALETTE, "os", strict=False):
        axes.plot(
            rows["real"], rows["unseen"], marker, color=color, markersize=5.5, linestyle="none", label=network
        )
    axes.set(xlim=(0.4, 1.0), ylim=(0.0, 0.75))
    axes.set(xlabel="accuracy on real images", ylabel="mean accuracy on fakes of methods not learned")
    handles, labels = axes.get_legend_handles_labels()
    handles.append(plt.Line2D([], [], color=FAINT, linestyle=":"))
    figure.legend(
        handles, [*labels, "equal balanced accuracy"], loc="outside lower center", ncols=3, fontsize=8
    )
    return figure


def _slugs(cross: Cross) -> dict[str, str]:
    """Part of a number's id for each network, in the order of the variants."""
    slugs = {name: slug for slug, name in name_methods(cross.networks).items()}
    return {name: slugs[name] for name in cross.networks}


def _write_cells(axes: Axes, values: np.ndarray, on_white: np.ndarray) -> None:
    """Each value; some stand bold on white, which is seen without colour too."""
    few = values.shape[1] <= MOST_CELLS
    for (row, column), value in np.ndenumerate(values):
        if not np.isfinite(value):
            continue
        words = {"ha": "center", "va": "center", "fontsize": 8}
        if on_white[row, column]:
            box = {"facecolor": "white", "edgecolor": INK, "linewidth": 0.8, "boxstyle": "round,pad=0.25"}
            # with many methods the box alone, as its number would not be read
            axes.text(column, row, f"{value:.2f}" if few else " ", weight="bold", bbox=box, **words)
        elif few:
            ink = "white" if value > DARK else INK
            axes.text(column, row, f"{value:.2f}", color=ink, **words)


def _learned(trained_on: tuple[str, ...], methods: tuple[str, ...]) -> str:
    if len(trained_on) == 1:
        return _short(trained_on[0])
    missing = [method for method in methods if method not in trained_on]
    return f"all but {', '.join(map(_short, missing))}" if len(missing) == 1 else f"{len(trained_on)} methods"


def _parts(name: str) -> list[str]:
    """A network's name, a line for its backbone and one for what it differs in."""
    backbone, _, rest = name.partition(", ")
    return [backbone, rest] if rest else [backbone]


def _short(name: str, most: int = SHOWN_NAME) -> str:
    return name if len(name) <= most else f"{name[: most - 1]}…"
