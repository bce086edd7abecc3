# `make` alone lists the targets. On Windows, README.md gives the same steps for PowerShell.

PYTHON ?= python3
VENV := .venv
VENV_PYTHON := $(VENV)/bin/python
STAMP := $(VENV)/.installed
FIRST_LESSON := notebooks/00_start_here.ipynb
LESSONS := $(sort $(wildcard notebooks/*.ipynb notebooks/zh/*.ipynb))

# JupyterLab refuses to start for the administrator, as whom one works in most containers; it listens on this machine only.
JUPYTER_FLAGS += $(if $(NO_BROWSER),--no-browser) $(if $(filter 0,$(shell id -u)),--allow-root)

# Test files side by side, one thread each; a file's tests share what is expensive.
PARALLEL := -n auto --dist loadfile

# On Linux PyTorch's threads wait for each other by asking millions of times. While another program runs they ask in vain, and
# lessons take several times as long; after a thousand times they sleep, which costs nothing measurable on an idle machine (README).
export GOMP_SPINCOUNT ?= 1000

.DEFAULT_GOAL := help
.PHONY: help setup course test quick lint lessons pipeline checkpoints site

help:  ## list these targets
	@sed -n 's/^\([a-z]*\):.*## \(.*\)/make \1\t\2/p' $(firstword $(MAKEFILE_LIST)) | expand -t 18

# Made once, and again when the pinned versions change.
$(STAMP): requirements.txt pyproject.toml
	@command -v $(PYTHON) >/dev/null || { echo "There is no '$(PYTHON)': install Python 3.11 or later, or name one: make $(or $(MAKECMDGOALS),course) PYTHON=/path/to/python" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(0 if v >= (3, 11) else "$(PYTHON) is Python %d.%d, but the course needs 3.11 or later: install one, then run  make $(or $(MAKECMDGOALS),course) PYTHON=python3.11" % v[:2])'
	$(PYTHON) -m venv $(VENV)
	$(VENV_PYTHON) -m pip install --disable-pip-version-check -r requirements.txt
	$(VENV_PYTHON) -m pip install --disable-pip-version-check --no-deps -e .
	@touch $@

setup: $(STAMP)  ## create .venv with everything in it, once

course: $(STAMP)  ## set up if need be, then open lesson 00 in JupyterLab (NO_BROWSER=1: print its address instead)
	$(VENV_PYTHON) -m jupyterlab $(JUPYTER_FLAGS) $(FIRST_LESSON)

test: $(STAMP)  ## all tests, then every lesson, its outputs compared
	$(VENV_PYTHON) -m pytest $(PARALLEL) tests
	$(VENV_PYTHON) -m pytest --nbval --nbval-cell-timeout=300 notebooks/

quick: $(STAMP)  ## the tests that take a few seconds at most
	$(VENV_PYTHON) -m pytest $(PARALLEL) -m "not slow" tests

lint: $(STAMP)  ## check style; changes nothing
	$(VENV_PYTHON) -m ruff check .

lessons: $(STAMP)  ## run every lesson anew and store its outputs; LESSON=01: that one
	$(VENV_PYTHON) -m rlhf_lite.course.rerun $(if $(LESSON),$(or $(wildcard notebooks/$(LESSON)_*.ipynb),$(error there is no lesson $(LESSON) in notebooks)),$(LESSONS))

pipeline: $(STAMP)  ## train and evaluate the course's model, all stages, seed 0, into runs/tiny-0, in half an hour; goes on where it was stopped
	$(VENV_PYTHON) -m rlhf_lite pipeline --preset tiny --seed 0

checkpoints: pipeline  ## train that run and put its models into data/checkpoints, from which lessons start
	$(VENV_PYTHON) -m rlhf_lite ship --name tiny-0

# The builder is installed into .venv beside the course, once.
$(VENV)/.site-installed: .site/requirements.txt | $(STAMP)
	$(VENV_PYTHON) -m pip install --disable-pip-version-check -r .site/requirements.txt
	@touch $@

site: $(STAMP) $(VENV)/.site-installed  ## the course as web pages, .site/build/html, from stored outputs; nothing is run
	$(VENV_PYTHON) .site/stage.py
