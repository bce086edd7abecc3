"""Read a GPT-2 and its tokenizer, from a folder or from the Hugging Face hub.

Only safetensors are read: other weight files are pickles, which can run code. No code of a folder is ever run.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from huggingface_hub import snapshot_download
from huggingface_hub.errors import HfHubHTTPError
from safetensors import SafetensorError, safe_open
from tokenizers import Tokenizer as HFTokenizer
from tokenizers import decoders, models, pre_tokenizers
from torch import Tensor

from ..files import read_json
from ..gpt import GPT, GPTConfig
from ..tokenizer import Tokenizer
from .gpt2_names import LAYER_NORM_EPSILON, WEIGHTS, from_gpt2_names

SUPPORTED = "GPT-2's (model_type gpt2, as GPT2LMHeadModel or GPT2Model)"
WEIGHTS_INDEX = "model.safetensors.index.json"
HUB_FILES = ["config.json", "*.safetensors", WEIGHTS_INDEX, "tokenizer.json", "vocab.json", "merges.txt", "added_tokens.json"]
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
    return _tokenizer_of(vocabulary, merges, sorted(tokens, key=tokens.get))


def _tokenizer_of(vocabulary: Path, merges: Path, added: Sequence[str]) -> Tokenizer:
    """Read GPT-2's own two files: token -> id, and a pair per line, earliest first; `added` are special tokens after those."""
    try:
        hf_tokenizer = HFTokenizer(models.BPE.from_file(str(vocabulary), str(merges)))
        hf_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        hf_tokenizer.decoder = decoders.ByteLevel()
        hf_tokenizer.add_special_tokens(list(added))
        return Tokenizer(hf_tokenizer)
    except Exception as error:  # `tokenizers` raises bare Exception
        raise ValueError(f"{vocabulary} and {merges} are no vocabulary and merges of GPT-2's kind: {error}") from error


def fit_vocabulary(model: GPT, tokenizer: Tokenizer) -> GPT:
    """Return the model with as many rows in its vocabulary as the tokenizer has tokens; ValueError where it has fewer.

    Vocabularies are often filled up to a multiple of 64, for speed; rows without a token would be in every softmax, and drawn.
    """
    check_vocabulary(tokenizer, model.config.vocab_size)
    if tokenizer.vocab_size >= model.config.vocab_size:
        return model
    fitted = GPT(replace(model.config, vocab_size=tokenizer.vocab_size))
    state = model.state_dict()
    fitted.load_state_dict(state | {"token_embedding.weight": state["token_embedding.weight"][: tokenizer.vocab_size]})
    return fitted.to(state["token_embedding.weight"].device).train(model.training)


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


def check_vocabulary(tokenizer: Tokenizer, vocab_size: int) -> None:
    """Check that a model has a row for each token that can come up. Raises: ValueError."""
    added = {i for i in tokenizer.special_tokens if i >= vocab_size}  # neither a text nor the model gives these: no harm
    if tokenizer.vocab_size - len(added) > vocab_size or added & {tokenizer.pad_id, tokenizer.end_id}:
        raise ValueError(f"the tokenizer has {tokenizer.vocab_size} tokens, the model only {vocab_size}: they belong to others")
