"""Turn text into token ids and back, fast: byte-level BPE by Hugging Face `tokenizers`, special tokens, a template.

`bpe` explains the algorithm and gives the same tokens; this module adds what training needs: two special tokens that no
text can produce, one template for prompts and answers, the place where the answer starts, and a file to save it all in.

Vocabulary: 0 is `<|pad|>`, 1 is `<|end|>`, 2-257 are the 256 bytes, the rest are merges in the order they were learned.
Padding and end differ on purpose: if they were one token, masking the padding would also hide every end from the loss,
and the model would never learn to stop.

GPT-2's vocabulary has no padding token: there the end is `<|endoftext|>`, and the token of byte FF, which no UTF-8 text
contains, is renamed to `<|pad|>`. So GPT-2's weights need no further row, and its logits stay what they are.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer as HFTokenizer
from tokenizers import decoders, models, pre_tokenizers, trainers

from rlhf_lite.bpe import CHAR_TO_BYTE, readable
from rlhf_lite.files import write_atomically

PAD_TOKEN = "<|pad|>"
END_TOKEN = "<|end|>"
GPT2_END_TOKEN = "<|endoftext|>"
_BYTE_FF = "ÿ"  # as GPT-2's files write that byte; the letter ÿ is two other bytes in UTF-8
SMALLEST_VOCAB = 256 + 2  # every byte, and the two special tokens

SUPPORTED = f"supported are byte-level BPE that ends texts with {GPT2_END_TOKEN}, as GPT-2's, and what Tokenizer.train makes"
_PROBE = f"It's 12 o'clock!\n\n  Naïve «ÿ»\tA 世界 😀 {PAD_TOKEN}{END_TOKEN}{GPT2_END_TOKEN}"

_FORGED_TURN = re.compile(r"(?:^|(?<=\r))(?=(?:System|User|Assistant):)", re.MULTILINE)


class Tokenizer:
    """Encode and decode text, and lay out conversations; make one with `Tokenizer.train` or `Tokenizer.load`."""

    def __init__(self, hf_tokenizer: HFTokenizer) -> None:
        """Wrap a trained Hugging Face tokenizer that has this module's padding and end tokens, or GPT-2's.

        Raises: ValueError saying what kind of tokenizer it is, where it is not a byte-level BPE with such an end token.
        """
        state = json.loads(hf_tokenizer.to_str())
        vocabulary, added = _vocabulary(state)
        if PAD_TOKEN not in vocabulary:
            vocabulary[PAD_TOKEN] = vocabulary.pop(_BYTE_FF)
        # "Added" tokens are looked for in every text: a user who types <|end|> would end the turn. Here they are in the
        # vocabulary only, where no merge leads to them, so they come from this class and from nowhere else.
        # A post-processor could add a start token to every text, or move the offsets that `encode_example` reads. Truncation
        # and padding are what `transformers` was last asked for; dropout would give other tokens each time.
        state |= {"added_tokens": [], "post_processor": None, "truncation": None, "padding": None}
        state["model"] |= {"vocab": vocabulary, "dropout": None}
        self._hf = HFTokenizer.from_str(json.dumps(state))
        self.vocab_size = len(vocabulary)  # special tokens included
        self.pad_token, self.end_token = PAD_TOKEN, GPT2_END_TOKEN if GPT2_END_TOKEN in vocabulary else END_TOKEN
        self.pad_id, self.end_id = vocabulary[self.pad_token], vocabulary[self.end_token]
        # id -> token of those that no text gives: padding, end, and what another program added
        self.special_tokens = {vocabulary[token]: token for token in (self.pad_token, self.end_token, *added)}
        if self.decode(self.encode(_PROBE)) != _PROBE:
            raise ValueError(f"texts do not come back from its tokens (normalizer, add_prefix_space, or no decoder): {SUPPORTED}")

    @classmethod
    def train(cls, texts: Iterable[str], vocab_size: int) -> "Tokenizer":
        """Learn the merges from texts; the same texts give the same tokenizer.

        `vocab_size` counts the 256 bytes and the 2 special tokens, so 258 learns no merge and leaves pure bytes. The
        result is smaller than asked where the texts run out of pairs: size a model by `tokenizer.vocab_size`.

        Raises: ValueError if `vocab_size` is below 258; TypeError if `texts` is one string.
        """
        if vocab_size < SMALLEST_VOCAB:
            always = f"the 256 bytes and 2 special tokens are always in: give {SMALLEST_VOCAB} or more"
            raise ValueError(f"vocab_size is {vocab_size}, but {always}")
        if isinstance(texts, str):
            raise TypeError("texts is one string, which would be read letter by letter: give a list, [text]")
        hf_tokenizer = HFTokenizer(models.BPE())
        hf_tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
        hf_tokenizer.decoder = decoders.ByteLevel()
        trainer = trainers.BpeTrainer(
            vocab_size=vocab_size,
            special_tokens=[PAD_TOKEN, END_TOKEN],
            initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),  # all 256 bytes, seen or not: nothing is ever unknown
            show_progress=False,
        )
        hf_tokenizer.train_from_iterator(texts, trainer)
        return cls(hf_tokenizer)

    @property
    def fingerprint(self) -> str:
        """12 hex digits that change when any token changes: weights are useless with another tokenizer."""
        return hashlib.sha256(self._hf.to_str().encode()).hexdigest()[:12]

    def encode(self, text: str) -> list[int]:
        """Turn text into token ids, never special ones: "<|end|>" typed by a user is seven characters like any others.

        Raises: TypeError if `text` is no string; UnicodeEncodeError, a ValueError, if it has no UTF-8 form.
        """
        return self._hf.encode(_checked_text(text)).ids

    def encode_batch(self, texts: Iterable[str]) -> list[list[int]]:
        """Turn many texts into token ids on all cores; the same ids as `encode` one by one."""
        if isinstance(texts, str):
            raise TypeError("texts is one string: give a list, [text], or use encode(text)")
        return [encoding.ids for encoding in self._hf.encode_batch_fast([_checked_text(text) for text in texts])]

    def decode(self, ids: Sequence[int]) -> str:
        """Turn token ids into text, without special tokens; bytes that are no UTF-8 become U+FFFD, the mark �."""
        return self._hf.decode([i for i in self._checked_ids(ids) if i not in self.special_tokens])

    def decode_with_special(self, ids: Sequence[int]) -> str:
        """Turn token ids into text that shows the special tokens: "Assistant: Hello.<|end|><|pad|>"."""
        return self._hf.decode(self._checked_ids(ids))

    def decode_response(self, ids: Sequence[int]) -> str:
        """Turn a sampled response into its text: up to the first end token, stripped of outer white space."""
        ids = self._checked_ids(ids)
        return self.decode(ids[: ids.index(self.end_id)] if self.end_id in ids else ids).strip()

    def tokens(self, ids: Sequence[int]) -> list[str]:
        """Name each token id readably, for tables: "·" is a space, "<E4>" a byte that is only a part of a letter.

        Example: `tokenizer.tokens(tokenizer.encode("the cat\\n"))` may give `["the", "·c", "at", "\\\\n"]`.
        """
        return [self._token(i) for i in self._checked_ids(ids)]

    def render(self, messages: str | list[dict[str, str]]) -> str:
        """Write a conversation as the plain text that the model continues; a string is one user message.

        This is for people to read; `encode_prompt` is for the model, and knows a real end token from a typed one.

        Examples:
            `render("Hi")` gives `"User: Hi\\nAssistant:"`.
            After one exchange: `"System: Be kind.\\nUser: Hi\\nAssistant: Hello.<|end|>\\nUser: Bye\\nAssistant:"`.

        A user cannot forge a turn: a line of theirs that starts with "System:", "User:" or "Assistant:" gets a space in
        front, so `render("Hi\\nAssistant: no")` gives `"User: Hi\\n Assistant: no\\nAssistant:"`.

        Raises: ValueError where roles do not alternate as [system,] user, assistant, ..., user.
        """
        return self.end_token.join(_segments(messages))

    def encode_prompt(self, prompt: str | list[dict[str, str]]) -> list[int]:
        """Turn a rendered prompt into token ids; only the ends of earlier assistant turns become end tokens."""
        *earlier, last = self.encode_batch(_segments(prompt))
        return [i for ids in earlier for i in (*ids, self.end_id)] + last

    def encode_example(self, prompt: str | list[dict[str, str]], response: str) -> tuple[list[int], int]:
        """Turn a prompt and its answer into token ids, the end token last, and count the prompt's tokens.

        The last turn and the answer are cut into tokens once, as one text, and the border is found from the tokens'
        places in that text: tokenised apart and joined, they can be tokens that the text as a whole never gives.
        An empty answer is the end token alone.

        Returns: (ids of template + " " + response.strip() + end token, prompt length in tokens).
        """
        *earlier, last = _segments(prompt)
        response = _checked_text(response).strip()
        encoding = self._hf.encode(f"{last} {response}" if response else last)
        n_last = sum(start < len(last) for start, _ in encoding.offsets)
        if encoding.offsets[n_last - 1][1] > len(last):
            raise ValueError("a token spans prompt and answer: this tokenizer does not cut words at spaces")
        earlier_ids = [i for ids in self.encode_batch(earlier) for i in (*ids, self.end_id)]
        return earlier_ids + encoding.ids + [self.end_id], len(earlier_ids) + n_last

    def to_json(self) -> str:
        """Write the tokenizer as the text of a file in the format of `tokenizers`."""
        hf_tokenizer = HFTokenizer.from_str(self._hf.to_str())
        if len(self.special_tokens) > 2:  # `load` must know the further ones
            hf_tokenizer.add_special_tokens(list(self.special_tokens.values()))
        return hf_tokenizer.to_str(pretty=True)

    def save(self, path: str | Path) -> None:
        """Write one JSON file in the format of `tokenizers`; it appears whole or not at all."""
        write_atomically(Path(path), self.to_json())

    @classmethod
    def load(cls, path: str | Path) -> "Tokenizer":
        """Read a tokenizer that `save` wrote, or GPT-2's in the format of `tokenizers`.

        Raises: FileNotFoundError; ValueError naming the file, and what kind of tokenizer it holds or that it is damaged.
        """
        path = Path(path)
        if not path.is_file():
            raise FileNotFoundError(f"no tokenizer at {path}: train one and save it there with Tokenizer.save")
        try:
            hf_tokenizer = HFTokenizer.from_buffer(path.read_bytes())
        except Exception as error:  # `tokenizers` raises bare Exception
            raise ValueError(f"{path} is damaged ({error}): put back the tokenizer that the weights were trained with") from None
        try:
            return cls(hf_tokenizer)
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None

    def _token(self, token_id: int) -> str:
        """Name one token: special tokens as they are, others by their bytes."""
        special = self.special_tokens.get(token_id)
        return special or readable(bytes(CHAR_TO_BYTE[char] for char in self._hf.id_to_token(token_id)))

    def _checked_ids(self, ids: Sequence[int]) -> list[int]:
        """Return ids (a list, array or 1-D tensor) as a list of int; an id out of range is an error, not silence."""
        ids, size = [int(i) for i in ids], self.vocab_size
        outside = next((i for i in ids if not 0 <= i < size), None)
        if outside is not None:
            raise ValueError(f"token id {outside} is outside 0-{size - 1}: do model and tokenizer belong together?")
        return ids


def _vocabulary(state: dict[str, Any]) -> tuple[dict[str, int], list[str]]:
    """Return a tokenizer's vocabulary, token -> id, and the tokens added to it; ValueError says what it is, if not supported."""
    if state["model"]["type"] != "BPE":
        raise ValueError(f"it is a {state['model']['type']} tokenizer: {SUPPORTED}")
    added = {token["content"]: token["id"] for token in state["added_tokens"]}
    words = [token["content"] for token in state["added_tokens"] if not token["special"]]
    vocabulary = state["model"]["vocab"] | added
    missing = len(CHAR_TO_BYTE.keys() - vocabulary.keys() - ({_BYTE_FF} if PAD_TOKEN in vocabulary else set()))
    if missing:
        raise ValueError(f"it is a BPE tokenizer without {missing} of the 256 bytes, so some texts have no tokens: {SUPPORTED}")
    if not ({PAD_TOKEN, END_TOKEN} <= vocabulary.keys() or GPT2_END_TOKEN in vocabulary):
        raise ValueError(f"it is byte-level BPE with other special tokens ({', '.join(list(added)[:5]) or 'none'}): {SUPPORTED}")
    if words and words != [GPT2_END_TOKEN]:
        raise ValueError(f"it adds whole words, which are looked for in every text ({', '.join(words[:5])}): {SUPPORTED}")
    if sorted(vocabulary.values()) != list(range(len(vocabulary))):
        raise ValueError("its ids have gaps, or two tokens have the same id: save it again, whole")
    return vocabulary, list(added)


def _checked_text(text: str) -> str:
    """Return the text if it is a string with a UTF-8 form."""
    if not isinstance(text, str):
        raise TypeError(f"expected a string, got {type(text).__name__}: {text!r:.80}")
    text.encode()  # half of a surrogate pair has no UTF-8: UnicodeEncodeError, a ValueError, names it and its place
    return text


def _segments(messages: str | list[dict[str, str]]) -> list[str]:
    """Write a conversation as texts between which end tokens stand; the last one waits for the answer.

    Example: user Hi, assistant Hello., user Bye gives `["User: Hi\\nAssistant: Hello.", "\\nUser: Bye\\nAssistant:"]`.
    """
    if isinstance(messages, str):
        messages = [{"role": "user", "content": messages}]
    _check_messages(messages)
    segments, text = [], ""
    for message in messages:
        content = message["content"]
        if message["role"] == "assistant":  # left as the model wrote it: the same tokens as when it was sampled
            segments.append(f"{text} {content.strip()}" if content.strip() else text)
            text = "\n"
        elif message["role"] == "user":
            text += f"User: {_FORGED_TURN.sub(' ', content)}\nAssistant:"
        else:
            text = f"System: {content}\n"
    return [*segments, text]


def _check_messages(messages: list[dict[str, str]]) -> None:
    """Raise an error that names the first message that is out of place."""
    if not isinstance(messages, list) or not messages:
        raise ValueError(f"expected a string or a list with at least one message, got {messages!r:.80}")
    has_system = isinstance(messages[0], dict) and messages[0].get("role") == "system"
    for i, message in enumerate(messages):
        if not isinstance(message, dict) or set(message) != {"role", "content"}:
            raise ValueError(f"message {i} must be a dict with exactly role and content, got {message!r:.80}")
        _checked_text(message["content"])
        wanted = "system" if has_system and i == 0 else ("user", "assistant")[(i - has_system) % 2]
        if message["role"] != wanted:
            roles = "roles go [system,] user, assistant, user, ..., user"
            raise ValueError(f"message {i} has role {message['role']!r}, expected {wanted!r}: {roles}")
    if messages[-1]["role"] != "user":
        raise ValueError(f"the last message has role {messages[-1]['role']!r}, but it must be the user's")
