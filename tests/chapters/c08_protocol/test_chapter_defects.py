"""Chapter 08: its figure, tables and sentences, and the notebook as it runs on small networks."""

from __future__ import annotations

import json
import re

import matplotlib.pyplot as plt
import nbformat
import pandas as pd
import pytest
import yaml

from dfstudy.chapters.c08_protocol import figures
from dfstudy.chapters.c08_protocol.effect import Audit, FlawEffect
from dfstudy.chapters.find import find_chapter
from dfstudy.number import Number
from dfstudy.pipeline.execute import run_chapter
from dfstudy.pipeline.invocation import resolve
from dfstudy.present.numbers import say
from dfstudy.stats.paired import PairedDifference
from dfstudy.study.comparisons import Evaluate
from dfstudy.variants.defects import SWITCHES

CHAPTER = find_chapter("08_audit_protocol")
TINY = {
    "name": "tiny",
    "title": "A tiny study",
    "data": {"root": "sample", "sample": {"identities": 12, "frames": 2, "size": 48}},
    "model": {"backbone": "test_resnet", "size": 32},
    "augment": {"policy": "none"},
    "training": {"epochs": 1, "seeds": [0, 1], "workers": 0, "batch_size": 16},
    "evaluate": {"replicates": 100},
}


def difference(value: float, half: float) -> PairedDifference:
    settings = Evaluate()
    p = 0.001 if abs(value) > half else 0.5
    return PairedDifference(
        value, value - half, value + half, p, 1.5 * half, (value,) * 3, half / 2, 0.0, 20.0, 30, settings
    )


def of_both(value: float, half: float) -> dict[str, PairedDifference]:
    names = ("auc", "accuracy", "log_loss", "ece")
    return {name: difference(value, half) for name in names}


@pytest.fixture
def audit():
    """Of the defects one costs, one flatters, one has an interval without end, one does not apply."""
    effects = {name: FlawEffect(name, changes=of_both(0.01, 0.05), pictures=90) for name in SWITCHES}
    effects["bgr_channels"] = FlawEffect("bgr_channels", changes=of_both(-0.2, 0.05), pictures=90)
    effects["raw_pixels"] = FlawEffect("raw_pixels", changes=of_both(-0.1, 3.0), pictures=90)
    effects["random_split"] = FlawEffect("random_split", inflation=of_both(0.15, 0.04), pictures=90)
    effects["drifting_batch_norm"] = FlawEffect("drifting_batch_norm", "no stage is frozen")
    effects["all"] = FlawEffect("all", changes=of_both(-0.3, 0.1), inflation=of_both(0.2, 0.1), pictures=90)
    for name, effect in effects.items():
        adjusted = {kind: one.p for kind, one in effect.asked().items()}
        effects[name] = FlawEffect(**{**vars(effect), "adjusted": adjusted})
    return Audit(effects, {}, 3, Evaluate())


def test_the_forest_has_a_row_a_defect_and_says_where_it_has_no_point(audit):
    figure = figures.draw_effects(audit)
    cost, flattery = figure.axes
    assert [text.get_text() for text in cost.get_yticklabels()] == list(figures.SPOKEN.values())
    words = [text.get_text() for text in cost.texts]
    assert words == ["does not apply here", "cannot be asked: it learned test images"]
    assert [text.get_text() for text in flattery.texts].count("reports the honest test") == 8
    arrows = [line for line in cost.lines if line.get_marker() in "<>"]
    assert len(arrows) == 4 and cost.get_xlim()[1] == pytest.approx(0.58)  # AUC and accuracy, both ends
    points = {
        line.get_marker(): float(line.get_xdata()[0])
        for line in cost.lines
        if line.get_marker() in "os" and len(line.get_xdata()) and round(line.get_ydata()[0]) == 10
    }
    assert points == {"o": -0.2, "s": -0.2}
    plt.close(figure)


def test_tables_and_the_answer_give_verdicts_by_rule(audit):
    table = figures.verdict_table(audit).set_index("flaw")
    assert table.loc["channels B, G, R", "verdict"] == "worsens"
    assert table.loc["random split", "verdict"] == "flatters"
    assert table.loc["all together", "verdict"] == "worsens and flatters"
    assert table.loc["raw grey levels", "verdict"] == "no difference found"
    assert table.loc["drifting BatchNorm", "verdict"] == "does not apply"
    assert "(flattery)" in table.loc["all together", "detectable"]
    assert table.loc["inverted class weight", "asked in"] == "log-loss"
    told = figures.switches_table(audit).set_index("flaw")
    assert told.loc["drifting BatchNorm", "applies here"] == "no stage is frozen"
    answer = figures.answer_defects(audit, {})
    assert "Of 10 flaws of the original protocol 9 apply" in answer
    assert (
        "worsen the network: channels B, G, R." in answer
        and "inflate the reported result: random split." in answer
    )
    assert "No difference found: raw grey levels," in answer
    assert "would have been found: from 0.08 for one flaw to none" in answer
    change = audit.effects["bgr_channels"].changes["auc"]
    shown = change.number("defect.shown", unit="1", n=0)
    assert f"channels B, G, R: worsens, cost AUC {shown}" in figures.describe_effects(audit)


def test_numbers_of_a_difference_go_through_prose(audit):
    ids = [f"defect.{name}.{side}.accuracy" for name, side in (("all", "reported"), ("all", "true"))]
    ids += ["defect.correct.accuracy", "defect.correct.auc", "defect.all.reported.auc", "defect.all.true.auc"]
    result = {name: Number(name, 0.5, "1", 9) for name in ids}
    assert "accuracy of 0.500 where 0.500 is true" in say(figures.answer_defects(audit, result), result).data


@pytest.fixture
def invoke(tmp_path):
    def invoke(**changed):
        file = tmp_path / "tiny.yaml"
        file.write_text(yaml.safe_dump({**TINY, **changed}))
        return resolve(study=str(file), out=str(tmp_path / "out"))

    return invoke


def read_numbers(folder) -> dict[str, dict]:
    text = (folder / "numbers" / f"{CHAPTER.id}.json").read_text()
    return {number["id"]: number for number in json.loads(text)}


def test_the_notebook_trains_and_audits(invoke, tmp_path):
    made = run_chapter(CHAPTER, invoke(model={**TINY["model"], "trainable_stages": 1}))
    assert "figures/defects_effects.png" in made
    numbers = read_numbers(tmp_path / "out")
    assert numbers["defect.drifting_batch_norm.applies"]["value"] == 1
    assert numbers["defect.substring_labels.applies"]["value"] == 0
    assert numbers["defect.inverted_class_weight.applies"]["value"] == 0  # three fakes are not enough
    assert "2 seeds" in numbers["defect.bgr_channels.auc.change"]["note"]
    runs = [json.loads(file.read_text()) for file in (tmp_path / "out" / "runs").glob("*/config.json")]
    told = pd.Series([", ".join(sorted(run["protocol"])) for run in runs]).value_counts()
    assert set(told) == {2} and told[""] == 2 and told["drifting_batch_norm"] == 2
    stored = nbformat.read(tmp_path / "out" / "notebooks" / f"{CHAPTER.id}.ipynb", 4)
    cells = {cell.id: cell for cell in stored.cells}
    answer = cells["audit-13"].outputs[0].data["text/markdown"]
    assert "second minus first" in cells["try"].outputs[-1].data["text/html"]
    assert re.match(r"\*\*Answer\.\*\* Of 10 flaws of the original protocol \d apply to this study\.", answer)
    assert "The original protocol reports an accuracy of" in answer


def test_where_nothing_is_measured_the_chapter_says_so_and_trains_nothing(invoke, tmp_path):
    invocation = invoke(defects={"measured": False})
    cells = {cell.id: cell for cell in nbformat.read(CHAPTER.notebook, 4).cells if cell.cell_type == "code"}
    known: dict = {}
    for cell in cells.values():
        exec(cell.source, known)
        if "parameters" in cell.metadata.get("tags", []):
            known |= invocation.parameters()
    numbers = read_numbers(tmp_path / "out")
    assert set(CHAPTER.numbers) == set(numbers) and not any(each["value"] for each in numbers.values())
    assert not (tmp_path / "out" / "runs").exists() and not list((tmp_path / "out").glob("figures/*"))
    assert eval(cells["audit-13"].source, known).data.startswith("**Answer.** Nothing was measured")
