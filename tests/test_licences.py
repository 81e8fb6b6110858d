"""Every installed package of the lock has a licence that its users can live with, and the page says it."""

from __future__ import annotations

import importlib.metadata
from email.message import Message

from licences import ACCEPTED, PAGE, locked, read_licence, rows_of


def test_every_installed_package_has_a_known_licence_and_none_binds_its_users():
    found = {name: licence for name in locked() if (licence := read_licence(name))}
    assert len(found) > 200
    wrong = {name: one for name, one in found.items() if one.kind not in ("permissive", *ACCEPTED)}
    assert not wrong, (
        f"give the package up, or its licence with a reason in STATED of tests/licences.py: {wrong}"
    )
    proprietary = [name for name, one in found.items() if one.kind == "proprietary"]
    assert all(name.startswith(("nvidia-", "cuda-")) for name in proprietary), proprietary


def test_the_page_has_a_row_for_each_and_says_the_same():
    rows = rows_of(PAGE.read_text())
    hint = "write it anew: python tests/licences.py > docs/licences.md"
    assert sorted(rows) == locked(), hint
    kinds = {name: licence.kind for name in locked() if (licence := read_licence(name))}
    assert {name: rows[name].kind for name in kinds} == kinds, hint


def test_a_licence_that_binds_or_is_unknown_is_seen(monkeypatch):
    def package(**said):
        message = Message()
        for key, value in said.items():
            message[key.replace("_", "-")] = value
        return type("Package", (), {"metadata": message, "files": []})()

    for said, kind in [
        ({"License_Expression": "AGPL-3.0-or-later"}, "network copyleft"),
        ({"License": "GNU General Public License v3"}, "strong copyleft"),
        ({"License_Expression": "LGPL-2.1"}, "weak copyleft"),
        ({}, "unknown"),
    ]:
        monkeypatch.setattr(importlib.metadata, "distribution", lambda name, said=said: package(**said))
        assert read_licence("any").kind == kind
