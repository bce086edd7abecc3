"""Tokens as boxes: one box per token, text stays text, parts of characters and bytes are shown."""

from rlhf_lite.course.lesson_02.token_strip import BOX, strip_html, strips


def test_each_token_has_a_box_and_neighbours_differ_in_shade():
    page = strip_html([b"the", b" cat", b"\n"])
    assert page.count(BOX) == 3
    assert page.count("#ffffff") == 2 and page.count("#dcdcdc") == 1
    assert ">the<" in page and ">·cat<" in page and "<span>\\</span>n" in page


def test_text_of_readers_does_nothing_and_parts_of_characters_are_shown():
    page = strip_html([b"<b>", b"$x", "汤".encode()[:2], "汤".encode()])
    assert "&lt;b&gt;" in page and "<b>" not in page
    assert "<span>$</span>x" in page and "&lt;E6&gt;&lt;B1&gt;" in page and ">汤<" in page


def test_bytes_stand_below_where_wanted():
    assert "20 63" in strip_html([b" c"], with_bytes=True)
    assert "20 63" not in strip_html([b" c"])


def test_several_cuts_are_named_and_counted():
    page = strips({"bytes": [b"a", b"b"], "<i>": [b"ab"]}).data
    assert "bytes: 2 tokens" in page and "&lt;i&gt;: 1 tokens" in page and "<i>" not in page
