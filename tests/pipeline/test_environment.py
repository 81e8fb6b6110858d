"""What other people set in the environment does not reach the steps of a report."""

from __future__ import annotations

from dfstudy.pipeline.environment import kernel_environment, steady_environment, steps_environment


def test_a_sites_variables_stay_outside(monkeypatch):
    names = ["RANK", "WORLD_SIZE", "LOCAL_RANK", "ACCELERATE_MIXED_PRECISION", "SNAKEMAKE_PROFILE"]
    names += ["MATPLOTLIBRC", "MPLBACKEND", "DFSTUDY_STAGING"]
    for name in [*names, "HF_HOME", "CUDA_VISIBLE_DEVICES", "OMP_NUM_THREADS"]:
        monkeypatch.setenv(name, "the site's")
    environment = steps_environment()
    assert not set(names) & set(environment)
    assert environment["HF_HOME"] == environment["CUDA_VISIBLE_DEVICES"] == "the site's"
    assert environment["OMP_NUM_THREADS"] == steady_environment()["OMP_NUM_THREADS"]


def test_a_kernel_has_its_own_matplotlib(tmp_path):
    environment = kernel_environment(tmp_path)
    assert environment["MPLBACKEND"].endswith("backend_inline")
    assert environment["MATPLOTLIBRC"].startswith(str(tmp_path))
