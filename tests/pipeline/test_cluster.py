"""Steps as jobs of a cluster: what they ask for, what Slurm is told, what the user is told."""

from __future__ import annotations

import io
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest
import yaml
from fixtures.patience import PATIENCE
from hypothesis import given
from hypothesis import strategies as st

from dfstudy.chapters.registry import CHAPTERS
from dfstudy.data.index import index_study
from dfstudy.data.split import split_study
from dfstudy.errors import StudyError
from dfstudy.pipeline.build import build, snakemake_command
from dfstudy.pipeline.cluster import PROFILES, find_cluster
from dfstudy.pipeline.invocation import Invocation, resolve
from dfstudy.pipeline.plan import write_plan
from dfstudy.pipeline.progress import ReportProgress
from dfstudy.pipeline.resources import NETWORKS, Site
from dfstudy.study.study import load_study
from dfstudy.variants.registry import COMPARISONS

CLUSTER = Site(cores=2, gpus=0, cluster=True)
TINY = """
name: tiny
title: Twelve people
data: {root: sample, sample: {identities: 12, frames: 1, size: 48}}
model: {backbone: test_resnet, size: 32}
augment: {policy: none}
training: {epochs: 1, seeds: [0, 1], workers: %d, devices: %d}
"""


def tiny(folder: Path, workers: int, devices: int) -> Invocation:
    (folder / "tiny.yaml").write_text(TINY % (workers, devices))
    return resolve(str(folder / "tiny.yaml"), out=str(folder / "out"))


def command(name: str, folder: Path, body: str) -> None:
    """A command on PATH, for as long as `folder` is there."""
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(f"#!/bin/sh\n{body}\n")
    (folder / name).chmod(0o755)


@given(
    devices=st.integers(1, 16),
    workers=st.one_of(st.just("auto"), st.integers(0, 32)),
    here=st.tuples(st.integers(1, 64), st.integers(0, 8)),
)
def test_a_cluster_is_asked_by_the_study_and_not_by_the_node_that_plans(devices, workers, here):
    study = load_study("full")
    recipe = study.training.model_copy(update={"devices": devices, "workers": workers})
    study = study.model_copy(update={"training": recipe})
    chapters = [chapter for chapter in CHAPTERS if "runs" in chapter.needs]
    there = Site(*here, cluster=True)
    asked = there.training(study)
    assert asked == CLUSTER.training(study) and asked.gpu == devices and asked.nodes == 1
    assert asked.threads == devices * (8 if workers == "auto" else workers + 1)
    assert len(chapters) >= 2
    for chapter in chapters:
        needs = there.chapter(study, chapter)
        assert needs == CLUSTER.chapter(study, chapter) and needs.gpu == 1
        # cores are part of the key of a run on processors: with fewer, a chapter would train again
        assert needs.threads == asked.threads and needs.mem_mb == asked.mem_mb
    meter = there.leakage(study)
    chapter = next(chapter for chapter in CHAPTERS if "leakage" in chapter.needs)
    assert there.chapter(study, chapter)[:2] == meter[:2] and meter.threads == 8 and meter.gpu == 1
    site = Site(*here)
    cores, gpus = here
    assert site.training(study).gpu == min(devices, gpus) and site.training(study).threads == cores
    assert {site.chapter(study, chapter).gpu for chapter in chapters} == {min(1, gpus)}


def test_only_what_works_with_a_network_is_a_job(tmp_path):
    plan = planned(tiny(tmp_path, 0, 1), CLUSTER)
    local = {chapter["id"]: chapter["local"] for chapter in plan["chapters"]}
    # 01 loads, or by itself trains, the networks of the leakage estimate
    assert (
        local["01_explore_data"]
        is local["03_train"]
        is local["04_test"]
        is local["06_cross_forgery"]
        is False
    )
    assert local["02_view_augmentation"] is local["10_conclusions"] is True
    assert plan["into"] == "&>"
    here = planned(tiny(tmp_path, 0, 1), Site(2, 0))
    assert here["into"] == "2>&1"
    for told, gpus in ((plan, 1), (here, 0)):
        steps = [step for rule in told["training"] for step in rule["steps"].values()]
        assert steps and {step["resources"]["gpu"] for step in steps} == {gpus}


def test_the_shipped_profile_holds_options_that_snakemake_knows(tmp_path, monkeypatch):
    command("scontrol", tmp_path / "bin", "exit 1")  # a real one waits for its controller
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    settings = yaml.safe_load((PROFILES / "slurm" / "config.yaml").read_text())
    assert settings["executor"] == "slurm" and settings["slurm-status-command"] == "squeue"
    done = subprocess.run([sys.executable, "-m", "snakemake", "--help"], capture_output=True, text=True)
    for option in settings:
        assert f"--{option}" in done.stdout, option


def test_slurm_is_asked_for_what_the_plan_says_and_its_refusal_is_told(tmp_path, monkeypatch):
    """The real executor, with an sbatch that notes what it was asked and refuses."""
    folder = tmp_path / "bin"
    command(
        "sbatch", folder, f'echo "$@" >> {tmp_path}/asked; echo "sbatch: error: no such luck" >&2; exit 1'
    )
    command("sacct", folder, "exit 0")
    command("scontrol", folder, "exit 1")  # a real one waits for its controller
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    profile = tmp_path / "my profile"
    write_profile(profile)
    invocation = tiny(tmp_path, 3, 2)
    said = run_steps(
        invocation, str(profile), "steps/training_seed_0.json", "steps/training_seed_1.json", status=1
    )
    asked = (tmp_path / "asked").read_text().splitlines()
    assert len(asked) == 2
    for line in asked:
        wanted = "-p gpu -t 1440 --mem 21000 --nodes=1 --cpus-per-task=8 --gpus=2"
        assert [word for word in wanted.split() if word not in line.split()] == [], line
        assert f"-D {invocation.settings.out}" in line
    for seed in (0, 1):
        assert f"  failed: Training, seed {seed}\n    Slurm refused the job: no such luck\n" in said


def test_slurm_really_trains(tmp_path):
    """One run as a job, where this machine belongs to a Slurm cluster without GPUs."""
    if shutil.which("sbatch") is None:
        pytest.skip("no sbatch on PATH: Slurm is not installed here")
    try:
        asked = subprocess.run(["sinfo", "-h", "-o", "%R"], capture_output=True, text=True, timeout=10)
    except subprocess.TimeoutExpired:
        pytest.skip("sinfo does not answer: Slurm's controller is not running")
    if asked.returncode or not asked.stdout.split():
        pytest.skip("sinfo names no partition: Slurm's controller is not running")
    needs = {"training": {"gpu": 0, "mem_mb": 2000, "runtime": 5}}
    partition = {"slurm_partition": asked.stdout.split()[0]}
    write_profile(tmp_path / "mine", {"default-resources": partition, "set-resources": needs})
    invocation = tiny(tmp_path, 0, 1)
    said = run_steps(invocation, str(tmp_path / "mine"), "steps/training_seed_1.json")
    assert "submitted: Training, seed 1, Slurm job " in said and "[1/1] Training, seed 1" in said
    out = invocation.settings.out
    run = json.loads((out / "runs" / "seed_1.json").read_text())
    assert (out / "runs" / run["key"] / "checkpoint.json").is_file()
    assert "seed 1: epoch 1 of 1" in (out / "logs" / "training_seed_1.log").read_text()


def write_profile(folder: Path, changes: Mapping[str, object] = MappingProxyType({})) -> None:
    """The shipped profile with changes, as a user's copy; asks soon how its jobs are."""
    settings = yaml.safe_load((PROFILES / "slurm" / "config.yaml").read_text())
    folder.mkdir()
    soon = {"slurm-init-seconds-before-status-checks": 2}
    (folder / "config.yaml").write_text(yaml.safe_dump({**settings, **soon, **changes}))


def planned(invocation: Invocation, site: Site) -> dict[str, Any]:
    """What `build` writes down for the Snakefile."""
    study = invocation.settings
    split = split_study(study, index_study(study, progress=False))
    return json.loads(write_plan(invocation, split, site).read_text())


def run_steps(invocation: Invocation, profile: str, *outputs: str, status: int = 0) -> str:
    """Snakemake as `build` starts it, up to these outputs; returns what a person would have seen."""
    study = invocation.settings
    planned(invocation, CLUSTER)
    wanted = [*snakemake_command(study, CLUSTER, find_cluster(profile)), *outputs]
    done = subprocess.run(wanted, capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == status, done.stderr
    progress = ReportProgress(io.StringIO(), study.out)
    for line in done.stderr.splitlines(keepends=True):
        progress.read(line)
    return progress.terminal.getvalue()


REFUSED = {
    "nowhere": ("there is no profile 'nowhere'", "give slurm, or the folder of a copy"),
    "broken": ("not readable as YAML", "mend the line"),
    "empty": ("names its executor and the number of jobs", "begin with a copy"),
    "strange": ("the executor 'abacus' is not installed", "pip install snakemake-executor-plugin-abacus"),
    "slurm": ("no command sbatch here", "a node of the cluster that submits jobs"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_work_is_refused_with_the_next_step(name, tmp_path, monkeypatch):
    texts = {"broken": "executor: [", "empty": "jobs: 3", "strange": "executor: abacus\njobs: 3"}
    if name in texts:
        (tmp_path / name).mkdir()
        (tmp_path / name / "config.yaml").write_text(texts[name])
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(StudyError) as error:
        build(resolve(out=str(tmp_path / "out")), cluster=name if name == "slurm" else str(tmp_path / name))
    message, hint = REFUSED[name]
    assert message.replace("'nowhere'", f"'{tmp_path}/nowhere'") in str(error.value) and hint in str(
        error.value
    )
    assert not (tmp_path / "out").exists()


def test_a_cluster_has_no_budget_and_that_is_said_before_anything_is_read(tmp_path, monkeypatch):
    command("sbatch", tmp_path / "bin", "exit 0")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with pytest.raises(StudyError, match="other machines"):
        build(resolve(out=str(tmp_path / "out")), cluster="slurm", minutes=9)
    assert not (tmp_path / "out").exists()


def test_the_profile_here_is_local_and_of_no_environment(tmp_path, monkeypatch):
    monkeypatch.setenv("SNAKEMAKE_PROFILE", "somebody's")
    study = tiny(tmp_path, 0, 1).settings
    words = snakemake_command(study, Site(3, 1), None)
    assert "--profile" not in words and words[words.index("--cores") + 1] == "3" and "gpu=1" in words


FAILED = """\
[Sun Nov 22 20:07:25 2026]
Job 4: Training, seed 0
Job 4 has been submitted with SLURM jobid 10 (log: /x/out/.snakemake/slurm_logs/rule_training/0/10.log).
[Sun Nov 22 20:08:10 2026]
Error in rule training:
    message: SLURM-job '10' failed, SLURM status is: '%s'. Detailed failure reason unavailable.
    jobid: 4
    output: steps/training_seed_0.json
    log: logs/training_0.log, slurm_logs/10.log (check log file(s) for error details)
    external_jobid: 10
"""
BAR = "\r  7%|#   |\r 44%|####|"


def account(folder: Path, state: str, own: str | None, slurm: str | None) -> list[str]:
    for name, text in (("logs/training_0.log", own), ("slurm_logs/10.log", slurm)):
        if text is not None:
            (folder / name).parent.mkdir(exist_ok=True)
            (folder / name).write_text(text)
    progress = ReportProgress(io.StringIO(), folder)
    for line in (FAILED % state).splitlines(keepends=True):
        progress.read(line)
    assert progress.failed == ["Training, seed 0"]
    lines = progress.terminal.getvalue().splitlines()
    assert lines[:2] == ["  submitted: Training, seed 0, Slurm job 10", "  failed: Training, seed 0"]
    return [line.removeprefix("    ").replace(str(folder), "") for line in lines[2:]]


def test_a_failed_job_speaks_for_itself(tmp_path):
    own = f"epoch 1{BAR}\nwarning: x\nerror: the loss is not finite\n  next step: a lower rate\n"
    assert account(tmp_path, "FAILED", own, "Snakemake's many lines") == [
        "error: the loss is not finite",
        "  next step: a lower rate",
        "its log: /logs/training_0.log",
    ]


def test_a_job_that_slurm_ended_is_told_by_its_state_and_last_lines(tmp_path):
    own = "".join(f"epoch {n}\n" for n in range(20)) + BAR
    said = account(tmp_path, "TIMEOUT", own, "slurmstepd: killed")
    assert said[0].startswith("Slurm job 10: its time was over: raise `runtime`")
    assert said[1:] == [*(f"epoch {n}" for n in range(9, 20)), " 44%|####|", "its log: /logs/training_0.log"]
    assert "raise `mem_mb`" in account(tmp_path, "OUT_OF_MEMORY", own, None)[0]
    assert account(tmp_path, "BOOT_FAIL", own, None)[0] == "Slurm job 10: its state is BOOT_FAIL"


def test_a_job_that_never_began_is_told_by_slurms_log(tmp_path):
    said = account(tmp_path, "FAILED", None, "slurmstepd: error: no such folder\n")
    assert said == ["slurmstepd: error: no such folder", "its log: /slurm_logs/10.log"]


def test_what_is_left_of_a_stopped_run_is_cancelled_by_its_name(tmp_path, monkeypatch):
    command("scancel", tmp_path / "bin", f'echo "$@" > {tmp_path}/cancelled')
    command("sbatch", tmp_path / "bin", "exit 0")
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")
    cluster = find_cluster("slurm")
    cluster.cancel_left("Building DAG of jobs...\n")
    assert not (tmp_path / "cancelled").exists()
    cluster.cancel_left("Building DAG of jobs...\nSLURM run ID: 4318436f-ee94\nUsing shell: /bin/bash\n")
    assert (tmp_path / "cancelled").read_text() == "--name=4318436f-ee94\n"


def test_make_names_a_cluster_only_where_one_is_given(tmp_path):
    command("spy", tmp_path, 'echo "$@"')
    for given_, ending in ((["CLUSTER=my own"], "--cluster my own"), ([], "--out ")):
        words = ["make", "--no-print-directory", "report", f"PYTHON={tmp_path}/spy", *given_]
        done = subprocess.run(words, cwd=PROFILES.parent, capture_output=True, text=True, check=True)
        assert done.stdout.rstrip("\n").endswith(ending)


def test_the_page_says_what_is_asked_for():
    page = (PROFILES.parent / "docs" / "cluster.md").read_text()
    asked = CLUSTER.training(load_study("full"))
    study = load_study("full")
    five = study.model_copy(update={"training": study.training.model_copy(update={"workers": 4})})
    each = CLUSTER.training(five)
    assert f"| {asked.threads} a device, or `training.workers` + 1 |" in page and each.threads == 5
    assert each.mem_mb == 6000 + 4 * 1500 and "6,000 a device and 1,500 for each of its cores but one" in page
    assert asked.runtime == 1440 and "| `runtime`, minutes | 1,440 |" in page
    shipped = (PROFILES / "slurm" / "config.yaml").read_text()
    assert f"{asked.threads} cores, {asked.mem_mb} MB" in shipped
    profile = yaml.safe_load(page.split("```yaml\n")[1].split("```")[0])
    network = {chapter.id for chapter in CHAPTERS if NETWORKS & set(chapter.needs)}
    steps = {"training", *(f"training_{group}" for group in COMPARISONS), "leakage"} | network
    assert set(profile["set-resources"]) == set(profile["set-threads"]) == steps
    assert {asked["gpu"] for asked in profile["set-resources"].values()} == {0}
