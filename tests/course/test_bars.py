"""A bar is as long as its share, and what stands beside it is what was given."""

from rlhf_lite.course.bars import bar_row


def test_a_row_by_hand():
    row = bar_row("<code>cat</code>", 0.256, "26%", width=20)
    assert row.startswith("<tr>") and row.endswith("</tr>") and row.count("<td") == 3
    assert ">\u003ccode>cat</code></td>" in row and "width: 20em" in row and "width: 25.6%" in row and ">26%</td>" in row
    assert "padding: 0 9px" in bar_row("a", 1.0, "all", width=5, padding=9)
