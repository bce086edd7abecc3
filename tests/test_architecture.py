"""The package is what its docstrings say: a core and rooms with a reading order each, and small pieces.

Proves: every module stands in its package's order and imports only modules above it; the core imports no room but kernels;
rooms import only the core and what stands above them; library and rooms above the tiny world cannot reach it or the course; all
stages train where both cannot even be imported; prompts, demonstrations and rankings know nothing of what models are asked in
the end; stages do not know each other; files, functions and docstrings keep the
house's limits.
"""

import ast
import re
import subprocess
import sys
from collections import Counter
from pathlib import Path

import pytest

import rlhf_lite

PACKAGE = Path(rlhf_lite.__file__).parent
NEVER_REACHED = ("tinyworld", "studies", "course")
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
FILE_NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]
MOST_CORE_MODULES = 25
GIVEN_TO_TRAINING = ("words", "sentences", "school_tasks", "corpus", "prompts", "users", "labelers")
MEASURES = ("abilities", "minimal_pairs", "baselines", "evaluation")


def names_of(folder):
    """List the modules and rooms that a package's docstring lists, in its order."""
    text = ast.get_docstring(ast.parse((folder / "__init__.py").read_text(encoding="utf-8")), clean=False)
    return re.findall(r"^    (\w+)(?: |$)", text, flags=re.MULTILINE)


def reading_order(folder):
    """List every module below a package, as it is to be read: "masked", ..., "course.lesson_12.quiz"."""
    for name in names_of(folder):
        if (folder / name).is_dir():
            yield from reading_order(folder / name)
        else:
            yield ".".join([*folder.relative_to(PACKAGE).parts, name])


PACKAGES = [path.parent for path in FILES if path.name == "__init__.py"]
PACKAGE_NAMES = [str(path.relative_to(PACKAGE)) for path in PACKAGES]
ORDER = list(reading_order(PACKAGE))
CORE = [name for name in ORDER if "." not in name]
LIBRARY = [name for name in FILE_NAMES if name.split("/")[0] not in (*NEVER_REACHED, "__main__.py")]


def imported(path):
    """Name the package's modules that a file imports anywhere in it, as paths below the package: "gpt", "tinyworld.judge"."""
    package = [PACKAGE.name, *path.relative_to(PACKAGE).parent.parts]
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {name.name for name in node.names}
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else []
            whole = ".".join([*base, *([node.module] if node.module else [])])
            found |= {f"{whole}.{name.name}" for name in node.names} if whole.split(".")[0] == PACKAGE.name else set()
    prefix = PACKAGE.name + "."
    below = [name.removeprefix(prefix) for name in found if name.startswith(prefix)]
    return {_module_part(name) for name in below} - {""}


def _module_part(name):
    """Cut the names of functions and classes: "gpt.GPT" -> "gpt", "tinyworld.judge.TIE" -> "tinyworld.judge"."""
    parts = name.split(".")
    while parts and not (PACKAGE.joinpath(*parts).with_suffix(".py").exists() or PACKAGE.joinpath(*parts).is_dir()):
        parts.pop()
    return ".".join(parts)


def reachable(path):
    """Every module that importing a file imports, directly or not."""
    seen, todo = set(), [path]
    while todo:
        new = imported(todo.pop()) - seen
        seen |= new
        places = [PACKAGE.joinpath(*name.split(".")) for name in new]
        todo += [place / "__init__.py" if place.is_dir() else place.with_suffix(".py") for place in places]
    return seen


def test_the_reader_of_imports_sees_all_their_forms(tmp_path, monkeypatch):
    monkeypatch.setattr(sys.modules[__name__], "PACKAGE", tmp_path / "rlhf_lite")
    (tmp_path / "rlhf_lite/tinyworld").mkdir(parents=True)
    for name in ("gpt", "data", "masked", "ppo", "tinyworld/judge", "tinyworld/words"):
        (tmp_path / f"rlhf_lite/{name}.py").touch()
    file = tmp_path / "rlhf_lite/tinyworld/world.py"
    file.write_text("import rlhf_lite.gpt\nfrom ..data import x\nfrom .. import masked\nfrom . import words as w\nimport os\n"
                    "def f():\n    from rlhf_lite.ppo import g\n    from .judge import judge\n")  # fmt: skip
    assert imported(file) == {"gpt", "data", "masked", "ppo", "tinyworld.words", "tinyworld.judge"}


@pytest.mark.parametrize("name", PACKAGE_NAMES)
def test_every_module_and_room_is_in_its_packages_order_and_nothing_else(name):
    folder, names = PACKAGE / name, names_of(PACKAGE / name)
    there = {path.stem for path in folder.glob("*.py")} | {path.parent.name for path in folder.glob("*/__init__.py")}
    assert len(names) == len(set(names))
    assert set(names) == there - {"__init__", "__main__"}


def test_the_core_is_small():
    assert len(CORE) <= MOST_CORE_MODULES


@pytest.mark.parametrize("name", ORDER)
def test_a_module_imports_only_what_stands_above_it(name):
    found = {module for module in imported(PACKAGE.joinpath(*name.split(".")).with_suffix(".py")) if module in ORDER}
    rooms = {module for module in found if "." in module}
    if name in CORE:
        assert {module.split(".")[0] for module in rooms} <= {"kernels"}
    assert found - rooms <= set(CORE[: CORE.index(name)] if name in CORE else CORE)
    assert rooms <= (set(ORDER[: ORDER.index(name)]) if name not in CORE else rooms)


@pytest.mark.parametrize("name", LIBRARY)
def test_the_library_cannot_reach_the_world_or_the_course(name):
    assert not {module for module in reachable(PACKAGE / name) if module.split(".")[0] in NEVER_REACHED}


@pytest.mark.parametrize("name", GIVEN_TO_TRAINING)
def test_what_training_is_given_cannot_reach_what_models_are_measured_by(name):
    assert not reachable(PACKAGE / f"tinyworld/{name}.py") & {f"tinyworld.{measure}" for measure in MEASURES}


def test_stages_do_not_import_each_other():
    stages = {"pretrain", "sft", "reward", "ppo"}
    for stage in stages:
        assert not imported(PACKAGE / f"{stage}.py") & stages


def test_ppo_cannot_reach_reward_even_through_rollout():
    for stage, others in {"sft": {"reward", "ppo"}, "reward": {"sft", "ppo"}, "ppo": {"sft", "reward"}}.items():
        assert not reachable(PACKAGE / f"{stage}.py") & others


def test_all_stages_train_where_the_world_cannot_be_imported(tmp_path):
    script = f"""
import sys

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("rlhf_lite.tinyworld", "rlhf_lite.studies", "rlhf_lite.course")):
            raise RuntimeError("training reached " + name)

sys.meta_path.insert(0, Closed())
sys.path[:0] = [{str(PACKAGE.parent)!r}, {str(Path(__file__).parent)!r}]
from test_pipeline import ToyWorld, toy_preset
from rlhf_lite.pipeline import STAGES, Pipeline

pipeline = Pipeline({str(tmp_path)!r}, toy_preset(), 0, ToyWorld(), show_progress=False)
pipeline.run()
print([stage for stage in STAGES if pipeline.is_done(stage)], *[m for m in sys.modules if "tinyworld" in m])
try:
    import rlhf_lite.tinyworld.judge
except RuntimeError as error:
    print(error)
"""
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-2000:]
    stages, closed = done.stdout.splitlines()
    assert stages == "['pretrain', 'sft', 'comparisons', 'reward', 'ppo', 'ppo_ptx']"
    assert closed == "training reached rlhf_lite.tinyworld"


@pytest.mark.parametrize("name", FILE_NAMES)
def test_no_file_is_over_300_lines(name):
    assert len((PACKAGE / name).read_text(encoding="utf-8").splitlines()) <= 300


@pytest.mark.parametrize("name", FILE_NAMES)
def test_functions_are_short_and_public_things_are_described(name):
    tree = ast.parse((PACKAGE / name).read_text(encoding="utf-8"))
    assert ast.get_docstring(tree), "the file says nothing about itself"
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    assert [f.name for f in functions if f.end_lineno - f.lineno + 1 > 50] == []
    public = [node for node in tree.body if isinstance(node, ast.FunctionDef | ast.ClassDef) and node.name[0] != "_"]
    public += [each for node in public if isinstance(node, ast.ClassDef) for each in node.body
               if isinstance(each, ast.FunctionDef) and each.name[0] != "_"]  # fmt: skip
    assert [node.name for node in public if not ast.get_docstring(node)] == []


def test_no_class_is_defined_twice():
    names = Counter(
        node.name
        for path in FILES
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.ClassDef)
    )
    assert [name for name, count in names.items() if count > 1] == []
