r"""Text of data, models and readers as a page or a figure shows it: it stays text, whatever is in it.

In HTML, no tag comes from it; no dollar or backslash begins a formula, since each stands in an element of its own and
MathJax looks for formulas between elements only; control characters and marks that turn the reading direction round are
written out; and a run of letters without a space may be broken anywhere, so that it stays inside its box.
"""

import re
from html import escape

LINE_ENDS = re.compile("\r\n|[\r\u2028\u2029]")
UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f"  # control characters, but for tab and line end
    "\xad\u061c\u180e\u200b\u200e\u200f\u2060-\u206f\ufeff\ufff9-\ufffb"  # no width, or another reading direction
    "\u202a-\u202e\U000e0000-\U000e0fff"
    "\ud800-\udfff]"  # halves of a character, which cannot be sent to a browser
)
LONGEST_RUN = 40
"""Letters without a space after which a line may be broken."""
RUN = re.compile(rf"\S{{{LONGEST_RUN}}}(?=\S)")
BREAK = "\x00"
"""Stands for a possible break until the text is escaped; no text still holds it then."""


def visible_marks(text: str) -> str:
    r"""Write characters that are not seen, or that turn the reading direction round, as their numbers; line ends become \n.

    Example: "a\x1b[1m" becomes "a⟨U+001B⟩[1m".
    """
    return UNSEEN.sub(lambda found: f"⟨U+{ord(found[0]):04X}⟩", LINE_ENDS.sub("\n", text))


def safe_html(text: str) -> str:
    """Write text in HTML so that it shows as it is, does nothing and stays in its box; line ends become <br>.

    Example: "<b> costs $5" becomes "&lt;b&gt; costs <span>$</span>5".
    """
    broken = RUN.sub(lambda found: found[0] + BREAK, visible_marks(text).removesuffix("\n"))
    html = escape(broken).replace(BREAK, "<wbr>").replace("\n", "<br>")
    return re.sub(r"[$\\]", lambda found: f"<span>{found[0]}</span>", html)


def safe_attribute(text: str) -> str:
    """Write text as the value of an HTML attribute in double quotes. Example: 'a "b"' becomes "a &quot;b&quot;"."""
    return escape(visible_marks(text))


def safe_label(text: str) -> str:
    r"""Write text as matplotlib draws it: a dollar is a dollar. Example: "$5 and $6" becomes r"\$5 and \$6"."""
    return visible_marks(text).replace("$", r"\$")
