"""Frozen features: exact for any workers and neighbours, kept by content, and gone on with after a kill."""

from __future__ import annotations

import errno
import os
import signal
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pandas as pd
import pytest
import torch

from dfstudy.augment.policies import build_policy
from dfstudy.data.images import read_picture
from dfstudy.errors import StudyError
from dfstudy.model import build, pooled
from dfstudy.model.build import build_model
from dfstudy.model.device import resolve_normalisation
from dfstudy.predict import features as room
from dfstudy.predict.features import FrozenFeatures, find_features, why_no_features
from dfstudy.study.recipe import Model, Training
from dfstudy.study.study import load_study
from dfstudy.system.provenance import file_digest

COUNT = 150  # two whole batches of 64 and a part
RECIPE = Training(threads=1)


@pytest.fixture(scope="module")
def weights(tmp_path_factory) -> Path:
    """A file of weights, so that every build is the same network."""
    from safetensors.torch import save_file

    torch.manual_seed(0)
    file = tmp_path_factory.mktemp("weights") / "w.safetensors"
    save_file(build_model(Model(backbone="test_resnet", size=32)).state_dict(), file)
    return file


@pytest.fixture
def model(weights) -> Model:
    return Model(backbone="test_resnet", size=32, weights=str(weights))


@pytest.fixture(scope="module")
def root(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("images")
    random = np.random.default_rng(0)
    for number in range(COUNT):
        noise = random.normal(random.uniform(20, 235, 3), 40, (53, 37, 3)).clip(0, 255).astype("uint8")
        cv2.imwrite(str(folder / f"{number:03d}.png"), noise)
    return folder


@pytest.fixture(scope="module")
def images(root) -> pd.DataFrame:
    paths = sorted(root.iterdir())
    return pd.DataFrame({"path": [p.name for p in paths], "sha256": [file_digest(p) for p in paths]})


@pytest.fixture(autouse=True)
def threads():
    before = torch.get_num_threads(), torch.are_deterministic_algorithms_enabled()
    yield
    torch.set_num_threads(before[0])
    torch.use_deterministic_algorithms(before[1])


def find(model: Model, images: pd.DataFrame, root: Path, folder: Path, **given) -> FrozenFeatures:
    return find_features(model, RECIPE, images, root, folder, **{"workers": 0, "progress": False, **given})


def count_computed(monkeypatch) -> list[int]:
    """Images of every call of the network."""
    computed: list[int] = []
    rows = room._Extractor.rows

    def counting(self, paths, *given):
        computed.append(len(paths))
        return rows(self, paths, *given)

    monkeypatch.setattr(room._Extractor, "rows", counting)
    return computed


def test_a_row_is_what_the_network_gives_for_the_image(model, images, root, tmp_path):
    found = find(model, images, root, tmp_path)
    network = build_model(model)
    normalisation = resolve_normalisation(network, model)
    resize, extract = build_policy("none", 32, train=False), pooled.PooledStages(network, 32)
    some = [3, 77, 149]
    batch = torch.from_numpy(np.stack([resize(read_picture(root / images["path"][at]), 0) for at in some]))
    with torch.inference_mode():
        wanted = extract(normalisation(batch, torch.device("cpu"))).numpy()
    np.testing.assert_allclose(found[np.array(some)], wanted, rtol=2e-3, atol=1e-4)
    assert found.values.dtype == np.float16 and isinstance(found.values, np.memmap)
    assert len(found) == COUNT and found.width == extract.width == found[:].shape[1]
    assert found.columns == tuple(map(tuple, extract.columns))


def test_a_second_run_and_any_workers_give_the_same_bytes(model, images, root, tmp_path):
    files = {}
    for name, workers in (("first", 0), ("second", 0), ("one", 1), ("two", 2)):
        files[name] = find(model, images, root, tmp_path / name, workers=workers).file
    assert len({file.relative_to(tmp_path / name) for name, file in files.items()}) == 1
    assert len({file.read_bytes() for file in files.values()}) == 1
    rows = [torch.from_numpy(np.load(file)) for file in files.values()]
    assert all(torch.equal(rows[0], each) for each in rows[1:])


def test_what_is_kept_is_found_whatever_files_are_called(model, images, root, tmp_path, monkeypatch):
    first = find(model, images, root, tmp_path / "kept")
    moved = tmp_path / "moved"
    moved.mkdir()
    for at, path in enumerate(images["path"]):
        (moved / f"other_{COUNT - at:03d}.png").write_bytes((root / path).read_bytes())
    renamed = pd.DataFrame(
        {"path": [f"other_{COUNT - at:03d}.png" for at in range(COUNT)], "sha256": images["sha256"]}
    ).iloc[::-1]
    computed = count_computed(monkeypatch)
    again = find(model, renamed, moved, tmp_path / "kept")
    assert computed == [] and again.file == first.file
    assert np.array_equal(again[:], first[:][::-1])


def test_copies_share_a_row(model, images, root, tmp_path):
    twice = pd.concat([images, images.head(5)], ignore_index=True)
    found = find(model, twice, root, tmp_path)
    assert len(found) == COUNT + 5 and len(found.values) == COUNT
    assert np.array_equal(found[np.arange(5)], found[COUNT + np.arange(5)])


def test_another_set_takes_the_rows_that_are_known(model, images, root, tmp_path, monkeypatch):
    whole = find(model, images, root, tmp_path / "whole")
    computed = count_computed(monkeypatch)
    find(model, images.tail(40), root, tmp_path / "grown")
    grown = find(model, images, root, tmp_path / "grown")
    assert computed == [40, COUNT - 40]
    assert grown.file.read_bytes() == whole.file.read_bytes()
    part = find(model, images.iloc[10:20], root, tmp_path / "grown")
    assert computed == [40, COUNT - 40, 0]
    assert np.array_equal(part[:], whole[np.arange(10, 20)])


KILLED = """
import sys
from pathlib import Path
import pandas as pd
import dfstudy
from dfstudy.predict import features as room
from dfstudy.study.recipe import Model, Training

room.CHUNK = 64
refuse = room._Store._refuse_changed
def slow(self, paths, rows):
    refuse(self, paths, rows)
    if rows[0] >= 64:
        print("second", flush=True)
        import time
        time.sleep(60)
room._Store._refuse_changed = slow
if __name__ == "__main__":
    weights, images, root, out = sys.argv[1:]
    model = Model(backbone="test_resnet", size=32, weights=weights)
    room.find_features(
        model, Training(threads=1), pd.read_pickle(images), Path(root), Path(out), workers=1, progress=False
    )
"""


def test_a_killed_extraction_goes_on_to_the_same_bytes(model, weights, images, root, tmp_path, monkeypatch):
    script, table = tmp_path / "killed.py", tmp_path / "images.pkl"
    script.write_text(KILLED)
    images.to_pickle(table)
    out = tmp_path / "killed"
    command = [sys.executable, script, weights, table, root, out]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, start_new_session=True) as child:
        assert child.stdout.readline() == "second\n"
        os.killpg(child.pid, signal.SIGKILL)
    [own] = out.iterdir()
    assert [file for file in own.iterdir() if file.suffix == ".npy"] == []
    # rows after those that are noted were written and not counted, or half written
    [partial] = own.glob("*.partial")
    with partial.open("ab") as stream:
        stream.write(b"half a row")
    computed = count_computed(monkeypatch)
    found = find(model, images, root, out)
    assert computed == [COUNT - 64]
    assert found.file.read_bytes() == find(model, images, root, tmp_path / "whole").file.read_bytes()
    assert sorted(file.suffix for file in own.iterdir() if not file.name.startswith(".")) == [".json", ".npy"]


def test_a_damaged_file_is_made_again(model, images, root, tmp_path):
    found = find(model, images, root, tmp_path)
    good = found.file.read_bytes()
    for bad in (good[:-1], good[:-1] + bytes([good[-1] ^ 1]), b""):
        found.file.write_bytes(bad)
        assert find(model, images, root, tmp_path).file.read_bytes() == good


def test_progress_without_its_rows_counts_for_nothing(model, images, root, tmp_path):
    found = find(model, images, root, tmp_path)
    good = found.file.read_bytes()
    found.file.unlink()
    found.file.with_suffix(".progress.json").write_text('{"rows": 100}')
    assert find(model, images, root, tmp_path).file.read_bytes() == good


def test_an_image_that_is_another_one_now_is_refused(model, images, root, tmp_path):
    other = images.assign(sha256=["0" * 64, *images["sha256"][1:]])
    with pytest.raises(StudyError, match=r"000\.png: it changed after it was indexed"):
        find(model, other, root, tmp_path)
    assert list(tmp_path.rglob("*.npy")) == []


def test_a_full_disk_says_so_and_leaves_what_is_done(model, images, root, tmp_path, monkeypatch):
    monkeypatch.setattr(room, "CHUNK", 64)
    calls = []

    def full(number):
        calls.append(number)
        if len(calls) > 2:  # the first chunk, and its note
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as context:
        context.setattr(os, "fsync", full)
        with pytest.raises(StudyError, match="no room left"):
            find(model, images, root, tmp_path)
    computed = count_computed(monkeypatch)
    find(model, images, root, tmp_path)
    assert computed == [COUNT - 64]


def test_what_shapes_a_row_has_a_folder_of_its_own(model, images, root, tmp_path, weights, monkeypatch):
    few = images.head(2)
    first = find(model, few, root, tmp_path).file.parent
    alike = model.model_copy(update={"trainable_stages": 0, "batch_norm": "eval"})
    assert find(alike, few, root, tmp_path).file.parent == first
    seen = {first}
    for changed in ({"size": 64}, {"mean": [0.4] * 3}, {"std": [0.3] * 3}, {"weights": "none"}):
        seen.add(find(model.model_copy(update=changed), few, root, tmp_path).file.parent)
    seen.add(find(model, few, root, tmp_path, stages=[1]).file.parent)
    monkeypatch.setattr(room, "versions", lambda: {"torch": "3.0"})
    seen.add(find(model, few, root, tmp_path).file.parent)
    assert len(seen) == 7


def test_building_the_network_moves_no_random_stream(model, images, root, tmp_path):
    torch.manual_seed(5)
    wanted = torch.rand(3)
    torch.manual_seed(5)
    find(model, images.head(2), root, tmp_path)
    assert torch.equal(torch.rand(3), wanted)


def test_no_number_is_refused_and_a_large_one_is_held(tmp_path):
    rows = np.array([[1.0, 1e6, -1e6], [0.0, 0.0, 0.0]], np.float32)
    held = room._as_float16(rows, [Path("a.png"), Path("b.png")])
    assert held.tolist() == [[1.0, 65504.0, -65504.0], [0.0, 0.0, 0.0]]
    rows[1, 2] = np.nan
    with pytest.raises(StudyError, match=r"b\.png: the network gives a feature that is no finite number"):
        room._as_float16(rows, [Path("a.png"), Path("b.png")])


def test_memory_holds_a_few_batches_and_no_set(model, images, root, tmp_path, monkeypatch):
    """Rows are written as they come: no more of them live at once than a chunk and a batch have."""
    monkeypatch.setattr(room, "CHUNK", 64)
    alive, most, convert = [], [], room._as_float16

    class Rows(np.ndarray):
        def __del__(self):
            if self.base is not None and self.ndim == 2:
                alive.pop()

    def watched(found, paths):
        rows = convert(found, paths).view(Rows)
        alive.append(1)
        most.append(len(alive))
        return rows

    monkeypatch.setattr(room, "_as_float16", watched)
    find(model, images, root, tmp_path)
    assert len(most) == 3 and max(most) <= 2


def test_a_network_from_scratch_has_no_features_to_probe():
    study = load_study()
    assert why_no_features(study) == ""
    plain = study.model_copy(update={"model": study.model.model_copy(update={"weights": "none"})})
    assert "no pretrained weights" in why_no_features(plain)


def test_the_size_is_said(model, images, root, tmp_path):
    told = find(model, images, root, tmp_path).describe()
    assert told.startswith("576 features of 150 images, 0.2 MB (1.2 kB an image): layer2 mean (48)")


def test_the_hub_and_packages_are_those_of_the_models_room(images, root, tmp_path, monkeypatch):
    """The packaged weights are taken; one that cannot be had is refused as for a training."""
    few = images.head(3)
    lite = Model(backbone="tf_efficientnet_lite0", weights="package", size=32)
    assert find(lite, few, root, tmp_path).width == 1584

    def refuse(*_):
        raise OSError("offline")

    monkeypatch.setattr(build, "hf_hub_download", refuse)
    with pytest.raises(StudyError, match="cannot be had from the hub"):
        find(
            Model(backbone="vit_tiny_patch16_224.augreg_in21k", weights="hub", size=224), few, root, tmp_path
        )
