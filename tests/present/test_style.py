"""Charts are saved with few colours, which nobody can see."""

from __future__ import annotations

import base64
import io
import os
import subprocess
import sys
from pathlib import Path

import matplotlib.pyplot as plt
import numpy as np
import pytest
from matplotlib.text import Text
from PIL import Image

from dfstudy.errors import StudyError
from dfstudy.present import style
from dfstudy.present.place import STAGING
from dfstudy.present.style import PALETTE, ShownFigure, save_figure
from dfstudy.study.study import load_study

ROOT = Path(__file__).resolve().parents[2]


def draw(kind: str):
    figure, axes = plt.subplots(figsize=(4, 3))
    if kind == "lines":
        for number, colour in enumerate(PALETTE):
            axes.plot(np.sin(np.arange(40) / 5 + number), color=colour, alpha=0.2 + 0.1 * number)
        axes.set(xlabel="step", ylabel="loss", title="Every colour of the palette")
    else:
        shown = axes.imshow(np.arange(12).reshape(3, 4), cmap="cividis")
        figure.colorbar(shown)
    return figure


@pytest.mark.parametrize("kind", ["lines", "heat map"])
def test_a_saved_chart_is_the_drawn_one_with_fewer_colours(kind, tmp_path):
    study = load_study("sample", out=str(tmp_path))
    drawn = io.BytesIO()
    figure = draw(kind)
    figure.savefig(drawn, format="png")
    before = np.asarray(Image.open(drawn).convert("RGB")).astype(int)
    plt.close(figure)

    bytes_of = []
    for _ in range(2):
        save_figure(draw(kind), study, "chart", caption="n = 40.", alt="Lines.")
        bytes_of.append((tmp_path / "figures" / "chart.png").read_bytes())
    assert bytes_of[0] == bytes_of[1]
    assert len(bytes_of[0]) < len(drawn.getvalue()) and b"matplotlib" not in bytes_of[0]

    saved = Image.open(io.BytesIO(bytes_of[0]))
    assert saved.mode == "P"
    after = np.asarray(saved.convert("RGB")).astype(int)
    assert np.abs(after - before).max() <= 10
    assert (after[(before == 255).all(axis=2)] == 255).all()  # paper stays white


DRAWN = """
import sys
from pathlib import Path
import matplotlib.pyplot as plt
from dfstudy.present.style import save_figure
from dfstudy.study.study import load_study
figure, axes = plt.subplots(figsize=(2, 1))
axes.plot([1, 2])
save_figure(figure, load_study("sample", out=sys.argv[1]), "chart", caption="n = 2.", alt="It rises.")
"""


def test_a_users_matplotlibrc_changes_no_byte(tmp_path):
    (tmp_path / "matplotlibrc").write_text("lines.linewidth: 9\nfigure.facecolor: red\nbackend: svg\n")
    bytes_of = []
    for name, exported in (("plain", {}), ("styled", {"MATPLOTLIBRC": str(tmp_path / "matplotlibrc")})):
        command = [sys.executable, "-c", DRAWN, str(tmp_path / name)]
        subprocess.run(command, env=os.environ | {"PYTHONPATH": str(ROOT)} | exported, check=True)
        bytes_of.append((tmp_path / name / "figures" / "chart.png").read_bytes())
    assert bytes_of[0] == bytes_of[1]


def test_show_is_refused_in_a_chapter_and_shows_elsewhere(tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(style, "display", shown.append)
    plt.close("all")  # what other tests left open would be shown too
    draw("lines")
    plt.show()
    assert len(shown) == 1 and shown[0].data.startswith(b"\x89PNG") and plt.get_fignums() == []
    monkeypatch.setenv(STAGING, str(tmp_path))
    with pytest.raises(StudyError, match="a name, a caption and an alt text") as told:
        plt.show()
    assert "save_figure(plt.gcf()" in told.value.hint


def test_dollar_signs_in_names_are_no_formula(tmp_path):
    """Two of them would enclose one, and `$_$` is none that can be drawn."""
    study = load_study("sample", out=str(tmp_path))

    def chart(names):
        figure, (one, other) = plt.subplots(1, 2, sharey=True)
        one.set_yticks(range(2), names)
        other.set_title(names[0])
        other.set(xscale="log", xlim=(1, 1000))
        figure.suptitle(names[1])
        save_figure(figure, study, "chart", caption="n = 2.", alt="Two names.")
        return figure

    plain = chart(["swap", "warp"])
    assert any("mathdefault" in text.get_text() for text in plain.findobj(Text))
    assert all(
        text.get_parse_math() for text in plain.findobj(Text)
    )  # nothing is changed where none is named
    odd = chart(["$_$", "a $b$ {c}"])
    for text in odd.findobj(Text):
        assert text.get_parse_math() == (not text.get_text().startswith(("$_", "a $"))), text


def test_a_shown_figure_is_what_was_saved_until_it_is_changed(tmp_path):
    study = load_study("sample", out=str(tmp_path))
    open_before = plt.get_fignums()
    drawn = draw("heat map")  # its layout moves where it is drawn twice
    shown = save_figure(drawn, study, "chart", caption='n = 12, of "a"', alt="Twelve <cells>.", timing=True)
    file = (tmp_path / "figures" / "chart.png").read_bytes()
    data = base64.b64encode(file).decode()
    assert shown._repr_html_() == (
        f'<figure id="chart" data-timing="true"><img src="data:image/png;base64,{data}" '
        'alt="Twelve &lt;cells&gt;."><figcaption>n = 12, of &quot;a&quot;</figcaption></figure>'
    )
    assert shown.html == shown.html and shown.figure is drawn and "chart" in repr(shown)
    assert plt.get_fignums() == open_before  # pyplot holds none

    before = shown.html
    shown.figure.axes[0].set_title("Mine")
    assert shown.html != before and "<figcaption>n = 12" in shown.html
    assert (tmp_path / "figures" / "chart.png").read_bytes() == file  # only save_figure saves
    assert save_figure(shown.figure, study, "chart", caption="Mine.", alt="Mine.").image() != file


@pytest.mark.parametrize("change", ["a line's colour", "a limit", "a size", "an image"])
def test_every_change_is_shown(change):
    figure, axes = plt.subplots(figsize=(2, 1))
    [line], picture = axes.plot([1, 2]), axes.imshow([[0.0, 1.0]])
    shown = ShownFigure(figure, "A line.", "It rises.")
    before = shown.html
    assert "id=" not in before and shown.html == before
    if change == "a line's colour":
        line.set_color("red")
    elif change == "a limit":
        shown.figure.axes[0].set_xlim(0, 9)
    elif change == "a size":
        shown.figure.set_size_inches(3, 2)
    else:
        picture.set_data([[1.0, 0.0]])
    assert shown.html != before


def test_a_figure_without_words_is_refused():
    for words in ({"caption": " ", "alt": "a"}, {"caption": "c", "alt": ""}):
        with pytest.raises(ValueError, match="needs a caption and an alt text"):
            ShownFigure(draw("lines"), **words)
    plt.close("all")
