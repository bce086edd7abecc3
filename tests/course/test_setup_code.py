"""A set-up code says what is so on this machine, and a teacher reads off it who needs help.

Proves: this machine's code reads as ready; every failed check and old version has its own advice; each letter swapped or
mistyped is noticed; a file of codes is read line by line, and a line without a code is named.
"""

import pytest

from rlhf_lite.course import setup_code as codes
from rlhf_lite.course.__main__ import main
from rlhf_lite.course.setup_code import ADVICE, check_letter, read_code, read_codes, report, setup_code


def with_letter(code):
    return f"{code}-{check_letter(code)}"


def test_this_machine_is_ready():
    code = setup_code()
    assert "-fmj-" in code and read_code("ann", code).advice == ()


@pytest.mark.parametrize("letter", ADVICE)
def test_each_failed_check_has_its_advice(letter, monkeypatch):
    def fails():
        raise OSError("no such file")

    for check in (lambda: False, fails):
        monkeypatch.setitem(codes.CHECKS, letter, check)
        assert read_code("ann", setup_code()).advice == (ADVICE[letter],)


def test_a_wrong_number_is_noticed(monkeypatch):
    monkeypatch.setattr(codes, "KNOWN_LOGIT", codes.KNOWN_LOGIT + 0.01)
    assert not codes.forward_pass_is_right()


@pytest.mark.parametrize("code, said", [
    ("L310-2130-fmj", "Python 3.10 is too old: install 3.11"), ("W313-2100-fmj", "PyTorch 2.10 is too old"),
    ("M39-2130-fmj", "Python 3.9 is too old"), ("L311-291-fmj", "PyTorch 2.9 is too old"),
])  # fmt: skip
def test_old_versions_are_named(code, said):
    (advice,) = read_code("ann", with_letter(code)).advice
    assert said in advice


def test_newer_versions_are_fine():
    assert read_code("ann", with_letter("M314-2140-fmj")).advice == () == read_code("ann", with_letter("L311-2110-fmj")).advice


def test_every_single_letter_mistyped_or_two_swapped_is_noticed():
    code = with_letter("L311-2130-fmj")
    for place, letter in enumerate(code):
        for other in "A0x" if letter not in "A0x" else "B":
            assert read_code("ann", code[:place] + other + code[place + 1 :]).advice, (place, other)
    for place in range(len(code) - 1):
        swapped = code[:place] + code[place + 1] + code[place] + code[place + 2 :]
        assert swapped == code or read_code("ann", swapped).advice, place


@pytest.mark.parametrize("code", ["", "hello", "L311-2130-fmj", "L311-2130-fm-A", "----"])
def test_what_is_no_code_is_said_to_be_none(code):
    assert "no code" in read_code("ann", code).advice[0]


def test_a_room_is_read_from_a_file(tmp_path, capsys):
    path = tmp_path / "codes.txt"
    path.write_text(f"Ann, {with_letter('L311-2130-fmj')}\n\nBen Li {with_letter('W313-2130-xmj')}\n", encoding="utf-8")
    assert [each.student for each in read_codes(path)] == ["Ann", "Ben Li"]
    assert report(read_codes(path)) == f"Ben Li: {ADVICE['f']}\n1 of 2 are ready."
    assert main(["codes", str(path)]) == 0 and "1 of 2" in capsys.readouterr().out
    path.write_text("Ann\n", encoding="utf-8")
    with pytest.raises(ValueError, match="line 1: 'Ann' has no code"):
        read_codes(path)
    path.write_text("\n", encoding="utf-8")
    assert main(["codes", str(path)]) == 1 and "a line per student" in capsys.readouterr().err
