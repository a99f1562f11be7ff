from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest
import torch

from wsnet_cli.core.configuration.config import TrainConfig
from wsnet_cli.core.errors import ConfigError
from wsnet_cli.core.networks.network import Network
from wsnet_cli.learn.feeding.batches import Batch
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.team.team import Team
from wsnet_cli.learn.training.objective import Objective
from wsnet_cli.learn.training.optimise import make_optimizer
from wsnet_cli.learn.training.precision import Precision, choose_precision
from wsnet_cli.learn.training.step import NotFinite, OutOfMemory, Step, in_memory

CPU = torch.device("cpu")


def batch_of(n: int, network: Network, n_samples: int = 400) -> Batch:
    rng = np.random.default_rng(n)
    windows = rng.standard_normal((n, n_samples)).astype(np.float32)
    targets = np.eye(network.n_classes, dtype=np.float32)[np.arange(n) % network.n_classes]
    return Batch(windows, targets, np.arange(100, 100 + n))


@pytest.fixture
def make_step(small_network: Network):
    def make(**config: object) -> Step:
        torch.manual_seed(0)
        train = TrainConfig(**config)  # type: ignore[arg-type]
        model = WaveformClassifier(small_network).train()
        optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
        precision = Precision("float32", CPU)
        return Step(model, optimizer, train, Objective(), precision, Team(), CPU)

    return make


def state_of(step: Step) -> dict[str, torch.Tensor]:
    return {name: value.clone() for name, value in step._model.state_dict().items()}


def test_gradients_are_cut_to_a_length_together(make_step, small_network: Network) -> None:
    """With plain descent at rate 1 the move is the gradient: of length 0.01, in its direction."""
    free, cut = make_step(), make_step(clip_norm=0.01)
    before = [p.detach().clone() for p in free._model.parameters()]
    for step in (free, cut):
        step.take(batch_of(6, small_network), 6, 0)

    def moves(step: Step) -> torch.Tensor:
        pairs = zip(before, step._model.parameters(), strict=True)
        return torch.cat([(was - now.detach()).flatten() for was, now in pairs])

    whole, short = moves(free), moves(cut)
    assert float(whole.norm()) > 0.1
    assert float(short.norm()) == pytest.approx(0.01, rel=1e-3)
    assert torch.allclose(short / short.norm(), whole / whole.norm(), atol=1e-4)


@pytest.mark.parametrize("kind", ["loss", "gradient"])
def test_what_is_not_finite_changes_nothing(
    kind: str, make_step, small_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    step = make_step()
    before = state_of(step)
    batch = batch_of(6, small_network)
    if kind == "loss":
        batch.windows[[1, 4]] = np.nan
    else:
        monkeypatch.setattr(
            torch.nn.utils, "get_total_norm", lambda gradients: torch.tensor(float("inf"))
        )
    with pytest.raises(NotFinite, match=f"the {kind} is (nan|inf)") as raised:
        step.take(batch, 6, 0)
    after = step._model.state_dict()
    assert all(torch.equal(after[name], before[name]) for name in before)
    assert all(p.grad is None for p in step._model.parameters())
    if kind == "loss":  # batch norm spreads it: every clip of the batch is named
        assert set(raised.value.clips) >= {101, 104}


def test_where_memory_runs_out_a_batch_is_computed_in_parts(
    make_step, small_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At most two windows fit: parts of 6 and of 3 fail, parts of 2 do it; nothing moved before."""
    step = make_step()
    forward = WaveformClassifier.forward
    sizes: list[int] = []

    def limited(self: WaveformClassifier, windows: torch.Tensor) -> torch.Tensor:
        sizes.append(len(windows))
        out = forward(self, windows)  # which moves the statistics, and then it fails
        if len(windows) > 2:
            raise RuntimeError("DefaultCPUAllocator: can't allocate memory")
        return out

    monkeypatch.setattr(WaveformClassifier, "forward", limited)
    sums = in_memory(step, batch_of(6, small_network), 6, 0, Team())
    assert sizes == [6, 3, 2, 2, 1, 1]
    assert step.n_parts == 4
    assert sums.n == 6
    tracked = [m.num_batches_tracked for m in step._model.modules() if hasattr(m, "running_mean")]
    assert {int(n) for n in tracked} == {4}  # those of the four parts alone
    # Gradients of the parts add up to that of the mean over the whole batch, without batch norm's
    # statistics, which are over a part.
    other = make_step()
    monkeypatch.setattr(WaveformClassifier, "forward", forward)
    for module in (*other._model.modules(), *step._model.modules()):
        if isinstance(module, torch.nn.BatchNorm1d):
            module.eval()
    reference = make_step()
    reference._model.load_state_dict(other._model.state_dict())
    reference._model.eval()
    other._model.eval()
    other.n_parts = 3
    for taken in (other, reference):
        taken.take(batch_of(6, small_network), 6, 0)
    for one, two in zip(other._model.parameters(), reference._model.parameters(), strict=True):
        assert torch.allclose(one, two, atol=1e-5)


@pytest.mark.parametrize("n_windows", [1, 2, 3])
def test_a_last_batch_may_have_fewer_windows_than_parts(
    make_step, small_network: Network, n_windows: int
) -> None:
    step = make_step()
    step.n_parts = 4
    assert step.take(batch_of(n_windows, small_network), n_windows, 0).n == n_windows


def test_memory_that_never_suffices_is_an_error(
    make_step, small_network: Network, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: WaveformClassifier, windows: torch.Tensor) -> torch.Tensor:
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(WaveformClassifier, "forward", fail)
    step = make_step()
    with pytest.raises(OutOfMemory, match="out of memory"):
        in_memory(step, batch_of(8, small_network), 8, 0, Team())
    several = make_step()
    team = Team()
    team.size = 2
    with pytest.raises(OutOfMemory):
        in_memory(several, batch_of(8, small_network), 8, 0, team)
    assert several.n_parts == 1


# ------------------------------------------------------------------------------------ precision


def test_precision_of_a_device() -> None:
    assert choose_precision("auto", CPU) == "float32"
    assert choose_precision("bfloat16", CPU) == "bfloat16"
    with pytest.raises(ConfigError, match=r"train\.precision = float16 on cpu; expected a GPU"):
        choose_precision("float16", CPU)


def test_fewer_bits_are_used_and_weights_stay_whole(small_network: Network) -> None:
    model = WaveformClassifier(small_network).train()
    precision = Precision("bfloat16", CPU)
    seen: list[torch.dtype] = []
    first = (
        next(module for module in model.modules() if isinstance(module, torch.nn.Linear))
        if (any(isinstance(m, torch.nn.Linear) for m in model.modules()))
        else model.blocks[0]
    )
    first.register_forward_hook(lambda module, inputs, out: seen.append(out.dtype))
    step = Step(
        model,
        make_optimizer(model, TrainConfig()),
        TrainConfig(),
        Objective(),
        precision,
        Team(),
        CPU,
    )
    sums = step.take(batch_of(6, small_network), 6, 0)
    assert seen == [torch.bfloat16]
    assert np.isfinite(sums.loss)
    assert {p.dtype for p in model.parameters()} == {torch.float32}
    assert {p.grad.dtype for p in model.parameters()} == {torch.float32}


def test_an_overflow_of_another_process_passes_the_batch_over_here_too(
    small_network: Network,
) -> None:
    """Its gradients come with the sum: scaled ones of float16 are looked at after that."""

    class Overflown(Team):
        def sum_gradients(self, parameters: Iterable[torch.nn.Parameter]) -> None:
            for parameter in parameters:
                if parameter.grad is not None:
                    parameter.grad.fill_(float("inf"))

    model = WaveformClassifier(small_network).train()
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    precision = Precision("float32", CPU)
    precision.scaler = torch.amp.GradScaler("cpu", init_scale=1024.0)
    step = Step(model, optimizer, TrainConfig(), Objective(), precision, Overflown(), CPU)
    before = [parameter.detach().clone() for parameter in model.parameters()]
    step.take(batch_of(6, small_network), 6, 0)
    assert all(map(torch.equal, before, model.parameters()))
    assert precision.scaler.get_scale() == 512.0
