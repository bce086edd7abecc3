"""Sample and run PPO where weights stay sharded, started by test_processes in one process or several; print what came out.

Answers of the first half of the rows end soon, those of the second half late: processes finish at different times.
Then a training state is damaged.
"""

import json
import sys
from pathlib import Path

import torch

from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.engine import Engine, EngineConfig, end_process
from rlhf_lite.generate import Generation, generate
from rlhf_lite.gpt import GPT, GPTConfig, ScalarModel
from rlhf_lite.kernels import packed_weights as packed_weights
from rlhf_lite.optim import OptimConfig, build_optimizer
from rlhf_lite.ppo import PPOConfig, train_ppo

END, PAD, ROWS, NEW = 1, 0, 16, 20
IDS = {"end_id": END, "pad_id": PAD}


def make_policy() -> GPT:
    """Build a policy whose weights are wide enough that answers differ, the same in every process."""
    model = GPT(GPTConfig(vocab_size=17, context_length=32, d_model=16, n_layers=2, n_heads=2))
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in model.parameters():
            if parameter.dim() == 2:
                parameter.normal_(std=0.2, generator=generator)
    return model.eval()


def uneven_rows() -> tuple[list[list[int]], torch.Tensor]:
    """Prompts and random numbers: the rows that one process answers shortest, then those that it answers longest."""
    generator = torch.Generator().manual_seed(1)
    prompts = [torch.randint(2, 17, (1 + i % 7,), generator=generator).tolist() for i in range(4 * ROWS)]
    uniforms = torch.rand(len(prompts), NEW, generator=generator)
    answers = generate(make_policy(), prompts, max_new_tokens=NEW, uniforms=uniforms, **IDS).responses()
    order = sorted(range(len(prompts)), key=lambda i: len(answers[i]))
    order = order[: ROWS // 2] + order[-ROWS // 2 :]
    return [prompts[i] for i in order], uniforms[order]


def sampled(engine: Engine) -> list[list[int]]:
    """Sample uneven rows, each process its half; check before every pass that no block lies whole in this process."""
    prompts, uniforms = uneven_rows()
    policy = engine.prepare(make_policy())
    asked, any_process = [], engine.any_process

    def watch(value: bool) -> bool:
        assert all(hasattr(p, "placements") for p in policy.blocks.parameters()), "a block is whole"
        asked.append(value)
        return any_process(value)

    engine.any_process = watch
    with engine.unsharded(policy):
        answers = generate(policy, engine.scatter(prompts), max_new_tokens=NEW, uniforms=engine.scatter(uniforms), **IDS)
    if engine.n_processes > 1:
        lengths = [len(ids) for ids in answers.responses()]
        passes = engine.gather(torch.tensor([max(lengths)])).tolist()
        assert asked.count(True) == max(lengths), "each pass is announced"
        assert asked.count(False) == 1 + max(passes) - max(lengths), "one that is done asks until all are"
        assert engine.rank > 0 or max(lengths) < NEW / 2, "both processes end at once"
    return gathered(engine, answers)


def gathered(engine: Engine, answers: Generation) -> list[list[int]]:
    """Put the rows of all processes together, padding left out."""
    tokens, last = engine.gather(answers.tokens, fill=PAD), engine.gather(answers.lengths)
    return [row[:n] for row, n in zip(tokens.tolist(), last.tolist(), strict=True)]


def sampled_whole() -> list[list[int]]:
    """Sample the same rows with all weights in each process, packed for oneDNN where the processor has it."""
    prompts, uniforms = uneven_rows()
    engine = Engine(EngineConfig(device="cpu"))
    policy, before = engine.prepare(make_policy()), packed_weights.LARGE
    packed_weights.LARGE = 0
    with engine.unsharded(policy):
        assert packed_weights.pays(policy, rows=2) == torch.backends.mkl.is_available()
        answers = generate(policy, engine.scatter(prompts), max_new_tokens=NEW, uniforms=engine.scatter(uniforms), **IDS)
    assert engine.n_processes == 1 or not packed_weights.pays(policy, rows=2), "weights are not whole any more"
    packed_weights.LARGE = before
    return gathered(engine, answers)


def trained(engine: Engine) -> dict[str, list]:
    """Run PPO; return its log and the tokens of every rollout."""
    rollouts, run = [], TrainingRun(None, show_progress=False, engine=engine)
    config = PPOConfig(iterations=3, episodes=8, minibatch_size=4, max_new_tokens=NEW, eval_every=1)

    def watch(average: GPT, rollout) -> dict:
        rollouts.append(rollout.tokens.tolist())
        seen = generate(average, [[3], [4, 5]], max_new_tokens=NEW, generator=torch.Generator().manual_seed(2), **IDS)
        return {"monitored": seen.tokens.tolist()}

    torch.manual_seed(5)
    train_ppo(make_policy(), ScalarModel(make_policy()), lambda tokens, mask: (tokens * mask).sum(1) / mask.sum(1),
              uneven_rows()[0], config, seed=0, run=run, evaluate=watch, **IDS)  # fmt: skip
    return {"log": run.history, "rollouts": rollouts}


def told_of_damage(engine: Engine, folder: Path) -> list[bool]:
    """Save a training state, flip one bit of it, and go on: say for each process whether it was told."""
    model = engine.prepare(make_policy())
    optimizer = build_optimizer(model, OptimConfig())

    def go_on(steps: int) -> None:
        for _ in TrainingRun(folder, show_progress=False, engine=engine).steps(steps, {"model": model}, {"model": optimizer}):
            model(torch.tensor([[3]])).sum().backward()
            optimizer.step()

    go_on(1)
    if engine.is_main:
        file = max(folder.rglob("*.safetensors"))
        content = bytearray(file.read_bytes())
        content[-3] ^= 16
        file.write_bytes(content)
    engine.barrier()
    try:
        go_on(2)
    except ValueError as error:
        return engine.gather(torch.tensor(["is not a whole checkpoint" in str(error)])).tolist()
    return engine.gather(torch.tensor([False])).tolist()


if __name__ == "__main__":
    torch.set_num_threads(1)
    machine = Engine(EngineConfig(device="cpu", sample_sharded=True))
    found = {"sampled": sampled(machine), "sampled whole": sampled_whole(), **trained(machine)}
    found["told"] = told_of_damage(machine, Path(sys.argv[1]).with_suffix(""))
    if machine.is_main:
        Path(sys.argv[1]).write_text(json.dumps(found))
    end_process()
