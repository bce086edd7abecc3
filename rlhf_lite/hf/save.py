"""Write our models as folders that `transformers` loads: shape, weights, tokenizer and chat template, a small program that
writes a conversation as text. `transformers` itself is not needed."""

import json
import shutil
from pathlib import Path

from tokenizers import Tokenizer as HFTokenizer

from ..files import write_atomically, write_safetensors
from ..gpt import GPT, GPTConfig, ScalarModel
from ..tokenizer import Tokenizer
from .gpt2_names import WEIGHTS, gpt2_settings, to_gpt2_names
from .load import check_vocabulary

# `Tokenizer.render` in the language of chat templates. `encode_prompt` knows a real end token from a typed one; text
# cannot, so a message that contains a special token is refused. A space goes before a line that looks like a turn.
CHAT_TEMPLATE = r"""
{%- set first = 1 if messages and messages[0]['role'] == 'system' else 0 -%}
{%- for message in messages -%}
  {%- set role, content, number = message['role'], message['content'], loop.index0 -%}
  {%- if number >= first and role != ['user', 'assistant'][(number - first) % 2] -%}
    {{- raise_exception('roles go [system,] user, assistant, user, ..., but message ' ~ number ~ ' is of ' ~ role) -}}
  {%- elif content is not string -%}
    {{- raise_exception('the content of message ' ~ number ~ ' must be a text') -}}
  {%- endif -%}
  {%- for token in SPECIAL_TOKENS if token in content -%}
    {{- raise_exception('message ' ~ number ~ ' contains ' ~ token ~ ': remove it') -}}
  {%- endfor -%}
  {%- if role == 'system' -%}
    {{- 'System: ' ~ content ~ '\n' -}}
  {%- elif role == 'user' -%}
    {%- set ns = namespace(text='\n' ~ content) -%}
    {%- for start in ['\n', '\r'] -%}
      {%- for name in ['System:', 'User:', 'Assistant:'] -%}
        {%- set ns.text = ns.text.replace(start ~ name, start ~ ' ' ~ name) -%}
      {%- endfor -%}
    {%- endfor -%}
    {{- 'User: ' ~ ns.text[1:] ~ ('' if loop.last and not add_generation_prompt else '\nAssistant:') -}}
  {%- else -%}
    {{- (' ' if content.strip() else '') ~ content.strip() ~ eos_token ~ ('' if loop.last else '\n') -}}
  {%- endif -%}
{%- endfor -%}
""".strip()


def save_gpt2(model: GPT, tokenizer: Tokenizer, folder: str | Path) -> None:
    """Write a folder that `AutoModelForCausalLM` and `AutoTokenizer` load; files of an earlier model there are replaced."""
    tensors = {f"transformer.{name}": tensor for name, tensor in to_gpt2_names(model).items()}
    _write_folder(Path(folder), model.config, {"architectures": ["GPT2LMHeadModel"]}, tensors, tokenizer, padding_side="left")


def save_reward_model(model: ScalarModel, tokenizer: Tokenizer, folder: str | Path) -> None:
    """Write a folder that `AutoModelForSequenceClassification` loads, with one label: the score.

    There the score is read at the last token that is not padding, which is where ours is read: at the end token.
    GPT-2's scalar layer has no bias. Ours goes into the LayerNorm before it: a shift of that by bias * w / (w . w)
    adds exactly `bias` to every product with w.

    Raises: ValueError if all head weights are 0 but the bias is not: then no shift of the LayerNorm gives the bias.
    """
    tensors = {f"transformer.{name}": tensor for name, tensor in to_gpt2_names(model.backbone).items()}
    weight, bias = model.scalar_head.weight.detach(), model.scalar_head.bias.detach()  # (1, C), (1,)
    if bias.any():
        if not weight.any():
            raise ValueError(f"a head with weights of 0 and bias {bias.item()} cannot be written: train the reward model first")
        tensors["transformer.ln_f.bias"] = tensors["transformer.ln_f.bias"] + bias * weight[0] / weight.square().sum()
    config = {  # "regression": the score as it is, since pipelines would squash a single label
        "architectures": ["GPT2ForSequenceClassification"], "problem_type": "regression",
        "id2label": {"0": "score"}, "label2id": {"score": 0},
    }  # fmt: skip
    _write_folder(Path(folder), model.config, config, tensors | {"score.weight": weight}, tokenizer, padding_side="right")


def _write_folder(folder: Path, shape: GPTConfig, config: dict, tensors: dict, tokenizer: Tokenizer, padding_side: str) -> None:
    """Write all files, each whole or not at all, the weights last: a folder that has them is complete."""
    check_vocabulary(tokenizer, shape.vocab_size)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).unlink(missing_ok=True)
    ids = {"bos_token_id": tokenizer.end_id, "eos_token_id": tokenizer.end_id, "pad_token_id": tokenizer.pad_id}
    names = {"bos_token": tokenizer.end_token, "eos_token": tokenizer.end_token, "pad_token": tokenizer.pad_token}
    dtype = str(next(iter(tensors.values())).dtype)[6:]
    config |= ids | gpt2_settings(shape) | {"model_type": "gpt2", "tie_word_embeddings": True, "dtype": dtype}
    names |= {"tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": shape.context_length,
              "padding_side": padding_side, "clean_up_tokenization_spaces": False}  # fmt: skip
    for name, content in (("config", config), ("generation_config", ids), ("tokenizer_config", names)):
        write_atomically(folder / f"{name}.json", json.dumps(content, indent=2, ensure_ascii=False) + "\n")
    special = list(tokenizer.special_tokens.values())
    hf_tokenizer = HFTokenizer.from_str(tokenizer.to_json())
    hf_tokenizer.add_special_tokens(special)  # there they are looked for in every text
    write_atomically(folder / "tokenizer.json", hf_tokenizer.to_str(pretty=True))
    write_atomically(folder / "chat_template.jinja", CHAT_TEMPLATE.replace("SPECIAL_TOKENS", json.dumps(special)))
    write_safetensors(folder / WEIGHTS, tensors, {"format": "pt"})
    shutil.copymode(folder / "config.json", folder / WEIGHTS)  # safetensors lets nobody else read its files
