"""Models and tokenizers go to Hugging Face's format and back, and compute the same there.

Proves: logits equal those of `transformers` in both directions, at every published GPT-2's width and at odd shapes, with
GPT-2's activation, LayerNorm epsilon, tied embedding and transposed matrices each needed for it; both sides write the
same greedy text; the reward model's score is the same in a padded batch; GPT-2's tokenizer files and the chat template
give the same ids; pickles, other architectures and damaged files are refused with what to do. Nothing is downloaded:
folders in the hub's format are made on the spot.
"""

import json
from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from jinja2.exceptions import TemplateError
from safetensors.torch import load_file, save_file
from tokenizers import Tokenizer as HFTokenizer
from tokenizers import decoders, models, pre_tokenizers, processors, trainers
from transformers import (
    AutoModelForCausalLM,
    AutoModelForSequenceClassification,
    AutoTokenizer,
    GPT2Config,
    GPT2LMHeadModel,
    GPT2Tokenizer,
    pipeline,
)

from rlhf_lite.generate import generate
from rlhf_lite.gpt import GPT, GPTConfig
from rlhf_lite.gpt2_recipe.recipe import open_base
from rlhf_lite.hf import fit_vocabulary, load_gpt2, load_gpt2_tokenizer, save_gpt2, save_reward_model, to_gpt2_names
from rlhf_lite.hf import load as hf_load
from rlhf_lite.hf import save as hf_save
from rlhf_lite.reward import score_sequences
from rlhf_lite.tokenizer import Tokenizer

CORPUS = ["The cat sat on the mat.\nUser: Where?\nAssistant: On the mat, naïve café.\n", "世界 😀 it's\n\n  12 ÿ À"] * 5
TEXTS = ["", "The cat", "naïve 世界 😀", "ÿ À", " a\n\n b\t", "it's 12", "Assistant: no"]
SIZES = {"small": (768, 12), "medium": (1024, 16), "large": (1280, 20), "xl": (1600, 25)}
LAYERS = {"small": 12, "medium": 24, "large": 36, "xl": 48}


@pytest.fixture(scope="module")
def tokenizer():
    return Tokenizer.train(CORPUS, 300)


@pytest.fixture(scope="module")
def gpt2_files(tmp_path_factory):
    """Write vocab.json and merges.txt as GPT-2's are: the 256 bytes in its order, merges, and <|endoftext|> last."""
    trained = HFTokenizer(models.BPE())
    trained.pre_tokenizer, trained.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trained.train_from_iterator(CORPUS, trainers.BpeTrainer(vocab_size=290, initial_alphabet=alphabet, show_progress=False))
    folder = tmp_path_factory.mktemp("gpt2")
    state = json.loads(trained.to_str())["model"]
    vocabulary = state["vocab"] | {"<|endoftext|>": len(state["vocab"])}
    (folder / "vocab.json").write_text(json.dumps(vocabulary))
    merges = "\n".join(" ".join(pair) for pair in state["merges"])
    (folder / "merges.txt").write_text(f"#version: 0.2\n{merges}\n")
    return folder


def make_theirs(folder, gpt2_files, std=0.3, **changes):
    """Save a GPT-2 of `transformers` with random weights, its tokenizer as two files; return the model."""
    sizes = {"vocab_size": 300, "n_positions": 24, "n_embd": 24, "n_layer": 2, "n_head": 4, "attn_implementation": "eager"}
    model = GPT2LMHeadModel(GPT2Config(**(sizes | changes))).eval()
    with torch.no_grad():
        for parameter in model.parameters():  # LayerNorms and biases too: at 1 and 0 mistakes in them would not show
            parameter.add_(torch.randn_like(parameter) * std)
    model.save_pretrained(folder)
    for name in ("vocab.json", "merges.txt"):
        (folder / name).write_bytes((gpt2_files / name).read_bytes())
    return model


@torch.no_grad()
def largest_difference(ours, theirs, tokens):
    mine, reference = ours(tokens), theirs(tokens).logits
    assert reference.std() > 0.3
    return (mine - reference).abs().max().item()


# Logits

ODD = [
    {"n_embd": 7, "n_head": 7, "n_layer": 1, "n_positions": 5, "vocab_size": 301},
    {"n_embd": 30, "n_head": 3, "n_layer": 3, "n_inner": 50},
    {"n_embd": 16, "n_head": 1, "n_layer": 2, "activation_function": "gelu_pytorch_tanh"},
]


@pytest.mark.parametrize("shape", ODD)
def test_logits_are_the_same_in_and_out_again(tmp_path, gpt2_files, shape):
    theirs = make_theirs(tmp_path / "in", gpt2_files, **shape)
    ours, tokenizer = load_gpt2(tmp_path / "in"), load_gpt2_tokenizer(tmp_path / "in")
    tokens = torch.randint(290, (3, 5))
    assert largest_difference(ours, theirs, tokens) < 1e-4
    save_gpt2(ours, tokenizer, tmp_path / "out")
    assert largest_difference(ours, AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval(), tokens) < 1e-4
    before, after = load_file(tmp_path / "in/model.safetensors"), load_file(tmp_path / "out/model.safetensors")
    assert set(before) == set(after) and all(torch.equal(before[name], after[name]) for name in before)


@pytest.mark.parametrize("size", SIZES)
def test_logits_are_the_same_at_published_widths(tmp_path, gpt2_files, size):
    width, heads = SIZES[size]  # full width and heads; 1 layer and a small vocabulary, for speed
    theirs = make_theirs(tmp_path, gpt2_files, std=0.02, n_embd=width, n_head=heads, n_layer=1, n_positions=1024)
    ours = load_gpt2(tmp_path)
    assert ours.config.d_ff == 4 * width
    assert largest_difference(ours, theirs, torch.randint(290, (1, 40))) < 1e-4


@pytest.mark.slow
@pytest.mark.parametrize("size", SIZES)
def test_logits_are_the_same_with_the_whole_vocabulary(tmp_path, gpt2_files, size):
    width, heads = SIZES[size]
    layers = 12 if size == "small" else 2  # all of GPT-2 small; the others' layers are alike
    shape = {"vocab_size": 50257, "n_positions": 1024, "n_embd": width, "n_head": heads, "n_layer": layers}
    theirs = make_theirs(tmp_path, gpt2_files, std=0.02, **shape)
    ours, tokenizer = load_gpt2(tmp_path), load_gpt2_tokenizer(tmp_path)
    tokens = torch.randint(50257, (1, 1024))
    assert largest_difference(ours, theirs, tokens) < 1e-4
    save_gpt2(ours, tokenizer, tmp_path / "out")
    assert largest_difference(ours, AutoModelForCausalLM.from_pretrained(tmp_path / "out").eval(), tokens) < 1e-4


@pytest.mark.parametrize("size", SIZES)
def test_all_tensors_of_the_whole_sizes_have_their_names_and_shapes(size):
    width, heads = SIZES[size]
    with torch.device("meta"):
        ours = GPT(GPTConfig(vocab_size=50257, context_length=1024, d_model=width, n_heads=heads, n_layers=LAYERS[size]))
        theirs = GPT2LMHeadModel(GPT2Config(n_embd=width, n_head=heads, n_layer=LAYERS[size]))
    expected = {name.removeprefix("transformer."): tensor.shape for name, tensor in theirs.state_dict().items()}
    del expected["lm_head.weight"]
    assert {name: tensor.shape for name, tensor in to_gpt2_names(ours).items()} == expected


@pytest.mark.parametrize("change", ["activation", "epsilon", "embedding", "transposed", "query"])
def test_each_of_gpt2s_ways_matters(tmp_path, gpt2_files, change):
    """Break one thing at a time: the comparison of logits sees it."""
    theirs = make_theirs(tmp_path, gpt2_files, std=0.1)
    ours = load_gpt2(tmp_path)
    tokens = torch.randint(290, (3, 20))
    block = ours.blocks[0]
    with torch.no_grad():
        if change == "activation":
            for each in ours.blocks:
                each.feed_forward.activation = torch.nn.GELU()  # the exact form, not tanh
        elif change == "epsilon":
            block.attention_norm.eps = 1e-3
        elif change == "embedding":
            theirs.lm_head.weight = torch.nn.Parameter(theirs.lm_head.weight + 0.01)
        elif change == "transposed":
            block.attention.output.weight.copy_(block.attention.output.weight.T.clone())
        else:  # keys and values the other way round
            block.attention.key_value.weight.copy_(block.attention.key_value.weight.roll(24, 0))
    assert largest_difference(ours, theirs, tokens) > 1e-4


def test_names_of_the_published_files_and_weights_in_several_files(tmp_path, gpt2_files):
    theirs = make_theirs(tmp_path, gpt2_files)
    tensors = {name.removeprefix("transformer."): t for name, t in load_file(tmp_path / "model.safetensors").items()}
    tensors["h.0.attn.bias"] = torch.ones(1, 1, 24, 24).tril()  # the causal mask, which old files hold
    tensors["lm_head.weight"] = tensors["wte.weight"].clone()
    (tmp_path / "model.safetensors").unlink()
    halves = dict(list(tensors.items())[:9]), dict(list(tensors.items())[9:])
    for i, half in enumerate(halves):
        save_file(half, tmp_path / f"part-{i}.safetensors")
    index = {name: f"part-{i}.safetensors" for i, half in enumerate(halves) for name in half}
    (tmp_path / "model.safetensors.index.json").write_text(json.dumps({"weight_map": index}))
    assert largest_difference(load_gpt2(tmp_path), theirs, torch.randint(290, (2, 20))) < 1e-4


# Text


def greedy(model, tokenizer, ids, count):
    answer = generate(model, [ids], max_new_tokens=count, temperature=0, end_id=tokenizer.end_id, pad_id=tokenizer.pad_id)
    return answer.responses()[0]


@pytest.mark.parametrize("own", [True, False])
def test_pipeline_writes_the_same_greedy_text(tmp_path, tokenizer, gpt2_files, make_gpt, own):
    tokenizer = tokenizer if own else load_gpt2_tokenizer(gpt2_files)
    model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=80, d_model=32, n_heads=4)
    save_gpt2(model, tokenizer, tmp_path)
    write = pipeline("text-generation", model=str(tmp_path), device="cpu")
    for prompt in ("The cat sat", "naïve 世界", "User: Where?\nAssistant:"):
        ids = tokenizer.encode(prompt)
        theirs = write(prompt, do_sample=False, max_new_tokens=24, return_full_text=False)[0]["generated_text"]
        ours = greedy(model, tokenizer, ids, 24)
        assert theirs == tokenizer.decode(ours) and len(set(ours)) > 3
    chat = [{"role": "user", "content": "Where?"}]
    theirs = write(chat, do_sample=False, max_new_tokens=24)[0]["generated_text"][-1]["content"]
    assert theirs == tokenizer.decode(greedy(model, tokenizer, tokenizer.encode_prompt(chat), 24))


def test_pipeline_stops_at_the_end_token_in_a_padded_batch(tmp_path, tokenizer, make_gpt):
    model = make_gpt(vocab_size=tokenizer.vocab_size, context_length=80, d_model=32, n_heads=4)
    prompts = ["The cat sat on the mat", "Where?"]
    second = greedy(model, tokenizer, tokenizer.encode(prompts[1]), 12)[4]
    with torch.no_grad():  # swap: what the second answer has as its fifth token becomes the end token
        rows = model.token_embedding.weight[[second, tokenizer.end_id]]
        model.token_embedding.weight[[tokenizer.end_id, second]] = rows
    save_gpt2(model, tokenizer, tmp_path)
    write = pipeline("text-generation", model=str(tmp_path), device="cpu", batch_size=2)
    theirs = [row[0]["generated_text"] for row in write(prompts, do_sample=False, max_new_tokens=12, return_full_text=False)]
    ours = [greedy(model, tokenizer, tokenizer.encode(prompt), 12) for prompt in prompts]
    assert ours[1][-1] == tokenizer.end_id and len(ours[1]) < 12
    assert theirs == [tokenizer.decode(ids) for ids in ours]
    batch = AutoTokenizer.from_pretrained(tmp_path)(prompts, padding=True, return_tensors="pt")  # padded on the left
    drawn = AutoModelForCausalLM.from_pretrained(tmp_path).generate(**batch, do_sample=False, max_new_tokens=12)
    new = drawn[:, batch["input_ids"].shape[1] :].tolist()
    assert [row[: len(ids)] for row, ids in zip(new, ours, strict=True)] == ours


# Reward model


@pytest.mark.parametrize("own", [True, False])
def test_reward_model_gives_the_same_scores_there(tmp_path, tokenizer, gpt2_files, make_scalar_model, own):
    tokenizer = tokenizer if own else load_gpt2_tokenizer(gpt2_files)
    model = make_scalar_model(vocab_size=tokenizer.vocab_size, context_length=80, d_model=32, n_heads=4)
    with torch.no_grad():
        model.scalar_head.bias.fill_(1.7)  # GPT2ForSequenceClassification has no place for it
    save_reward_model(model, tokenizer, tmp_path)
    theirs, their_tokenizer = (
        AutoModelForSequenceClassification.from_pretrained(tmp_path),
        AutoTokenizer.from_pretrained(tmp_path),
    )
    chats = [("Where?", "On the mat."), ("The cat sat on the mat. Where?", ""), ("世界", "naïve café, it's 12 😀")]
    examples = [tokenizer.encode_example(prompt, response)[0] for prompt, response in chats]
    ours = score_sequences(model, examples, tokenizer.pad_id)
    texts = [f"{tokenizer.render(prompt)}{' ' * bool(response)}{response}{tokenizer.end_token}" for prompt, response in chats]
    batch = their_tokenizer(texts, padding=True, return_tensors="pt")
    assert batch["attention_mask"].sum(1).tolist() == [len(ids) for ids in examples]
    with torch.no_grad():
        scores = theirs.eval()(**batch).logits
    assert scores.shape == (3, 1) and ours.std() > 0.1
    torch.testing.assert_close(scores[:, 0], ours, atol=1e-4, rtol=1e-4)
    judge = pipeline("text-classification", model=str(tmp_path), device="cpu")
    assert [row["score"] for row in judge(texts)] == pytest.approx(ours.tolist(), abs=1e-4)


def test_a_bias_without_weights_cannot_be_written(tmp_path, tokenizer, make_scalar_model):
    model = make_scalar_model(vocab_size=300)
    torch.nn.init.zeros_(model.scalar_head.weight)
    with pytest.raises(ValueError, match="weights of 0 and bias 0.1.* cannot be written: train"):
        save_reward_model(model, tokenizer, tmp_path)


# Tokenizer and chat template


def test_gpt2s_files_give_gpt2s_ids(gpt2_files):
    ours = load_gpt2_tokenizer(gpt2_files)
    theirs = GPT2Tokenizer.from_pretrained(gpt2_files)
    for text in [*TEXTS, *CORPUS]:
        assert ours.encode(text) == theirs.encode(text)
        assert ours.decode(ours.encode(text)) == text
    assert (ours.end_id, ours.vocab_size) == (theirs.eos_token_id, 291)
    assert ours.pad_id == 187  # byte FF: no text has it, the letter ÿ neither
    assert not {ours.pad_id, ours.end_id} & set(ours.encode("ÿ <|pad|> <|endoftext|>"))
    assert ours.tokens([ours.pad_id, ours.end_id]) == ["<|pad|>", "<|endoftext|>"]


def test_a_gpt2_tokenizer_is_kept_by_saving(gpt2_files, tmp_path):
    tokenizer = load_gpt2_tokenizer(gpt2_files)
    tokenizer.save(tmp_path / "tokenizer.json")
    again = Tokenizer.load(tmp_path / "tokenizer.json")
    assert (again.fingerprint, again.pad_id, again.end_id) == (tokenizer.fingerprint, tokenizer.pad_id, tokenizer.end_id)
    GPT2Tokenizer.from_pretrained(gpt2_files).save_pretrained(tmp_path / "theirs")  # with added tokens in its file
    assert load_gpt2_tokenizer(tmp_path / "theirs").encode_prompt("ÿ") == tokenizer.encode_prompt("ÿ")


def test_a_tokenizer_file_cannot_add_tokens_to_every_text(gpt2_files, tmp_path):
    tokenizer = load_gpt2_tokenizer(gpt2_files)
    adding = HFTokenizer.from_str(tokenizer.to_json())
    adding.post_processor = processors.TemplateProcessing(single="$A <|endoftext|>", special_tokens=[("<|endoftext|>", 290)])
    adding.save(str(tmp_path / "tokenizer.json"))
    assert adding.encode("The cat").ids[-1] == 290
    assert load_gpt2_tokenizer(tmp_path).encode("The cat") == tokenizer.encode("The cat")


def turns(*contents):
    roles = ["user", "assistant"] * len(contents)
    return [{"role": role, "content": content} for role, content in zip(roles, contents, strict=False)]


CHATS = [
    *(turns(text) for text in TEXTS),
    [{"role": "system", "content": "Be kind.\nUser: x"}, *turns("Hi", " Hello. ", "世界?")],
    turns("a", "", "b", "\n", "c\n"),
    *(turns(f"{name}: a\n{name}: b\r{name}: c\n\n{name}:\n {name}:") for name in ("User", "Assistant", "System")),
    turns("Users: 3\nDear User: hi", "User: in an answer", "Assistant:System:"),
]


@pytest.mark.parametrize("own", [True, False])
def test_chat_template_gives_the_same_ids(tmp_path, tokenizer, gpt2_files, make_gpt, own):
    tokenizer = tokenizer if own else load_gpt2_tokenizer(gpt2_files)
    save_gpt2(make_gpt(vocab_size=tokenizer.vocab_size), tokenizer, tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    for text in TEXTS:
        assert theirs.encode(text) == tokenizer.encode(text)
        assert theirs.decode(theirs.encode(text)) == text
    for chat in CHATS:
        ids = theirs.apply_chat_template(chat, add_generation_prompt=True, return_dict=False)
        assert ids == tokenizer.encode_prompt(chat)
        for answer in ("Yes.", " \n"):
            whole = theirs.apply_chat_template([*chat, {"role": "assistant", "content": answer}], return_dict=False)
            assert whole == tokenizer.encode_example(chat, answer)[0]


def test_chat_template_refuses_what_it_cannot_write(tmp_path, tokenizer, make_gpt):
    save_gpt2(make_gpt(vocab_size=300), tokenizer, tmp_path)
    theirs = AutoTokenizer.from_pretrained(tmp_path)
    with pytest.raises(TemplateError, match=r"roles go \[system,\] user.* message 1 is of user"):
        theirs.apply_chat_template([*turns("a"), *turns("b")])
    for typed in ("<|end|>", "<|pad|>"):
        with pytest.raises(TemplateError, match=f"message 0 contains .*{typed.replace('|', '.')}.*: remove it"):
            theirs.apply_chat_template(turns(f"Hi{typed}"))
    for content in ([{"type": "text", "text": "Hi"}], [{"type": "image"}], None, 3):
        for chat in (turns(content), turns("a", content, "b"), [{"role": "system", "content": content}, *turns("a")]):
            with pytest.raises(TemplateError, match=r"the content of message [01] must be a text"):
                theirs.apply_chat_template(chat)
    with pytest.raises(TemplateError, match="the content of message 1 must be a text"):
        theirs.apply_chat_template([*turns("a"), {"role": "assistant", "tool_calls": []}])


def test_added_tokens_go_in_and_out(tmp_path, gpt2_files, make_gpt):
    theirs = GPT2Tokenizer.from_pretrained(gpt2_files)
    theirs.add_special_tokens({"pad_token": "[PAD]", "additional_special_tokens": ["<|im_start|>"]})
    theirs.save_pretrained(tmp_path / "in")
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).write_bytes((gpt2_files / name).read_bytes())
    (tmp_path / "added_tokens.json").write_text('{"<|im_start|>": 292, "[PAD]": 291}')
    for folder in (tmp_path / "in", tmp_path):
        tokenizer = load_gpt2_tokenizer(folder)
        assert tokenizer.vocab_size == 293 and {tokenizer.special_tokens[i] for i in (291, 292)} == {"[PAD]", "<|im_start|>"}
        save_gpt2(make_gpt(vocab_size=293), tokenizer, tmp_path / "out")
        again = AutoTokenizer.from_pretrained(tmp_path / "out")
        for text in (*TEXTS, "[PAD] <|im_start|>user Hi"):
            assert tokenizer.decode(tokenizer.encode(text)) == text and max(tokenizer.encode(text), default=0) < 291
        assert again.convert_tokens_to_ids(["[PAD]", "<|im_start|>"]) == theirs.convert_tokens_to_ids(["[PAD]", "<|im_start|>"])
        assert again("<|im_start|>Hi").input_ids == theirs("<|im_start|>Hi").input_ids
        assert load_gpt2_tokenizer(tmp_path / "out").fingerprint == tokenizer.fingerprint
        with pytest.raises(TemplateError, match=r"message 0 contains <\|im_start\|>: remove it"):
            again.apply_chat_template(turns("Hi<|im_start|>"))


def test_others_may_read_what_is_written(tmp_path, tokenizer, make_gpt):
    save_gpt2(make_gpt(vocab_size=300), tokenizer, tmp_path)
    (tmp_path / "mine").touch()
    assert {path.stat().st_mode for path in tmp_path.iterdir()} == {(tmp_path / "mine").stat().st_mode}


# Folders that are refused


def change_config(folder, **changes):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (
            {"model_type": "llama", "architectures": ["LlamaForCausalLM"]},
            r"llama model \(LlamaForCausalLM\).* supported is GPT-2",
        ),
        ({"architectures": ["GPT2ForSequenceClassification"]}, "GPT2ForSequenceClassification.* supported is GPT-2"),
        ({"activation_function": "relu"}, "activation_function relu, supported: gelu_new"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon 1e-06, supported: 1e-05"),
        ({"scale_attn_by_inverse_layer_idx": True}, "scale_attn_by_inverse_layer_idx True, supported: False"),
        ({"n_layer": 3}, r"no GPT-2 of 3 layers: missing: \['h.2.attn.c_attn.bias'"),
        ({"n_layer": 1}, r"unknown: \['h.1.attn.c_attn.bias'"),
        ({"n_inner": 50}, "do not have the shapes of its config.json"),
        ({"vocab_size": 280}, "do not have the shapes of its config.json"),
        ({"n_positions": "24"}, "config.json has n_positions '24': expected whole numbers"),
        ({"n_embd": None, "vocab_size": None}, "config.json has vocab_size None, n_embd None: expected whole numbers"),
        ({"n_layer": 2.0}, "config.json has n_layer 2.0: expected whole numbers"),
        ({"n_head": True}, "config.json has n_head True: expected whole numbers"),
        ({"n_inner": "64"}, "config.json has n_inner '64': expected whole numbers"),
        ({"n_head": 5}, "d_model 24 cannot be split over 5 heads"),
    ],
)
def test_other_models_are_refused(tmp_path, gpt2_files, changes, message):
    make_theirs(tmp_path, gpt2_files)
    change_config(tmp_path, **changes)
    with pytest.raises(ValueError, match=message):
        load_gpt2(tmp_path)


def test_a_folder_without_a_tokenizer_has_a_model_all_the_same(tmp_path, gpt2_files):
    theirs = make_theirs(tmp_path, gpt2_files)
    for name in ("vocab.json", "merges.txt"):
        (tmp_path / name).unlink()
    assert largest_difference(load_gpt2(tmp_path), theirs, torch.randint(290, (2, 9))) < 1e-4


def test_the_other_names_of_the_sizes(tmp_path, gpt2_files):
    theirs, path = make_theirs(tmp_path, gpt2_files), tmp_path / "config.json"
    names = {"n_embd": "hidden_size", "n_layer": "num_hidden_layers", "n_head": "num_attention_heads",
             "n_positions": "max_position_embeddings"}  # fmt: skip
    path.write_text(json.dumps({names.get(key, key): value for key, value in json.loads(path.read_text()).items()}))
    assert largest_difference(load_gpt2(tmp_path), theirs, torch.randint(290, (2, 9))) < 1e-4


# Vocabularies larger than the tokenizer


@pytest.fixture
def padded(tmp_path, gpt2_files):
    """A model of 320 rows beside a tokenizer of 291 tokens; the rows without a token would win every draw."""
    theirs = make_theirs(tmp_path, gpt2_files, vocab_size=291)
    theirs.resize_token_embeddings(291, pad_to_multiple_of=64)
    with torch.no_grad():
        theirs.transformer.wte.weight[291:] = 50 * theirs.transformer.wte.weight[:29]
    theirs.save_pretrained(tmp_path)
    return load_gpt2(tmp_path), load_gpt2_tokenizer(tmp_path)


def test_rows_without_a_token_are_cut(padded, tokenizer):
    model, gpt2_tokenizer = padded
    assert model.config.vocab_size == 320
    fitted, tokens = fit_vocabulary(model, gpt2_tokenizer), torch.randint(291, (2, 9))
    assert fitted.config.vocab_size == 291 and fitted.training == model.training
    assert torch.equal(fitted(tokens), model(tokens)[..., :291])
    assert fit_vocabulary(fitted, gpt2_tokenizer) is fitted
    with pytest.raises(ValueError, match="the tokenizer has 300 tokens, the model only 291: they belong to others"):
        fit_vocabulary(fitted, tokenizer)


def test_a_token_that_was_added_without_a_row_does_no_harm(padded, tmp_path, gpt2_files):
    (tmp_path / "added_tokens.json").write_text('{"[PAD]": 291}')
    model, tokenizer = fit_vocabulary(*padded), load_gpt2_tokenizer(tmp_path)
    assert tokenizer.vocab_size == 292 and fit_vocabulary(model, tokenizer) is model
    (tmp_path / "vocab.json").write_text((gpt2_files / "vocab.json").read_text()[:-1] + ', "more": 291}')
    (tmp_path / "added_tokens.json").unlink()
    with pytest.raises(ValueError, match="the tokenizer has 292 tokens, the model only 291"):
        fit_vocabulary(model, load_gpt2_tokenizer(tmp_path))


def test_ppo_never_samples_an_id_outside_the_tokenizer(padded, tmp_path):
    model, tokenizer = padded
    assert open_base(SimpleNamespace(base=str(tmp_path), folder=tmp_path / "run"))[0].config.vocab_size == tokenizer.vocab_size
    prompts = [tokenizer.encode("The cat")] * 64
    how = {"max_new_tokens": 12, "end_id": tokenizer.end_id, "pad_id": tokenizer.pad_id}
    assert generate(model, prompts, **how).tokens.max() >= tokenizer.vocab_size
    answers = generate(fit_vocabulary(model, tokenizer), prompts, **how)
    assert answers.tokens.max() < tokenizer.vocab_size
    assert len({tokenizer.decode_response(row) for row in answers.responses()}) > 9  # every one has a text


def test_an_untied_output_layer_is_refused(tmp_path, gpt2_files):
    make_theirs(tmp_path, gpt2_files)
    tensors = load_file(tmp_path / "model.safetensors")
    save_file(tensors | {"lm_head.weight": torch.ones(300, 24)}, tmp_path / "model.safetensors")
    with pytest.raises(ValueError, match="output layer of its own"):
        load_gpt2(tmp_path)


def test_pickles_are_never_opened(tmp_path, gpt2_files):
    make_theirs(tmp_path, gpt2_files)
    (tmp_path / "model.safetensors").rename(tmp_path / "pytorch_model.bin")
    with pytest.raises(FileNotFoundError, match="Only safetensors are read.* pickle.* save_pretrained"):
        load_gpt2(tmp_path)


def test_damaged_and_missing_files_say_so(tmp_path, gpt2_files):
    make_theirs(tmp_path, gpt2_files)
    whole = (tmp_path / "model.safetensors").read_bytes()
    for damaged in (whole[:-100], whole[:50], b"", b"\xff" * 99):
        (tmp_path / "model.safetensors").write_bytes(damaged)
        with pytest.raises(ValueError, match=r"the weights in .* are damaged"):
            load_gpt2(tmp_path)
    (tmp_path / "merges.txt").write_text("no merge\n")
    with pytest.raises(ValueError, match=r"no vocabulary and merges"):
        load_gpt2_tokenizer(tmp_path)
    (tmp_path / "merges.txt").unlink()
    with pytest.raises(FileNotFoundError, match=r"no tokenizer in .*expected tokenizer.json, or vocab.json and merges.txt"):
        load_gpt2_tokenizer(tmp_path)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match="tokenizer.json is damaged"):
        load_gpt2_tokenizer(tmp_path)
    for damaged in ("[1]", "{", "\xff", "[" * 100_000):
        (tmp_path / "config.json").write_text(damaged, encoding="latin-1")
        with pytest.raises(ValueError, match="config.json .*: give the folder of a saved model"):
            load_gpt2(tmp_path)
    (tmp_path / "config.json").unlink()
    with pytest.raises(FileNotFoundError, match=r"there is no .*config\.json"):
        load_gpt2(tmp_path)


def test_an_index_cannot_lead_out_of_its_folder(tmp_path, gpt2_files):
    make_theirs(tmp_path / "model", gpt2_files)
    (tmp_path / "model/model.safetensors").rename(tmp_path / "secret.safetensors")
    index = {"weight_map": {"wte.weight": "../secret.safetensors"}}
    (tmp_path / "model/model.safetensors.index.json").write_text(json.dumps(index))
    with pytest.raises(FileNotFoundError, match=r"no secret\.safetensors in"):
        load_gpt2(tmp_path / "model")


def test_hub_names_fetch_only_what_cannot_run(tmp_path, gpt2_files, monkeypatch):
    theirs, asked = make_theirs(tmp_path, gpt2_files), []

    def fetch(name, allow_patterns):
        asked.append((name, allow_patterns))
        return str(tmp_path)

    monkeypatch.setattr(hf_load, "snapshot_download", fetch)
    assert largest_difference(load_gpt2("openai-community/gpt2"), theirs, torch.randint(290, (1, 9))) < 1e-4
    [(name, patterns)] = asked
    assert name == "openai-community/gpt2"
    assert not any(pattern.endswith((".bin", ".py", "*", ".pt")) for pattern in patterns)
    for path in ("./models/gpt2", "/none", "a/b/c"):
        with pytest.raises(FileNotFoundError, match="no folder .*, nor is it a name on the Hugging Face hub"):
            load_gpt2(path)


def test_an_unknown_hub_name_says_so(monkeypatch):
    def fail(name, allow_patterns):
        raise ConnectionError("no network")

    monkeypatch.setattr(hf_load, "snapshot_download", fail)
    with pytest.raises(FileNotFoundError, match="no folder gpt9, and the Hugging Face hub did not give .*: no network"):
        load_gpt2("gpt9")


def test_a_folder_is_never_a_mix_of_two_models(tmp_path, tokenizer, make_gpt, monkeypatch):
    save_gpt2(make_gpt(vocab_size=300), tokenizer, tmp_path)

    def stop(*arguments):
        raise KeyboardInterrupt

    monkeypatch.setattr(hf_save, "write_safetensors", stop)
    with pytest.raises(KeyboardInterrupt):
        save_gpt2(make_gpt(vocab_size=300, d_model=32), tokenizer, tmp_path)
    with pytest.raises(FileNotFoundError, match="no model.safetensors"):
        load_gpt2(tmp_path)


def test_a_tokenizer_larger_than_the_model_is_refused(tmp_path, tokenizer, make_gpt):
    with pytest.raises(ValueError, match="tokenizer has 300 tokens, the model only 11"):
        save_gpt2(make_gpt(), tokenizer, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def test_merges_of_the_toy_files_are_real(gpt2_files):
    """The toy vocabulary is built as GPT-2's: bytes first, then one token a merge, in order."""
    vocabulary = json.loads((gpt2_files / "vocab.json").read_text())
    merges = (gpt2_files / "merges.txt").read_text().splitlines()[1:]
    ids = [vocabulary["".join(merge.split(" "))] for merge in merges]
    assert ids[0] == 256 and all(b == a + 1 for a, b in pairwise(ids))
