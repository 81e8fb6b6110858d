"""What IPython allows beside Python: seen for its imports, and no mistake."""

from __future__ import annotations

import ast
import json

import pytest

from dfstudy.errors import StudyError
from dfstudy.pipeline.cells import plain_python
from dfstudy.pipeline.listing import notebook_sources
from dfstudy.system.provenance import imported_modules

IMPORT = "from dfstudy.data import split"


@pytest.mark.parametrize(
    "source",
    [
        "%matplotlib inline\n" + IMPORT,
        "!ls -l\n" + IMPORT,
        "files = !ls\n" + IMPORT,
        "split_study?\n" + IMPORT,
        "%%time\n" + IMPORT,
        "%%capture said\n%matplotlib inline\n" + IMPORT,
        "if 1:\n    %pip list\n" + IMPORT,
    ],
)
def test_imports_are_seen_beside_magics(source):
    code = plain_python(source)
    ast.parse(code)
    assert "dfstudy.data.split" in imported_modules(code)


@pytest.mark.parametrize("source", ["%%bash\nfor x in 1; do echo $x; done", "%%html\n<b>"])
def test_other_languages_import_nothing(source):
    assert plain_python(source) == ""


def test_plain_code_stays_as_it_is_and_mistakes_stay_mistakes():
    assert plain_python(IMPORT) == IMPORT
    with pytest.raises(SyntaxError):
        ast.parse(plain_python("%matplotlib inline\nif ("))


def test_a_cell_that_is_not_python_is_told_with_its_notebook_and_not_thrown_away(tmp_path):
    cells = [{"cell_type": "code", "source": ["2 * n) if ("]}]
    file = tmp_path / "09_last.ipynb"
    file.write_text(json.dumps({"cells": cells}))
    with pytest.raises(StudyError, match=r"09_last.ipynb: a code cell is not Python") as refused:
        notebook_sources(file)
    assert "git checkout" not in str(refused.value) + refused.value.hint
