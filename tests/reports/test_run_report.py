"""A run's report says what was measured, and only that; whatever a model wrote, the page stays whole.

Proves: numbers of the summary, tables and figures come from results and logs; report.json round-trips; every picture has
alt text and exists; text of models is shown and does nothing; any missing piece is left out, with a sentence.
"""

import html
import json
import re

import matplotlib.image
import pytest
from matplotlib.figure import Figure

from rlhf_lite.reports import run_report as report
from rlhf_lite.reports.markdown import escape, number, table
from rlhf_lite.reports.plots import _draw_steps, _label_ends, draw_win_rates
from rlhf_lite.reports.run_report import write_report

FIGURES = {"training", "ppo", "win_rates", "use_cases", "alignment_tax", "calibration"}
STYLE = dict(report.STYLE)
STAGES = ("pretrain", "sft", "reward", "ppo", "ppo_ptx")
NASTY = "<script>alert(1)</script> a|b\n# heading\n![x](y) **bold** `code` $x$ [l](http://z) _i_ ~~s~~ \\| &amp;"


def write_logs(folder, stages=STAGES):
    for stage in stages:
        rows = [{"step": i, "loss": 3 - 0.1 * i, "accuracy": 0.5 + 0.01 * i} for i in range(20)]
        if stage == "pretrain":
            rows = [row | ({"held_out_loss": row["loss"] + 0.25} if i % 5 == 4 else {}) for i, row in enumerate(rows)]
        if stage.startswith("ppo"):
            same = {"length": 12.0, "entropy": 1.0, "clip_fraction": 0.1, "explained_variance": float("nan")}
            rows = [same | {"step": i, "score": 0.1 * i, "kl": 0.2 * i} for i in range(20)]
            rows = [row | ({"gold": 0.3} if row["step"] % 10 == 9 else {}) for row in rows]
        (folder / stage).mkdir()
        (folder / stage / "log.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows) + '{"step": 20, "lo')


def make_results():
    losses = {"base": 1.65, "base_few_shot": 1.65, "sft": 1.7, "ppo": 1.8, "ppo_ptx": 1.6}
    row = {"gold": 0.5, "helpful": 0.6, "honest": 0.9, "harmless": 1.0, "length": 9.04}
    return {
        "preset": "nano",
        "seed": 7,
        "summary": {
            "seed": 7,
            "prompts": 30,
            "models": {name: row | {"pretraining_loss": loss} for name, loss in losses.items()},
            "pairs": {
                "ppo_ptx>sft": {"wins": 15, "losses": 5, "ties": 10, "rate": 0.75, "low": 0.531, "high": 0.888},
                "ppo_ptx>ppo": {"wins": 8, "losses": 8, "ties": 14, "rate": 0.5, "low": 0.28, "high": 0.72},
            },
            "reward_model": {"accuracy_judge": 0.8, "accuracy_labelers": 0.71, "accuracy_held_out_labelers": 0.69,
                             "labeler_agreement": 0.73},
            "pairs_equal_manners": {
                "ppo_ptx>sft": {"wins": 4, "losses": 1, "ties": 5, "rate": 0.8, "low": 0.376, "high": 0.964, "with_ties": 0.65},
            },
            "best_temperature": {
                "temperatures": {"sft": 0.3, "ppo_ptx": 0.7}, "gold": {"sft": 0.81, "ppo_ptx": 0.92, "sft_best_of_4": 0.77},
                "pairs": {"ppo_ptx>sft_best_of_4": {"wins": 3, "losses": 1, "ties": 16, "rate": 0.75, "low": 0.301, "high": 0.954,
                                                    "with_ties": 0.55}},
            },
            "abilities": {"sft": {"who": 0.5, "list": 0.25}, "ppo_ptx": {"who": 0.9, "list": 1.0}},
            "facts": {name: {"known": {"true": share, "false": 1 - share}} for name, share in (("sft", 0.75), ("ppo_ptx", 1.0))},
            "minimal_pairs": {"substance": {"who": 0.5}, "manners": {"no shrug": 1.0}},
            "kl_from_sft": {"base": 21.25, "sft": 0.0, "ppo": 10.5, "ppo_ptx": 8.75},
        },
        "use_cases": {"open_qa": {"sft": 0.4, "ppo_ptx": 0.3}, "chat": {"sft": 0.2, "ppo_ptx": float("nan")}},
        "calibration": [{"predicted": 0.2, "observed": 0.3, "pairs": 12}, {"predicted": 0.8, "observed": 0.7, "pairs": 34}],
        "samples": [
            {"use_case": "open_qa", "prompt": "Who | what?", "answers": {"sft": NASTY, "ppo_ptx": ""}, "gold": {"sft": -1.25}},
            {"use_case": "chat", "prompt": "Hello", "answers": {"sft": "Hi.", "ppo_ptx": "Hello."}, "gold": {"sft": 0.5}},
        ],
        "cleaning": {"incoming": 1000, "personal": 20, "duplicates": 30, "over_cap": 50, "kept": 900},
        "seconds": {"pretrain": 90.0, "sft": 30.0},
    }  # fmt: skip


@pytest.fixture(autouse=True)
def small_pictures(monkeypatch):
    """Pictures are drawn in a moment; one test draws them as they are."""
    monkeypatch.setitem(report.STYLE, "savefig.dpi", 20)
    monkeypatch.setitem(report.STYLE, "figure.constrained_layout.use", False)


@pytest.fixture
def page(tmp_path):
    write_logs(tmp_path)
    return write_report(tmp_path, make_results()).read_text(encoding="utf-8")


def test_all_files_are_written_and_pictures_can_be_read(tmp_path, monkeypatch):
    monkeypatch.setattr(report, "STYLE", STYLE)
    write_logs(tmp_path)
    assert write_report(str(tmp_path), make_results()) == tmp_path / "report.md"
    assert {path.name for path in (tmp_path / "figures").iterdir()} == {f"{name}.png" for name in FIGURES}
    for name in FIGURES:
        height, width, _ = matplotlib.image.imread(tmp_path / "figures" / f"{name}.png").shape
        assert 200 < height < 1000 and 600 < width < 1500
    assert not list(tmp_path.rglob("*.part"))


def test_every_picture_has_alt_text_with_numbers_and_a_sentence_below(page):
    pictures = re.findall(r"^!\[(.*)\]\(figures/(\w+)\.png\)\n\n(.+)$", page, re.M)
    assert {name for _, name, _ in pictures} == FIGURES and page.count("![") == len(FIGURES)
    for alt, _, reading in pictures:
        assert re.search(r"\d", alt) and "]" not in alt and "nan" not in alt
        assert reading[0].isupper() and reading.endswith(".")


def test_summary_is_computed_from_the_numbers(page):
    assert page.startswith("# Report: preset nano, seed 7\n")
    assert "preferred PPO-ptx to SFT on 75% (95% interval 53% to 89%) of 20 held-out prompts" in page
    assert "PPO-ptx is better." in page
    assert "orders 71% of held-out pairs as people do; two labelers agree on 73%." in page
    assert "1.65 nats per token for base, changes by +0.15 with PPO and -0.05 with PPO-ptx." in page  # 1.80 - 1.65, 1.60 - 1.65


@pytest.mark.parametrize("low, high, verdict", [(0.51, 0.9, "better."), (0.1, 0.49, "worse."), (0.45, 0.55, "not clearly")])
def test_verdict_follows_the_interval(tmp_path, low, high, verdict):
    results = make_results()
    results["summary"]["pairs"]["ppo_ptx>sft"] |= {"low": low, "high": high}
    assert f"PPO-ptx is {verdict}" in write_report(tmp_path, results).read_text(encoding="utf-8")


def test_tables(page):
    assert "| PPO-ptx | 0.50 | 0.60 | 0.90 | 1.00 | 9.04 | 1.60 |" in page
    assert "| PPO-ptx over SFT | 15 | 5 | 10 | 75% | 53% to 89% | – |" in page
    assert "| PPO-ptx over SFT | 4 | 1 | 5 | 80% | 38% to 96% | 65% |" in page
    assert "| SFT | 0.3 | 0.81 |" in page and "| SFT, best of 4 | 1 | 0.77 |" in page
    assert "| PPO-ptx over SFT, best of 4 | 3 | 1 | 16 | 75% | 30% to 95% | 55% |" in page
    assert "| share right, asked greedily | SFT | PPO-ptx |" in page and "| list | 0.25 | 1.00 |" in page
    assert "| known towns&#58; true | 0.75 | 1.00 |" in page and "| known towns&#58; false | 0.25 | 0.00 |" in page
    assert "| who | substance | 0.50 |" in page and "| no shrug | manners | 1.00 |" in page
    assert "| reward model and a labeler it never learnt from | 69% |" in page
    assert "| base | 21.25 |" in page
    assert "1,000 prompts: 20 with personal data, 30 duplicates, 50 over a user's cap; 900 kept." in page
    assert "| pretrain | 1.5 |" in page and "| together | 2.0 |" in page  # 90 s and 120 s
    assert "Held-out pretraining loss: base 1.65, SFT 1.70, PPO 1.80, PPO-ptx 1.60." in page
    tables = [block.splitlines() for block in page.split("\n\n") if block.startswith("|")]
    assert len(tables) == 13
    assert all(len({line.count("|") for line in lines}) == 1 for lines in tables)


def test_text_of_models_shows_as_it_is_and_does_nothing(page):
    assert "<script" not in page
    row = next(line for line in page.splitlines() if line.startswith("| SFT | &#60;script"))
    cell = row.split(" | ")[1]
    assert not re.search(r"[<>\[\]!*`$_~\\|:]", cell.replace("<br>", ""))  # nothing of Markdown or HTML is left
    assert html.unescape(cell.replace("<br>", "\n")) == NASTY  # the reader sees every character
    assert "| open&#95;qa | Who &#124; what? | gold score |" in page and "| PPO-ptx | (nothing) | – |" in page


def test_escape_by_hand():
    assert escape("a|b <i>") == "a&#124;b &#60;i&#62;"
    assert escape(" one\r\ntwo\u2028three ") == "one<br>two<br>three"
    assert escape("It's 5 % (-1.5), no?") == "It's 5 % (-1.5), no?"  # plain text stays readable in the source


def test_samples_keep_the_given_order(page):
    assert page.index("Who &#124; what?") < page.index("| chat | Hello | gold score |")


def test_report_json_round_trips_and_is_strict_json(page, tmp_path):
    text = (tmp_path / "report.json").read_text(encoding="utf-8")
    results = make_results()
    results["use_cases"]["chat"]["ppo_ptx"] = None  # was NaN, which JSON does not know
    assert json.loads(text, parse_constant=pytest.fail) == results
    write_report(tmp_path, json.loads(text))  # what was written can be reported again
    assert (tmp_path / "report.json").read_text(encoding="utf-8") == text
    assert (tmp_path / "report.md").read_text(encoding="utf-8") == page


def test_nothing_measured_is_said_not_shown(tmp_path):
    page = write_report(tmp_path, {}).read_text(encoding="utf-8")
    assert not list((tmp_path / "figures").iterdir()) and "![" not in page and "|" not in page
    for start in ("PPO-ptx and SFT were", "The models were", "No models were", "Use cases", "Pretraining loss", "KL from the SFT",
                  "Agreement with", "Calibration", "Answers of equal manners", "Other temperatures", "Abilities were",
                  "Facts told", "Minimal pairs", "No samples", "What cleaning", "Time"):  # fmt: skip
        assert re.search(rf"^{start}.*\.$", page, re.M), start
    assert "left no log, so their curves are missing: pretrain, SFT, reward, PPO, PPO-ptx." in page


@pytest.mark.parametrize("missing", ["summary", "use_cases", "calibration", "samples", "cleaning", "seconds", "preset"])
def test_any_missing_piece_leaves_the_rest(tmp_path, missing):
    write_logs(tmp_path, ("sft", "ppo"))
    page = write_report(tmp_path, make_results() | {missing: None}).read_text(encoding="utf-8")
    assert "their curves are missing: pretrain, reward, PPO-ptx." in page
    assert page.count("![") == len(FIGURES) - {"summary": 2, "use_cases": 1, "calibration": 1}.get(missing, 0)
    alt = re.search(r"!\[Training curves: (.*)\]", page)[1]
    assert alt == "SFT loss from 3.00 to 1.10."  # 3 - 0.1 * 0 and 3 - 0.1 * 19


@pytest.mark.parametrize("missing", [
    "models", "pairs", "reward_model", "kl_from_sft", "prompts", "pairs_equal_manners", "best_temperature", "abilities", "facts",
    "minimal_pairs",
])  # fmt: skip
def test_a_partial_summary_leaves_the_rest(tmp_path, missing):
    results = make_results()
    del results["summary"][missing]
    page = write_report(tmp_path, results).read_text(encoding="utf-8")
    assert page.count("![") == 4 - {"models": 1, "pairs": 1}.get(missing, 0)


def test_held_out_and_gold_are_drawn_where_they_were_evaluated():
    axes = Figure().subplots()
    log = [{"step": i, "loss": float(i % 2)} | ({"held_out_loss": 2.0} if i % 40 == 39 else {}) for i in range(80)]
    _draw_steps(axes, log, "loss", "SFT", "nats")
    raw, means, held_out = axes.lines
    assert list(raw.get_xdata()) == list(range(1, 81)) and list(held_out.get_xdata()) == [40, 80]
    # half window 80 // 40 = 2: five steps around step 11 (index 10) are 0 1 0 1 0; at the end 1 0 1, cut off
    assert means.get_ydata()[10] == pytest.approx(2 / 5) and means.get_ydata()[-1] == pytest.approx(2 / 3)


def test_win_rates_mark_open_questions_by_shape():
    axes = draw_win_rates(make_results()["summary"]["pairs"]).figure.axes[0]
    bar, point, other_bar, other_point, half = axes.lines
    assert [list(line.get_xdata()) for line in (bar, point)] == [[0.531, 0.888], [0.75]]
    assert [list(line.get_xdata()) for line in (other_bar, other_point)] == [[0.28, 0.72], [0.5]]
    assert [line.get_markerfacecolor() for line in (point, other_point)] == ["0.1", "white"]
    assert list(half.get_xdata()) == [0.5, 0.5] and half.get_linestyle() == ":"


def test_names_at_line_ends_do_not_cover_each_other():
    axes = Figure().subplots()
    axes.set_ylim(0, 10)
    _label_ends(axes, {"b": 5.1, "a": 5.0})
    assert [(text.get_text(), text.get_position()[1]) for text in axes.texts] == [("a", 0.5), ("b", pytest.approx(0.6))]


def test_numbers_and_tables_by_hand():
    assert [number(1234.567), number(None), number(float("nan")), number(0.618, ".0%")] == ["1,234.57", "–", "–", "62%"]
    assert table(("a", "b"), [("x|", "1")], "none") == "| a | b |\n| --- | ---: |\n| x&#124; | 1 |"
    assert table(("a", "b"), [], "none") == "none"
