# Everything that dfstudy does, as verbs. `make help` lists them.
#
#   make report STUDY=full DATA=path/to/pictures OUT=reports/mine
#   make report SET="training.epochs=6 augment.policy=none"   other settings, in a folder of their own
#   make report STUDY=mine.yaml OWN_CODE=network.py   a study that runs Python: only files that you name
#   make report BUDGET=20         what fits into 20 minutes, the most important parts first
#   make report CLUSTER=slurm     trains on a Slurm cluster, see docs/cluster.md
#   make report FORCE=1           runs every step again, and replaces another study's report in OUT
#   make report PYTHON=python     uses the environment that is active instead of .venv

# Only what stands on the command line counts: a site or a session may have exported these names for something
# else. What is set in the environment is said, and not used.
GIVEN := STUDY DATA OUT SET OWN_CODE SECONDS MINUTES NOTEBOOK RESULTS BASE PYTHON CLUSTER BUDGET FORCE WEIGHTS
EXPORTED := $(strip $(foreach name,$(GIVEN),$(if $(filter environment%,$(origin $(name))),$(if $(value $(name)),$(name)=))))
$(foreach name,$(GIVEN),$(if $(filter command%,$(origin $(name))),,$(eval override $(name) :=)))
ifneq ($(EXPORTED),)
  $(info note: $(EXPORTED) in the environment is not used: type it after make, as in make report STUDY=full)
endif
ifeq ($(value BASE),)
  override BASE := python3
endif

# Paths and names reach the commands through the environment, as they were typed: make itself must not read
# what they hold, so that a space, a quote or a dollar sign in one is only a character.
$(foreach name,$(GIVEN),$(eval override $(name) := $$(value $(name))))
export $(filter-out SECONDS,$(GIVEN))

# This checkout's own code runs, whatever checkout the environment was installed from.
export PYTHONPATH := $(CURDIR)$(if $(value PYTHONPATH),:$(value PYTHONPATH))

# Each step is a process of its own. Without kept bytecode each would compile torch and what it imports again,
# three times what importing them costs; images of Python often ask for that, to be smaller.
unexport PYTHONDONTWRITEBYTECODE

ifneq ($(value PYTHON),)
  RUN := "$$PYTHON"
  READY :=
else
  RUN := .venv/bin/python
  READY := environment
endif

# In the shell's place, and bound to make: it ends when make does, however make ended.
DFSTUDY := export DFSTUDY_PARENT=$$PPID; exec $(RUN) -m dfstudy
WHICH = --study "$$STUDY" --data "$$DATA" --out "$$OUT" $(if $(value SET),--set "$$SET") $(if $(value OWN_CODE),--own-code "$$OWN_CODE")

# In a container one is often root, and JupyterLab then wants to be told.
AS_ROOT = $(if $(filter 0,$(shell id -u)),--allow-root)

.DEFAULT_GOAL := help
.PHONY: help report index test coverage lab tensorboard lint bench fuzz lock strip exhibit publish doctor clean

help: ## list these verbs
	@awk -F ':.*## ' '/^[a-z]+:.*## / { printf "  make %-12s %s\n", $$1, $$2 }' Makefile

report: $(READY) ## make the report (STUDY= DATA= OUT= SET= BUDGET= CLUSTER=); only what changed runs again
	@$(DFSTUDY) report $(WHICH) $(if $(value CLUSTER),--cluster "$$CLUSTER") $(if $(value BUDGET),--budget "$$BUDGET") $(if $(value FORCE),--force)

index: $(READY) ## count the pictures and what is excluded (STUDY= DATA= OUT= SET=)
	@$(DFSTUDY) index $(WHICH)

# 13 minutes on an ordinary machine; one that is eight times slower leaves out what has not begun in time
test: $(READY) ## run the test-suite (MINUTES= how long tests are begun, default 45)
	@$(RUN) -m pytest -n 2 --dist loadfile --no-loadscope-reorder --minutes "$${MINUTES:-45}"

coverage: $(READY) ## measure which lines the tests of stats, study, train and predict run, against a floor
	@$(RUN) -m pytest -n 2 --dist loadfile --cov --cov-report=term tests/stats tests/study tests/train tests/predict

lab: $(READY) ## open the notebooks in JupyterLab, or one of them (NOTEBOOK=)
	@JUPYTER_PREFER_ENV_PATH=1 NO_ALBUMENTATIONS_UPDATE=1 $(RUN) -m jupyterlab $(AS_ROOT) --ServerApp.root_dir="$$PWD" \
		--LabApp.default_url=/lab/tree/notebooks/00_start.ipynb $${NOTEBOOK:+"$$NOTEBOOK"}

tensorboard: $(READY) ## show training curves while they grow (STUDY= DATA= OUT= SET=)
	@$(DFSTUDY) tensorboard $(WHICH)

lint: $(READY) ## check style, types, layers and that notebooks carry no output
	@$(RUN) -m ruff check .
	@$(RUN) -m ruff format --check .
	@$(RUN) -m mypy
	@$(RUN) -m pytest tests/test_architecture.py tests/test_notebooks.py

bench: $(READY) ## measure speed and memory against rivals; a table in reports/bench or RESULTS=
	@for file in tests/benchmarks/bench_*.py; do \
		echo "== $$file" && $(RUN) "$$file" --out "$${RESULTS:-reports/bench}" || exit 1; done

# SECONDS is a variable of some shells' own, so make writes the numbers itself
fuzz: $(READY) ## random files for everything that reads a stranger's (SECONDS= or MINUTES=, default a minute)
	@$(RUN) tests/hostile/fuzz.py $(if $(value SECONDS),--seconds '$(SECONDS)') $(if $(value MINUTES),--minutes '$(MINUTES)')

lock: $(READY) ## resolve the newest versions that pyproject.toml allows, for every platform
	@$(RUN) -m uv pip compile --universal --python-version 3.11 --all-extras --no-header --no-annotate \
		--upgrade --quiet pyproject.toml -o requirements.lock

strip: $(READY) ## remove outputs and traces of this machine from the notebooks
	@$(RUN) -m nbstripout --keep-id --extra-keys "metadata.papermill metadata.language_info cell.metadata.papermill" \
		notebooks/*.ipynb

exhibit: $(READY) ## make a built-in study's report (STUDY=) and copy it to reports/published
	@$(DFSTUDY) report $(if $(value STUDY),--study "$$STUDY")
	@$(DFSTUDY) exhibit $(if $(value STUDY),--study "$$STUDY")

publish: $(READY) ## pack the finished report into one archive for others (STUDY= DATA= OUT= SET= WEIGHTS=1)
	@$(DFSTUDY) publish $(WHICH) $(if $(value WEIGHTS),--weights)

doctor: $(READY) ## check this machine and its environment
	@$(DFSTUDY) doctor

clean: ## remove the built-in studies' generated reports; own reports and .venv stay
	@rm -rf reports/sample reports/small reports/seed reports/full
	@rm -rf .pytest_cache .ruff_cache .mypy_cache .hypothesis .import_linter_cache .coverage
	@find dfstudy tests -name __pycache__ -type d -prune -exec rm -rf {} +

# The file ready holds a checksum of what was installed, and where .venv lay then. Content decides: files that
# were only touched install nothing, so that every verb works offline, and where .venv was moved or copied with
# its checkout, only the paths in it are mended. uv unpacks while it fetches, on all cores, in a third of pip's
# CPU time; its cache lies in .venv, so that files are linked and not copied, and none is left in a small home.
# It is told the registry and the certificates that pip is set to. Where it still cannot, pip does: it fetches
# everything before it unpacks anything, so the large packages go first and by themselves, and 8 GB of room are
# enough either way. Neither compiles anything: of 340 MB of Python most is never imported, and what is, Python
# compiles on its first import.
# Both opencv-python and the headless wheel, which albumentations asks for, own the folder cv2. Installed last,
# headless wins, and cv2 then imports on machines without a window system's libraries.
environment:
	@set -e; wanted="$$(cat requirements.lock pyproject.toml | cksum)"; place="$$(pwd -P)/.venv"; \
	had=""; lay=""; if [ -s .venv/ready ]; then { read -r had; read -r lay; } < .venv/ready || true; fi; \
	if [ "$$had" = "$$wanted" ] && { [ "$$lay" = "$$place" ] || [ -h .venv ]; }; then exit 0; fi; \
	if [ -e .venv/ready ] && [ ! -s .venv/ready ] && [ ! pyproject.toml -nt .venv/ready ] \
			&& [ ! requirements.lock -nt .venv/ready ]; then had="$$wanted"; lay="$$place"; fi; \
	if [ "$$had" != "$$wanted" ]; then sh -ec "$$INSTALL"; \
	elif [ "$$lay" != "$$place" ]; then \
		echo "mending .venv, which lay in $$lay"; \
		.venv/bin/python -c "$$MEND" "$$lay" "$$place"; \
		.venv/bin/python -m pip install --quiet --no-deps --no-build-isolation --editable .; fi; \
	printf '%s\n' "$$wanted" "$$place" > .venv/ready

define INSTALL
"$$BASE" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null || {
  echo "error: $$BASE is $$("$$BASE" --version 2>&1); dfstudy needs Python 3.11 or later"
  echo "  next step: install one and name it: make report BASE=python3.12"
  exit 1
}
echo "installing the locked environment into .venv (about 7 GB, once)"
"$$BASE" -m venv .venv || {
  echo "error: $$BASE cannot make an environment"
  echo "  next step: install its venv module, such as the package python3-venv"
  exit 1
}
grep '^uv==' requirements.lock > .venv/installer.txt
grep -E '^(cuda|nvidia|torch|triton)' requirements.lock > .venv/large.txt
grep '^opencv-python-headless==' requirements.lock > .venv/last.txt
set_for_pip() { .venv/bin/python -m pip config list 2>/dev/null | sed -n "s/^[^=]*\.$$1='\(.*\)'$$/\1/p" | tail -n 1; }
index="$${PIP_INDEX_URL:-$$(set_for_pip index-url)}"
trusted="$${PIP_CERT:-$$(set_for_pip cert)}"
export UV_CACHE_DIR="$${UV_CACHE_DIR:-$$PWD/.venv/cache}"
if [ -n "$$index" ]; then export UV_DEFAULT_INDEX="$${UV_DEFAULT_INDEX:-$$index}"; fi
if [ -n "$$trusted" ]; then export SSL_CERT_FILE="$${SSL_CERT_FILE:-$$trusted}"; fi
.venv/bin/python -m pip install --quiet --no-compile --requirement .venv/installer.txt || true
if .venv/bin/python -m uv pip install --quiet --python .venv/bin/python --requirement requirements.lock; then
  by="uv pip install --quiet --python .venv/bin/python"
else
  echo "note: uv could not install it, for the reason above; pip tries, which takes longer"
  rm -rf .venv/cache
  by="pip install --quiet --no-compile"
  for list in .venv/large.txt requirements.lock; do
    deps=; [ $$list = requirements.lock ] || deps=--no-deps
    .venv/bin/python -m $$by $$deps --requirement $$list || {
      echo "error: pip could not install the environment, for the reason above"
      echo "  next step: it needs the package registry and 8 GB of room ($$(df -Ph .venv | awk 'END { print $$4 }') are free)"
      exit 1
    }
  done
fi
.venv/bin/python -m $$by --no-deps --force-reinstall --requirement .venv/last.txt
.venv/bin/python -m $$by --no-deps --editable .
rm -rf .venv/cache
endef

# Its scripts and its script of activation name the folder in which it was made.
define MEND
import pathlib, sys
old, new = (word.encode() for word in sys.argv[1:])
for file in pathlib.Path(".venv/bin").iterdir():
    if file.is_file() and not file.is_symlink():
        text = file.read_bytes()
        if old in text and (text.startswith(b"#!") or file.stem.lower() == "activate"):
            file.write_bytes(text.replace(old, new))
endef
export INSTALL MEND
.PHONY: environment
