"""What IPython allows beside Python: seen for its imports, and no mistake."""

from __future__ import annotations

import ast

import pytest

from dfstudy.pipeline.cells import plain_python
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
