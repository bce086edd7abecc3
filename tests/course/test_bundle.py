"""A bundle holds what each machine needs and nothing for a GPU; what is damaged, missing or for another one is said in a line.

Proves, with wheels made here and no index: markers are read for the machine that is asked for, not for this one; a GPU build, a
missing wheel and contradictions stop before any download; a bundle installs without a network, and no other does.
"""

import base64
import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from rlhf_lite.course import bundle, bundle_install
from rlhf_lite.course.__main__ import main
from rlhf_lite.course.bundle import check_targets, make_bundle, pack_course
from rlhf_lite.course.bundle_install import check_sums, lock_for, this_machine
from rlhf_lite.course.bundle_wheels import Target, Wheel, ask_pip, resolve

HERE = Target(*this_machine().rsplit("-", 1))


def index(**packages):
    """An index that knows, for each name, (version, requirements) in order of preference, and counts what it was asked."""
    asked = []

    def ask(target, requirements):
        from packaging.requirements import Requirement

        asked.append(list(requirements))
        found = []
        for requirement in map(Requirement, requirements):
            fitting = [each for each in packages.get(requirement.name, ()) if each[0] in requirement.specifier]
            if not fitting:
                raise ValueError(f"No matching distribution found for {requirement}")
            version, requires = fitting[0]
            found.append({"metadata": {"name": requirement.name, "version": version, "requires_dist": requires},
                          "download_info": {"archive_info": {"hashes": {"sha256": ""}}}})  # fmt: skip
        return found

    ask.asked = asked
    return ask


def pins(target, requirements, ask):
    return [wheel.pin for wheel in resolve(target, requirements, ask)]


def test_markers_are_read_for_the_machine_that_is_asked_for():
    needs = ["colorama; sys_platform == 'win32'", "appnope; platform_system == 'Darwin'", "old; python_version < '3.12'"]
    ask = index(
        app=[("1.0", needs)],
        colorama=[("2.0", [])], appnope=[("3.0", [])], old=[("4.0", [])],
    )  # fmt: skip
    assert pins(Target("linux", "3.11"), ["app"], ask) == ["app==1.0", "old==4.0"]
    assert pins(Target("windows", "3.12"), ["app"], ask) == ["app==1.0", "colorama==2.0"]
    assert pins(Target("macos-arm64", "3.13"), ["app"], ask) == ["app==1.0", "appnope==3.0"]


def test_an_earlier_choice_gives_way_to_a_later_requirement_and_extras_count():
    ask = index(
        app=[("1.0", ["lib<2", "more[fast]"])], lib=[("2.1", []), ("1.5", [])], more=[("1.0", ["speed; extra == 'fast'"])],
        speed=[("1.0", [])],
    )  # fmt: skip
    assert pins(HERE, ["lib", "app"], ask) == ["app==1.0", "lib==1.5", "more==1.0", "speed==1.0"]


def test_what_cannot_be_served_is_one_line_naming_the_machine():
    target = Target("linux", "3.13")
    with pytest.raises(ValueError, match=r"^linux-3.13: pip finds no wheel: No matching distribution found for lib"):
        resolve(target, ["app"], index(app=[("1.0", ["lib"])]))
    with pytest.raises(ValueError, match=r"No matching distribution found for lib<1,>=2"):
        resolve(target, ["app", "lib<1"], index(app=[("1.0", ["lib>=2"])], lib=[("0.5", []), ("2.0", [])]))
    silent = lambda target, requirements: []  # noqa: E731
    with pytest.raises(ValueError, match="linux-3.13: pip names no wheel for app"):
        resolve(target, ["app"], silent)


def test_the_gpu_build_is_refused_before_its_packages_are_even_looked_for():
    gpu = ("2.13.0", ["nvidia-cublas; platform_system == 'Linux'", "cuda-bindings; platform_system == 'Linux'", "sympy"])
    ask = index(torch=[gpu], sympy=[("1.0", [])])
    told = r"linux-3.12: .* torch==2.13.0 is the GPU build, which needs 2 GPU packages.*--find-links"
    with pytest.raises(ValueError, match=told):
        resolve(Target("linux", "3.12"), ["torch"], ask)
    assert ask.asked == [["torch"]]
    assert pins(Target("windows", "3.12"), ["torch"], ask) == ["sympy==1.0", "torch==2.13.0"]
    with_cpu = index(torch=[("2.13.0+cpu", ["sympy"]), gpu], sympy=[("1.0", [])])
    assert pins(Target("linux", "3.12"), ["torch==2.13.0"], with_cpu) == ["sympy==1.0", "torch==2.13.0+cpu"]


def wheel(folder, name, version="1.0", requires=(), text="x = 1\n"):
    """Write a small wheel of one module."""
    folder.mkdir(exist_ok=True, parents=True)
    path, info = folder / f"{name}-{version}-py3-none-any.whl", f"{name}-{version}.dist-info"
    needs = "".join(f"Requires-Dist: {each}\n" for each in requires)
    files = {
        f"{name}.py": text, f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: {version}\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }  # fmt: skip
    digests = {each: base64.urlsafe_b64encode(hashlib.sha256(t.encode()).digest()) for each, t in files.items()}
    lines = (f"{each},sha256={digests[each].rstrip(b'=').decode()},{len(t)}\n" for each, t in files.items())
    record = "".join(lines) + f"{info}/RECORD,,\n"
    with zipfile.ZipFile(path, "w") as archive:
        for each, t in (files | {f"{info}/RECORD": record}).items():
            archive.writestr(each, t)
    return path


BACKEND = """
import base64, hashlib, zipfile
def build_editable(folder, settings=None, metadata=None):
    name = "course-1.0-py3-none-any.whl"
    with zipfile.ZipFile(f"{folder}/{name}", "w") as archive:
        archive.writestr("course-1.0.dist-info/METADATA", "Metadata-Version: 2.1\\nName: course\\nVersion: 1.0\\n")
        archive.writestr("course-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\\nRoot-Is-Purelib: true\\nTag: py3-none-any\\n")
        archive.writestr("course-1.0.dist-info/RECORD", "")
    return name
"""


@pytest.fixture
def course(tmp_path, monkeypatch):
    """A course of three files that needs the package `little`, whose wheel lies in a folder; pip reaches no index."""
    root = tmp_path / "course"
    (root / "data" / "checkpoints").mkdir(parents=True)
    (root / "data" / "checkpoints" / "model").write_text("weights")
    (root / ".venv").mkdir()
    (root / ".venv" / "large").write_text("not packed")
    (root / "requirements.txt").write_text("# what it needs\nlittle==1.0\n")
    backend = '[build-system]\nrequires = []\nbuild-backend = "backend"\nbackend-path = ["."]\n'
    (root / "pyproject.toml").write_text(backend + '[project]\nname = "course"\nversion = "1.0"\n')
    (root / "backend.py").write_text(BACKEND)
    wheel(tmp_path / "links", "little", requires=["tiny; python_version >= '3'"])
    wheel(tmp_path / "links", "tiny")
    monkeypatch.chdir(root)
    monkeypatch.setattr(bundle, "BUILD", "tiny")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    monkeypatch.delenv("PIP_FIND_LINKS", raising=False)
    return root


@pytest.fixture
def made(course, tmp_path, capsys):
    """The bundle of that course for this machine."""
    make_bundle(tmp_path / "bundle", [HERE], find_links=[str(tmp_path / "links")])
    assert f"{HERE}: 2 wheels" in capsys.readouterr().out
    return tmp_path / "bundle"


def test_a_bundle_holds_everything_with_checksums(made):
    with zipfile.ZipFile(made / "course.zip") as archive:
        assert sorted(archive.namelist()) == ["backend.py", "data/checkpoints/model", "pyproject.toml", "requirements.txt"]
    assert (made / "locks" / f"{HERE}.txt").read_text() == "little==1.0\ntiny==1.0\n"
    assert check_sums(made) == 7  # two wheels, a lock, the course, three installers
    line = next(line for line in (made / "SHA256SUMS").read_text().splitlines() if line.endswith("/tiny-1.0-py3-none-any.whl"))
    assert line.split()[0] == hashlib.sha256((made / "wheels" / "tiny-1.0-py3-none-any.whl").read_bytes()).hexdigest()


@pytest.mark.slow
def test_a_bundle_installs_by_one_command_without_an_index(made, tmp_path):
    into = tmp_path / "new"
    done = subprocess.run([sys.executable, made / "install.py", "--into", into], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "7 files are whole" in done.stdout and "00_start_here.ipynb" in done.stdout
    python = into / ".venv" / "bin" / "python"
    code = "import little, tiny, importlib.metadata as m; print(m.version('course'))"
    assert subprocess.run([python, "-c", code], capture_output=True, text=True, check=True).stdout == "1.0\n"
    assert (into / "data" / "checkpoints" / "model").read_text() == "weights"


def installed(folder, tmp_path, capsys, monkeypatch):
    """What the installer says, and whether it changed anything."""
    monkeypatch.setattr(bundle_install, "__file__", str(folder / "install.py"))
    status = bundle_install.main(["--into", str(tmp_path / "into")])
    assert status == 1 and not (tmp_path / "into").exists()
    error = capsys.readouterr().err
    assert error.startswith("error: ") and error.count("\n") == 1
    return error


def test_the_installer_names_what_is_wrong_and_changes_nothing(made, tmp_path, capsys, monkeypatch):
    say = lambda: installed(made, tmp_path, capsys, monkeypatch)  # noqa: E731
    damaged = made / "wheels" / "tiny-1.0-py3-none-any.whl"
    whole = damaged.read_bytes()
    damaged.write_bytes(whole[:-1] + b"?")
    assert "wheels/tiny-1.0-py3-none-any.whl is damaged" in say()
    damaged.unlink()
    assert "wheels/tiny-1.0-py3-none-any.whl is missing" in say()
    damaged.write_bytes(whole)
    (made / "SHA256SUMS").unlink()
    assert "has no SHA256SUMS: the bundle was not finished" in say()
    (made / "locks" / f"{HERE}.txt").rename(made / "locks" / "windows-3.13.txt")
    assert f"this machine is {HERE}, and the bundle holds windows-3.13" in say()


def test_a_folder_with_something_in_it_is_left_alone(made, tmp_path, capsys, monkeypatch):
    (tmp_path / "into").mkdir()
    (tmp_path / "into" / "mine.txt").write_text("keep me")
    monkeypatch.setattr(bundle_install, "__file__", str(made / "install.py"))
    assert bundle_install.main(["--into", str(tmp_path / "into")]) == 1
    assert "is not empty" in capsys.readouterr().err
    with pytest.raises(ValueError, match="holds other things"):
        make_bundle(tmp_path / "into", [HERE])
    assert [path.name for path in (tmp_path / "into").iterdir()] == ["mine.txt"]


def test_a_download_that_stops_leaves_no_checksums_and_the_same_command_goes_on(course, tmp_path):
    links, folder = [str(tmp_path / "links")], tmp_path / "bundle"

    def half(target, wheels, into, find_links):
        into.mkdir(parents=True, exist_ok=True)
        (into / "little-1.0-py3-none-any.whl").write_bytes(b"half")

    wanted = hashlib.sha256((tmp_path / "links" / "tiny-1.0-py3-none-any.whl").read_bytes()).hexdigest()
    ask = lambda target, requirements: [  # noqa: E731
        {"metadata": {"name": name, "version": "1.0"}, "download_info": {"archive_info": {"hash": f"sha256={wanted}"}}}
        for name in ("little", "tiny")
    ]
    with pytest.raises(ValueError, match=r"little==1.0 did not arrive whole: .* the same command again"):
        make_bundle(folder, [HERE], ask=ask, fetch=half)
    assert not (folder / "SHA256SUMS").exists()
    (folder / "wheels" / "little-1.0-py3-none-any.whl").unlink()
    make_bundle(folder, [HERE], find_links=links)
    assert check_sums(folder) == 7
    (tmp_path / "links" / "tiny-1.0-py3-none-any.whl").unlink()
    (folder / "wheels" / "tiny-1.0-py3-none-any.whl").unlink()
    with pytest.raises(ValueError, match=rf"^{HERE}: pip finds no wheel: .*tiny"):
        make_bundle(folder, [HERE], find_links=links)


def test_the_course_is_packed_as_committed(course, tmp_path):
    commit = ["-c", "user.name=a", "-c", "user.email=a@b", "commit", "-qm", "x"]
    for command in (["init", "-q"], ["add", "requirements.txt"], commit):
        subprocess.run(["git", *command], cwd=course, check=True)
    assert pack_course(course, tmp_path / "packed.zip") == "the course as committed"
    with zipfile.ZipFile(tmp_path / "packed.zip") as archive:
        assert archive.namelist() == ["requirements.txt"]


def test_what_pip_says_reaches_the_reader_in_one_line(course, tmp_path):
    with pytest.raises(ValueError, match=r"No matching distribution found for nothing-such") as caught:
        ask_pip([str(tmp_path / "links")])(HERE, ["nothing-such"])
    assert "\n" not in str(caught.value)


def test_unknown_machines_and_bad_folders_are_refused(course, capsys, tmp_path):
    assert [str(each) for each in check_targets(["linux", "windows", "linux"], ["3.11"])] == ["linux-3.11", "windows-3.11"]
    for arguments, told in (
        (["--platform", "amiga"], "platform 'amiga' is unknown, expected one of linux, macos-arm64, windows"),
        (["--python", "2.7"], "Python '2.7' is unknown"),
    ):
        assert main(["bundle", str(tmp_path / "b"), *arguments]) == 1
        assert told in capsys.readouterr().err
    assert main(["bundle", str(course / "inside")]) == 1
    assert "lies inside the course" in capsys.readouterr().err
    with pytest.raises(ValueError, match="this machine is linux-9.9, and the bundle holds nothing"):
        lock_for(Path(tmp_path), "linux-9.9")
    assert Wheel("a", "1.0", "", ()).pin == "a==1.0"
