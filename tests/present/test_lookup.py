"""Ids taken apart: every shape that chapters write."""

from __future__ import annotations

import pytest

from dfstudy.present.lookup import Fields, find, read_id


@pytest.mark.parametrize(
    ("name", "fields"),
    [
        ("test.auc", Fields("test", quantity="auc")),
        ("test.auc.method.gan_2", Fields("test", quantity="auc", method="gan_2")),
        ("test.auc.recipe", Fields("test", quantity="auc", aspect="recipe")),
        ("policy.none.auc", Fields("policy", "none", "auc")),
        ("policy.seed-grey.at_12_5.auc", Fields("policy", "seed-grey", "auc", budget=12.5)),
        ("policy.seed.at_25.auc.difference", Fields("policy", "seed", "auc", "difference", budget=25.0)),
        ("policy.seed.auc.trend.p", Fields("policy", "seed", "auc", "trend.p")),
        ("policy.seed.learned", Fields("policy", "seed", "learned")),
        ("leave_out.grey.gap.difference", Fields("leave_out", "grey", "gap", "difference")),
        ("defect.all.auc.inflation", Fields("defect", "all", "auc", "inflation")),
        ("defect.all.reported.auc", Fields("defect", "all", "auc", "reported")),
        ("defect.all.applies", Fields("defect", "all", "applies")),
        ("elsewhere.faces-2.drop", Fields("elsewhere", "faces-2", "drop")),
        ("cross.small_vit.auc.unseen", Fields("cross", "small_vit", "auc", "unseen")),
        ("cross.small_vit.learned", Fields("cross", "small_vit", "learned")),
        ("cross.auc.cnn_swap.on.gan", Fields("cross", "cnn_swap", "auc", method="gan")),
        ("cross.specificity.cnn_swap", Fields("cross", "cnn_swap", "specificity")),
        ("cross.difference.auc", Fields("cross", "difference", "auc")),
        ("policies.seeds", Fields("policies", quantity="seeds")),
    ],
)
def test_an_id_is_read_as_its_fields(name, fields):
    assert read_id(name) == fields


def test_ids_are_found_by_fields_and_others_may_be_any():
    names = [
        "policy.a.auc", "policy.a.auc.difference", "policy.a.at_25.auc.difference", "policy.b.auc.difference",
        "policy.b.gap.difference", "leave_out.a.auc.difference", "defect.a.auc.difference",
    ]  # fmt: skip
    asked = {"kind": "policy", "quantity": "auc", "aspect": "difference"}
    assert list(find(names, **asked)) == names[1:4]
    assert list(find(names, **asked, budget=None)) == [names[1], names[3]]
    assert list(find(names, **asked, run="a", budget=25.0)) == [names[2]]
    assert find(names, kind="none") == {}
