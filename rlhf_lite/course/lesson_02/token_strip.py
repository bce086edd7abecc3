"""Tokens as boxes in a row: told apart by border and shade, a space as a dot, bytes below where wanted."""

from collections.abc import Sequence

from IPython.display import HTML

from ...bpe import readable
from ..safe_text import safe_html

BOX = (
    "display: inline-block; border: 1px solid #333; border-radius: 3px; margin: 1px; padding: 0 3px; color: #111; "
    "font-family: monospace; white-space: pre; text-align: center; background: "
)
SHADES = ("#ffffff", "#dcdcdc")


def strip_html(pieces: Sequence[bytes], *, with_bytes: bool = False) -> str:
    """Write tokens as boxes in HTML; `with_bytes` writes each token's bytes below it, in hexadecimal.

    Example: the two tokens of " cat" as b" c" and b"at" show as "·c" and "at".
    """
    boxes = []
    for place, piece in enumerate(pieces):
        below = f'<br><span style="font-size: 75%">{piece.hex(" ")}</span>' if with_bytes else ""
        boxes.append(f'<span style="{BOX}{SHADES[place % 2]}">{safe_html(readable(piece))}{below}</span>')
    return f'<div style="line-height: 1.7">{"".join(boxes)}</div>'


def strips(cuts: dict[str, Sequence[bytes]], *, with_bytes: bool = False) -> HTML:
    """Show several cuts below each other, each with its name and its number of tokens."""
    rows = "".join(
        f"<p style='margin: 0.4em 0 0 0'>{safe_html(name)}: {len(pieces)} tokens</p>{strip_html(pieces, with_bytes=with_bytes)}"
        for name, pieces in cuts.items()
    )
    return HTML(rows)
