"""Every family of forgeries: where it changes the image, how difficulty weakens it, and whom it shows."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dfstudy.portraits import editing, stacked
from dfstudy.portraits.blending import Forgery
from dfstudy.portraits.editing import EDITS
from dfstudy.portraits.forgery import METHODS
from dfstudy.portraits.person import draw_person, draw_shot
from dfstudy.portraits.photograph import sit, take
from dfstudy.portraits.reenactment import reenactment
from dfstudy.portraits.swap import face_swap

LOCAL = [name for name, method in METHODS.items() if method.has_source]


def portrait(seed: int, size: int = 96, **shot):
    rng = np.random.default_rng(seed)
    likeness = sit(draw_person(rng))
    return likeness, take(likeness, replace(draw_shot(rng), **shot), size)


def forge(name: str, seed: int, difficulty: float, size: int = 96) -> tuple[Forgery, np.ndarray]:
    """A forgery, and the image as it would be without: of a synthesis, the generated one left perfect."""
    likeness, photo = portrait(seed, size)
    fake = METHODS[name].forge(likeness, photo, np.random.default_rng(seed), difficulty)
    if METHODS[name].has_source:
        return fake, photo.image
    return fake, METHODS[name].forge(likeness, photo, np.random.default_rng(seed), 1.0).image


def test_five_families_of_the_taxonomy():
    families = {method.family for method in METHODS.values()}
    for word in ("face swap", "reenactment", "editing", "entire face synthesis", "stacked"):
        assert any(word in family for family in families), word


@pytest.mark.parametrize("name", METHODS)
@pytest.mark.parametrize("seed", range(4))
def test_a_forgery_changes_its_region_and_nothing_else(name, seed):
    fake, original = forge(name, seed, 0.3, 128)
    assert fake.image.dtype == fake.mask.dtype == np.float32
    assert fake.image.shape == (128, 128, 3)
    assert 0 <= fake.image.min() <= fake.image.max() <= 1
    assert 0 <= fake.mask.min() <= fake.mask.max() <= 1
    untouched = fake.mask == 0
    assert np.array_equal(fake.image[untouched], original[untouched])
    core = fake.mask > 0.9
    assert core.mean() > 0.01
    assert np.abs(fake.image - original)[core].mean() > 0.004
    again, _ = forge(name, seed, 0.3, 128)
    assert np.array_equal(again.image, fake.image)
    assert (again.variant, again.mask.tobytes()) == (fake.variant, fake.mask.tobytes())


@settings(max_examples=20, deadline=None)
@given(name=st.sampled_from(list(METHODS)), seed=st.integers(0, 10**6), size=st.sampled_from([48, 61]),
       difficulty=st.floats(0, 1))  # fmt: skip
def test_every_draw_gives_a_picture_and_a_mask(name, seed, size, difficulty):
    likeness, photo = portrait(seed, size)
    fake = METHODS[name].forge(likeness, photo, np.random.default_rng(seed), difficulty)
    for field, shape in ((fake.image, (size, size, 3)), (fake.mask, (size, size))):
        assert field.shape == shape
        assert np.isfinite(field).all()
        assert 0 <= field.min() <= field.max() <= 1


@pytest.mark.parametrize("name", METHODS)
def test_a_harder_forgery_lies_nearer_to_the_picture(name):
    """The same draws at four difficulties: on average each changes the face less than the one before."""
    distances = []
    for difficulty in (0.0, 0.5, 0.8, 1.0):
        made = [forge(name, seed, difficulty) for seed in range(8)]
        distances.append(np.mean([np.abs(fake.image - original).mean() for fake, original in made]))
    assert distances == sorted(distances, reverse=True)
    assert distances[0] > 1.15 * distances[-1]


@pytest.mark.parametrize("name", ["face_swap", "reenactment"])
def test_the_region_lies_on_the_visible_face(name):
    for seed in range(4):
        likeness, photo = portrait(seed, 128)
        core = METHODS[name].forge(likeness, photo, np.random.default_rng(seed), 0.3).mask > 0.9
        assert np.isfinite(photo.face[core]).mean() > 0.97
        assert core.mean() < 0.4


def test_a_swap_takes_its_donor_from_its_own_draw_and_blends_in_two_ways():
    likeness, photo = portrait(2, 96)
    made = [face_swap(likeness, photo, np.random.default_rng(seed), 0.5) for seed in range(6)]
    assert {fake.variant for fake in made} == {"alpha", "poisson"}
    both = (made[0].mask > 0.9) & (made[1].mask > 0.9)
    assert np.abs(made[0].image - made[1].image)[both].mean() > 0.02


def test_a_gradient_domain_swap_has_no_step_at_its_seam():
    """Across the edge of its mask the image changes as it does elsewhere on the face."""
    for seed in range(6):
        likeness, photo = portrait(2, 128, yaw=0.0, roll=0.0)
        fake = face_swap(likeness, photo, np.random.default_rng(seed), 0.9)
        if fake.variant == "poisson":
            inside = fake.mask[:, 1:] - fake.mask[:, :-1]
            step = np.abs(np.diff(fake.image, axis=1)).mean(axis=-1)
            before = np.abs(np.diff(photo.image, axis=1)).mean(axis=-1)
            assert step[inside != 0].mean() < 1.5 * before[inside != 0].mean() + 0.01


def test_a_driver_opens_and_closes_the_mouth():
    opened, closed = 0, 0
    for seed in range(16):
        likeness, photo = portrait(seed, 64, opening=0.0 if seed % 2 else 0.9)
        variant = reenactment(likeness, photo, np.random.default_rng(seed), 0.2).variant
        opened, closed = opened + (variant == "opening"), closed + (variant == "closing")
    assert opened >= 2
    assert closed >= 2


@pytest.mark.parametrize("name", EDITS)
def test_an_edit_stays_in_its_region(name):
    """What the attribute changes by more than a grey level lies where the mask is."""
    for seed in range(6):
        likeness, photo = portrait(seed, 128)
        edited, region = EDITS[name](likeness, photo, np.random.default_rng(seed))
        assert region.min() >= 0
        assert region.max() <= 1
        changed = np.abs(edited - photo.image).mean(axis=-1)
        assert changed[region > 0.5].sum() > 0.8 * changed.sum()


def test_each_attribute_is_given_and_only_to_those_who_might_have_it():
    seen: dict[str, int] = dict.fromkeys(EDITS, 0)
    for seed in range(40):
        likeness, photo = portrait(seed, 48)
        person = likeness.person
        possible = editing._possible(likeness, photo)
        assert "beard" not in possible or (person.masculine > 0.5 and person.beard < 0.3)
        assert "lips" not in possible or person.masculine < 0.45
        fake = METHODS["face_editing"].forge(likeness, photo, np.random.default_rng(seed), 0.5)
        assert fake.variant in possible
        seen[fake.variant] += 1
    assert min(seen.values()) > 0


def test_a_synthesised_person_owes_nothing_to_the_photograph():
    one, other = portrait(1, 96), portrait(2, 96)
    made = [METHODS["entire_synthesis"].forge(*pair, np.random.default_rng(5), 0.4) for pair in (one, other)]
    assert np.array_equal(made[0].image, made[1].image)
    assert (made[0].mask == 1).all()


def test_a_stacked_manipulation_has_the_union_of_both_masks():
    for seed in range(4):
        likeness, photo = portrait(seed, 96)
        both = stacked.stacked(likeness, photo, np.random.default_rng(seed), 0.3)
        swapped = face_swap(likeness, photo, np.random.default_rng(seed), 0.3)
        assert both.variant.startswith(f"{swapped.variant}+")
        assert (both.mask >= swapped.mask - 1e-6).all()
        changed = np.abs(both.image - photo.image).max(axis=-1) > 0
        assert (both.mask[changed] > 0).all()
        edited_only = np.abs(both.image - swapped.image).max(axis=-1) > 0
        assert edited_only.any()
