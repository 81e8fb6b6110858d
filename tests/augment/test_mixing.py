"""mixup and CutMix: shares, boxes and labels of their papers, and the same bytes however a step is shared."""

from __future__ import annotations

import cv2
import numpy as np
import pytest
import torch
from scipy import stats

from dfstudy.augment.mixing import Mixer
from dfstudy.augment.policies import build_policy
from dfstudy.data.loader import make_loader
from dfstudy.data.order import step_key
from dfstudy.train.protocol import loss_of_each
from dfstudy.train.targets import mixed_targets

SIZE, COUNT, BATCH = 24, 23, 8


@pytest.fixture(scope="module")
def files(tmp_path_factory):
    """Images of noise, and their labels."""
    folder, random = tmp_path_factory.mktemp("mixed"), np.random.default_rng(0)
    paths = [folder / f"{row}.png" for row in range(COUNT)]
    for path in paths:
        cv2.imwrite(str(path), random.integers(0, 256, (30, 26, 3)).astype(np.uint8))
    return paths, (np.arange(COUNT) % 3 == 0).astype(np.int64)


def load(files, kind="mixup", workers=0, share=(0, 1), epoch=2, start=0):
    paths, labels = files
    policy = build_policy(kind, SIZE)
    loader = make_loader(
        paths,
        labels,
        policy,
        batch_size=BATCH,
        workers=workers,
        seed=5,
        shuffle=True,
        share=share,
        mixer=policy.mixer,
    )
    with loader:
        return [tuple(part.clone() for part in batch) for batch in loader.epoch(epoch, start)]


def alike(batches, others):
    """True where images, labels and rows are the same bytes."""
    pairs = zip(batches, others, strict=True)
    return all(torch.equal(*part) for pair in pairs for part in zip(*pair, strict=True))


def test_shares_are_those_of_the_papers():
    draws = [build_policy("mixup", SIZE).mixer.draw(4, step_key(0, 1, step)).share for step in range(3000)]
    assert stats.kstest(draws, stats.beta(0.2, 0.2).cdf).pvalue > 1e-4  # alpha .2, as on ImageNet
    mixer = build_policy("cutmix", 224).mixer
    mixtures = [mixer.draw(4, step_key(0, 1, step)) for step in range(3000)]
    # alpha 1: shares are uniform before the border cuts boxes off; a box about the middle is not cut
    sides = np.array([[b - t, r - left] for t, b, left, r in (mixture.box for mixture in mixtures)])
    whole = (sides[:, 0] == sides[:, 1]) & (sides[:, 0] > 0)
    assert np.abs(sides).max() <= 224 and whole.mean() > 0.1
    middles = [(m.box[0] + m.box[1]) / 2 for m in mixtures if m.box[0] > 0 and m.box[1] < 224]
    assert np.mean(middles) == pytest.approx(112, abs=4)
    for mixture in mixtures[:200]:
        top, bottom, left, right = mixture.box
        assert mixture.share == pytest.approx(1 - (bottom - top) * (right - left) / 224**2)
    uncut = [2 * round((1 - m.share) ** 0.5 * 112) for m in mixtures if min(m.box[0], m.box[2]) > 0]
    assert max(uncut) > 150


def test_mixed_images_are_what_their_shares_say():
    black, white = np.zeros((SIZE, SIZE, 3), np.uint8), np.full((SIZE, SIZE, 3), 255, np.uint8)
    for step in range(50):
        mixture = Mixer("mixup", 0.2, SIZE).draw(2, step)
        assert mixture.blend(white, black).mean() == pytest.approx(255 * mixture.share, abs=0.51)
        mixture = Mixer("cutmix", 1.0, SIZE).draw(2, step)
        mixed = mixture.blend(white, black)
        assert set(np.unique(mixed)) <= {0, 255} and mixed.mean() / 255 == pytest.approx(mixture.share)
        assert mixture.labels(np.array([1.0]), np.array([0.0])) == pytest.approx([mixture.share])


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_a_batch_holds_mixed_samples_and_soft_labels(files, kind):
    paths, labels = files
    policy = build_policy(kind, SIZE)
    plain = {}
    with make_loader(paths, labels, policy, batch_size=BATCH, workers=0, seed=5, shuffle=True) as loader:
        for images, _, rows in loader.epoch(2):
            plain |= dict(zip(rows.tolist(), images.numpy().copy(), strict=True))
    for step, (images, soft, rows) in enumerate(load(files, kind)):
        mixture = policy.mixer.draw(len(rows), step_key(5, 2, step))
        for place, row in enumerate(rows.tolist()):
            partner = int(rows[mixture.partners[place]])
            expected = mixture.blend(plain[row], plain[partner])
            assert np.array_equal(images[place].numpy(), expected)
            label = mixture.share * labels[row] + (1 - mixture.share) * labels[partner]
            assert soft[place] == pytest.approx(label, abs=1e-6)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_workers_processes_and_interruptions_change_no_byte(files, kind):
    alone = load(files, kind)
    for workers in (1, 2):
        other = load(files, kind, workers=workers)
        assert alike(alone, other)
    shared = [load(files, kind, share=(rank, 3)) for rank in range(3)]
    for whole, *parts in zip(alone, *shared, strict=True):
        for at, part in enumerate(whole):
            assert torch.equal(part, torch.cat([share[at] for share in parts]))
    resumed = load(files, kind, start=1)
    assert alike(alone[1:], resumed)


def test_the_loss_of_a_soft_label_is_the_mean_of_both_with_their_classes_weights():
    logits = torch.tensor([-1.3, 0.2, 2.0], dtype=torch.float64)
    real, fake = torch.zeros(3, dtype=torch.float64), torch.ones(3, dtype=torch.float64)
    for share in (0.1, 0.5, 0.83):
        mixed = loss_of_each(logits, share * fake + (1 - share) * real, 3.0)
        apart = share * loss_of_each(logits, fake, 3.0) + (1 - share) * loss_of_each(logits, real, 3.0)
        assert torch.allclose(mixed, apart)
        by_hand = -(
            3 * share * torch.log(torch.sigmoid(logits)) + (1 - share) * torch.log(torch.sigmoid(-logits))
        )
        assert torch.allclose(mixed, by_hand)


@pytest.mark.parametrize("kind", ["mixup", "cutmix"])
def test_targets_of_an_epoch_are_those_of_its_batches(files, kind):
    _, labels = files
    mixer = build_policy(kind, SIZE).mixer
    targets = mixed_targets(labels, mixer, 5, 2, BATCH)
    for _, soft, rows in load(files, kind):
        assert np.array_equal(targets.soft[rows.numpy()], soft.numpy())
    assert targets.hard.sum() == labels.sum()
    sure = np.abs(targets.soft - 0.5) > 0.01
    assert np.array_equal(targets.hard[sure], (targets.soft > 0.5)[sure])


def test_only_a_training_is_mixed():
    assert build_policy("mixup", SIZE, train=False).mixer is None
    assert build_policy("original", SIZE).mixer is None
    assert build_policy("mixup*2", SIZE).mixer.alpha == 0.4
