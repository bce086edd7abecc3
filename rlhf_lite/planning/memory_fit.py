"""Choose how much of a batch to take at once, so that every stage of a run fits into a GPU: before it starts.

`plan` adds up what a stage needs; what this library keeps beyond it is added here: models that are only read stay in
float32, with a copy in bfloat16 while they compute; and the judge is there while PPO is watched.
"""

from dataclasses import dataclass, replace

from ..engine import EngineConfig
from .costs import GB, MASTER_BYTES
from .plan import SLACK, Cluster, StagePlan, plan_stage
from .recipes import Recipe
from .workload import Resident, Stage, stages

LARGEST = 64
"""Most sequences in a micro-batch: more does not make a GPU faster (ours)."""
COMFORTABLE = 4
"""With at least so many in a micro-batch, nothing is computed twice to save memory (ours)."""


@dataclass(frozen=True)
class Fit:
    """Settings of the engine, and what each stage needs with them."""

    engine: EngineConfig
    plans: list[StagePlan]
    cluster: Cluster

    @property
    def fits(self) -> bool:
        """Tell whether every stage fits."""
        return all(needed_gb(each, self.cluster.gpus) <= SLACK * self.cluster.gpu_memory for each in self.plans)


def needed_gb(planned: StagePlan, gpus: int = 1) -> float:
    """Return the GB that a stage takes of the fullest GPU, with what this library keeps beyond the plan."""
    beyond = 0.0
    for model in planned.stage.residents:
        in_float32 = MASTER_BYTES * model.config.n_parameters / gpus
        if not model.trained and planned.memory[model.role].weights < in_float32:  # the plan has the copy only
            beyond += in_float32
    return (planned.total_memory + beyond) / GB


def training_stages(recipe: Recipe) -> list[Stage]:
    """List the stages that a run on a given base model goes through; the judge is planned as the reward model is."""
    made = [stage for stage in stages(recipe) if stage.name != "pretrain"]
    if recipe.preset.ppo_ptx.ptx_coef == 0:
        made = [replace(stage, name=stage.name.replace("ppo_ptx", "ppo")) for stage in made]
    critic = Resident(role="judge", config=recipe.critic, trained=False)  # it watches PPO
    return [replace(each, residents=(*each.residents, critic)) if len(each.residents) > 1 else each for each in made]


def fit(recipe: Recipe, engine: EngineConfig, *, gpu_memory: float, gpus: int = 1) -> Fit:
    """Find the settings with which a run fits into GPUs of `gpu_memory` GB; what `engine` sets already stays.

    Returns: the first that fits of: the largest micro-batch without recomputing, if it is at least COMFORTABLE; the largest
    with it. Where none fits, the smallest, which does not.
    """
    ways = [(activation_checkpointing, n) for activation_checkpointing, least in ((False, COMFORTABLE), (True, 1)) for n in _halves(LARGEST) if n >= least]
    if engine.activation_checkpointing:
        ways = [way for way in ways if way[0]]
    if engine.micro_batch_size:
        ways = [(activation_checkpointing, engine.micro_batch_size) for activation_checkpointing in (engine.activation_checkpointing, True)]
    made = None
    for activation_checkpointing, micro_batch in ways:
        made = _with(recipe, replace(engine, activation_checkpointing=activation_checkpointing, micro_batch_size=micro_batch), gpu_memory, gpus)
        if made.fits:
            return made
    return made


def _halves(largest: int) -> list[int]:
    return [2**k for k in reversed(range(largest.bit_length()))]


def _with(recipe: Recipe, engine: EngineConfig, gpu_memory: float, gpus: int) -> Fit:
    """Plan all stages, with the largest portion of a rollout that fits."""
    episodes = -(-recipe.preset.ppo.episodes // gpus)
    portions = [engine.sampling_batch_size] if engine.sampling_batch_size else [episodes, *_halves(episodes)]
    made = None
    for portion in portions:
        cluster = Cluster(gpus=gpus, gpu_memory=gpu_memory, micro_batch=engine.micro_batch_size, sampling_batch=portion,
                          checkpointing=engine.activation_checkpointing, precision="bf16" if engine.bfloat16 else "fp32")  # fmt: skip
        plans = [plan_stage(stage, cluster) for stage in training_stages(recipe)]
        made = Fit(replace(engine, sampling_batch_size=portion), plans, cluster)
        rollouts = [each for each in plans if each.micro_batch == 0]
        if all(needed_gb(each, gpus) <= SLACK * gpu_memory for each in rollouts):
            break
    return made


def rows_of(made: Fit) -> list[dict[str, float | str]]:
    """Give each stage's GB: what its models hold, what working takes at most, together, and the GPU's usable memory."""
    rows = []
    for each in made.plans:
        held = sum(part.weights + part.gradients + part.optimizer for part in each.memory.values()) / GB
        total = needed_gb(each, made.cluster.gpus)
        rows.append({"stage": each.stage.name, "models": len(each.memory), "held_gb": held, "working_gb": total - held,
                     "total_gb": total})  # fmt: skip
    return rows


def fit_text(made: Fit) -> str:
    """Write the plan as a table, with the settings that were chosen, and with advice where it does not fit."""
    engine, usable = made.engine, SLACK * made.cluster.gpu_memory
    lines = [f"{'stage':<17}{'models':>7}{'held':>9}{'working':>9}{'together':>10}   (GB of the fullest GPU)"]
    for row in rows_of(made):
        verdict = "" if row["total_gb"] <= usable else "   DOES NOT FIT"
        numbers = f"{row['held_gb']:>9.2f}{row['working_gb']:>9.2f}{row['total_gb']:>10.2f}"
        lines.append(f"{row['stage']:<17}{row['models']:>7}{numbers}{verdict}")
    lines.append(
        f"{usable:.1f} GB of {made.cluster.gpu_memory:g} are usable; micro-batch {engine.micro_batch_size}, "
        f"{engine.sampling_batch_size} answers sampled at once, {'activation checkpointing' if engine.activation_checkpointing else 'nothing computed twice'}, "
        f"{'bfloat16' if engine.bfloat16 else 'float32'}"
    )
    return "\n".join(lines)


def check_fit(made: Fit) -> None:
    """Refuse a run that does not fit. Raises: ValueError with the table and what to do."""
    if made.fits:
        return
    advice = ["--engine.bfloat16"] if not made.engine.bfloat16 else []
    advice += ["leave out --engine.micro-batch-size and --engine.sampling-batch-size", "a shorter --max-prompt-tokens",
               "a smaller --ppo.max-new-tokens and --ppo-ptx.max-new-tokens", "a shorter --ppo-ptx.ptx-sequence-length",
               "several GPUs: torchrun --nproc-per-node N -m rlhf_lite gpt2 ...", "a smaller --base"]  # fmt: skip
    raise ValueError(f"the run does not fit:\n{fit_text(made)}\nany of these may help: " + "; ".join(advice))
