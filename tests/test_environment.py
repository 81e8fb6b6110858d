"""The environment that make keeps: content decides what is installed, and a moved one is mended."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import time
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
# stands for a Python: writes down what it is asked for, and makes an environment of itself
SPY = """#!/bin/sh
echo "$@" >> "$SAID"
echo "${PYTHONDONTWRITEBYTECODE-not set}" >> "$SAID.bytecode"
for word in $REFUSED; do case "$*" in *"$word"*) exit 1 ;; esac; done
case "$*" in
  "-m uv"*) echo "$UV_DEFAULT_INDEX $SSL_CERT_FILE" > "$SAID.registry"; mkdir -p "$UV_CACHE_DIR" ;;
  "-m pip config list") echo "global.cert='/a company/roots.pem'
global.index-url='https://registry.example/simple'" ;;
  "-m venv .venv") mkdir -p .venv/bin && cp "$0" .venv/bin/python
    printf '#!%s/.venv/bin/python\\n' "$PWD" > .venv/bin/tool ;;
  "-c import pathlib"*) exec python3 "$@" ;;
esac
"""


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout with space"
    folder.mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, folder / name)
    (tmp_path / "spy").write_text(SPY)
    (tmp_path / "spy").chmod(0o755)
    return folder


def make(folder: Path, **variables: str) -> list[str]:
    """What the Pythons were asked for by `make doctor`."""
    run_make(folder, **variables).check_returncode()
    return (folder.parent / "said").read_text().splitlines()


def run_make(folder: Path, refused: str = "", **variables: str) -> subprocess.CompletedProcess[str]:
    """`make doctor`, with a Python that fails where it is asked for one of the words that are refused."""
    said = folder.parent / "said"
    said.write_text("")
    command = ["make", "--no-print-directory", "doctor", f"BASE={folder.parent / 'spy'}"]
    environment = {
        "PATH": os.environ["PATH"],
        "SAID": str(said),
        "REFUSED": refused,
        "PYTHONDONTWRITEBYTECODE": "1",  # as images of Python often have it
        **variables,
    }
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True)


def test_files_that_were_only_touched_install_nothing(checkout):
    assert any("-m venv" in line for line in make(checkout))
    for moment in (1, time.time() + 3600):
        for name in ("pyproject.toml", "requirements.lock", "Makefile"):
            os.utime(checkout / name, (moment, moment))
        assert make(checkout) == ["-m dfstudy doctor"]
    before = (checkout / "pyproject.toml").stat()
    (checkout / "pyproject.toml").write_text((checkout / "pyproject.toml").read_text() + "# other\n")
    os.utime(checkout / "pyproject.toml", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert any("--requirement requirements.lock" in line for line in make(checkout))


@pytest.mark.parametrize("way", [shutil.move, shutil.copytree])
def test_a_moved_environment_is_mended_without_a_network(checkout, way):
    make(checkout)
    there = checkout.parent / "elsewhere"
    way(checkout, there)
    said = make(there)
    assert said[-2:] == [
        "-m pip install --quiet --no-deps --no-build-isolation --editable .",
        "-m dfstudy doctor",
    ]
    assert not any("--requirement" in line for line in said)
    assert (there / ".venv/bin/tool").read_text() == f"#!{there}/.venv/bin/python\n"
    assert make(there) == ["-m dfstudy doctor"]


def test_an_environment_of_an_earlier_version_is_taken_as_it_is(checkout):
    make(checkout)
    (checkout / ".venv/ready").write_text("")
    assert make(checkout) == ["-m dfstudy doctor"]
    assert make(checkout) == ["-m dfstudy doctor"]


def test_a_linked_environment_is_another_checkouts_and_stays_it(checkout):
    make(checkout)
    other = checkout.parent / "other"
    other.mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, other / name)
    (other / ".venv").symlink_to(checkout / ".venv")
    assert make(other) == ["-m dfstudy doctor"]


def test_no_process_compiles_anew_what_another_has_compiled(checkout):
    """Importing torch costs three times as much where Python may not keep what it compiled."""
    asked = make(checkout)
    seen = (checkout.parent / "said.bytecode").read_text().splitlines()
    assert seen == ["not set"] * len(asked)


def test_uv_installs_from_pips_registry_and_leaves_no_second_copy(checkout):
    said = make(checkout)
    assert [line for line in said if " install " in line] == [
        "-m pip install --quiet --no-compile --requirement .venv/installer.txt",
        "-m uv pip install --quiet --python .venv/bin/python --requirement requirements.lock",
        "-m uv pip install --quiet --python .venv/bin/python --no-deps --force-reinstall "
        "--requirement .venv/last.txt",
        "-m uv pip install --quiet --python .venv/bin/python --no-deps --editable .",
    ]
    assert told(checkout) == "https://registry.example/simple /a company/roots.pem"
    assert not (checkout / ".venv/cache").exists()


def test_what_a_user_sets_for_pip_or_for_uv_goes_before_pips_files(checkout):
    make(checkout, PIP_INDEX_URL="https://mine.example/simple", PIP_CERT="/mine.pem")
    assert told(checkout) == "https://mine.example/simple /mine.pem"
    (checkout / ".venv/ready").unlink()
    make(checkout, PIP_CERT="/mine.pem", UV_DEFAULT_INDEX="https://uv.example", SSL_CERT_FILE="/uv.pem")
    assert told(checkout) == "https://uv.example /uv.pem"


def told(folder: Path) -> str:
    """The registry and the file of certificates that uv is given."""
    return (folder.parent / "said.registry").read_text().strip()


def test_pip_installs_what_uv_cannot_the_large_packages_first_and_by_themselves(checkout):
    """Otherwise the files that pip fetches, and what it unpacks from them, lie on the disk at once."""
    ended = run_make(checkout, "uv")
    assert ended.returncode == 0
    assert "pip tries" in ended.stdout
    said = (checkout.parent / "said").read_text().splitlines()
    assert [line for line in said if "-m pip install" in line and "installer" not in line] == [
        "-m pip install --quiet --no-compile --no-deps --requirement .venv/large.txt",
        "-m pip install --quiet --no-compile --requirement requirements.lock",
        "-m pip install --quiet --no-compile --no-deps --force-reinstall --requirement .venv/last.txt",
        "-m pip install --quiet --no-compile --no-deps --editable .",
    ]
    large = (checkout / ".venv/large.txt").read_text().splitlines()
    assert {"torch", "triton"} <= {line.split("==")[0] for line in large}
    assert set(large) < set((checkout / "requirements.lock").read_text().splitlines())


@pytest.mark.parametrize("refused", ["uv large.txt", "requirements.lock"])
def test_a_full_disk_ends_with_the_room_that_is_needed_and_installs_again(checkout, refused):
    ended = run_make(checkout, refused)
    assert ended.returncode != 0
    assert "error: pip could not install the environment" in ended.stdout
    assert "8 GB of room" in ended.stdout
    assert re.search(r"\(\d[\d.]*[KMGT]? are free\)", ended.stdout)
    assert not (checkout / ".venv/ready").exists()
    assert any("--requirement requirements.lock" in line for line in make(checkout))
