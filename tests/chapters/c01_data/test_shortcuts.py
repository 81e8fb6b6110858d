"""The audit on sets with a planted shortcut, on clean sets, and on groups that only look like one."""

from __future__ import annotations

import io

import cv2
import numpy as np
import pandas as pd
import pytest
from PIL import Image

from dfstudy.chapters.c01_data import shortcuts
from dfstudy.chapters.c01_data.shortcuts import (
    TOGETHER,
    VERDICTS,
    audit_shortcuts,
    levels_of_chance,
    shortcut_numbers,
    shortcut_table,
    verdict_of,
)
from dfstudy.data.index import index_study
from dfstudy.data.traits import FAMILIES, read_traits
from dfstudy.stats.probe import held_out_ranks, rank_auc
from dfstudy.study.comparisons import Evaluate
from dfstudy.study.study import load_study

QUICK = Evaluate(replicates=100)
GROUPS = 40  # each one real and one fake image


def photograph(seed: int, side: int = 64) -> np.ndarray:
    """Smooth colours with a little noise, different in light and detail from image to image."""
    random = np.random.default_rng(seed)
    coarse = random.integers(30, 226, (6, 6, 3)).astype(np.uint8)
    smooth = cv2.resize(coarse, (side, side), interpolation=cv2.INTER_CUBIC).astype(float)
    noise = random.normal(0, random.uniform(2, 6), smooth.shape)
    return np.clip((smooth - 128) * random.uniform(0.5, 1) + 128 + noise, 0, 255).astype(np.uint8)


def to_jpeg(pixels: np.ndarray, **settings) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", **{"quality": 90, **settings})
    return buffer.getvalue()


def to_png(pixels: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def with_exif(pixels: np.ndarray) -> bytes:
    exif = Image.Exif()
    exif[0x010F] = "maker"
    return to_jpeg(pixels, exif=exif)


def barred(pixels: np.ndarray) -> bytes:
    return to_jpeg(np.pad(pixels[8:-8], ((8, 8), (0, 0), (0, 0))))


def framed(pixels: np.ndarray) -> bytes:
    inner = cv2.GaussianBlur(pixels, (9, 9), 3)
    inner[2:-2, 2:-2] = pixels[2:-2, 2:-2]
    return to_jpeg(inner)


def cornered(pixels: np.ndarray) -> bytes:
    """Left darker and right lighter by a little: the mean stays."""
    ramp = np.linspace(-25, 25, pixels.shape[1])[None, :, None]
    return to_jpeg(np.clip(pixels + ramp, 0, 255).astype(np.uint8))


PLANTED = {
    "PNG": ("container", to_png),
    "EXIF": ("container", with_exif),
    "progressive": ("container", lambda pixels: to_jpeg(pixels, progressive=True)),
    "bytes": ("file_size", lambda pixels: to_jpeg(pixels) + bytes(6000)),
    "quality": ("compression", lambda pixels: to_jpeg(pixels, quality=75)),
    "subsampling": ("compression", lambda pixels: to_jpeg(pixels, subsampling="4:4:4")),
    "size": ("geometry", lambda pixels: to_jpeg(cv2.resize(pixels, (68, 64)))),
    "bars": ("geometry", barred),
    "brightness": ("light", lambda pixels: to_jpeg(np.clip(pixels + 60.0, 0, 255).astype(np.uint8))),
    "blur": ("detail", lambda pixels: to_jpeg(cv2.GaussianBlur(pixels, (5, 5), 1))),
    "border": ("border", framed),
    "thumbnail": ("thumbnail", cornered),
}


def build(folder, fake=to_jpeg, real=to_jpeg, seed: int = 0, groups: int = GROUPS, method="swap"):
    """A study of `groups` pairs of unrelated images; the index with its method and traits."""
    lines = ["path,label,method,group"]
    for at in range(groups):
        for label, write in enumerate((real, fake)):
            # in names and in order alike for both classes
            name = f"{at:03d}_{label}.jpg"
            folder.mkdir(exist_ok=True)
            (folder / name).write_bytes(write(photograph(1000 * seed + 2 * at + label)))
            lines.append(f"{name},{label},{method if label else 'real'},g{at}")
    (folder / "index.csv").write_text("\n".join(lines))
    return read(folder)


def read(folder):
    study = load_study("small", data=str(folder), out=str(folder.with_name(folder.name + "_out")))
    rows = index_study(study, progress=False)
    return rows, read_traits(study, rows, progress=False)


@pytest.fixture(autouse=True)
def few_shuffles(monkeypatch):
    monkeypatch.setattr(shortcuts, "SHUFFLES", 60)


def aucs(findings, method=""):
    return {f.family: float(f.interval.value) for f in findings if f.method == method}


def verdicts(findings, method=""):
    return {f.family: f.verdict for f in findings if f.method == method}


@pytest.mark.parametrize(("family", "fake"), PLANTED.values(), ids=PLANTED)
def test_a_planted_shortcut_is_found_and_its_family_named(tmp_path, family, fake):
    rows, traits = build(tmp_path / "set", fake)
    found = audit_shortcuts(rows, traits, QUICK)
    assert verdicts(found)[family] == "predicts the label", aucs(found)
    # a ramp of 25 grey levels under random colours is a weaker sign than the others
    assert aucs(found)[family] > (0.85 if family == "thumbnail" else 0.97)
    if fake in (with_exif, PLANTED["progressive"][1], PLANTED["bytes"][1]):  # the pixels stay the same
        assert not {verdicts(found)[name] for name in ("light", "detail", "border")} & set(VERDICTS[:2])
    assert aucs(found)[TOGETHER] > 0.8
    named = {f.family: f.trait for f in found}[family]
    assert family == "thumbnail" or named[1] > 0.9
    wanted = {"PNG": "format", "bytes": "bytes", "size": "dimensions", "bars": "bar_rows", "EXIF": "exif"}
    for plant, trait in wanted.items():
        if PLANTED[plant][1] is fake:
            assert named[0] == trait


@pytest.mark.parametrize("seed", range(2))
def test_a_clean_set_raises_no_alarm(tmp_path, seed):
    rows, traits = build(tmp_path / "set", seed=seed + 1)
    found = audit_shortcuts(rows, traits, QUICK)
    assert not set(verdicts(found).values()) & set(VERDICTS[:2]), aucs(found)
    for finding in found:
        assert finding.interval.low <= 0.5 + 0.06 and finding.interval.high >= 0.5 - 0.06
    same = {"container", "compression", "geometry"}
    assert {family for family, value in aucs(found).items() if value == 0.5} >= same
    assert all(verdicts(found)[family] == "no sign" for family in same)


def test_what_is_constant_within_groups_does_not_pass_for_a_shortcut(tmp_path):
    """Twelve scenes, real or fake by chance, each with its own light in twelve images."""
    random = np.random.default_rng(0)
    lines, folder = ["path,label,method,group"], tmp_path / "set"
    folder.mkdir()
    for scene, label in enumerate([0, 1] * 6):
        shift, gain = random.uniform(-60, 60, 3), random.uniform(0.4, 1)
        for at in range(12):
            pixels = (photograph(100 * scene + at).astype(float) - 128) * gain + 128 + shift
            (folder / f"{scene}_{at}.jpg").write_bytes(to_jpeg(np.clip(pixels, 0, 255).astype(np.uint8)))
            lines.append(f"{scene}_{at}.jpg,{label},{'swap' if label else 'real'},scene{scene}")
    (folder / "index.csv").write_text("\n".join(lines))
    rows, traits = read(folder)
    labels = rows["label"].to_numpy("int64")[:, None]
    table = rows[["path"]].merge(traits, on="path")
    leaking = held_out_ranks(table, FAMILIES["light"], labels, np.arange(len(rows)) % 5)
    assert rank_auc(leaking, labels)[0] > 0.8  # what folds that split groups would report
    found = audit_shortcuts(rows, traits, QUICK)
    assert verdicts(found)["light"] not in VERDICTS[:2]
    assert next(f for f in found if f.family == "light").interval.low < 0.5


def test_a_method_is_named_by_itself(tmp_path):
    rows, traits = build(tmp_path / "set", groups=40)
    other, of_other = build(tmp_path / "more", PLANTED["quality"][1], seed=9, groups=20, method="gan b")
    for table in (other, of_other):
        table["path"] = "more/" + table["path"]
    other["group"] = "more " + other["group"]
    fakes = other["label"] == 1
    rows = pd.concat([rows, other[fakes]], ignore_index=True)
    found = audit_shortcuts(rows, pd.concat([traits, of_other]), QUICK)
    assert verdicts(found, "gan b")["compression"] == "predicts the label"
    assert verdicts(found, "swap")["compression"] == "no sign"
    assert aucs(found)["compression"] == pytest.approx(0.5 + 0.5 * 20 / 60, abs=0.02)
    numbers = {number.id: number for number in shortcut_numbers(found)}
    assert numbers["shortcut.compression.auc.method.gan_b"].value > 0.99
    assert numbers["shortcut.compression.auc.method.gan_b"].n == 40 + 20
    assert "predicts the label" in numbers["shortcut.compression.auc.method.gan_b"].note
    families = [numbers[f"shortcut.{n}"].value for n in ("telling", "hinting", "clean", "inconclusive")]
    assert sum(families) == len(FAMILIES)
    table = shortcut_table(found)
    assert len(table) == 3 * (len(FAMILIES) + 1) and set(table["fakes"]) == {"all", "gan b", "swap"}


def test_neither_order_nor_repetition_changes_a_finding(tmp_path):
    rows, traits = build(tmp_path / "set", PLANTED["blur"][1], groups=20)
    first = shortcut_numbers(audit_shortcuts(rows, traits, QUICK))
    mixed = rows.sample(frac=1, random_state=3), traits.sample(frac=1, random_state=4)
    assert shortcut_numbers(audit_shortcuts(*mixed, QUICK)) == first


@pytest.mark.parametrize(
    ("value", "low", "high", "chance", "verdict"),
    [
        (0.95, 0.9, 0.99, 0.6, "predicts the label"),
        (0.75, 0.69, 0.8, 0.6, "hints at the label"),
        (0.55, 0.52, 0.58, 0.53, "hints at the label"),
        (0.55, 0.52, 0.58, 0.56, "no sign"),
        (0.5, 0.5, 0.5, 0.5, "no sign"),
        (0.5, 0.38, 0.62, 0.6, "inconclusive"),
        (0.9, 0.8, 0.95, 0.92, "inconclusive"),
        (0.56, 0.49, 0.59, 0.55, "inconclusive"),
        (0.9, np.nan, np.nan, 0.6, "inconclusive"),
        (np.nan, np.nan, np.nan, 0.6, "inconclusive"),
    ],
)
def test_the_verdict_follows_by_rule(value, low, high, chance, verdict):
    assert verdict_of(value, low, high, chance) == verdict


def test_every_family_has_a_level_of_its_own():
    """Of 200 shuffles in which nothing stands out by itself, at most one family in one reaches its level."""
    random = np.random.default_rng(0)
    spreads = {"quiet": 0.01, "noisy": 0.08, "alike": 0.0}
    shuffled = {name: 0.5 + spread * random.standard_normal(200) for name, spread in spreads.items()}
    chance = levels_of_chance(shuffled)
    assert chance["alike"] == 0.5 and chance["quiet"] < 0.55 < 0.7 < chance["noisy"]
    reached = {name: (aucs >= chance[name] - 1e-12).sum() for name, aucs in shuffled.items()}
    assert reached["quiet"] + reached["noisy"] == 1
    # measured in standard deviations, both stand out equally far
    far = [(chance[name] - shuffled[name].mean()) / shuffled[name].std() for name in ("quiet", "noisy")]
    assert far[0] == pytest.approx(far[1])
    assert levels_of_chance({"alike": np.full(200, 0.5)}) == {"alike": 0.5}


def test_one_class_and_missing_traits_are_refused(tmp_path):
    rows, traits = build(tmp_path / "set", groups=6)
    with pytest.raises(ValueError, match="of one"):
        audit_shortcuts(rows[rows["label"] == 0], traits, QUICK)
    with pytest.raises(ValueError, match=r"no traits of 000_0\.jpg"):
        audit_shortcuts(rows, traits.iloc[1:], QUICK)
