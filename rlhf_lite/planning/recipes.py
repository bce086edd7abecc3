"""The same recipe at every size: nano and tiny, GPT-2, GPT-3's eight sizes, and InstructGPT's three.

A `Recipe` is a `Preset` with what the papers add: a reward model of another size, the extra stage before PPO, the amounts
of data. Every setting has a tag: `paper` (printed in the paper on that model), `lineage` (not printed, taken from its
predecessors: GPT-3, Ziegler 2019, Stiennon 2020 and their code) or `ours`.

Two rows of GPT-3's table 2.1 cannot be built as printed: XL has 24 heads of width 128, together 3,072 and not its width of
2,048 (here 16 heads), and 13B has width 5,140, which is not 40 heads of 128 (here 5,120). GPT-2's paper prints 117M, 345M,
762M and 1,542M parameters; the released weights have 124M, 355M, 774M and 1,558M, as counting gives.

Steps and batches of sequences are worked out from the papers' tokens. Not imitated: GPT-3's batch grows from 32k tokens and
its cosine ends at 260B of the 300B tokens; InstructGPT computes in fp16.

Sources: GPT-2 Radford 2019 · GPT-3 Brown 2020, table 2.1 and appendix B · InstructGPT Ouyang 2022, table 6 and appendix C.
"""

from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from ..gpt import GPT2, SMALL, GPTConfig
from ..optim import OptimConfig
from ..ppo import PPOConfig
from ..presets import PRESETS, ComparisonConfig, Preset
from ..pretrain import PretrainConfig
from ..reward import RewardConfig
from ..sft import SFTConfig

Tag = Literal["paper", "lineage", "ours"]
OF_THE_TINY_WORLD = tuple(
    "copying_start whole_documents primer_steps primer_length short_steps short_length muon_learning_rate eval_every "
    "pretraining_length sft_answers high_temperature_answers high_temperature base_answers off_topic_answers rounds "
    "iterations_between written_pairs in_order text_coef drills muon_parts".split()
)
"""Ends of the names of settings that no paper has."""


@dataclass(frozen=True, kw_only=True)
class Recipe:
    """All settings of a run, from pretraining to PPO-ptx, with where each comes from."""

    name: str
    """What `--preset` calls it."""
    preset: Preset
    """The policy's shape and the stages."""
    critic: GPTConfig
    """Shape of the reward model and of the value model."""
    demonstrations: int
    """Examples of stage 1, per epoch; of our presets about as many as the tiny world gives."""
    answers: tuple[int, int]
    """Fewest and most ranked answers per prompt."""
    ppo_prompts: int = 0
    """Different prompts of stage 3; 0 = as many as there are users' prompts (ours)."""
    ppo_start: SFTConfig | None = None
    """InstructGPT's extra stage: the start of PPO is trained from GPT-3 on demonstrations with pretraining text mixed in."""
    ppo_start_pretraining_share: float = 0.1
    """Share of pretraining text in that stage."""
    tags: dict[str, Tag] = field(default_factory=dict)
    """Dotted name of a setting -> tag; a setting that is not named is ours."""
    longest: int = 0
    """Tokens of the longest prompt and answer together, where they are cut shorter than the context; 0 = the context."""
    note: str = ""
    """What a reader should know."""

    @property
    def model(self) -> GPTConfig:
        """Shape of the policy and its reference."""
        return self.preset.model

    @property
    def dialogue_length(self) -> int:
        """Tokens of the longest prompt and answer together."""
        return self.longest or self.model.context_length

    def settings(self) -> dict[str, tuple[Any, Tag]]:
        """Return every setting: dotted name -> (value, tag).

        Settings of PPO-ptx that equal PPO's are left out; of a paper's model, those that only the tiny world has.
        """
        preset, stages = self.preset, {"model": self.model, "critic": self.critic}
        stages |= {"pretrain": preset.pretrain, "sft": preset.sft, "ppo_start": self.ppo_start}
        stages |= {"comparisons": preset.comparisons, "reward": preset.reward, "ppo": preset.ppo, "ppo_ptx": preset.ppo_ptx}
        flat = _flatten({name: asdict(stage) for name, stage in stages.items() if stage is not None})
        flat |= {"sft.demonstrations": self.demonstrations, "comparisons.answers": self.answers}
        hidden = {name for name in flat if name.startswith("ppo_ptx.") and flat[name] == flat[name.replace("_ptx", "", 1)]}
        if self.ppo_start is not None:
            flat |= {"ppo_start.pretraining_share": self.ppo_start_pretraining_share, "ppo.prompts": self.ppo_prompts}
            hidden |= {name for name in flat if name.endswith(OF_THE_TINY_WORLD)}
        return {name: (value, self.tags.get(name, "ours")) for name, value in flat.items() if name not in hidden}


def _flatten(tree: dict[str, Any]) -> dict[str, Any]:
    """Join names by dots. Example: {"a": {"b": 1}} gives {"a.b": 1}."""
    flat: dict[str, Any] = {}
    for name, value in tree.items():
        flat |= {f"{name}.{key}": each for key, each in _flatten(value).items()} if isinstance(value, dict) else {name: value}
    return flat


def _tags(tag: Tag, names: str) -> dict[str, Tag]:
    return dict.fromkeys(names.split(), tag)


SHAPE_TAGS = _tags("paper", "model.vocab_size model.context_length model.d_model model.n_layers model.n_heads model.d_ff")
GPT3_TAGS = SHAPE_TAGS | _tags(
    "paper",
    "pretrain.steps pretrain.batch_size pretrain.sequence_length pretrain.optim.learning_rate pretrain.optim.final_fraction "
    "pretrain.optim.warmup_steps pretrain.optim.beta1 pretrain.optim.beta2 pretrain.optim.epsilon pretrain.optim.weight_decay "
    "pretrain.optim.max_grad_norm",
)
STAGE_OPTIMIZERS = ("sft.optim", "ppo_start.optim", "reward.optim", "ppo.optim", "ppo.value_optim")
INSTRUCTGPT_TAGS = (
    {f"{stage}.{name}": "paper" for stage in STAGE_OPTIMIZERS for name in ("beta1", "beta2", "final_fraction")}
    | {f"{stage}.{name}": "lineage" for stage in STAGE_OPTIMIZERS for name in ("epsilon", "weight_decay", "max_grad_norm")}
    | _tags(
        "paper",
        "sft.demonstrations sft.epochs sft.batch_size sft.dropout sft.optim.learning_rate sft.optim.warmup_steps "
        "ppo_start.epochs ppo_start.batch_size ppo_start.optim.learning_rate ppo_start.pretraining_share "
        "ppo.prompts comparisons.prompts comparisons.answers reward.epochs reward.batch_size reward.optim.learning_rate "
        "ppo.iterations ppo.episodes ppo.minibatch_size ppo.inner_epochs ppo.max_new_tokens ppo.temperature ppo.kl_coef "
        "ppo.ratio_clip ppo.discount ppo.ema_decay ppo.optim.warmup_steps ppo.value_optim.learning_rate "
        "ppo_ptx.ptx_coef ppo_ptx.ptx_batch_size",
    )
    | _tags("lineage", "ppo.value_clip ppo.gae_lambda ppo.whiten_advantages")
)


def _shape(n_layers: int, n_heads: int, d_model: int, context_length: int = 2048) -> GPTConfig:
    return GPTConfig(vocab_size=50257, context_length=context_length, d_model=d_model, n_layers=n_layers, n_heads=n_heads)


def _pretrain(tokens: float, batch_tokens: float, learning_rate: float, warmup_tokens: float, length: int) -> PretrainConfig:
    """Turn amounts of tokens, as papers give them, into steps and sequences."""
    batch_size = round(batch_tokens / length)
    step_tokens = batch_size * length
    optim = OptimConfig(learning_rate=learning_rate, warmup_steps=round(warmup_tokens / step_tokens))
    return PretrainConfig(
        steps=round(tokens / step_tokens), batch_size=batch_size, sequence_length=length, eval_every=1000, optim=optim
    )


def _instructgpt(
    name: str, model: GPTConfig, critic: GPTConfig, pretrain: PretrainConfig, *, rates: str, tags: dict[str, Tag], note: str = ""
) -> Recipe:
    """Put InstructGPT's stages on a pretrained model, with the learning rates of the size `rates`."""
    sft_rate, start_rate, value_rate, batch_size = RATES[rates]
    rate = OptimConfig(learning_rate=sft_rate)
    sft = SFTConfig(epochs=16, batch_size=batch_size, dropout=0.2, pretraining_share=0.0, optim=rate)
    start = SFTConfig(epochs=2, batch_size=batch_size, optim=OptimConfig(learning_rate=start_rate))
    # the policy's rate is not printed, only that 2.55e-6 to 2.55e-5 were tried: their geometric mean (ours);
    # 10 iterations of warm-up are 80 steps of 64 episodes
    optim = OptimConfig(learning_rate=8.06e-6, warmup_steps=80, final_fraction=1.0)
    ppo = PPOConfig(
        iterations=500, episodes=512, minibatch_size=64, inner_epochs=1, max_new_tokens=model.context_length // 2, kl_coef=0.02,
        truncated_penalty=0.0, ptx_sequence_length=model.context_length, ema_decay=0.992, optim=optim,
        value_optim=replace(optim, learning_rate=value_rate),
    )  # fmt: skip
    return Recipe(
        name=name, critic=critic, demonstrations=12_725, answers=(4, 9), ppo_prompts=31_144, ppo_start=start,
        tags=tags, note=note,
        preset=Preset(
            model=model, pretrain=pretrain, sft=sft, ppo=ppo,
            comparisons=ComparisonConfig(
                prompts=33_207, sft_answers=9, high_temperature_answers=0, base_answers=0, off_topic_answers=0,
            ),
            reward=RewardConfig(batch_size=64, optim=OptimConfig(learning_rate=9e-6)),
            ppo_ptx=replace(ppo, ptx_coef=27.8, ptx_batch_size=8 * 64),
        ),
    )  # fmt: skip


# size -> SFT's learning rate, that of PPO's start, the value model's, and the batch of both (paper)
RATES = {"1.3b": (9.65e-6, 5e-6, 9e-6, 32), "6b": (9.65e-6, 1.04e-5, 9e-6, 32), "175b": (5.03e-6, 2.45e-6, 5e-6, 8)}

# name -> shape, tokens per batch, peak learning rate, parameters that the paper prints (Brown 2020, table 2.1)
GPT3 = {
    "gpt3-small": (_shape(12, 12, 768), 0.5e6, 6.0e-4, 125e6),
    "gpt3-medium": (_shape(24, 16, 1024), 0.5e6, 3.0e-4, 350e6),
    "gpt3-large": (_shape(24, 16, 1536), 0.5e6, 2.5e-4, 760e6),
    "gpt3-xl": (_shape(24, 16, 2048), 1e6, 2.0e-4, 1.3e9),
    "gpt3-2.7b": (_shape(32, 32, 2560), 1e6, 1.6e-4, 2.7e9),
    "gpt3-6.7b": (_shape(32, 32, 4096), 2e6, 1.2e-4, 6.7e9),
    "gpt3-13b": (_shape(40, 40, 5120), 2e6, 1.0e-4, 13e9),
    "gpt3-175b": (_shape(96, 96, 12288), 3.2e6, 0.6e-4, 175e9),
}
MISPRINTS = {
    "gpt3-xl": "the paper prints 24 heads of width 128, which is not the width of 2,048: here 16",
    "gpt3-13b": "the paper prints width 5,140, which is not 40 heads of width 128: here 5,120",
}
CORRECTED = {"gpt3-xl": ("model.n_heads",), "gpt3-13b": ("model.d_model", "model.d_ff")}
"""Settings that are not as printed: ours."""
# name -> shape, peak learning rate (ours: GPT-3's at that size), parameters of the released weights, and those printed
GPT2_SIZES = {
    "gpt2": (GPT2, 6.0e-4, 124_439_808, 117e6),
    "gpt2-medium": (_shape(24, 16, 1024, 1024), 3.0e-4, 354_823_168, 345e6),
    "gpt2-large": (_shape(36, 20, 1280, 1024), 2.5e-4, 774_030_080, 762e6),
    "gpt2-xl": (_shape(48, 25, 1600, 1024), 2.0e-4, 1_557_611_200, 1542e6),
}
GPT2_LONGEST = 640  # 512 of the prompt, 128 of the answer
SIX_BILLION = GPT3["gpt3-6.7b"][0]
INSTRUCTGPT = {"instructgpt-1.3b": "gpt3-xl", "instructgpt-6b": "gpt3-6.7b", "instructgpt-175b": "gpt3-175b"}


# settings of InstructGPT on a model that the paper did not train: its learning rates are then our choice
BORROWED = {name: tag for name, tag in INSTRUCTGPT_TAGS.items() if not name.endswith("learning_rate")}


def _gpt2(name: str) -> Recipe:
    model, rate, _, printed = GPT2_SIZES[name]
    note = f"the paper prints {printed / 1e6:,.0f}M parameters"
    if name == "gpt2":
        recipe = _own(name, PRESETS[name], 20_000, f"{note}; `python -m rlhf_lite gpt2` begins with the released weights")
        return replace(recipe, longest=GPT2_LONGEST, tags=recipe.tags | SHAPE_TAGS)
    pretrain = _pretrain(10e9, 2**19, rate, 375e6, model.context_length)
    return _instructgpt(name, model, model, pretrain, rates="1.3b", tags=BORROWED | SHAPE_TAGS,
                        note=f"{note} and tells neither tokens nor learning rate: 10B tokens are ours")  # fmt: skip


def _gpt3(name: str) -> Recipe:
    model, batch_tokens, rate, _ = GPT3[name]
    critic = min(model, SIX_BILLION, key=lambda shape: shape.n_parameters)
    rates = "175b" if name == "gpt3-175b" else "6b" if model.n_parameters > 2e9 else "1.3b"
    pretrain = _pretrain(300e9, batch_tokens, rate, 375e6, model.context_length)
    tags = BORROWED | GPT3_TAGS | dict.fromkeys(CORRECTED.get(name, ()), "ours")
    return _instructgpt(name, model, critic, pretrain, rates=rates, tags=tags, note=MISPRINTS.get(name, ""))


def _published_instructgpt(name: str) -> Recipe:
    base = _gpt3(INSTRUCTGPT[name])
    note = "reward and value model are of 6B at every size (paper); their shape is not printed: here GPT-3 6.7B's (ours)"
    tags, rates = base.tags | INSTRUCTGPT_TAGS, name.removeprefix("instructgpt-")
    return _instructgpt(name, base.model, SIX_BILLION, base.preset.pretrain, rates=rates, tags=tags, note=note)


def _small() -> Preset:
    """Choose settings of a 30M model by the neighbouring sizes'; nobody has trained it yet."""
    ppo = PPOConfig(max_new_tokens=128, optim=OptimConfig(learning_rate=5e-5, warmup_steps=10, final_fraction=1.0))
    return Preset(
        model=SMALL, pretrain=_pretrain(0.6e9, 2**15, 1e-3, 10e6, 512), sft=SFTConfig(optim=OptimConfig(learning_rate=1e-4)),
        reward=RewardConfig(optim=OptimConfig(learning_rate=1e-4)), ppo=ppo, ppo_ptx=replace(ppo, ptx_coef=0.5),
    )  # fmt: skip


def _own(name: str, preset: Preset, demonstrations: int, note: str) -> Recipe:
    """Tag a preset of ours: a value that is InstructGPT's has its tag, all others are ours."""
    answers = (2, preset.comparisons.answers_per_prompt)  # identical answers are dropped
    recipe = Recipe(name=name, preset=preset, critic=preset.model, demonstrations=demonstrations, answers=answers, note=note)
    theirs = _published_instructgpt("instructgpt-1.3b").settings()
    same = {key: theirs[key][1] for key, (value, _) in recipe.settings().items() if key in theirs and theirs[key][0] == value}
    return replace(recipe, tags={key: tag for key, tag in same.items() if not key.startswith(("model.", "critic."))})


RECIPES: dict[str, Recipe] = {
    "nano": _own("nano", PRESETS["nano"], 200, "runs through all stages in seconds and learns next to nothing"),
    "tiny": _own("tiny", PRESETS["tiny"], 3500, "the course's model"),
    "small": _own("small", _small(), 3500, "for one GPU; not trained yet"),
    **{name: _gpt2(name) for name in GPT2_SIZES},
    **{name: _gpt3(name) for name in GPT3},
    **{name: _published_instructgpt(name) for name in INSTRUCTGPT},
}
"""Every size by its name."""


def recipe_named(name: str) -> Recipe:
    """Find a recipe.

    Raises: ValueError listing the names that exist.
    """
    if name not in RECIPES:
        raise ValueError(f"no preset {name!r}: choose one of {', '.join(RECIPES)}")
    return RECIPES[name]
