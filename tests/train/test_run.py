"""Runs are found by what shapes them, survive being killed, and are trained once."""

from __future__ import annotations

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor, wait
from pathlib import Path

import pytest
import torch
from filelock import FileLock
from fixtures.patience import PATIENCE
from safetensors.torch import load_file, save_file
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from dfstudy.errors import StudyError
from dfstudy.model.device import choose_place
from dfstudy.system.finished import NEEDED, lacking
from dfstudy.system.provenance import PACKAGE, digest, import_closure
from dfstudy.train import key as naming
from dfstudy.train.loop import Trainer
from dfstudy.train.run import load_run, train, train_all

HERE = Path(__file__).parent


def key(study, seed=0, fingerprint="f", place=None) -> str:
    return digest(naming.describe_run(study, fingerprint, seed, place or choose_place("float32")))


@pytest.mark.parametrize(
    "change",
    [
        {"learning_rate": 0.1},
        {"epochs": 4},
        {"patience": 1},
        {"select_by": "loss"},
        {"class_weight": "none"},
        {"policy": "none"},
        {"model": {"size": 64}},
        {"model": {"backbone": "test_resnet", "options": {}}},
        {"model": {"batch_norm": "eval"}},
        {"model": {"mean": [0.5, 0.5, 0.5]}},
    ],
    ids=str,
)
def test_what_shapes_the_weights_changes_the_key(make_study, change):
    assert key(make_study(**change)) != key(make_study())


def test_seed_pictures_device_versions_and_code_change_the_key(make_study, monkeypatch):
    study = make_study()
    keys = {
        key(study),
        key(study, seed=1),
        key(study, fingerprint="g"),
        key(study, place=choose_place("bfloat16")),
    }
    monkeypatch.setattr(naming, "versions", lambda: {"torch": "3.0"})
    keys.add(key(study))
    monkeypatch.setattr(naming, "code_digest", lambda *modules, without: "other code")
    keys.add(key(study))
    assert len(keys) == 6


def test_what_does_not_shape_the_weights_leaves_the_key(make_study):
    study = make_study()
    others = [
        make_study("elsewhere"),
        make_study(workers=2),
        make_study(seeds=[0, 5]),
        study.model_copy(update={"title": "Another title", "name": "other"}),
    ]
    assert {key(other) for other in others} == {key(study)}


def test_the_code_of_the_key_covers_what_shapes_a_weight():
    covered = {str(file.relative_to(PACKAGE)) for file in import_closure("dfstudy.train.loop")}
    assert {
        "augment/policies.py",
        "augment/transforms.py",
        "data/images.py",
        "data/loader.py",
        "model/build.py",
        "model/freeze.py",
        "train/protocol.py",
        "train/loop.py",
        "train/selection.py",
    } <= covered
    assert not [
        name
        for name in covered
        if name.startswith(
            ("chapters", "portraits", "pipeline", "present", "stats", "predict", "data/layouts")
        )
    ]


def test_weights_count_by_content_and_not_by_place(make_study, tmp_path):
    names = []
    for folder, value in (("a", 1.0), ("b", 1.0), ("c", 2.0)):
        (tmp_path / folder).mkdir()
        file = tmp_path / folder / "w.safetensors"
        save_file({"x": torch.tensor([value])}, file)
        names.append(key(make_study(model={"weights": str(file)})))
    assert names[0] == names[1] != names[2]


def test_a_finished_run_is_loaded_and_not_trained(parts, make_study, monkeypatch):
    study = make_study(epochs=1)
    first = train(study, parts, 0, False)
    monkeypatch.setattr(Trainer, "__init__", lambda *_: pytest.fail("it trained again"))
    again = train(study, parts, 0, False)
    assert again.checkpoint == first.checkpoint
    assert again.history.equals(first.history)
    assert load_run(first.folder).key == first.key == first.folder.name


def test_a_study_with_overrides_takes_the_runs_of_the_one_without(parts, make_study, monkeypatch, capsys):
    first = train(make_study("sample", epochs=1), parts, 0, False)
    (first.folder / "predictions_test.csv").write_text("kept beside the run\n")
    monkeypatch.setattr(Trainer, "__init__", lambda *_: pytest.fail("it trained again"))
    same = make_study("sample+evaluate.replicates=200", epochs=1)
    same = same.model_copy(update={"overrides": {"evaluate.replicates": 200}})
    taken = train(same, parts, 0)
    assert taken.folder == same.out / "runs" / first.key and lacking(taken.folder) == []
    assert "taken from sample" in capsys.readouterr().err
    for file in first.folder.iterdir():
        if file.is_file() and file.name != "lock":
            assert (taken.folder / file.name).read_bytes() == file.read_bytes()
    (first.folder / "best.safetensors").unlink()
    assert train(same, parts, 0, False).key == first.key  # a copy: what happens there changes nothing here
    with pytest.raises(pytest.fail.Exception, match="it trained again"):
        train(make_study("sample+other", epochs=1), parts, 0, False)  # no overrides: no folder it belongs to


@pytest.mark.parametrize("name", NEEDED)
def test_a_run_of_which_something_is_gone_is_trained_again(parts, make_study, capsys, name):
    study = make_study(epochs=1)
    first = train(study, parts, 0, False)
    # all but the timings, which are measured
    held = {file: (first.folder / file).read_bytes() for file in NEEDED if file != "timings.csv"}
    (first.folder / name).unlink()
    with pytest.raises(StudyError, match="holds no finished training|lacks " + name) as told:
        load_run(first.folder)
    assert "make report" in told.value.hint
    again = train(study, parts, 0)
    said = capsys.readouterr().err
    assert (f"finished, but lacks {name}: trained again" in said) == (name != "checkpoint.json")
    assert {file: (first.folder / file).read_bytes() for file in held} == held
    assert (
        again.clean.equals(load_run(first.folder).clean) and not (first.folder / "state.safetensors").exists()
    )


def test_an_interrupted_second_try_goes_on_and_does_not_count_as_finished(parts, make_study, monkeypatch):
    study = make_study(epochs=2)
    folder = train(study, parts, 0, False).folder
    weights = (folder / "best.safetensors").read_bytes()
    (folder / "best.safetensors").unlink()
    score = Trainer.clean_logits
    monkeypatch.setattr(Trainer, "clean_logits", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        train(study, parts, 0, False)
    assert "checkpoint.json" in lacking(folder) and (folder / "state.safetensors").is_file()
    monkeypatch.setattr(Trainer, "clean_logits", score)
    assert train(study, parts, 0, False).key == folder.name
    assert lacking(folder) == [] and (folder / "best.safetensors").read_bytes() == weights


@pytest.mark.parametrize("name", ["history.csv", "clean.csv"])
def test_a_table_that_is_none_says_what_to_do(parts, make_study, name):
    folder = train(make_study(epochs=1), parts, 0, False).folder
    (folder / name).write_bytes(b'a\n"\n')
    with pytest.raises(StudyError, match=f"{name} cannot be read") as told:
        _ = load_run(folder).clean
    assert "move that run folder away" in told.value.hint


@pytest.mark.parametrize("content", ["", "{", "[1]", "null"])
def test_a_damaged_run_beside_it_does_not_stop_a_training(parts, make_study, content):
    study = make_study(epochs=1)
    beside = study.out / "runs" / "seed0-other"
    beside.mkdir(parents=True)
    (beside / "config.json").write_text(content)
    assert train(study, parts, 0, False).history["epoch"].tolist() == [1]


def test_a_changed_study_never_resumes_an_unfinished_run(parts, make_study, monkeypatch):
    def stop(*_):
        raise KeyboardInterrupt

    validate = Trainer._validate
    monkeypatch.setattr(Trainer, "_validate", stop)
    with pytest.raises(KeyboardInterrupt):
        train(make_study(epochs=2), parts, 0, False)
    monkeypatch.setattr(Trainer, "_validate", validate)
    other = train(make_study(epochs=2, learning_rate=0.001), parts, 0, False)
    alone = train(make_study("alone", epochs=2, learning_rate=0.001), parts, 0, False)
    assert other.history.equals(alone.history)
    assert len(list(other.folder.parent.iterdir())) == 2


def test_one_run_a_seed_and_seeds_differ(parts, make_study):
    runs = train_all(make_study(epochs=1, seeds=[4, 2]), parts, progress=False)
    assert [one.seed for one in runs] == [4, 2]
    assert runs[0].key.startswith("seed4-")
    weights = [load_file(one.folder / "best.safetensors")["conv_stem.weight"] for one in runs]
    assert not torch.equal(*weights)


def test_clean_logits_cover_training_and_validation_and_no_test(parts, make_study):
    clean = train(make_study(epochs=1), parts, 0, False).clean
    want = parts.rows[parts.rows["split"] != "test"]
    assert clean["path"].tolist() == want["path"].tolist()
    assert (clean["part"].to_numpy() == want["split"].to_numpy()).all()
    assert (clean["label"].to_numpy() == want["label"].to_numpy()).all()


def test_nothing_in_a_run_names_this_machines_folders(parts, make_study, tmp_path):
    folder = train(make_study(epochs=1), parts, 0, False).folder
    texts = [file for file in folder.iterdir() if file.suffix in {".json", ".csv"}]
    assert {"config.json", "checkpoint.json", "history.csv", "timings.csv"} <= {f.name for f in texts}
    for file in texts:
        assert str(tmp_path) not in file.read_text(), file.name
        assert str(parts.root) not in file.read_text(), file.name


@pytest.mark.parametrize("part", ["training", "validation"])
def test_a_part_with_one_class_is_refused(parts, make_study, part):
    name = {"training": "train", "validation": "val"}[part]
    rows = parts.rows[(parts.rows["split"] != name) | (parts.rows["label"] == 0)]
    with pytest.raises(StudyError, match=f"the {part} part holds one class"):
        train(make_study(), type(parts)(parts.root, rows, "one class"), 0, False)


def test_tensorboard_events_are_readable(parts, make_study):
    folder = train(make_study(epochs=2), parts, 0, False).folder
    events = EventAccumulator(str(folder / "tensorboard"))
    events.Reload()
    tags = events.Tags()
    scalars = {"loss/training", "loss/validation", "accuracy/validation", "auc/training", "learning rate"}
    assert scalars | {"images per second"} <= set(tags["scalars"])
    assert tags["images"] == ["augmented images"]
    assert [event.step for event in events.Scalars("learning rate")] == [1, 2, 3, 4, 5, 6]


def test_a_second_process_waits_for_the_first_and_loads_its_run(parts, make_study, monkeypatch, capsys):
    study = make_study(epochs=1)
    folder = train(study, parts, 0, False).folder
    finished = (folder / "checkpoint.json").read_bytes()
    (folder / "checkpoint.json").unlink()
    monkeypatch.setattr(Trainer, "__init__", lambda *_: pytest.fail("both trained"))
    with ThreadPoolExecutor() as pool:
        with FileLock(folder / "lock"):
            second = pool.submit(train, study, parts, 0)
            assert not wait([second], timeout=0.4).done
            (folder / "checkpoint.json").write_bytes(finished)
        assert second.result(timeout=PATIENCE).folder == folder
    assert "another process trains this run" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="needs fork")
def test_killed_again_and_again_it_ends_with_the_same_bytes(parts, make_study, tmp_path):
    parts.rows.to_csv(tmp_path / "rows.csv", index=False)
    program = [sys.executable, "train_until_killed.py", str(tmp_path / "rows.csv"), str(parts.root)]
    done = subprocess.run(
        [*program, str(tmp_path / "out")], cwd=HERE, capture_output=True, text=True, timeout=PATIENCE
    )
    assert done.returncode == 0, done.stderr
    killed, code = map(int, done.stdout.split())
    assert code == 0
    assert killed >= 3
    [folder] = (tmp_path / "out" / "runs").iterdir()
    same = type(parts)(parts.root, parts.rows, "fixed")
    whole = train(make_study("whole", epochs=5, patience=5), same, 0, False)
    assert whole.key == folder.name
    for name in ("best.safetensors", "last.safetensors", "history.csv", "clean.csv", "checkpoint.json"):
        assert (folder / name).read_bytes() == (whole.folder / name).read_bytes(), name


@pytest.mark.skipif(torch.cuda.is_available(), reason="on a GPU no sum is shared among threads")
def test_a_run_of_one_thread_is_the_same_on_any_number_of_cores(parts, make_study, monkeypatch, tmp_path):
    alone = {}
    for cores in (1, 2, 5):
        monkeypatch.setattr("dfstudy.model.device._cores", lambda cores=cores: cores)
        monkeypatch.setattr("dfstudy.data.loader.count_cores", lambda cores=cores: cores)
        study = make_study(epochs=2, threads=1).model_copy(update={"out": tmp_path / str(cores)})
        done = train(study, parts, 0, progress=False)
        alone[cores] = done.key, load_file(done.folder / "best.safetensors")
    keys = {key for key, _ in alone.values()}
    assert len(keys) == 1
    for _, weights in alone.values():
        assert all(torch.equal(weights[name], alone[1][1][name]) for name in alone[1][1])


def test_a_run_of_another_device_is_named_before_it_is_trained_again(parts, make_study, monkeypatch, capsys):
    train(make_study(epochs=1), parts, 0, progress=False)
    monkeypatch.setattr("dfstudy.model.device.MOST_THREADS", 2)
    monkeypatch.setattr("dfstudy.model.device._cores", lambda: 2)
    train(make_study(epochs=1), parts, 0)
    told = capsys.readouterr().err
    assert "finished for cpu with 1 thread, float32, not for cpu with 2 threads, float32" in told
    train(make_study(epochs=1), parts, 0)
    assert "finished for" not in capsys.readouterr().err
