"""GPT-2's own merges, where a machine has them: read into the encoder that this lesson builds by hand."""

import json
from pathlib import Path

from huggingface_hub import try_to_load_from_cache

from ...bpe import CHAR_TO_BYTE, BytePairEncoder
from ...tokenizer import Tokenizer

REPOSITORIES = ("openai-community/gpt2", "gpt2")


def gpt2_folder() -> Path | None:
    """Return the folder of GPT-2's tokenizer in this machine's Hugging Face cache, or None; no network is asked."""
    places = (try_to_load_from_cache(name, file) for name in REPOSITORIES for file in ("tokenizer.json", "merges.txt"))
    return next((Path(place).parent for place in places if isinstance(place, str)), None)


def encoder_of(tokenizer: Tokenizer) -> BytePairEncoder:
    """Make an encoder with the merges of a tokenizer, in the order in which they were learnt."""
    id_of, pairs = {piece: i for i, piece in enumerate(BytePairEncoder().pieces)}, []
    for pair in json.loads(tokenizer.to_json())["model"]["merges"]:
        left, right = (bytes(CHAR_TO_BYTE[char] for char in token) for token in pair)
        id_of[left + right] = len(id_of)
        pairs.append((id_of[left], id_of[right]))
    return BytePairEncoder(pairs)
