"""Names of own policies and paths of own code in a study file."""

from __future__ import annotations

import pytest

from dfstudy.errors import StudyError
from dfstudy.pipeline.reads import Present, study_digest
from dfstudy.present.settings import describe
from dfstudy.study.recipe import COMPARED, POLICIES, Augment
from dfstudy.study.study import Study, load_study

POLICY = "augment: {policy: mine, policies: {mine: [{HorizontalFlip: {p: 0.5}}]}}\n"


def write(folder, text, name="own.yaml"):
    file = folder / name
    file.write_text("name: own\ntitle: My study\n" + text)
    return str(file)


def test_an_own_policy_can_be_named_wherever_a_policy_is(tmp_path):
    text = POLICY + "policies: {names: [none, mine, mixup], asked: mine}"
    study = load_study(write(tmp_path, text))
    assert study.augment.policy == "mine" and study.policies.names == ["none", "mine", "mixup"]
    again = Study.model_validate(study.model_dump(mode="json"))
    assert again.augment == study.augment and again.policies == study.policies
    assert Augment(policy="mine", policies={"mine": ["resize"]}).policy == "mine"


def test_what_is_compared_by_default_does_not_grow_with_the_list_of_policies():
    assert Study(name="x", title="x").policies.names == list(COMPARED)
    assert set(COMPARED) < set(POLICIES)


@pytest.mark.parametrize(
    ("text", "says"),
    [
        (
            "augment: {policy: mime, policies: {mine: [{HorizontalFlip: {}}]}}",
            ["augment.policy: 'mime'", "did you mean 'mine'", "cutmix, mine"],
        ),
        (
            POLICY + "policies: {names: [none, 'mine*2']}",
            ["policies.names.1: 'mine*2'", "taken as it is", "under another name"],
        ),
        (POLICY + "policies: {asked: mixup-x, names: [mien]}", ["policies.names.0: 'mien'", "mean 'mine'"]),
        ("augment: {policies: {original: [{HorizontalFlip: {}}]}}", ["'original' is taken"]),
        ("augment: {policies: {Mine-1: [{HorizontalFlip: {}}]}}", ["small letters, digits and _"]),
        ("augment: {policies: {mine: []}}", ["augment.policies.mine", "give a list of transforms"]),
        ("augment: {policies: {mine: heavy}}", ["augment.policies.mine", "path/to/file.py:function"]),
        ("augment: {policies: {mine: [flip]}}", ["augment.policies.mine", "{Name: {parameter: value}}"]),
    ],
)
def test_a_name_that_cannot_be_is_refused(tmp_path, text, says):
    with pytest.raises(StudyError) as error:
        load_study(write(tmp_path, text))
    assert all(part in str(error.value) for part in says), error.value


def test_names_of_one_study_are_unknown_to_the_next(tmp_path):
    load_study(write(tmp_path, POLICY))
    with pytest.raises(StudyError, match="unknown policy"):
        load_study(write(tmp_path, "augment: {policy: mine}"))


def test_paths_count_from_the_study_file_and_are_shown_without_folders(tmp_path):
    text = "model: {backbone: 'nets/mine.py:build'}\naugment: {policies: {mine: 'aug.py:mine'}}"
    study = load_study(write(tmp_path, text + "\nforgeries: {second: {backbone: 'nets/mine.py:other'}}"))
    assert study.model.backbone == f"{tmp_path / 'nets' / 'mine.py'}:build"
    assert study.forgeries.second.network == "mine.py:other"
    assert study.augment.policies == {"mine": f"{tmp_path / 'aug.py'}:mine"}
    shown = {key: value for key, value, _ in describe(study)}
    assert shown["model.backbone"] == "mine.py:build"
    assert shown["augment.policies"] == "mine: aug.py:mine"
    assert str(tmp_path) not in shown["model.backbone"] + shown["augment.policies"]


def test_a_step_of_the_report_reads_the_content_of_own_code(tmp_path):
    (tmp_path / "mine.py").write_text("a")
    text = "model: {backbone: 'mine.py:build'}\naugment: {policies: {mine: 'mine.py:mine'}}"
    study = load_study(write(tmp_path, text))
    before = [Present(study)["shaping part of model"], Present(study)["setting augment"], study_digest(study)]
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "mine.py").write_text("a")
    moved = load_study(write(tmp_path / "elsewhere", text))
    assert before == [
        Present(moved)["shaping part of model"],
        Present(moved)["setting augment"],
        study_digest(moved),
    ]
    (tmp_path / "mine.py").write_text("b")
    after = [Present(study)["shaping part of model"], Present(study)["setting augment"], study_digest(study)]
    assert all(a != b for a, b in zip(before, after, strict=True))
