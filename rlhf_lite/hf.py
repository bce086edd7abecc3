"""Hugging Face, both ways: GPT-2's weights and tokenizer in, our models out as folders that `transformers` loads.

A folder is four kinds of files: `config.json` (the shape), `model.safetensors` (the weights), the tokenizer, and the
chat template, a small program that writes a conversation as text. They are read and written here, name by name, and
`transformers` itself is not needed. What GPT-2 calls differently from us:

    wte, wpe, ln_f            token_embedding, position_embedding, final_norm
    h.0.ln_1, ln_2            blocks.0.attention_norm, feed_forward_norm
    h.0.attn.c_attn           query and key_value side by side
    h.0.attn.c_proj           attention.output
    h.0.mlp.c_fc, c_proj      feed_forward.widen, narrow

Its matrices are stored transposed, since its layers (Conv1D) multiply from the other side.

Only safetensors are read: other weight files are pickles, which can run code. No code of a folder is ever run.
"""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError, safe_open
from torch import Tensor

from .files import write_atomically, write_safetensors
from .gpt import GPT, GPTConfig, ScalarModel
from .tokenizer import Tokenizer

SUPPORTED = "GPT-2's (model_type gpt2, as GPT2LMHeadModel or GPT2Model)"
WEIGHTS, WEIGHTS_INDEX = "model.safetensors", "model.safetensors.index.json"
HUB_FILES = ["config.json", "*.safetensors", WEIGHTS_INDEX, "tokenizer.json", "vocab.json", "merges.txt"]
LAYER_NORM_EPSILON = 1e-5  # torch.nn.LayerNorm's own, and GPT-2's
BLOCK_PARTS = {
    "ln_1": "attention_norm", "ln_2": "feed_forward_norm", "attn.c_proj": "attention.output",
    "mlp.c_fc": "feed_forward.widen", "mlp.c_proj": "feed_forward.narrow",
}  # fmt: skip
# What else decides GPT-2's mathematics, and the values with which our GPT computes the same.
FIXED = {
    "activation_function": ("gelu_new", "gelu_pytorch_tanh"),
    "layer_norm_epsilon": (LAYER_NORM_EPSILON,),
    "scale_attn_weights": (True,),
    "scale_attn_by_inverse_layer_idx": (False,),
    "add_cross_attention": (False,),
}
# `Tokenizer.render` in the language of chat templates. `encode_prompt` knows a real end token from a typed one; text
# cannot, so a message that contains a special token is refused. A space goes before a line that looks like a turn.
CHAT_TEMPLATE = r"""
{%- set first = 1 if messages and messages[0]['role'] == 'system' else 0 -%}
{%- for message in messages -%}
  {%- set role, content = message['role'], message['content'] -%}
  {%- if loop.index0 >= first and role != ['user', 'assistant'][(loop.index0 - first) % 2] -%}
    {{- raise_exception('roles go [system,] user, assistant, user, ..., but message ' ~ loop.index0 ~ ' is of ' ~ role) -}}
  {%- endif -%}
  {%- if eos_token in content or pad_token in content -%}
    {{- raise_exception('message ' ~ loop.index0 ~ ' contains ' ~ eos_token ~ ' or ' ~ pad_token ~ ': remove it') -}}
  {%- endif -%}
  {%- if role == 'system' -%}
    {{- 'System: ' ~ content ~ '\n' -}}
  {%- elif role == 'user' -%}
    {%- set ns = namespace(text='\n' ~ content) -%}
    {%- for start in ['\n', '\r'] -%}
      {%- for name in ['System:', 'User:', 'Assistant:'] -%}
        {%- set ns.text = ns.text.replace(start ~ name, start ~ ' ' ~ name) -%}
      {%- endfor -%}
    {%- endfor -%}
    {{- 'User: ' ~ ns.text[1:] -}}
    {%- if not loop.last or add_generation_prompt -%}{{- '\nAssistant:' -}}{%- endif -%}
  {%- else -%}
    {{- (' ' if content.strip() else '') ~ content.strip() ~ eos_token ~ ('' if loop.last else '\n') -}}
  {%- endif -%}
{%- endfor -%}
""".strip()


def load_gpt2(name_or_folder: str | Path) -> tuple[GPT, Tokenizer]:
    """Read a GPT-2, from a folder or from the Hugging Face hub ("openai-community/gpt2"), in float32 and evaluation mode.

    The model has no dropout; `copy_gpt(model, dropout=0.2)` gives it some for fine-tuning.

    Raises:
        FileNotFoundError, ValueError: naming what is missing, damaged or not supported, and what to do.
    """
    folder = local_folder(name_or_folder)
    config = read_config(folder)
    tokenizer = load_tokenizer(folder)
    _check_vocabulary(tokenizer, config.vocab_size)
    state = from_gpt2_names(_read_weights(folder), config.n_layers, folder)
    with torch.device("meta"):  # the shape only: weights that are replaced at once need not be drawn
        model = GPT(config)
    try:
        model.load_state_dict({name: tensor.float().contiguous() for name, tensor in state.items()}, assign=True)
    except RuntimeError as error:
        raise ValueError(f"the weights in {folder} do not have the shapes of its config.json: {error}") from None
    return model.eval(), tokenizer


def save_gpt2(model: GPT, tokenizer: Tokenizer, folder: str | Path) -> None:
    """Write a folder that `AutoModelForCausalLM` and `AutoTokenizer` load; files of an earlier model there are replaced."""
    tensors = {f"transformer.{name}": tensor for name, tensor in to_gpt2_names(model).items()}
    config = {"architectures": ["GPT2LMHeadModel"]}
    _write_folder(Path(folder), model.config, config, tensors, tokenizer, padding_side="left")


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
    config = {
        "architectures": ["GPT2ForSequenceClassification"],
        "id2label": {"0": "score"},
        "label2id": {"score": 0},
        "problem_type": "regression",  # the score as it is: pipelines would else squash a single label
    }
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
        raise FileNotFoundError(
            f"no folder {name}, and the Hugging Face hub did not give a model of that name: {error}"
        ) from error


def load_tokenizer(folder: Path) -> Tokenizer:
    """Read a folder's tokenizer: tokenizer.json, or GPT-2's vocab.json and merges.txt."""
    if (folder / "tokenizer.json").is_file():
        try:
            return Tokenizer.load(folder / "tokenizer.json")
        except ValueError as error:
            raise ValueError(f"the tokenizer in {folder} is not supported, only byte-level BPE as GPT-2's: {error}") from None
    if (folder / "vocab.json").is_file() and (folder / "merges.txt").is_file():
        return Tokenizer.from_gpt2_files(folder / "vocab.json", folder / "merges.txt")
    raise FileNotFoundError(f"no tokenizer in {folder}: expected tokenizer.json, or vocab.json and merges.txt")


def read_config(folder: Path) -> GPTConfig:
    """Read the shape from config.json, and refuse what our GPT does not compute."""
    path = folder / "config.json"
    if not path.is_file():
        raise FileNotFoundError(f"no config.json in {folder}: give the folder of a saved model")
    try:
        theirs = json.loads(path.read_text(encoding="utf-8"))
        kind, names = theirs.get("model_type"), theirs.get("architectures") or ["GPT2LMHeadModel"]
    except (json.JSONDecodeError, UnicodeDecodeError, AttributeError) as error:
        raise ValueError(f"{path} is no JSON object: {error}") from None
    if kind != "gpt2" or not set(names) <= {"GPT2LMHeadModel", "GPT2Model"}:
        raise ValueError(
            f"{folder} holds a {kind} model ({', '.join(names)}), but the only architecture supported is {SUPPORTED}"
        )
    for setting, allowed in FIXED.items():
        if theirs.get(setting, allowed[0]) not in allowed:
            raise ValueError(f"{path} has {setting} {theirs[setting]}, supported: {', '.join(map(str, allowed))}")
    fields = {"vocab_size": 50257, "n_positions": 1024, "n_embd": 768, "n_layer": 12, "n_head": 12, "n_inner": None}
    vocab_size, n_positions, n_embd, n_layer, n_head, n_inner = (theirs.get(name, usual) for name, usual in fields.items())
    return GPTConfig(vocab_size=vocab_size, context_length=n_positions, d_model=n_embd, n_layers=n_layer, n_heads=n_head,
                     d_ff=n_inner or 0)  # fmt: skip


def to_gpt2_names(model: GPT) -> dict[str, Tensor]:
    """Give a model's weights under GPT-2's names and in its layout, without the "transformer." in front."""
    state = model.state_dict()
    tensors = {theirs: state[ours].T if turned else state[ours] for theirs, ours, turned in _names(model.config.n_layers)}
    for i in range(model.config.n_layers):
        for part in ("weight", "bias"):
            attention = f"blocks.{i}.attention"
            fused = torch.cat([state[f"{attention}.query.{part}"], state[f"{attention}.key_value.{part}"]])  # (3C, C) or (3C,)
            tensors[f"h.{i}.attn.c_attn.{part}"] = fused.T if part == "weight" else fused
    return tensors


def from_gpt2_names(tensors: dict[str, Tensor], n_layers: int, source: str | Path) -> dict[str, Tensor]:
    """Give GPT-2's weights our names and layout; `source` names them in errors."""
    tensors = _without_extras(tensors, source)
    fused_names = {f"h.{i}.attn.c_attn.{part}" for i in range(n_layers) for part in ("weight", "bias")}
    wanted = {theirs for theirs, _, _ in _names(n_layers)} | fused_names
    if wanted != set(tensors):
        missing, unknown = sorted(wanted - set(tensors))[:3], sorted(set(tensors) - wanted)[:3]
        raise ValueError(
            f"{source} is no GPT-2 of {n_layers} layers: it lacks {missing or 'nothing'}, unknown is {unknown or 'nothing'}"
        )
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
                raise FileNotFoundError(
                    f"no {path.name} in {folder}. Only safetensors are read, since pytorch_model.bin is a pickle, which can run "
                    "code: if you trust it, load it with transformers and write it again with save_pretrained(other_folder)"
                )
            with safe_open(path, "pt") as file:
                tensors |= {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (SafetensorError, json.JSONDecodeError, KeyError, AttributeError, TypeError) as error:
        raise ValueError(f"the weights in {folder} are damaged ({error}): fetch or save them again") from None
    return tensors


def _check_vocabulary(tokenizer: Tokenizer, vocab_size: int) -> None:
    if tokenizer.vocab_size > vocab_size:
        raise ValueError(
            f"the tokenizer has {tokenizer.vocab_size} tokens, the model only {vocab_size}: they do not belong together"
        )


def gpt2_settings(shape: GPTConfig) -> dict[str, Any]:
    """Say a shape, and the mathematics that belong to it, in the names of `transformers`' GPT2Config."""
    return {
        "vocab_size": shape.vocab_size, "n_positions": shape.context_length, "n_embd": shape.d_model,
        "n_layer": shape.n_layers, "n_head": shape.n_heads, "n_inner": shape.d_ff, "activation_function": "gelu_new",
        "layer_norm_epsilon": LAYER_NORM_EPSILON, **dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), shape.dropout),
    }  # fmt: skip


def _write_folder(
    folder: Path, shape: GPTConfig, config: dict[str, Any], tensors: dict[str, Tensor], tokenizer: Tokenizer, padding_side: str
) -> None:
    """Write all files, each whole or not at all, the weights last: a folder that has them is complete."""
    _check_vocabulary(tokenizer, shape.vocab_size)
    folder.mkdir(parents=True, exist_ok=True)
    (folder / WEIGHTS).unlink(missing_ok=True)
    ids = {"bos_token_id": tokenizer.end_id, "eos_token_id": tokenizer.end_id, "pad_token_id": tokenizer.pad_id}
    dtype = str(next(iter(tensors.values())).dtype)[6:]
    config |= ids | gpt2_settings(shape) | {"model_type": "gpt2", "tie_word_embeddings": True, "dtype": dtype}
    _write_json(folder / "config.json", config)
    _write_json(folder / "generation_config.json", ids)
    special = [(tokenizer.pad_id, tokenizer.pad_token), (tokenizer.end_id, tokenizer.end_token)]
    flags = {"single_word": False, "lstrip": False, "rstrip": False, "normalized": False, "special": True}
    added = [{"id": i, "content": token, **flags} for i, token in sorted(special)]
    _write_json(folder / "tokenizer.json", json.loads(tokenizer.to_json()) | {"added_tokens": added})
    names = {"bos_token": tokenizer.end_token, "eos_token": tokenizer.end_token, "pad_token": tokenizer.pad_token}
    _write_json(folder / "tokenizer_config.json", names | {
        "tokenizer_class": "PreTrainedTokenizerFast", "model_max_length": shape.context_length, "padding_side": padding_side,
        "clean_up_tokenization_spaces": False,
    })  # fmt: skip
    write_atomically(folder / "chat_template.jinja", CHAT_TEMPLATE)
    write_safetensors(folder / WEIGHTS, tensors, {"format": "pt"})


def _write_json(path: Path, content: dict[str, Any]) -> None:
    write_atomically(path, json.dumps(content, indent=2, ensure_ascii=False) + "\n")
