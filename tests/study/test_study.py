"""Study files: the built-in ones fit, and what does not fit is named with file, key, value and remedy."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner

from dfstudy.cli.main import main
from dfstudy.errors import StudyError
from dfstudy.pipeline.invocation import resolve
from dfstudy.present.settings import describe
from dfstudy.study import renamed
from dfstudy.study.study import STUDIES, Study, built_in_studies, load_study
from dfstudy.system.provenance import project_root


def write(folder: Path, text: str) -> str:
    file = folder / "own.yaml"
    file.write_text("name: own\ntitle: My study\n" + text)
    return str(file)


@pytest.mark.parametrize("name", built_in_studies())
def test_every_built_in_study_fits_and_is_named_after_its_file(name):
    study = load_study(name)
    assert study.name == name
    assert study.out == project_root() / "reports" / name


def test_there_are_the_promised_built_in_studies():
    assert built_in_studies() == [
        "dfdc_6k",
        "foundation",
        "full",
        "openforensics_7k",
        "original",
        "sample",
        "small",
    ]


def test_the_original_study_is_the_recorded_protocol():
    training = load_study("original").training
    assert (training.optimiser, training.learning_rate, training.weight_decay) == ("sgd", 0.01, 1e-7)
    assert (training.schedule, training.step_epochs, training.step_factor) == ("step", 15, 0.1)
    assert (training.epochs, training.patience, training.batch_size) == (30, 3, 64)


def test_old_names_are_taken_noted_once_and_replaced(tmp_path, capsys):
    renamed._current.cache_clear()
    policies = "policies: {names: [none, seed, seed-grey, 'seed*0.5', none+grey], asked: seed}"
    file = write(tmp_path, f"augment: {{policy: seed-horizontal_flip}}\n{policies}")
    study = load_study(file)
    assert study.augment.policy == "original-horizontal_flip" and study.policies.asked == "original"
    assert study.policies.names == ["none", "original", "original-grey", "original*0.5", "none+grey"]
    load_study(file)
    assert capsys.readouterr().err == "note: the policy `seed` is now called `original`\n"
    assert load_study("seed", out="x") == load_study("original", out="x")
    assert resolve("seed").study == "original"
    assert capsys.readouterr().err == "note: the study `seed` is now called `original`\n"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (
            "model: {backbon: x}",
            ["model.backbon: unknown key", "did you mean 'backbone'", "trainable_stages"],
        ),
        ("modle: {}", ["modle: unknown key", "did you mean 'model'"]),
        ("model: {size: big}", ["model.size: 'big'", "valid integer"]),
        ("model: {size: 4}", ["model.size: 4", "greater than or equal to 32"]),
        ("training: {optimiser: adam}", ["training.optimiser: 'adam'", "'sgd', 'nesterov' or 'adamw'"]),
        ("training: {seeds: [1, 1]}", ["seeds repeats a seed"]),
        ("data: {test_fraction: .5, val_fraction: .4}", ["leave less than 20 %"]),
        ("data: {sample: {identites: 30}}", ["data.sample.identites", "did you mean 'identities'"]),
        ("data: {aliases: {fakes: [x]}}", ["data.aliases.fakes"]),
        ("forgeries: {second: {bakbone: x}}", ["forgeries.second.bakbone", "did you mean 'backbone'"]),
        ("test_on: [{rooot: x}]", ["test_on.0.rooot", "did you mean 'root'", "test_on.0.root: missing"]),
        ("test_on: faces", ["test_on: 'faces'", "valid list"]),
        ("evaluate: {level: identity}", ["evaluate: ", "names identities", "group, video or picture"]),
        ("test_on: [a/faces, b/faces]", ["two folders are called 'faces'", "give one of them a name"]),
        (
            "augment: {policy: orginal}",
            ["augment.policy: 'orginal'", "did you mean 'original'", "self_blend"],
        ),
        ("augment: {policy: ''}", ["augment.policy: ''", "unknown policy"]),
        ("policies: {names: [none, original-gray]}", ["policies.names.1", "'gray' (did you mean 'grey'?)"]),
        ("out: here", ["unknown key 'out'"]),
    ],
)
def test_what_does_not_fit_is_named(tmp_path, text, expected):
    file = write(tmp_path, text)
    with pytest.raises(StudyError) as error:
        load_study(file)
    for words in [file, *expected]:
        assert words in str(error.value)
    assert error.value.hint


def test_all_problems_are_reported_at_once(tmp_path):
    with pytest.raises(StudyError, match=r"\(3 problems\)"):
        load_study(write(tmp_path, "model: {backbon: x, size: big}\ntraining: {epochs: 0}"))


def test_missing_name_is_said(tmp_path):
    file = tmp_path / "own.yaml"
    file.write_text("title: no name\n")
    with pytest.raises(StudyError, match="name: missing"):
        load_study(str(file))


@pytest.mark.parametrize("text", ["", "- a list", "a: [unclosed"])
def test_a_file_that_is_no_study_is_refused(tmp_path, text):
    file = tmp_path / "own.yaml"
    file.write_text(text)
    with pytest.raises(StudyError, match=r"own\.yaml"):
        load_study(str(file))


def test_an_unknown_study_lists_the_known_ones():
    with pytest.raises(StudyError, match="did you mean 'sample'") as error:
        load_study("sampel")
    assert "openforensics_7k, original, sample, small" in error.value.hint


def test_paths_in_a_study_count_from_its_file(tmp_path, monkeypatch):
    second = "forgeries: {second: {weights: second.safetensors}}"
    file = write(tmp_path, f"data: {{root: pictures}}\nmodel: {{weights: w/net.safetensors}}\n{second}")
    monkeypatch.chdir("/")
    study = load_study(file)
    assert study.data.root == str(tmp_path / "pictures")
    assert study.model.weights == str(tmp_path / "w/net.safetensors")
    assert study.forgeries.second.weights == str(tmp_path / "second.safetensors")
    named = load_study(write(tmp_path, "forgeries: {second: {weights: hub}}"))
    assert named.forgeries.second.weights == "hub"


def test_other_folders_are_a_path_or_more_and_count_from_the_file(tmp_path, monkeypatch):
    text = "test_on: [others, {root: ../more, name: Faces II, layout: DFDC, aliases: {fake: [swap]}}]"
    (tmp_path / "studies").mkdir()
    file = write(tmp_path / "studies", text)
    monkeypatch.chdir("/")
    study = load_study(file)
    assert [other.root for other in study.test_on] == [
        str(tmp_path / "studies" / "others"),
        str(tmp_path / "more"),
    ]
    assert [other.title for other in study.test_on] == ["others", "Faces II"]
    assert study.test_on[1].aliases == {"fake": ["swap"]} and load_study("sample").test_on == []
    shown = {key: value for key, value, _ in describe(study)}
    assert shown["test_on"] == "others, Faces II"
    assert load_study(file, data=str(tmp_path / "own")).test_on == study.test_on


def test_own_pictures_get_their_own_results_folder(tmp_path):
    folder = tmp_path / "My Faces 2"
    study = load_study("small", data=str(folder))
    assert (study.name, study.pictures, study.is_sample) == ("my-faces-2", folder, False)
    assert study.out.name == "my-faces-2"


@pytest.mark.parametrize("name", ["sample", "published"])
def test_a_folder_named_like_a_study_stays_out_of_its_results(tmp_path, name):
    assert load_study("small", data=str(tmp_path / name)).name == f"{name}-pictures"


def test_the_results_folder_can_be_chosen(tmp_path):
    study = load_study("sample", out=str(tmp_path / "here"))
    assert study.out == tmp_path / "here"
    assert study.pictures == tmp_path / "here" / "pictures"


def test_where_results_go_is_no_part_of_the_study(tmp_path):
    dump = load_study("sample", out=str(tmp_path)).model_dump()
    assert not {"out", "file"} & set(dump)


def test_every_setting_has_a_meaning_and_no_path_is_shown(tmp_path):
    rows = describe(load_study("small", data=str(tmp_path / "faces")))
    assert all(meaning for _, _, meaning in rows)
    assert not any(str(tmp_path) in value for _, value, _ in rows)
    keys = [key for key, _, _ in rows]
    assert {"name", "data.sample.identities", "training.seeds", "evaluate.replicates"} <= set(keys)
    assert len(keys) == len(set(keys))


def test_a_study_cannot_be_changed_after_it_was_read():
    study = load_study("sample")
    with pytest.raises(ValueError, match="frozen"):
        study.model.size = 64  # type: ignore[misc]
    assert isinstance(study, Study)


def test_the_place_that_errors_point_to_holds_every_key(tmp_path):
    with pytest.raises(StudyError) as error:
        load_study(write(tmp_path, "model: {backbon: x}"))
    assert error.value.hint.endswith("meaning: dfstudy settings, or docs/settings.md")
    said = CliRunner().invoke(main, ["settings"], catch_exceptions=False)
    lines = [line for line in said.output.splitlines() if not line.startswith(" ")]
    listed = {line.partition(":")[0] for line in lines}
    assert said.exit_code == 0 and len(listed) == len(lines)
    # the report's table is another walk over the same sections; it lists values, these are the keys
    assert {key for key, _, _ in describe(load_study("full"))} <= listed
    assert {"data.exclude", "forgeries.second.backbone", "test_on[].root"} <= listed


@pytest.mark.parametrize("name", sorted(file.stem for file in STUDIES.glob("*.yaml")))
def test_built_in_studies_use_the_names_of_today(name, capsys):
    renamed._current.cache_clear()  # a name is noted once a process
    load_study(name)
    assert capsys.readouterr().err == ""


def test_the_command_line_resamples_as_often_as_a_study():
    told = CliRunner().invoke(main, ["evaluate", "--help"]).output
    option = next(one for one in main.commands["evaluate"].params if one.name == "replicates")
    assert not isinstance(option.default, int) and "default those of a study" in " ".join(told.split())


def test_a_study_that_does_not_fit_together_is_told_without_all_its_settings():
    with pytest.raises(StudyError) as error:
        load_study(overrides={"model.tuning": "lora"})
    assert error.value.message.endswith(
        "\n  model.tuning is lora, and tuning.modes compares ways of tuning: give one"
    )
