"""One thread, fixed seeds, and small models whose weights are large enough to tell right from wrong."""

import pytest
import torch

from rlhf_lite.checkpoint import TrainingRun
from rlhf_lite.gpt import GPT, GPTConfig, ScalarModel

torch.set_num_threads(1)


@pytest.fixture(autouse=True)
def fixed_seed():
    torch.manual_seed(0)


@pytest.fixture
def make_gpt():
    """Build a small GPT; its weights are drawn wide, since GPT-2's 0.02 gives nearly uniform logits and hides mistakes."""

    def make(seed=0, std=0.3, **changes):
        config = GPTConfig(**({"vocab_size": 11, "context_length": 24, "d_model": 16, "n_layers": 2, "n_heads": 2} | changes))
        model, generator = GPT(config), torch.Generator().manual_seed(seed)
        with torch.no_grad():
            for name, parameter in model.named_parameters():
                parameter.normal_(std=std, generator=generator)
                if name.endswith("norm.weight"):
                    parameter += 1
        return model.eval()

    return make


@pytest.fixture
def make_scalar_model(make_gpt):
    """Build a small model with one number a position, its head drawn wide too."""

    def make(seed=0, **changes):
        model, generator = ScalarModel(make_gpt(seed, **changes)), torch.Generator().manual_seed(seed)
        with torch.no_grad():
            model.scalar_head.weight.normal_(std=0.5, generator=generator)
            model.scalar_head.bias.fill_(0.1)
        return model.eval()

    return make


class StoppedError(Exception):
    """The machine is switched off."""


class StoppingRun(TrainingRun):
    """Stop in the middle of a step: its update is done, but it is neither logged nor saved."""

    stop_at = None

    def record(self, step, metrics):
        if step == self.stop_at:
            raise StoppedError
        super().record(step, metrics)


@pytest.fixture
def assert_resumes(tmp_path):
    """Stop a stage at each step in turn, start it again with fresh models, and compare every logged number and weight.

    `train(run)` builds models, trains them and returns them; their weights, and the log, must be equal bit for bit.
    """

    def check(train, total):
        whole = TrainingRun(None, show_progress=False)
        weights = [t for model in train(whole) for t in model.state_dict().values()]
        assert [row["step"] for row in whole.history] == list(range(total))
        for stop_at in range(total):
            folder = tmp_path / str(stop_at)
            run = StoppingRun(folder, save_every_seconds=0, show_progress=False)
            run.stop_at = stop_at
            with pytest.raises(StoppedError):
                train(run)
            torch.manual_seed(1000 + stop_at)  # a new process knows nothing of the old one's random numbers
            resumed = TrainingRun(folder, save_every_seconds=0, show_progress=False)
            assert resumed.state_path.exists() == (stop_at > 0)  # it does go on, and does not start again
            after = [t for model in train(resumed) for t in model.state_dict().values()]
            assert resumed.history == whole.history
            assert all(torch.equal(a, b) for a, b in zip(after, weights, strict=True))

    return check
