"""Overrides: checked like a study file, in a folder of their own, the same however they are given."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import pytest
from click.testing import CliRunner

from dfstudy.cli.main import main
from dfstudy.errors import StudyError
from dfstudy.model.device import choose_place
from dfstudy.pipeline.folder import claimed
from dfstudy.pipeline.frozen import freeze
from dfstudy.pipeline.invocation import resolve
from dfstudy.study.overrides import describe_overrides, name_folder, parse_overrides
from dfstudy.study.study import STUDIES, load_study
from dfstudy.system.provenance import project_root
from dfstudy.train.key import describe_run

REPORTS = project_root() / "reports"
SIX = {"training.epochs": 6, "augment.policy": "none"}


def test_values_take_the_place_of_the_files_and_the_rest_stays():
    plain, changed = load_study(), load_study(overrides=SIX)
    assert (changed.training.epochs, changed.augment.policy) == (6, "none")
    same = plain.training.model_copy(update={"epochs": 6})
    assert changed.training == same and changed.model == plain.model and changed.file == plain.file
    assert load_study(overrides={}) == plain and plain.overrides == {}


def test_results_get_a_folder_of_their_own():
    assert load_study(overrides=SIX).out == REPORTS / "sample+augment.policy=none,training.epochs=6"
    assert load_study(overrides=dict(reversed(SIX.items()))).out == load_study(overrides=SIX).out
    # the same value, however it is written
    exact = load_study(overrides={"training.learning_rate": 0.001}).out
    assert load_study(overrides={"training.learning_rate": "1e-3"}).out == exact


def test_names_of_folders_are_short_safe_and_differ():
    path = name_folder("sample", {"model.weights": "/a b/net (1).safetensors"})
    assert path.startswith("sample+model.weights=net-1-.safetensors-") and "/" not in path
    assert path != name_folder("sample", {"model.weights": "/c/net (1).safetensors"})
    long = {f"policies.names{number}": "x" * 50 for number in range(9)}
    assert len(name_folder("sample", long)) < 110
    assert name_folder("sample", long) != name_folder("sample", long | {"z": 1})
    assert name_folder("sample", {"training.seeds": [0, 1]}).startswith("sample+training.seeds=0-1-")


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"training.epoch": 6}, ["training.epoch: unknown key (did you mean 'epochs'?)"]),
        ({"trainig.epochs": 6}, ["trainig: unknown key (did you mean 'training'?)"]),
        ({"training.epochs": 0}, ["training.epochs: 0", "greater than or equal to 1"]),
        ({"training.epochs": "many"}, ["training.epochs: 'many'", "valid integer"]),
        ({"augment.policy": "orginal"}, ["unknown policy (did you mean 'original'?)"]),
        ({"training.epochs": 0, "model.size": 4}, ["(2 problems)", "model.size: 4"]),
        ({"training": {"epochs": 6}}, ["training is a section", "training.optimiser"]),
        ({"data.sample": {"size": 64}}, ["data.sample is a section"]),
        ({"training.seeds.0": 1}, ["training.seeds.0: 'seeds' is [0, 1, 2]", "as a whole"]),
        ({"out": "there"}, ["unknown key 'out'"]),
        ({"overrides": {}}, ["unknown key 'overrides'"]),
        ([("a", 1)], ["no mapping from keys to values", 'overrides = {"training.epochs": 6']),
    ],
)
def test_what_does_not_fit_is_named_as_in_a_file(overrides, expected):
    with pytest.raises(StudyError) as error:
        load_study(overrides=overrides)
    for words in expected:
        assert words in str(error.value)


def test_the_error_says_that_the_file_itself_is_not_at_fault():
    with pytest.raises(StudyError, match=r"sample\.yaml with overrides does not fit"):
        load_study(overrides={"model.size": 4})


def test_a_study_file_holds_no_overrides(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("name: own\ntitle: Own\noverrides: {training.epochs: 6}\n")
    with pytest.raises(StudyError, match="unknown key 'overrides'"):
        load_study(str(file))


def test_parts_that_are_off_by_default_and_mappings_can_be_set():
    study = load_study(
        "small", overrides={"forgeries.second.backbone": "test_vit", "model.options.pad_type": "same"}
    )
    assert study.forgeries.second.backbone == "test_vit" and study.model.options == {"pad_type": "same"}
    assert load_study(overrides={"forgeries.second": None}).forgeries.second is None


def test_paths_count_from_the_current_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    study = load_study(overrides={"model.weights": "net.safetensors", "data.root": "faces"})
    assert (study.model.weights, study.data.root) == (
        str(tmp_path / "net.safetensors"),
        str(tmp_path / "faces"),
    )
    assert load_study(overrides={"model.weights": "hub"}).model.weights == "hub"


def test_overrides_are_part_of_a_runs_key():
    place = choose_place("float32")

    def key(**overrides) -> dict:
        study = load_study(overrides={name.replace("__", "."): value for name, value in overrides.items()})
        return describe_run(study, "pictures", 0, place)

    assert key(training__epochs=6) != key() != key(augment__policy="none")
    assert key(evaluate__replicates=200) == key()  # what trains nothing leaves the runs as they are


def test_what_is_typed_is_read_as_yaml():
    assert parse_overrides(["training.epochs=6 augment.policy=none", "training.seeds=[0, 1]"]) == {
        "training.epochs": 6,
        "augment.policy": "none",
        "training.seeds": [0, 1],
    }
    assert parse_overrides(["title=A b  c", "training.learning_rate=0.01"])["title"] == "A b  c"
    off = parse_overrides(["forgeries.train_on=off policies.controls=off defects.measured=false"])
    study = load_study(overrides=off)
    assert (study.forgeries.train_on, study.policies.controls, study.defects.measured) == (
        "off",
        False,
        False,
    )
    assert parse_overrides([]) == {} and parse_overrides(["forgeries.second=null"]) == {
        "forgeries.second": None
    }


@pytest.mark.parametrize(
    ("texts", "expected"),
    [
        (["training.epochs"], "'training.epochs' is no key=value"),
        ([""], "'' is no key=value"),
        (["training.seeds=[0"], "training.seeds: '.0' is not readable as YAML"),
        (["training.epochs=1", "training.epochs=2"], "training.epochs is given twice"),
    ],
)
def test_what_is_typed_wrongly_is_named(texts, expected):
    with pytest.raises(StudyError, match=expected):
        parse_overrides(texts)


def test_the_command_line_takes_them_and_says_what_is_wrong():
    said = CliRunner().invoke(main, ["index", "--set", "training.epoch=6"])
    assert said.exit_code == 1 and "did you mean 'epochs'" in said.output


def test_a_command_and_a_notebook_are_given_them_again(tmp_path):
    given = {"training.learning_rate": 1e-05, "title": "no", "training.seeds": [0, 1], "model.mean": None}
    asked = resolve(out=str(tmp_path), overrides=given)
    words = asked.options()
    texts = [after for word, after in pairwise(words) if word == "--set"]
    assert parse_overrides(texts) == asked.overrides == given
    assert asked.parameters()["overrides"] == given
    assert "overrides" not in resolve(out=str(tmp_path)).parameters()


def test_a_frozen_study_holds_them_in_its_settings(tmp_path):
    frozen = freeze(resolve(out=str(tmp_path), overrides=SIX))
    assert (
        frozen.settings.training.epochs == 6
        and frozen.settings.overrides == load_study(overrides=SIX).overrides
    )
    assert "overrides" not in frozen.parameters() and "--set" not in frozen.options()
    assert frozen.settings == resolve(frozen.study, out=frozen.out).settings
    with pytest.raises(StudyError, match="takes no overrides"):
        load_study(frozen.study, out=frozen.out, overrides=SIX)


def test_a_report_with_other_overrides_is_refused_by_report_and_notebook(tmp_path):
    out = str(tmp_path / "out")
    with claimed(resolve(out=out).settings):
        pass
    changed = resolve(out=out, overrides=SIX).settings
    with (
        pytest.raises(StudyError, match=r"holds another report \(overrides: none, now .*training.epochs=6"),
        claimed(changed),
    ):
        pass
    with pytest.raises(StudyError, match=r"holds a report \(overrides: none, now") as error:
        load_study(out=out, overrides=SIX)
    assert "leave out empty" in error.value.hint
    assert load_study(out=out).out == Path(out)
    with claimed(changed, replace=True):
        pass
    assert load_study(out=out, overrides=SIX).training.epochs == 6
    with pytest.raises(StudyError, match=r"overrides: augment.policy=none, training.epochs=6, now none"):
        load_study(out=out)


def test_a_report_of_an_earlier_version_has_no_overrides(tmp_path):
    with claimed(resolve(out=str(tmp_path)).settings):
        pass
    mark = tmp_path / "study/report.json"
    told = json.loads(mark.read_text())
    told.pop("overrides")
    mark.write_text(json.dumps(told))
    with claimed(resolve(out=str(tmp_path)).settings):
        pass


def test_a_copied_study_goes_to_a_folder_called_like_the_copy(tmp_path):
    for name, folder in [("mine", "mine"), ("My Study", "my-study"), ("sample", "sample-study")]:
        file = tmp_path / f"{name}.yaml"
        file.write_text((STUDIES / "sample.yaml").read_text("utf-8"))
        assert load_study(str(file)).out == REPORTS / folder
    changed = load_study(str(tmp_path / "mine.yaml"), overrides={"training.epochs": 6})
    assert changed.out == REPORTS / "mine+training.epochs=6"
    assert load_study(str(tmp_path / "mine.yaml"), data=str(tmp_path / "faces")).out == REPORTS / "faces"


def test_words_for_overrides_are_sorted():
    assert describe_overrides(SIX) == "augment.policy=none, training.epochs=6"


def test_the_results_without_overrides_lie_beside(tmp_path):
    assert load_study(overrides=SIX).base == REPORTS / "sample" and load_study().base is None
    assert load_study(out=str(tmp_path / "any"), overrides=SIX).base is None
