"""Self-blended fakes: made of real images alone, by the key alone, for any number of workers."""

from __future__ import annotations

import random

import cv2
import numpy as np
import pytest
import torch

from dfstudy.augment.blend import GRID, RATIOS, SelfBlend, draw_mask
from dfstudy.augment.gallery import show_policies
from dfstudy.augment.policies import build_policy
from dfstudy.data.loader import make_loader
from dfstudy.data.order import sample_key

COUNT = 19
LABELS = np.array([int(row % 3 == 1) for row in range(COUNT)])
SIZES = np.full((COUNT, 2), 40)


def picture(seed):
    noise = np.random.default_rng(seed).normal(size=(40, 40, 3)).astype(np.float32)
    return np.clip(cv2.GaussianBlur(noise, (0, 0), 2) * 120 + 128, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def paths(tmp_path_factory):
    """Real images; where a fake would be there is no file at all."""
    folder = tmp_path_factory.mktemp("pictures")
    for row in np.nonzero(LABELS == 0)[0]:
        cv2.imwrite(str(folder / f"{row:02}.png"), picture(row)[..., ::-1])
    return [folder / f"{row:02}.png" for row in range(COUNT)]


def collect(paths, workers, name="self_blend", **settings):
    policy = build_policy(name, 24)
    settings = {"batch_size": 4, "workers": workers, "seed": 5, "shuffle": True, **settings}
    with make_loader(paths, LABELS, policy, forge=policy.fakes, **settings) as batches:
        return [batch for epoch in (0, 1, 2) for batch in batches.epoch(epoch)]


def same(first, second):
    return all(
        torch.equal(a, b) for x, y in zip(first, second, strict=True) for a, b in zip(x, y, strict=True)
    )


@pytest.mark.parametrize("settings", [{}, {"sizes": SIZES}])
def test_workers_and_kept_pictures_change_nothing(paths, settings):
    alone = collect(paths, 0)
    assert same(alone, collect(paths, 0, **settings))
    assert same(alone, collect(paths, 2, **settings))


def test_no_fake_of_the_set_is_read_and_labels_stay(paths):
    batches = collect(paths, 0)  # the files of the fakes do not exist
    assert len(batches) == 3 * 5
    for batch in batches:
        assert torch.equal(batch.labels, torch.from_numpy(LABELS[batch.rows.numpy()]).float())
    rows = torch.cat([batch.rows for batch in batches])
    assert sorted(rows.tolist()) == sorted(3 * list(range(COUNT)))


def test_each_sample_is_that_of_its_key(paths):
    """A real row went through the policy, a fake row's image is what the fakes make of one real row."""
    policy = build_policy("self_blend", 24)
    reals = {row: picture(row) for row in np.nonzero(LABELS == 0)[0]}
    sources = []
    for epoch, batch in enumerate(zip(*[iter(collect(paths, 0))] * 5, strict=True)):
        for part in batch:
            for shown, row in zip(part.images_NHWC.numpy(), part.rows.tolist(), strict=True):
                key = sample_key(5, epoch, row)
                if LABELS[row] == 0:
                    assert np.array_equal(shown, policy(reals[row], key))
                else:
                    made = [real for real in reals if np.array_equal(shown, policy.fakes(reals[real], key))]
                    assert len(made) == 1
                    sources += made
    assert len(set(sources)) > 6  # of 18 draws out of 13


def test_the_shares_of_two_processes_are_the_batches(paths):
    whole = collect(paths, 0)
    halves = [collect(paths, 0, share=(rank, 2)) for rank in range(2)]
    for batch, *parts in zip(whole, *halves, strict=True):
        assert torch.equal(batch.images_NHWC, torch.cat([part.images_NHWC for part in parts]))


def test_validation_and_other_policies_forge_nothing():
    assert build_policy("self_blend", 24, train=False).fakes is None
    assert build_policy("self_blend", 24).fakes.fakes is None
    assert all(build_policy(name, 24).fakes is None for name in ("none", "original", "dfdc_winner*2"))
    with pytest.raises(ValueError, match="no row is real"):
        policy = build_policy("self_blend", 24)
        make_loader(["a", "b"], [1, 1], policy, batch_size=2, workers=0, forge=policy.fakes)


# -- the blend itself


def blends(count, strength=1.0):
    transform = SelfBlend(strength=strength)
    transform.set_random_state(None, random.Random(3))
    base = picture(0)
    return [(transform(image=base)["image"], dict(transform.params)) for _ in range(count)]


def test_outside_the_mask_lies_the_target_and_inside_the_source():
    base, checked = picture(0).astype(int), 0
    for result, drawn in blends(200):
        weight = cv2.resize(drawn["mask"], (40, 40), interpolation=cv2.INTER_LINEAR)
        if drawn["changed"] == "source":  # the target is the image itself
            assert np.array_equal(result[weight == 0], base[weight == 0])
            checked += 1
    assert 60 < checked < 140  # either copy as likely


def test_a_copy_that_differs_in_nothing_blends_into_the_picture_itself():
    base, mask = picture(1), draw_mask(random.Random(0)) * 0.5
    still = SelfBlend()
    still.colours, still.sharpness = (), lambda image: {"image": image}
    same = still.apply(base, changed="source", scale=(1, 1), shift=(0, 0), mask=mask)
    assert np.abs(same.astype(int) - base).max() <= 1
    moved = still.apply(base, changed="source", scale=(1, 1), shift=(0.1, 0), mask=np.ones_like(mask))
    assert np.abs(moved[:, 4:].astype(int) - base[:, :-4]).max() <= 1  # 4 of 40 px to the right


def test_either_copy_may_be_the_one_that_is_changed():
    base, mask = picture(1), np.zeros((GRID, GRID), np.float32)
    mask[:, GRID // 2 :] = 1
    blend = SelfBlend()
    blend.colours, blend.sharpness = (), lambda image: {"image": 255 - image}
    for changed, inverted, kept in (("source", np.s_[:, 21:], np.s_[:, :19]),
                                    ("target", np.s_[:, :19], np.s_[:, 21:])):  # fmt: skip
        result = blend.apply(base, changed=changed, scale=(1, 1), shift=(0, 0), mask=mask)
        assert np.array_equal(result[kept], base[kept])
        assert np.array_equal(result[inverted], 255 - base[inverted])


def test_masks_are_soft_faces_of_many_shapes_with_the_papers_ratios():
    drawn = [parameters["mask"] for _, parameters in blends(600)]
    peaks = np.array([mask.max() for mask in drawn])
    ratios, counts = np.unique(peaks.round(2), return_counts=True)
    assert ratios.tolist() == sorted(set(RATIOS))
    assert counts[3] / len(drawn) == pytest.approx(0.5, abs=0.08)
    areas = np.array([(mask > 0.5 * mask.max()).mean() for mask in drawn])
    assert 0.05 < areas.min() < 0.2 and 0.3 < areas.max() < 0.6
    for mask in drawn:
        assert mask.shape == (GRID, GRID) and mask.dtype == np.float32
        assert mask.min() >= 0 and mask[0].max() < 0.05  # over the forehead there is room
    assert np.median([mask[-1].max() for mask in drawn]) < 0.01
    soft = np.mean([((mask > 0.02) & (mask < 0.98 * mask.max())).any() for mask in drawn])
    assert soft == 1
    assert not np.array_equal(drawn[0] > 0, drawn[1] > 0)


def test_fakes_and_reals_meet_the_same_changes_afterwards():
    policy = build_policy("self_blend", 24)
    assert policy.fakes.names == ("self_blend", *policy.names)
    chances = policy.fakes.probabilities
    assert chances.pop("self_blend") == 1 and chances == policy.probabilities


def test_the_gallery_shows_samples_masks_and_blends():
    faces = [picture(0), picture(1)]
    rows = show_policies(["none", "dfdc_winner", "self_blend"], faces, 24, draws=3)
    titles = [row.title for row in rows]
    assert titles == [
        "none",
        "dfdc_winner",
        *("self_blend" + x for x in ("", ": mask", ": blended", ": fake")),
    ]
    assert {len(row.pictures) for row in rows} == {6}
    assert [bool(row.faces_from) for row in rows] == [False, True, True, True, True, True]
    mask, fake = rows[3].pictures[4], rows[5].pictures[4]
    assert mask[12, 12].min() > 50 and mask[0].max() == 0 and (mask == mask[..., :1]).all()
    assert np.array_equal(fake, build_policy("self_blend", 24).fakes(faces[1], sample_key(0, 1, 1)))
