"""Keep the keys that a reader presses in a widget away from JupyterLab.

While a button has the focus, JupyterLab takes letters and digits for its own commands: x cuts the whole cell, and the
widget with it. A mark on the output, which its keyboard handling looks for, stops that.
"""

from IPython.display import display

SCRIPT = "const output = element?.closest('.jp-OutputArea'); output?.setAttribute('data-lm-suppress-shortcuts', 'true');"


def keep_keys() -> None:
    """Mark the output of the running cell, so that keys pressed in its widgets do nothing else; elsewhere do nothing."""
    display({"application/javascript": SCRIPT, "text/plain": ""}, raw=True)
