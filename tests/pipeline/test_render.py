"""The page: what a chapter becomes, and that a faulty page is never written."""

from __future__ import annotations

import base64
import io
import json

import nbformat
import pytest
from bs4 import BeautifulSoup
from PIL import Image

from dfstudy.chapters.base import Chapter
from dfstudy.errors import StudyError
from dfstudy.number import Number
from dfstudy.pipeline.page.figures import leave_out_faces, number_figures, place_figures
from dfstudy.pipeline.page.fragments import FIGURE_OF, make_fragment
from dfstudy.pipeline.page.links import settle_links
from dfstudy.pipeline.page.page_check import page_problems
from dfstudy.pipeline.page.render import render
from dfstudy.pipeline.page.tables import tidy_table
from dfstudy.pipeline.plan import PLAN, TRAINING
from dfstudy.present.numbers import save_numbers

PIXEL = "data:image/png;base64,iVBORw0KGgo="


def figure(name: str, mark: str = "", alt: str = "A line.") -> str:
    return f'<figure id="{name}"{mark}><img src="{PIXEL}" alt="{alt}"><figcaption>n = 3</figcaption></figure>'


def shown(html: str, source: str = "show()", tags: tuple[str, ...] = (), kind: str = "text/html"):
    cell = nbformat.v4.new_code_cell(source, execution_count=1, metadata={"tags": list(tags)})
    cell.outputs = [nbformat.v4.new_output("execute_result", {kind: html, "text/plain": "<object>"})]
    return cell


def prose(text: str):
    return nbformat.v4.new_markdown_cell(text)


def fragment(*cells, name: str = "03_train"):
    made = make_fragment(nbformat.v4.new_notebook(cells=list(cells)), name)
    return made, BeautifulSoup(made.body, "html.parser")


def test_headings_go_down_two_levels_with_the_chapters_name():
    made, soup = fragment(prose("# Training\n\nWhy?\n\n## It falls\n\nSee [above](#It-falls).\n\n### Finer"))
    assert made.title == "Training" and soup.find(id="03_train-it-falls").get_text() == "It falls"
    assert [h.name for h in soup.find_all(["h2", "h3", "h4", "h5"])] == ["h4", "h5"]
    assert soup.a["href"] == "#03_train-it-falls"


def test_two_equal_headings_have_two_anchors():
    _, soup = fragment(prose("# T\n\n## Same\n\n## Same"))
    assert len({heading["id"] for heading in soup.find_all("h4")}) == 2


def test_code_is_folded_and_parameters_are_hidden():
    parameters = nbformat.v4.new_code_cell("study = 'sample'", metadata={"tags": ["parameters"]})
    injected = nbformat.v4.new_code_cell(
        "out = '/tmp/of-this-machine'", metadata={"tags": ["injected-parameters"]}
    )
    made, soup = fragment(prose("# T"), parameters, injected, shown("<b>x</b>", "show(answer)"))
    assert "sample" not in made.body and "/tmp/of-this-machine" not in made.body
    assert "answer" in soup.details.get_text() and soup.details.get("open") is None


def test_cells_that_invite_a_change_are_left_out():
    text = nbformat.v4.new_markdown_cell("## Try it", metadata={"tags": ["try-it"]})
    tried = shown(figure("mine"), "slide()", tags=("try-it",))
    made, soup = fragment(prose("# T"), shown(figure("a")), text, tried, shown(figure("b")))
    assert "Try it" not in made.body and "mine" not in made.body and "slide" not in made.body
    assert [each["id"] for each in soup.find_all("figure")] == ["a", "b"]


def test_progress_and_plain_fallbacks_do_not_reach_the_page():
    cell = shown("<b>result</b>")
    cell.outputs.insert(0, nbformat.v4.new_output("stream", name="stderr", text="10%|###"))
    cell.outputs.insert(0, nbformat.v4.new_output("stream", name="stdout", text="said\n"))
    made, _ = fragment(prose("# T"), cell)
    assert "10%" not in made.body and "&lt;object&gt;" not in made.body
    assert "said" in made.body and "result" in made.body


def test_figures_are_numbered_in_reading_order_and_measured_ones_apart():
    first, soup = fragment(shown(figure("a")), shown(figure("t", ' data-timing="true"')))
    second, _ = fragment(shown(figure("b")))
    assert 'id="t"' in first.timing and 'id="t"' not in first.body
    assert soup.find("a", href="#t")[FIGURE_OF] == "03_train"
    page = BeautifulSoup(first.body + second.body + first.timing, "html.parser")
    labels = [words.partition(".")[0] for _, words in number_figures(page)]
    assert labels == ["Figure 1", "Figure 2", "Figure P1"]
    assert page.find(id="b").figcaption.get_text() == "Figure 2. n = 3"
    settle_links(page)
    assert "Figure P1 shows measured durations" in page.get_text()


def test_the_main_part_takes_its_figures_out_of_the_chapters():
    html = (
        '<div data-shows="a"></div><div data-shows="not_drawn"></div>'
        '<details class="chapter" id="03_train"><summary><h3>T</h3></summary>'
        f"{figure('a')}{figure('b')}</details>"
    )
    soup = BeautifulSoup(html, "html.parser")
    place_figures(soup)
    assert number_figures(soup) == [("a", "Figure 1. n = 3"), ("b", "Figure 2. n = 3")]
    settle_links(soup)
    assert soup.find("figure")["id"] == "a" and "data-shows" not in str(soup)
    assert soup.details.p.get_text() == "In the main part: Figure 1." and soup.details.a["href"] == "#a"


def test_images_of_people_can_be_left_out_and_charts_stay():
    face = figure("face").replace("image/png", "image/jpeg")
    soup = BeautifulSoup(f'{face}{figure("chart")}<a href="#face">f</a>', "html.parser")
    assert leave_out_faces(soup) == 1
    assert "jpeg" not in str(soup) and soup.find("figure")["id"] == "chart"
    assert soup.find(id="face").name == "p" and "left out" in soup.find(id="face").get_text()


def test_a_measured_table_moves_too():
    made, _ = fragment(shown('<div data-timing="true"><table><tr><td>3.2 s</td></tr></table></div>'))
    assert "3.2 s" in made.timing and "3.2 s" not in made.body


def test_figures_are_shown_in_their_own_inches():
    buffer = io.BytesIO()
    Image.new("RGB", (720, 360)).save(buffer, "PNG")
    source = "data:image/png;base64," + base64.b64encode(buffer.getvalue()).decode()
    _, soup = fragment(shown(figure("a").replace(PIXEL, source)), shown(figure("b")))
    assert [(x.get("width"), x.get("height")) for x in soup.find_all("img")] == [("480", "240"), (None, None)]


def test_percent_signs_stay_with_their_numbers():
    made, _ = fragment(prose("# T\n\nAt 5 % or `5 % 2`."))
    assert "5\u00a0% or" in made.body and "<code>5 % 2</code>" in made.body


def test_outside_links_become_words():
    made, soup = fragment(prose("# T\n\nSee [the paper](https://arxiv.org/abs/1) or <https://x.org/y>."))
    assert soup.find("a") is None and "http" not in made.body
    assert "the paper (arxiv.org/abs/1)" in made.body and "or x.org/y." in made.body


def test_links_to_other_notebooks_lead_to_their_chapters():
    _, soup = fragment(prose("# T\n\nAs [the training](03_train.ipynb) shows."))
    assert soup.a["href"] == "#03_train"


FORMULAS = r"""# T

Inline $\hat p > \frac{1}{2}$ and a price of &#36;5 to &#36;6.

$$\mathrm{AUC} = P(s_1 > s_0)$$

\begin{align} a &= b \\ c &= d \end{align}
"""


def test_formulas_are_drawn_with_their_tex_as_words():
    made, soup = fragment(prose(FORMULAS), shown(r"$\displaystyle x^{2}$", kind="text/latex"))
    drawn = soup.find_all("img", class_="formula")
    names = [r"\hat p > \frac{1}{2}", r"\mathrm{AUC} = P(s_1 > s_0)", "a = b", "c = d", "x^{2}"]
    assert [one["alt"] for one in drawn] == names
    assert all(one["src"].startswith("data:image/svg+xml;base64,") for one in drawn)
    assert len(soup.find_all("span", class_="formula")) == 3
    assert "a price of $5 to $6" in soup.get_text() and "\\" not in soup.get_text()
    again, _ = fragment(prose(FORMULAS), shown(r"$\displaystyle x^{2}$", kind="text/latex"))
    assert again.body == made.body
    assert not [fault for fault in page_problems(made.body) if "picture" in fault or "outside" in fault]


def test_a_formula_that_cannot_be_drawn_is_refused_by_name():
    with pytest.raises(StudyError, match="cannot show the formula") as told:
        fragment(prose(r"Say $\nope{x}$"))
    assert r"$\nope{x}$" in told.value.message and "backticks" in told.value.hint


def test_scripts_and_styles_are_left_out():
    made, _ = fragment(shown("<style>b {}</style><script>alert(1)</script><b>kept</b>"))
    assert "alert" not in made.body and "b {}" not in made.body and "kept" in made.body


def test_answers_are_lifted_without_their_code():
    made, _ = fragment(shown("<table><tr><td>yes</td></tr></table>", "say(x)", ("answers",)))
    assert "yes" in made.lifted["answers"] and "say" in made.body and "<table>" not in made.body
    assert '<a href="#answers">All answers</a>' in made.body


def test_a_pandas_table_loses_its_running_index_and_sets_numbers_right():
    import pandas as pd

    frame = pd.DataFrame(
        {"who": ["a", "b"], "AUC": ["0.9 [0.8, 1.0]", "not defined (one class)"], "n": [1, 22]}
    )
    soup = BeautifulSoup(frame.to_html(), "html.parser")
    tidy_table(soup.table)
    head = [cell.get_text() for cell in soup.thead.find_all("th")]
    assert head == ["who", "AUC", "n"] and all(cell["scope"] == "col" for cell in soup.thead.find_all("th"))
    first = soup.tbody.tr.find_all("td")
    assert [cell.get("class") for cell in first] == [None, "number", "number"]
    assert soup.tbody.find_all("tr")[1].find_all("td")[1].get("class") is None
    assert "border" not in soup.table.attrs


def test_a_named_index_stays_as_row_headings():
    import pandas as pd

    soup = BeautifulSoup(pd.DataFrame({"n": [1, 2]}, index=["real", "fake"]).to_html(), "html.parser")
    tidy_table(soup.table)
    assert [cell["scope"] for cell in soup.tbody.find_all("th")] == ["row", "row"]
    assert [cell.name for cell in soup.thead.find_all(["th", "td"])] == ["td", "th"]


def test_an_empty_table_says_none_and_an_empty_column_goes():
    import pandas as pd

    soup = BeautifulSoup(pd.DataFrame(columns=["reason", "pictures"]).to_html(), "html.parser")
    tidy_table(soup.table)
    assert [cell.get_text() for cell in soup.find_all("th")] == ["reason", "pictures"]
    assert soup.tbody.get_text(strip=True) == "none"
    soup = BeautifulSoup(pd.DataFrame({"n": [1, 2], "note": ["", ""]}).to_html(), "html.parser")
    tidy_table(soup.table)
    assert [cell.get_text() for cell in soup.find_all("th")] == ["n"]


def test_long_ids_may_break_and_read_the_same():
    soup = BeautifulSoup("<table><tr><td>test.auc.method.swap</td><td>a_b</td></tr></table>", "html.parser")
    tidy_table(soup.table)
    assert [len(cell.find_all("wbr")) for cell in soup.find_all("td")] == [3, 0]
    assert soup.td.get_text() == "test.auc.method.swap"


def test_the_numbers_of_a_chapter_stand_once():
    table = "<table><tr><td>test.auc</td></tr></table>"
    _, soup = fragment(prose("# T"), shown(table, 'save_numbers(settings, "03_train", numbers)'))
    assert soup.table is None and soup.find("a")["href"] == "#numbers-03_train"


def test_a_chapter_without_numbers_points_to_none():
    table = "<table><thead><tr><th>number</th><th>value</th></tr></thead><tbody></tbody></table>"
    _, soup = fragment(prose("# T"), shown(table, 'save_numbers(settings, "09_pretrained", [])'))
    assert soup.table is None and soup.find("a") is None and "gave no numbers" in soup.get_text()


@pytest.fixture
def report(invocation):
    """Chapters that have run, as files; returns a function that renders them."""
    study = invocation.settings
    chapters = [Chapter(name, name, (), 9, (), ()) for name in ("01_a", "09_z")]
    (study.out / "notebooks").mkdir(parents=True)
    (study.out / "data").mkdir()
    (study.out / "data/fingerprint.json").write_text(json.dumps({"pictures": 12, "fingerprint": "f" * 64}))
    (study.out / "runs").mkdir()
    note = {"key": "seed0-own", "seed": 0, "device": "cpu", "seconds": 7.5}
    # an abandoned training, and one of an earlier study in the same folder
    for name, key in (("seed_0", "seed0-abandoned"), ("seed_9", "seed9-earlier")):
        (study.out / f"runs/{name}.json").write_text(json.dumps(note | {"key": key}))
    (study.out / "study").mkdir()
    (study.out / "steps").mkdir()
    (study.out / TRAINING.format("seed_0")).write_text(json.dumps({"runs": {"seed_0": note}, "seconds": 7.5}))
    (study.out / TRAINING.format("seed_9")).write_text(json.dumps({"runs": {"seed_9": note}}))
    plan = {"training": [{"rule": "training", "steps": {"seed_0": {"title": "Training, seed 0"}}}]}
    (study.out / PLAN).write_text(json.dumps(plan))
    contents = {
        "01_a": [prose("# First\n\n## Seen"), shown(figure("one"))],
        "09_z": [prose("# Last"), shown("All is *well*.", tags=("abstract",), kind="text/markdown")],
    }

    def make(**changed) -> str:
        for name, cells in (contents | changed).items():
            notebook = nbformat.v4.new_notebook(cells=cells)
            nbformat.write(notebook, study.out / "notebooks" / f"{name}.ipynb")
            save_numbers(study, name, [Number(f"{name}.n", 0.5, "1", 12, 0.25, 0.75, note="n & o < p")])
        return render(study, tuple(chapters)).read_text("utf-8")

    return make


def test_the_page_has_its_parts_in_order(report):
    page = report()
    soup = BeautifulSoup(page, "html.parser")
    assert page_problems(page) == []
    headings = [next(h.stripped_strings) for h in soup.main.find_all("h2")]
    assert headings == ["Figures", "Chapters", "Numbers", "Settings", "Provenance"]
    assert [h.get_text() for h in soup.find(id="chapters").find_all("h3")] == ["First", "Last"]
    assert soup.h1.get_text() == soup.title.get_text() == "Detecting forged faces among rendered portraits"
    assert [a["href"] for a in soup.nav.find_all("a")][:3] == ["#summary", "#figure-index", "#chapters"]
    assert [a["href"] for a in soup.find(id="figure-list").find_all("a")] == ["#one"]
    stamp = soup.find(class_="stamp").get_text()
    assert "12 images" in stamp and "commit" in stamp
    numbers = soup.find(id="numbers").get_text()
    assert soup.find(id="numbers-09_z").get_text() == "Last"
    rows = soup.find(id="numbers").tbody.find_all("tr")
    csv, json_file = (link["href"] for link in soup.find(id="numbers").find_all("a", download=True))
    assert b"01_a,01_a.n,0.5,1,12,0.25,0.75,,n & o < p,3" in base64.b64decode(csv.partition(",")[2])
    assert json.loads(base64.b64decode(json_file.partition(",")[2]))["09_z"][0]["high"] == 0.75
    assert [row.find(["th", "td"]).get_text() for row in rows] == ["First", "01_a.n", "Last", "09_z.n"]
    assert len(rows[1].find_all("td")) == len(soup.find(id="numbers").thead.find_all("th"))
    assert "0.500 [0.250, 0.750]" in numbers and "n & o < p" in numbers
    assert "training.learning_rate" in soup.find(id="settings").get_text()
    provenance = soup.find(id="provenance").get_text()
    for words in ("ffffffff", "commit", "torch", "sample.yaml", "Seeds", "Training, seed 07.5 s"):
        assert words in provenance
    assert "seed0-own" in provenance and "abandoned" not in provenance and "earlier" not in provenance


def test_provenance_is_the_only_place_for_what_differs(report, without_provenance):
    page = report()
    rest = without_provenance(page)
    assert "commit" not in rest and 'id="provenance"' not in rest and "First" in rest
    assert rest == without_provenance(page.replace("ffffffff", "eeeeeeee"))


def test_a_faulty_page_is_not_written(report, invocation):
    good = report()
    with pytest.raises(StudyError, match="image two has no alt text"):
        report(**{"01_a": [prose("# First"), shown(figure("two", alt=""))]})
    with pytest.raises(StudyError, match="has no caption"):
        report(**{"01_a": [prose("# First"), shown("iVBORw0KGgo=", kind="image/png")]})
    assert (invocation.settings.out / "index.html").read_text("utf-8") == good


def test_a_chapter_that_has_not_run_is_said(invocation):
    with pytest.raises(StudyError, match="chapter 01_explore_data has not run"):
        render(invocation.settings)


GOOD = '<html lang="en"><head><title>t</title></head><body><h1 id="a">t</h1><h2>u</h2>%s</body></html>'
FAULTS = {
    '<script src="#"></script>': "a script that the page's policy does not name",
    "<script>alert(1)</script>": "a script that the page's policy does not name",
    '<a href="data:text/html,x">x</a>': "points outside the file",
    '<img src="https://x.org/a.png" alt="a">': "points outside the file",
    '<a href="https://x.org">x</a>': "points outside the file",
    '<a href="#nowhere">x</a>': "link #nowhere leads nowhere",
    "<h4>deep</h4>": "skips from level 2 to 4",
    "<h1>again</h1>": "2 headings of level 1",
    '<p id="a"></p>': "id 'a' occurs 2 times",
    f'<figure><img src="{PIXEL}"><figcaption>c</figcaption></figure>': "no alt text",
    f'<img src="{PIXEL}" alt="a">': "no caption",
    '<p onclick="x()"></p>': "<p> has onclick",
    "<style>p { background: url(a.png) }</style>": "style sheet uses url(",
    "<h3> </h3>": "empty heading",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_each_fault_is_found(fault):
    assert page_problems(GOOD % "") == []
    assert any(FAULTS[fault] in problem for problem in page_problems(GOOD % fault))


def test_language_and_title_are_asked_for():
    assert page_problems("<html><h1>x</h1></html>") == ["no language on <html>", "no title"]


def test_a_link_to_a_figure_is_named_like_it_and_never_leads_nowhere():
    links = "".join(
        f'<p><a href="{target}">{words}</a></p>'
        for target, words in [
            ("04_test.ipynb#test_roc", "roc"),
            ("04_test.ipynb#not_drawn", "gone"),
            ("08_audit.ipynb#defects", "off"),
            ("04_test.ipynb", "the test"),
        ]
    )
    fragments = [
        make_fragment(nbformat.v4.new_notebook(cells=[prose(f"# {title}"), shown(html)]), name)
        for name, title, html in [("04_test", "The test", figure("test_roc")), ("09_end", "The end", links)]
    ]
    page = "".join(
        f'<details id="{x.id}" class="chapter"><summary><h3>{x.title}</h3></summary>{x.body}</details>'
        for x in fragments
    )
    soup = BeautifulSoup(page, "html.parser")
    number_figures(soup)
    settle_links(soup)
    settled, found = str(soup), [(a["href"], a.get_text()) for a in soup.find_all("a")]
    assert found == [("#test_roc", "Figure 1"), ("#04_test", "The test"), ("#04_test", "the test")]
    assert "<p>off</p>" in settled and FIGURE_OF not in settled
    assert not [problem for problem in page_problems(settled) if problem.startswith("link")]
