"""A bar in an HTML table, for widgets that redraw at every move of a slider."""


def bar_row(name: str, share: float, told: str, *, width: int, padding: int = 6) -> str:
    """Write one row: a name, a bar as long as its share of `width` ems, and the number as told; `name` is HTML already.

    Example: bar_row("cat", 0.5, "50%", width=20).
    """
    side = f"text-align: right; padding: 0 {padding}px"
    return (
        f'<tr><td style="{side}">{name}</td><td style="text-align: left; width: {width}em; padding: 0">'
        f'<div style="background: #888; height: 0.9em; width: {100 * share:.1f}%"></div></td><td style="{side}">{told}</td></tr>'
    )
