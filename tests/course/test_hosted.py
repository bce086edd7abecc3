"""What starts the course elsewhere fits the course: image, Binder, workflows.

Proves: the image's start script copies lessons into the person's own folder, overwrites nothing, keeps progress and labels
there, and starts the hub's server under a hub; versions that Dockerfile, Binder and Colab's cell repeat are those of
requirements.txt and pyproject.toml; files and make targets that workflows name exist.
"""

import os
import re
import subprocess
import sys
import tomllib
from itertools import pairwise
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / ".devcontainer/Dockerfile").read_text(encoding="utf-8")
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
posix = pytest.mark.skipif(sys.platform == "win32", reason="the image runs Linux")


def start(home, course, *command, **more):
    """Run the image's start script as a person whose folder is `home`, and return what the command prints."""
    environment = {"PATH": os.environ["PATH"], "HOME": str(home), "COURSE": str(course)} | more
    arguments = ["sh", str(ROOT / ".devcontainer/start"), *command]
    return subprocess.run(arguments, capture_output=True, text=True, env=environment, check=True).stdout.strip()


@pytest.fixture
def course(tmp_path):
    """A course of two lessons, one in a folder, and data."""
    for name in ("notebooks/00_start.ipynb", "notebooks/classroom/one_day.md", "data/checkpoints/manifest.json", "README.md"):
        (tmp_path / "course" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / "course" / name).write_text(f"the course's {name}")
    return tmp_path / "course"


@posix
def test_lessons_are_copied_once_and_a_readers_own_are_kept(tmp_path, course):
    home = tmp_path / "home"
    home.mkdir()
    assert start(home, course, "pwd") == str(home / "course")
    mine = home / "course/notebooks"
    assert (mine / "00_start.ipynb").read_text() == "the course's notebooks/00_start.ipynb"
    assert (home / "course/data/checkpoints/manifest.json").read_text() == "the course's data/checkpoints/manifest.json"
    (mine / "00_start.ipynb").write_text("my answers")
    (mine / "classroom/one_day.md").unlink()
    start(home, course, "true")
    assert (mine / "00_start.ipynb").read_text() == "my answers"
    assert (mine / "classroom/one_day.md").read_text() == "the course's notebooks/classroom/one_day.md"
    assert (course / "notebooks/00_start.ipynb").read_text().startswith("the course's")


@posix
def test_progress_and_labels_lie_in_the_persons_own_folder(tmp_path, course):
    script, mine = 'echo "$RLHF_LITE_PROGRESS $RLHF_LITE_LABELS"', tmp_path / "home/course"
    assert start(tmp_path / "home", course, "sh", "-c", script) == f"{mine}/.progress.json {mine}/labels"
    assert start(tmp_path / "home", course, "sh", "-c", script, RLHF_LITE_LABELS="/shared") == f"{mine}/.progress.json /shared"


@posix
@pytest.mark.parametrize(("token", "started"), [("", "lab --ip=0.0.0.0"), ("secret", "the hub's server")])
def test_under_a_hub_the_images_own_command_gives_way_to_the_hubs(tmp_path, course, token, started):
    for name, line in (("jupyter", 'echo "$@"'), ("jupyterhub-singleuser", "echo the hub\\'s server")):
        (tmp_path / name).write_text(f"#!/bin/sh\n{line}\n")
        (tmp_path / name).chmod(0o755)
    path = f"{tmp_path}:{os.environ['PATH']}"
    command = ("jupyter", "lab", "--ip=0.0.0.0")
    assert start(tmp_path / "home", course, *command, PATH=path, JUPYTERHUB_API_TOKEN=token) == started


def test_the_images_command_and_person_are_what_hubs_expect():
    assert 'ENTRYPOINT ["/opt/course/.devcontainer/start"]' in DOCKERFILE and 'CMD ["jupyter", "lab"' in DOCKERFILE
    assert "--uid 1000 jovyan" in DOCKERFILE and DOCKERFILE.index("USER jovyan") > DOCKERFILE.index("pip install --no-deps -e .")
    assert "OMP_NUM_THREADS=2" in DOCKERFILE and "OMP_NUM_THREADS=2" in (ROOT / ".binder/start").read_text()
    assert all(os.access(ROOT / name, os.X_OK) for name in (".devcontainer/start", ".binder/start", ".binder/postBuild"))


def test_versions_that_are_repeated_are_the_courses():
    locked = re.search(r"^torch==(\S+)$", (ROOT / "requirements.txt").read_text(encoding="utf-8"), re.MULTILINE)[1]
    assert f"TORCH={locked}+cpu" in DOCKERFILE
    bound = next(each for each in PROJECT["dependencies"] if each.startswith("torch>=")).removeprefix("torch")
    binder = yaml.safe_load((ROOT / ".binder/environment.yml").read_text(encoding="utf-8"))
    assert f"pytorch-cpu{bound}" in binder["dependencies"]
    course = PROJECT["optional-dependencies"]["course"]
    cell = re.search(r'SETUP_CELL = """(.*?)"""', (ROOT / ".site/hosted.py").read_text(encoding="utf-8"), re.DOTALL)[1]
    named = re.findall(r'"([\w.-]+>=[\d.]+)"', cell)
    assert len(named) == 3 and set(named) <= set(course)


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.stem)
def test_workflows_name_what_exists(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    steps = [step for job in workflow["jobs"].values() for step in job["steps"]]
    commands = " ".join(step["run"] for step in steps if "run" in step).split()
    files = [word for word in commands if re.fullmatch(r"[.\w-]+/[\w./-]*|[\w-]+\.(txt|toml)", word)]
    assert all((ROOT / name).exists() for name in files)
    targets = [target for command, target in pairwise(commands) if command == "make"]
    assert all(re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE) for target in targets)
    assert workflow["permissions"] == {"contents": "read"} and all(job["timeout-minutes"] for job in workflow["jobs"].values())
    matrices = [job.get("strategy", {}).get("matrix", {}) for job in workflow["jobs"].values()]
    pythons = [python for matrix in matrices for python in matrix.get("python", [])]
    oldest = PROJECT["requires-python"].removeprefix(">=")
    assert not pythons or (min(pythons) == oldest and len(pythons) == 2)
