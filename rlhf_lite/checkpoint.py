"""Stop at any moment and go on: the whole state of a training run in one file that appears whole or not at all.

The state before it is kept, for the day on which the disk damages the newer one. Where models lie in several processes, the
main one collects and writes whole tensors, and each process takes its part of them: any number of processes may go on.
"""

import re
import time
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from tqdm.auto import tqdm

from .engine import Engine
from .files import append_line, json_line, load_tensors, read_log, save_tensors, short, write_atomically
from .gpt import GPT, GPTConfig, ScalarModel
from .kernels.sharding import collect, is_main_process, split_like

MODEL_CLASSES = {"GPT": GPT, "ScalarModel": ScalarModel}


def save_model(path: str | Path, model: GPT | ScalarModel, *, dtype: torch.dtype | None = None, **about: Any) -> None:
    """Write weights with the config that rebuilds the model; `dtype` stores them shorter, `about` adds notes.

    Where a model lies in several processes, all must call this; the main one writes.
    """
    kind = "ScalarModel" if isinstance(model, ScalarModel) else "GPT"  # FSDP2 gives a sharded model's class another name
    tensors = collect({name: t.to(dtype or t.dtype) for name, t in model.state_dict().items()})
    if is_main_process():
        save_tensors(Path(path), tensors, {"model": kind, "config": asdict(model.config), **about})


def load_model(
    path: str | Path, *, stage: str | None = None, kind: type | None = None, vocab_size: int = 0
) -> GPT | ScalarModel:
    """Rebuild a model, in float32 and evaluation mode, from a file of `save_model`.

    Raises:
        FileNotFoundError, ValueError: naming the file and what to do; also where the file says that it is of another stage
            than `stage`, or of another class than `kind`, or where its vocabulary is smaller than `vocab_size`.
    """
    tensors, about = load_tensors(path)
    kinds = sorted(MODEL_CLASSES) if kind is None else [kind.__name__]
    if about.get("model") not in kinds:
        raise ValueError(f"{path} holds a {about.get('model')!r}, expected one of {kinds}: train this stage again")
    if stage not in (None, about.get("stage", stage)):
        raise ValueError(f"{path} comes from stage {about['stage']!r}, expected {stage!r}: delete it and train that stage again")
    try:
        gpt = GPT(GPTConfig(**about["config"]))
    except (TypeError, KeyError, ValueError) as error:
        raise ValueError(
            f"{path} has a config that GPTConfig does not know ({error}): it comes from another version, train the stage again"
        ) from None
    if gpt.config.vocab_size < vocab_size:
        raise ValueError(
            f"{path} knows {gpt.config.vocab_size} tokens, but its tokenizer {vocab_size}: put the two that belong together there"
        )
    model = gpt if about["model"] == "GPT" else ScalarModel(gpt)
    try:
        # files of earlier versions call the backbone "trunk"
        model.load_state_dict({re.sub(r"^trunk\.", "backbone.", name): tensor.float() for name, tensor in tensors.items()})
    except RuntimeError as error:
        raise ValueError(f"{path}: its weights do not fit its config ({short(error)}): train this stage again") from None
    return model.eval()


def _optimizer_tensors(name: str, optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"optimizer/{name}/{i}/{key}": value for i, slots in state.items() for key, value in slots.items()}


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [p for group in optimizer.param_groups for p in group["params"]]


def _restore_optimizer(name: str, optimizer: torch.optim.Optimizer, tensors: dict[str, Tensor]) -> None:
    state, parameters = optimizer.state_dict(), _parameters(optimizer)
    for full_name, tensor in tensors.items():
        if full_name.startswith(f"optimizer/{name}/"):
            *_, index, key = full_name.split("/")
            shape = parameters[int(index)].shape
            if tensor.dim() and tensor.shape != shape:
                raise ValueError(f"{full_name} has shape {tuple(tensor.shape)}, expected {tuple(shape)}")
            state["state"].setdefault(int(index), {})[key] = tensor
    optimizer.load_state_dict(state)


def _places(models: dict[str, nn.Module], optimizers: dict[str, torch.optim.Optimizer]) -> dict[str, Tensor]:
    """Return, by the beginning of its name in a state, a tensor of the shape and placement that it has in the run."""
    places = {f"model/{name}/{key}": t for name, model in models.items() for key, t in model.state_dict().items()}
    for name, optimizer in optimizers.items():
        places |= {f"optimizer/{name}/{i}": p for i, p in enumerate(_parameters(optimizer))}
    return places


class TrainingRun:
    """Count the steps of one stage, log them, and save everything often enough to lose at most some seconds.

    With folder=None nothing is written. Data position needs no saving: batches follow from the step (see `data`).
    """

    def __init__(
        self,
        folder: str | Path | None,
        *,
        save_every_seconds: float = 15.0,
        show_progress: bool = True,
        name: str = "",
        engine: Engine | None = None,
    ):
        self.folder = Path(folder) if folder else None
        self.engine = engine or Engine()
        self.save_every_seconds, self.name = save_every_seconds, name
        self.show_progress = show_progress and self.engine.is_main
        if not save_every_seconds >= 0:
            raise ValueError(f"save_every_seconds is {save_every_seconds}, expected 0 or more")
        self.history: list[dict[str, Any]] = []
        self._bar: tqdm | None = None
        self._newest_is_whole = False  # only then it may take the place of the one before

    @property
    def state_path(self) -> Path:
        """The file that holds the whole state."""
        return self.folder / "state.safetensors"

    @property
    def previous_path(self) -> Path:
        """The file that holds the state before that one."""
        return self.folder / "state.previous.safetensors"

    @property
    def log_path(self) -> Path:
        """The JSON-lines log, one line per recorded step."""
        return self.folder / "log.jsonl"

    def steps(
        self,
        total: int,
        models: dict[str, nn.Module],
        optimizers: dict[str, torch.optim.Optimizer],
        generators: dict[str, torch.Generator] | None = None,
    ) -> Iterator[int]:
        """Yield the steps still to do, after restoring what an earlier run had done of them.

        The caller's work for a step is done when it asks for the next one; only then may the state be saved.
        """
        generators = generators or {}
        first = self._restore(models, optimizers, generators)
        self._bar = tqdm(total=total, initial=first, desc=self.name, disable=not self.show_progress, mininterval=0.5)
        saved = time.monotonic()
        for step in range(first, total):
            yield step
            self._bar.update()
            if self.engine.broadcast(time.monotonic() - saved >= self.save_every_seconds or step + 1 == total):
                self._save(step + 1, models, optimizers, generators)
                saved = time.monotonic()
        self._bar.close()

    @staticmethod
    def is_due(step: int, every: int, total: int) -> bool:
        """Whether something done every `every` steps, and after the last, is due after this step."""
        return step + 1 == total or (every > 0 and (step + 1) % every == 0)

    def record(self, step: int, metrics: dict[str, Any]) -> None:
        """Log one step."""
        row = {"step": step, **metrics}
        self.history.append(row)
        if self.folder and self.engine.is_main:
            append_line(self.log_path, json_line(row))
        if self._bar is not None:
            shown = {k: v for k, v in metrics.items() if k in ("loss", "accuracy", "score", "gold", "kl")}
            self._bar.set_postfix(shown, refresh=False)

    def forget_state(self) -> None:
        """Delete the optimizer's state once the stage's weights are saved elsewhere."""
        if self.folder and self.engine.is_main:
            self.state_path.unlink(missing_ok=True)
            self.previous_path.unlink(missing_ok=True)

    def _save(self, step: int, models: dict, optimizers: dict, generators: dict) -> None:
        if not self.folder:
            return
        tensors = {f"model/{name}/{key}": t for name, model in models.items() for key, t in model.state_dict().items()}
        for name, optimizer in optimizers.items():
            tensors |= _optimizer_tensors(name, optimizer)
        tensors |= {f"generator/{name}": generator.get_state() for name, generator in generators.items()}
        tensors["torch_rng"] = torch.get_rng_state()  # dropout draws from it, or on a GPU from the next
        if self.engine.device.type == "cuda":
            tensors["cuda_rng"] = torch.cuda.get_rng_state(self.engine.device)
        whole = collect(tensors)
        if self.engine.is_main:
            keep = self.previous_path if self._newest_is_whole else None
            save_tensors(self.state_path, whole, {"step": step, "stage": self.name}, keep=keep)
        self._newest_is_whole = True
        self.engine.barrier()

    def _load(self) -> tuple[Path, dict[str, Tensor], int] | None:
        """Read the newest state that is whole: its file, tensors and step; None if there is none.

        Raises: ValueError, saying what to do, where there are states and none is whole.
        """
        errors, there = [], [path for path in (self.state_path, self.previous_path) if path.exists()]
        for path in there:
            try:
                tensors, about = load_tensors(path)
                self._check_state(path, about)
            except ValueError as error:
                errors.append(str(error))
                continue
            self._newest_is_whole = path == self.state_path
            if not self._newest_is_whole and self.engine.is_main:
                why = errors[0].partition(": delete")[0] if errors else f"there is no {self.state_path}"
                print(f"{self.name}: going on from step {about['step']}, kept in {path.name}, for {why}")
            return path, tensors, about["step"]
        if errors:
            raise ValueError(errors[0] + f"; {self.previous_path.name} is damaged too: delete both" * (len(errors) - 1))
        return None

    def _check_state(self, path: Path, about: dict[str, Any]) -> None:
        if type(about.get("step")) is not int or about.get("stage", self.name) != self.name:
            what = f"stage {about['stage']!r}" if "step" in about and "stage" in about else "something else than training"
            raise ValueError(f"{path} is a state of {what}: delete it; this stage begins anew")

    def _restore(self, models: dict, optimizers: dict, generators: dict) -> int:
        found = self._load() if self.folder else None
        if found is None:
            self._drop_log_from(0)
            return 0
        path, tensors, step = found
        places = _places(models, optimizers)
        tensors = {name: split_like(t, places.get(name, places.get(name.rpartition("/")[0]))) for name, t in tensors.items()}
        try:
            self._apply(tensors, models, optimizers, generators)
        except (RuntimeError, KeyError, ValueError, TypeError, IndexError) as error:  # of another shape, of another run
            raise ValueError(
                f"the training state {path} does not fit this stage ({short(error)}): delete it; the stage begins anew"
            ) from None
        self._drop_log_from(step)
        return step

    @staticmethod
    def _apply(tensors: dict[str, Tensor], models: dict, optimizers: dict, generators: dict) -> None:
        for name, model in models.items():
            prefix = f"model/{name}/"
            model.load_state_dict({key.removeprefix(prefix): t for key, t in tensors.items() if key.startswith(prefix)})
        for name, optimizer in optimizers.items():
            _restore_optimizer(name, optimizer, tensors)
        for name, generator in generators.items():
            generator.set_state(tensors[f"generator/{name}"])
        torch.set_rng_state(tensors["torch_rng"])
        if "cuda_rng" in tensors and torch.cuda.is_available():
            torch.cuda.set_rng_state(tensors["cuda_rng"])

    def _drop_log_from(self, step: int) -> None:
        """Forget logged steps that will be done again, and lines that are none."""
        rows = read_log(self.log_path, tell=self.engine.is_main) if self.folder else []
        self.history = [row for row in rows if row["step"] < step]
        if self.folder and self.log_path.exists() and self.engine.is_main:
            write_atomically(self.log_path, "".join(json_line(row) + "\n" for row in self.history))
