"""The package is what its docstring says: one reading order, a library that knows no world, and small pieces.

Proves: every module is in the order and imports only modules above it; the library imports neither world nor course;
all stages train where both cannot even be imported; stages do not know each other; files, functions and docstrings keep
the house's limits.
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
BESIDE = ("tinyworld", "course")
ALLOWED_TO_JOIN = {"__main__", "study", "ship"}
"""Commands: they may import everything."""
ORDER = re.findall(r"^    (\w+) {2,}\S", rlhf_lite.__doc__, flags=re.MULTILINE)
MODULES = sorted(path.stem for path in PACKAGE.glob("*.py") if path.stem != "__init__")
LIBRARY = [name for name in MODULES if name not in ALLOWED_TO_JOIN]
FILES = sorted(path for path in PACKAGE.rglob("*.py"))
FILE_NAMES = [str(path.relative_to(PACKAGE)) for path in FILES]


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


def reachable(name):
    """Every module that importing `name` imports, directly or not."""
    seen, todo = set(), [name]
    while todo:
        path = PACKAGE.joinpath(*todo.pop().split("."))
        new = imported(path / "__init__.py" if path.is_dir() else path.with_suffix(".py")) - seen
        seen |= new
        todo += new
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


def test_every_module_is_in_the_reading_order_and_nothing_else():
    assert len(ORDER) == len(set(ORDER))
    assert set(ORDER) == set(LIBRARY)


@pytest.mark.parametrize("name", LIBRARY)
def test_a_module_imports_only_modules_above_it(name):
    above = set(ORDER[: ORDER.index(name)])
    assert imported(PACKAGE / f"{name}.py") <= above


@pytest.mark.parametrize("name", LIBRARY)
def test_the_library_cannot_reach_the_world_or_the_course(name):
    assert not {module for module in reachable(name) if module.split(".")[0] in BESIDE}


def test_stages_do_not_import_each_other():
    stages = {"pretrain", "sft", "reward", "ppo"}
    for stage in stages:
        assert not imported(PACKAGE / f"{stage}.py") & stages


def test_ppo_cannot_reach_reward_even_through_rollout():
    for stage, others in {"sft": {"reward", "ppo"}, "reward": {"sft", "ppo"}, "ppo": {"sft", "reward"}}.items():
        assert not reachable(stage) & others


def test_all_stages_train_where_the_world_cannot_be_imported(tmp_path):
    script = f"""
import sys

class Closed:
    def find_spec(self, name, path=None, target=None):
        if name.startswith(("rlhf_lite.tinyworld", "rlhf_lite.course")):
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
