"""Shares and means of what a policy did, against counting by hand."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest

from dfstudy.chapters.c02_augmentation.numbers import augmentation_numbers, share_table


def samples(touched=30, count=100):
    """`count` samples of two transforms: one left to chance, one that always runs."""
    jpeg = pd.DataFrame({"sample": range(count), "transform": "jpeg_compression", "probability": 0.2})
    jpeg["applied"] = np.where(np.arange(count) < touched, "jpeg_compression", "")
    jpeg["quality"] = np.where(jpeg["applied"] != "", 60.0 + np.arange(count) % 2 * 40, np.nan)
    jpeg["change"] = np.where(jpeg["applied"] != "", 1.5, np.nan)
    pad = pd.DataFrame({"sample": range(count), "transform": "pad", "probability": 1.0, "applied": "pad"})
    return pd.concat([jpeg, pad], ignore_index=True).assign(sigma=np.nan)


def by_id(table):
    return {number.id: number for number in augmentation_numbers(table)}


def test_share_and_its_wilson_interval():
    share = by_id(samples())["augment.jpeg_compression.share"]
    assert (share.value, share.n) == (0.3, 100)
    # Wilson's formula with z = 1.959964
    z, p, n = 1.959964, 0.3, 100
    centre, half = p + z**2 / (2 * n), z * np.sqrt(p * (1 - p) / n + z**2 / (4 * n**2))
    assert share.low == pytest.approx((centre - half) / (1 + z**2 / n), rel=1e-5)
    assert share.high == pytest.approx((centre + half) / (1 + z**2 / n), rel=1e-5)


def test_shares_as_set_counts_intervals_that_hold_the_setting():
    assert by_id(samples(touched=22))["augment.shares_as_set"].value == 1
    assert by_id(samples(touched=60))["augment.shares_as_set"].value == 0
    assert by_id(samples())["augment.shares"].value == 1  # what always runs has no share


def test_a_mean_counts_only_the_samples_that_met_the_transform():
    quality = by_id(samples())["augment.jpeg_quality"]
    assert (quality.value, quality.n) == (80, 30)
    half = 2.045230 * np.std([60, 100] * 15, ddof=1) / np.sqrt(30)  # Student's t, 29 degrees of freedom
    assert quality.high - quality.value == pytest.approx(half, rel=1e-5)


def test_what_was_not_met_is_undefined_with_a_reason():
    sigma = by_id(samples())["augment.noise_sigma"]
    assert sigma.value is None
    assert sigma.note


def test_share_table_keeps_the_order_of_the_policy():
    both = pd.concat([samples().assign(transform="zebra"), samples()], ignore_index=True)
    assert share_table(both)["transform"].tolist() == ["zebra", "jpeg_compression"]
