"""Hugging Face, both ways: GPT-2's weights and tokenizer in, our models out as folders that `transformers` loads.

A folder is four kinds of files: `config.json` (the shape), `model.safetensors` (the weights), the tokenizer, and the
chat template, a small program that writes a conversation as text. They are read and written here, name by name, and
`transformers` itself is not needed. What GPT-2 calls differently from us:

    wte, wpe, ln_f            token_embedding, position_embedding, final_norm
    h.0.ln_1, ln_2            blocks.0.attention_norm, feed_forward_norm
    h.0.attn.c_attn           query and key_value side by side
    h.0.attn.c_proj           attention.output
    h.0.mlp.c_fc, c_proj      feed_forward.widen, narrow

Its matrices are stored transposed, since its layers (Conv1D) multiply from the other side. Only safetensors are read: other
weight files are pickles, which can run code. No code of a folder is ever run.
"""

import json
import re
import shutil
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer as HFTokenizer
from torch import Tensor

from .files import read_json, write_atomically, write_safetensors
from .gpt import GPT, GPTConfig, ScalarModel
from .tokenizer import Tokenizer

SUPPORTED = "GPT-2's (model_type gpt2, as GPT2LMHeadModel or GPT2Model)"
WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
HUB_FILES = ["config.json", "*.safetensors", WEIGHTS_INDEX, "tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json"]
LAYER_NORM_EPSILON = 1e-5  # torch.nn.LayerNorm's own, and GPT-2's
BLOCK_PARTS = {
    "ln_1": "attention_norm", "ln_2": "feed_forward_norm", "attn.c_proj": "attention.output",
    "mlp.c_fc": "feed_forward.widen", "mlp.c_proj": "feed_forward.narrow",
}  # fmt: skip
# What else decides GPT-2's mathematics, and the values with which our GPT computes the same.
FIXED = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"), "layer_norm_epsilon": (LAYER_NORM_EPSILON,),
    "scale_attn_weights": (True,), "scale_attn_by_inverse_layer_idx": (False,), "add_cross_attention": (False,),
}  # fmt: skip
# Our sizes; GPT-2's names for them, and others that `transformers` takes as well; what holds where there is none.
SIZES = {
    "vocab_size": ("vocab_size", 50257), "context_length": ("n_positions", "max_position_embeddings", 1024),
    "d_model": ("n_embd", "hidden_size", 768), "n_layers": ("n_layer", "num_hidden_layers", 12),
    "n_heads": ("n_head", "num_attention_heads", 12), "d_ff": ("n_inner", 0),
}  # fmt: skip
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


def load_gpt2(name_or_folder: str | Path) -> GPT:
    """Read a GPT-2, from a folder or from the Hugging Face hub ("openai-community/gpt2"), in float32 and evaluation mode.

    The model has no dropout; `copy_gpt(model, dropout=0.2)` gives it some for fine-tuning.

    Raises: FileNotFoundError, ValueError naming what is missing, damaged or not supported, and what to do.
    """
    folder = local_folder(name_or_folder)
    config = read_config(folder)
    state = from_gpt2_names(_read_weights(folder), config.n_layers, folder)
    with torch.device("meta"):  # the shape only: weights that are replaced at once need not be drawn
        model = GPT(config)
    try:
        model.load_state_dict({name: tensor.float().contiguous() for name, tensor in state.items()}, assign=True)
    except RuntimeError as error:
        raise ValueError(f"the weights in {folder} do not have the shapes of its config.json: {error}") from None
    return model.eval()


def load_gpt2_tokenizer(name_or_folder: str | Path) -> Tokenizer:
    """Read the tokenizer beside a GPT-2: tokenizer.json, or vocab.json and merges.txt.

    Raises: FileNotFoundError, ValueError naming the file and the kind of tokenizer.
    """
    folder = local_folder(name_or_folder)
    if (folder / "tokenizer.json").is_file():
        return Tokenizer.load(folder / "tokenizer.json")
    vocabulary, merges, added = (folder / name for name in ("vocab.json", "merges.txt", "added_tokens.json"))
    if not (vocabulary.is_file() and merges.is_file()):
        raise FileNotFoundError(f"no tokenizer in {folder}: expected tokenizer.json, or vocab.json and merges.txt")
    tokens = read_json(added, dict, "save the tokenizer again", of=int) if added.is_file() else {}
    return Tokenizer.from_gpt2_files(vocabulary, merges, sorted(tokens, key=tokens.get))


def fit_vocabulary(model: GPT, tokenizer: Tokenizer) -> GPT:
    """Return the model with as many rows in its vocabulary as the tokenizer has tokens; ValueError where it has fewer.

    Vocabularies are often filled up to a multiple of 64, for speed; rows without a token would be in every softmax, and drawn.
    """
    _check_vocabulary(tokenizer, model.config.vocab_size)
    if tokenizer.vocab_size >= model.config.vocab_size:
        return model
    fitted = GPT(replace(model.config, vocab_size=tokenizer.vocab_size))
    state = model.state_dict()
    fitted.load_state_dict(state | {"token_embedding.weight": state["token_embedding.weight"][: tokenizer.vocab_size]})
    return fitted.to(state["token_embedding.weight"].device).train(model.training)


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


def local_folder(name_or_folder: str | Path) -> Path:
    """Find a folder, or fetch one from the hub: configuration, tokenizer and safetensors, nothing that could run."""
    folder, name = Path(name_or_folder), str(name_or_folder)
    if folder.is_dir():
        return folder
    if not re.fullmatch(r"[\w-][\w.-]*(/[\w-][\w.-]*)?", name):
        raise FileNotFoundError(f"no folder {name}, nor is it a name on the Hugging Face hub, such as openai-community/gpt2")
    try:
        return Path(snapshot_download(name, allow_patterns=HUB_FILES))
    except (HfHubHTTPError, OSError, ValueError) as error:
        raise FileNotFoundError(f"no folder {name}, and the Hugging Face hub did not give such a model: {error}") from error


def read_config(folder: Path) -> GPTConfig:
    """Read the shape from config.json, and refuse what our GPT does not compute."""
    path = folder / "config.json"
    theirs = read_json(path, dict, "give the folder of a saved model")
    kind, names = theirs.get("model_type"), theirs.get("architectures") or ["GPT2LMHeadModel"]
    names = [names] if isinstance(names, str) else names
    if kind != "gpt2" or not set(names) <= {"GPT2LMHeadModel", "GPT2Model"}:
        raise ValueError(f"{folder} holds a {kind} model ({', '.join(names)}); the only architecture supported is {SUPPORTED}")
    for setting, allowed in FIXED.items():
        if theirs.get(setting, allowed[0]) not in allowed:
            raise ValueError(f"{path} has {setting} {theirs[setting]}, supported: {', '.join(map(str, allowed))}")
    sizes = {ours: next((theirs[name] for name in names if name in theirs), usual) for ours, (*names, usual) in SIZES.items()}
    sizes["d_ff"] = sizes["d_ff"] or 0  # null or 0: four times the width
    wrong = [f"{SIZES[ours][0]} {size!r}" for ours, size in sizes.items() if type(size) is not int]
    if wrong:
        raise ValueError(f"{path} has {', '.join(wrong)}: expected whole numbers")
    return GPTConfig(**sizes)


def to_gpt2_names(model: GPT) -> dict[str, Tensor]:
    """Return a model's weights under GPT-2's names and in its layout, without the "transformer." in front."""
    state = model.state_dict()
    tensors = {theirs: state[ours].T if turned else state[ours] for theirs, ours, turned in _names(model.config.n_layers)}
    for i in range(model.config.n_layers):
        for part in ("weight", "bias"):
            attention = f"blocks.{i}.attention"
            fused = torch.cat([state[f"{attention}.query.{part}"], state[f"{attention}.key_value.{part}"]])  # (3C, C) or (3C,)
            tensors[f"h.{i}.attn.c_attn.{part}"] = fused.T if part == "weight" else fused
    return tensors


def from_gpt2_names(tensors: dict[str, Tensor], n_layers: int, source: str | Path) -> dict[str, Tensor]:
    """Return GPT-2's weights under our names and layout; `source` names them in errors."""
    tensors = _without_extras(tensors, source)
    fused_names = {f"h.{i}.attn.c_attn.{part}" for i in range(n_layers) for part in ("weight", "bias")}
    wanted = {theirs for theirs, _, _ in _names(n_layers)} | fused_names
    if wanted != set(tensors):
        missing, unknown = sorted(wanted - set(tensors))[:3], sorted(set(tensors) - wanted)[:3]
        found = f"missing: {missing or 'none'}, unknown: {unknown or 'none'}"
        raise ValueError(f"{source} is no GPT-2 of {n_layers} layers: {found}")
    state = {ours: tensors[theirs].T if turned else tensors[theirs] for theirs, ours, turned in _names(n_layers)}
    for i in range(n_layers):
        for part in ("weight", "bias"):
            fused = tensors[f"h.{i}.attn.c_attn.{part}"]
            third = fused.shape[-1] // 3
            query, key_value = (fused.T if part == "weight" else fused).split([third, fused.shape[-1] - third])
            state |= {f"blocks.{i}.attention.query.{part}": query, f"blocks.{i}.attention.key_value.{part}": key_value}
    return state


def _names(n_layers: int) -> Iterator[tuple[str, str, bool]]:
    """List (GPT-2's name, ours, whether it is transposed) of every tensor but the fused query, key and value."""
    yield "wte.weight", "token_embedding.weight", False
    yield "wpe.weight", "position_embedding.weight", False
    for part in ("weight", "bias"):
        yield f"ln_f.{part}", f"final_norm.{part}", False
        for i in range(n_layers):
            for theirs, ours in BLOCK_PARTS.items():
                turned = part == "weight" and not theirs.startswith("ln_")
                yield f"h.{i}.{theirs}.{part}", f"blocks.{i}.{ours}.{part}", turned


def _without_extras(tensors: dict[str, Tensor], source: str | Path) -> dict[str, Tensor]:
    """Drop the prefix, stored causal masks and a second copy of the embedding; a different output layer is refused."""
    plain = {name.removeprefix("transformer."): tensor for name, tensor in tensors.items()}
    plain = {name: t for name, t in plain.items() if not re.fullmatch(r"h\.\d+\.attn\.(masked_)?bias", name)}
    head = plain.pop("lm_head.weight", None)
    if head is not None and not torch.equal(head, plain.get("wte.weight", head[:0])):
        raise ValueError(f"{source} has an output layer of its own (lm_head), but only one tied to the embedding is supported")
    return plain


def _read_weights(folder: Path) -> dict[str, Tensor]:
    paths, tensors = [folder / WEIGHTS], {}
    try:
        if not paths[0].is_file() and (folder / WEIGHTS_INDEX).is_file():  # weights in several files
            index = json.loads((folder / WEIGHTS_INDEX).read_text(encoding="utf-8"))["weight_map"]
            paths = [folder / Path(name).name for name in sorted(set(index.values()))]  # .name: never outside the folder
        for path in paths:
            if not path.is_file():
                pickles = "Only safetensors are read, since pytorch_model.bin is a pickle, which can run code"
                advice = "if you trust it, load it with transformers and write it again with save_pretrained(other_folder)"
                raise FileNotFoundError(f"no {path.name} in {folder}. {pickles}: {advice}")
            with safe_open(path, "pt") as file:
                tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"the weights in {folder} are damaged ({error}): fetch or save them again") from None
    return tensors


def _check_vocabulary(tokenizer: Tokenizer, vocab_size: int) -> None:
    added = {i for i in tokenizer.special_tokens if i >= vocab_size}  # neither a text nor the model gives these: no harm
    if tokenizer.vocab_size - len(added) > vocab_size or added & {tokenizer.pad_id, tokenizer.end_id}:
        raise ValueError(f"the tokenizer has {tokenizer.vocab_size} tokens, the model only {vocab_size}: they belong to others")


def gpt2_settings(shape: GPTConfig) -> dict[str, Any]:
    """A shape, and the mathematics that belong to it, in the names of `transformers`' GPT2Config."""
    return {
        "vocab_size": shape.vocab_size, "n_positions": shape.context_length, "n_embd": shape.d_model,
        "n_layer": shape.n_layers, "n_head": shape.n_heads, "n_inner": shape.d_ff, "activation_function": "gelu_new",
        "layer_norm_epsilon": LAYER_NORM_EPSILON, **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), shape.dropout),
    }  # fmt: skip


def _write_folder(folder: Path, shape: GPTConfig, config: dict, tensors: dict, tokenizer: Tokenizer, padding_side: str) -> None:
    """Write all files, each whole or not at all, the weights last: a folder that has them is complete."""
    _check_vocabulary(tokenizer, shape.vocab_size)
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
