"""Keep the keys that a reader presses in a widget away from JupyterLab.

While a button has the focus, JupyterLab takes letters and digits for commands of its own: x cuts the whole cell, and the
widget with it. A mark on the button, which JupyterLab looks for, stops that.
"""

from IPython.display import display

SCRIPT = """document.addEventListener("focusin", ({target}) => {
  if (target.closest(".jp-OutputArea .jupyter-widgets")) target.setAttribute("data-lm-suppress-shortcuts", "true");
});"""


def keep_keys() -> None:
    """Mark every control of a widget as soon as it has the focus; where no browser reads this, do nothing."""
    display({"application/javascript": SCRIPT, "text/plain": ""}, raw=True)
