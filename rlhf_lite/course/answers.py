"""Answers of several models to the same prompts, side by side; all text of models and readers is escaped."""

from collections.abc import Mapping, Sequence

import ipywidgets as widgets
from IPython.display import HTML

from ..evaluate import sample
from ..reports.markdown import NAMES
from ..tinyworld.evaluation import MAX_NEW_TOKENS, Models, own_turn
from .languages import tr
from .safe_text import safe_html
from .static_fallback import show_with_fallback

NOTHING = "(nothing)"
CELL = "text-align: left; vertical-align: top; padding: 4px 10px; border-bottom: 1px solid rgba(128, 128, 128, 0.5)"


def answer(models: Models, prompts: Sequence[str], *, seed: int | str = 0) -> dict[str, list[str]]:
    """Let every model answer the same prompts at temperature 1, with the same random numbers.

    What the base model writes after its turn, the user's next question, is cut off.
    """
    tokenizer = models.tokenizer
    encoded = [tokenizer.encode_prompt(prompt) for prompt in prompts]
    ids = {"end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id}
    drawn = {
        name: sample(policy, encoded, seed=seed, max_new_tokens=MAX_NEW_TOKENS, **ids) for name, policy in models.policies.items()
    }
    return {name: [own_turn(tokenizer.decode_response(row)) for row in rows] for name, rows in drawn.items()}


def _cell(text: str, tag: str = "td") -> str:
    return f'<{tag} style="{CELL}">{safe_html(text.strip() or tr(NOTHING))}</{tag}>'


def answers_html(prompts: Sequence[str], answers: Mapping[str, Sequence[str]]) -> str:
    """Write a table, one row per prompt and one column per model; text shows as it is and does nothing.

    Example: answers_html(["Hi <b>"], {"sft": ["Hello."]}) holds "Hi &lt;b&gt;".
    """
    head = "".join(_cell(title, "th") for title in (tr("prompt"), *(tr(NAMES.get(name, name)) for name in answers)))
    rows = ("".join(map(_cell, row)) for row in zip(prompts, *answers.values(), strict=True))
    return f"<table><tr>{head}</tr>" + "".join(f"<tr>{row}</tr>" for row in rows) + "</table>"


def answer_table(prompts: Sequence[str], answers: Mapping[str, Sequence[str]]) -> HTML:
    """Return `answers_html` for display in a notebook."""
    return HTML(answers_html(prompts, answers))


def prompt_box(models: Models, first: str) -> widgets.VBox:
    """Return a text box that lets all models answer what the reader types; each press of the button draws anew.

    By keyboard: Tab to the box, type, Tab to the button, space.
    """
    text = widgets.Text(value=first, description=tr("Prompt:"), layout={"width": "36em"})
    button = widgets.Button(description=tr("Answer", meaning="button"), tooltip=tr("Let the four models answer"))
    output = widgets.HTML()
    presses = []

    def answer_now(_: widgets.Button) -> None:
        presses.append(text.value)
        try:
            output.value = answers_html([text.value], answer(models, [text.value], seed=len(presses)))
        except ValueError as error:  # longer than the models can read, or no valid text
            output.value = f"<p>{safe_html(str(error))}</p>"

    button.on_click(answer_now)
    return widgets.VBox([widgets.HBox([text, button]), output])


def show_prompt_box(models: Models, first: str) -> None:
    """Display the box; its static fallback says what the box would do."""
    fallback = tr("Run the cells above and this one to get a box: type a prompt, and all models answer it.")
    show_with_fallback(prompt_box(models, first), {"text/plain": fallback})
