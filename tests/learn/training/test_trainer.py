from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from wsnet_cli.core.configuration.config import AugmentConfig, TrainConfig
from wsnet_cli.core.errors import TrainingError
from wsnet_cli.core.networks.network import Conv, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.learn.feeding.batches import Feed
from wsnet_cli.learn.modules.network import WaveformClassifier
from wsnet_cli.learn.training.objective import Objective
from wsnet_cli.learn.training.schedule import learning_rate
from wsnet_cli.learn.training.trainer import EpochRow, Position, Trainer

CPU = torch.device("cpu")
AUDIO = AudioSettings(8_000, window_s=0.05, hop_s=0.05)


def go_on() -> bool:
    return False


@pytest.fixture
def feed(fake_packed_set) -> Feed:
    """Ten tones of each of three near pitches; batches of 12, 12 and 6."""
    rng = np.random.default_rng(0)
    clips = []
    for hz in (900, 1_100, 1_300):
        for i in range(10):
            tone = np.sin(2 * np.pi * (hz + 4 * i) * np.arange(800) / 8_000 + i)
            clips.append((tone + 0.05 * rng.standard_normal(800)).astype(np.float32))
    classes = [0] * 10 + [1] * 10 + [2] * 10
    augment = AugmentConfig(mixing="none", rescale=1.0, shift=0.0)
    return Feed(fake_packed_set(clips), range(30), classes, 3, AUDIO, augment, 12, 1, 100, 0)


@pytest.fixture
def make_trainer(small_network: Network, feed: Feed):
    def make(network: Network = small_network, **config: object) -> Trainer:
        torch.manual_seed(0)
        values = {"epochs": 3, "warmup_epochs": 1, "batch_size": 12} | config
        train = TrainConfig(**values)  # type: ignore[arg-type]
        return Trainer(WaveformClassifier(network, 0.3), train, feed, CPU)

    return make


def values_of(trainer: Trainer) -> dict[str, bytes]:
    return {name: value.tobytes() for name, value in trainer.state()[0].items()}


def look_at(trainer: Trainer, accuracy: float) -> None:
    """Train one epoch, of which the validation part says so much."""
    row = trainer.run_epoch(go_on)
    trainer.look(replace(row, validation_accuracy=accuracy, validation_loss=1.0))


# ---------------------------------------------------------------------------------- epochs


def test_epoch_row_sums_what_its_steps_saw(make_trainer, monkeypatch) -> None:
    """The mean loss and accuracy over windows, recomputed from the logits of each step."""
    seen: list[tuple[torch.Tensor, torch.Tensor]] = []

    def note(self: Objective, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        seen.append((logits.detach(), targets))
        return plain(self, logits, targets)

    plain = Objective.losses
    monkeypatch.setattr(Objective, "losses", note)
    trainer = make_trainer()
    row = trainer.run_epoch(go_on)
    logits, targets = (torch.cat(part) for part in zip(*seen, strict=True))
    assert [len(part) for part, _ in seen] == [12, 12, 6]
    assert row.epoch == 1
    assert row.loss == pytest.approx(float(plain(Objective(), logits, targets).mean()), rel=1e-5)
    assert row.accuracy == int((logits.argmax(1) == targets.argmax(1)).sum()) / 30
    assert row.lr == learning_rate(trainer.config, 2, 3)
    assert row.held_out_accuracy is None
    assert trainer.position == Position(epoch=1)
    second = trainer.run_epoch(go_on)
    assert (second.epoch, second.lr) == (2, learning_rate(trainer.config, 5, 3))


def test_steps_are_counted(make_trainer) -> None:
    trainer = make_trainer()
    fractions = []

    def note() -> bool:
        fractions.append(trainer.fraction_done)
        return False

    while not trainer.done:
        trainer.run_epoch(note)
    assert fractions == pytest.approx([(i + 1) / 9 for i in range(9)])
    assert trainer.fraction_done == 1


def test_batch_norm_and_dropout_are_in_training_mode(make_trainer) -> None:
    """Even where the network was in evaluation mode, as after a look at the held-out part."""
    trainer = make_trainer()
    trainer.model.eval()
    trainer.run_epoch(go_on)
    assert trainer.model.training
    assert int(trainer.model.blocks[0].norm.num_batches_tracked) == 3


def test_stopping_keeps_the_position_and_the_end_of_an_epoch_is_no_stop(make_trainer) -> None:
    trainer = make_trainer()
    assert trainer.run_epoch(lambda: True) is None
    assert (trainer.position.epoch, trainer.position.step) == (0, 1)
    assert trainer.position.n_seen == 12
    assert trainer.run_epoch(lambda: True) is None
    assert trainer.run_epoch(lambda: True) is not None
    assert trainer.position == Position(epoch=1)


def test_each_step_uses_its_rate_and_its_batch(make_trainer, feed: Feed, monkeypatch) -> None:
    """Of three rates the optimizer holds the last; windows are those of the feed, in order."""
    trainer = make_trainer()
    rates, windows = [], []
    forward = WaveformClassifier.forward

    def note(self: WaveformClassifier, batch: torch.Tensor) -> torch.Tensor:
        rates.append({group["lr"] for group in trainer.optimizer.param_groups})
        windows.append(batch.numpy())
        return forward(self, batch)

    monkeypatch.setattr(WaveformClassifier, "forward", note)
    for _ in range(3):
        trainer.run_epoch(go_on)
    assert rates == [{learning_rate(trainer.config, step, 3)} for step in range(9)]
    for step, found in enumerate(windows):
        assert np.array_equal(found, feed.batch(*divmod(step, 3)).windows)


def test_training_is_the_same_for_the_same_seed_whatever_the_global_generators(
    make_trainer,
) -> None:
    first, second = make_trainer(), make_trainer()
    first.run_epoch(go_on)
    second.run_epoch(lambda: bool(torch.rand(3).sum() < 0))
    assert values_of(first) == values_of(second)


def test_dropout_differs_from_step_to_step_and_from_seed_to_seed(make_trainer) -> None:
    draws = set()
    for seed in (0, 1):
        trainer = make_trainer(seed=seed)

        def note() -> bool:
            draws.add(float(torch.rand(1)))  # what dropout would draw next in this step
            return False

        trainer.run_epoch(note)
    assert len(draws) == 6


# ----------------------------------------------------------------------------------- state


@pytest.mark.parametrize("n_steps", range(9))
def test_a_run_goes_on_exactly_from_any_step(n_steps: int, make_trainer) -> None:
    whole = make_trainer()
    rows = [whole.run_epoch(go_on) for _ in range(3)]
    part = make_trainer()
    for _ in range(n_steps // 3):
        part.run_epoch(go_on)
    for _ in range(n_steps % 3):
        assert part.run_epoch(lambda: True) is None
    arrays, values = part.state()
    arrays = {name: array.copy() for name, array in arrays.items()}
    part.run_epoch(go_on)  # what happens after the state was taken does not matter
    again = make_trainer()
    again.load_state(arrays, values)
    more = [again.run_epoch(go_on) for _ in range(3 - n_steps // 3)]
    assert more == rows[n_steps // 3 :]
    assert values_of(again) == values_of(whole)


def test_state_holds_weights_averages_moments_and_position(make_trainer) -> None:
    trainer = make_trainer()
    trainer.run_epoch(lambda: True)
    arrays, values = trainer.state()
    names = set(trainer.model.state_dict())
    assert {name.removeprefix("model.") for name in arrays if name.startswith("model.")} == names
    averages = {name.removeprefix("average.") for name in arrays if name.startswith("average.")}
    assert averages == names
    n_parameters = len(list(trainer.model.parameters()))
    moments = [name for name in arrays if name.startswith("optimizer.")]
    assert len(moments) == 3 * n_parameters  # step and two moments
    assert values["position"] == vars(trainer.position)
    assert values.keys() == {"position", "best", "n_averaged", "n_parts", "scaler"}


def test_an_average_of_equal_shares_goes_on_with_as_many_steps_as_it_had(make_trainer) -> None:
    config = {"average": "equal", "average_from": 0.3}
    whole, part, again = (make_trainer(**config) for _ in range(3))
    for trainer in (whole, part):
        trainer.run_epoch(go_on)
        trainer.run_epoch(go_on)
    again.load_state(*part.state())
    whole.run_epoch(go_on)
    again.run_epoch(go_on)
    assert values_of(again) == values_of(whole)


def test_a_batch_that_was_too_large_stays_in_parts(make_trainer) -> None:
    trainer, again = make_trainer(), make_trainer()
    trainer.run_epoch(lambda: True)
    trainer._step_maker.n_parts = 4
    again.load_state(*trainer.state())
    assert again.n_parts == 4


def test_a_run_that_ended_early_is_over_when_it_is_loaded(make_trainer) -> None:
    trainer, again = (make_trainer(patience=1, epochs=9) for _ in range(2))
    for accuracy in (0.5, 0.4):
        look_at(trainer, accuracy)
    assert trainer.done
    again.load_state(*trainer.state())
    assert again.done


@pytest.mark.parametrize("missing", ["model.blocks.0.conv.phi", "position"])
def test_state_that_lacks_something_is_refused(missing: str, make_trainer) -> None:
    trainer = make_trainer()
    trainer.run_epoch(lambda: True)
    arrays, values = trainer.state()
    arrays.pop(missing, None)
    values.pop(missing, None)
    with pytest.raises(TrainingError, match=r"the saved state is of another network: ."):
        make_trainer().load_state(arrays, values)


def test_state_of_another_network_is_refused(make_trainer, small_network: Network) -> None:
    trainer = make_trainer()
    trainer.run_epoch(lambda: True)
    conv1, *rest = small_network.layers
    other = Network((replace(conv1, shape=replace(conv1.shape, sampling=Sampling(4))), *rest))
    with pytest.raises(TrainingError, match="the saved state is of another network: "):
        make_trainer(other).load_state(*trainer.state())


# ---------------------------------------------------------------------------------- average


def test_averaged_model_is_a_copy_in_evaluation_mode(make_trainer) -> None:
    trainer = make_trainer(average_decay=0.5)
    trainer.run_epoch(go_on)
    averaged = trainer.averaged_model()
    assert not averaged.training
    for name, value in averaged.state_dict().items():
        assert torch.equal(value, trainer.average.values[name])
    assert not torch.equal(averaged.blocks[0].conv.phi, trainer.model.blocks[0].conv.phi)
    before = averaged.blocks[0].conv.phi.clone()
    trainer.run_epoch(go_on)
    assert torch.equal(averaged.blocks[0].conv.phi, before)


def test_average_follows_every_step(make_trainer) -> None:
    """Decays 1/10, 2/11, ... by hand, on over epochs, all below the configured one."""
    trainer = make_trainer(average_decay=0.9)
    phi = trainer.model.blocks[0].conv.phi
    history = [phi.detach().clone().double()]

    def note() -> bool:
        history.append(phi.detach().clone().double())
        return False

    trainer.run_epoch(note)
    trainer.run_epoch(note)
    average, *later = history
    decays = (1 / 10, 2 / 11, 3 / 12, 4 / 13, 5 / 14, 6 / 15)
    for decay, value in zip(decays, later, strict=True):
        average = decay * average + (1 - decay) * value
    found = trainer.average.values["blocks.0.conv.phi"].double()
    assert torch.allclose(found, average, atol=1e-6)


def test_of_the_best_epoch_the_average_is_kept(make_trainer) -> None:
    trainer = make_trainer(keep="best", average_decay=0.9)
    look_at(trainer, 0.5)
    best = trainer.averaged_model().state_dict()
    look_at(trainer, 0.4)
    kept = trainer.kept_model().state_dict()
    assert all(torch.equal(kept[name], value) for name, value in best.items())
    assert not torch.equal(kept["blocks.0.conv.phi"], trainer.averaged_model().blocks[0].conv.phi)


# -------------------------------------------------------------------------- bad and good ends


@pytest.mark.parametrize("value", [math.nan, math.inf])
def test_loss_that_is_not_finite_stops_the_run_before_it_spoils_the_weights(
    value: float, make_trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer()
    trainer.run_epoch(go_on)
    trainer.run_epoch(lambda: True)
    before = {name: p.detach().clone() for name, p in trainer.model.named_parameters()}
    losses = Objective.losses
    monkeypatch.setattr(Objective, "losses", lambda self, a, b: losses(self, a, b) * value)
    with pytest.raises(
        TrainingError, match=rf"the loss is {value} in epoch 2, step 2 \(clip .*train\.lr"
    ):
        trainer.run_epoch(go_on)
    for name, parameter in trainer.model.named_parameters():
        assert torch.equal(parameter, before[name])


@pytest.mark.parametrize(
    "error",
    [
        torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.\nMore lines."),
        RuntimeError("MPS backend out of memory (MPS allocated: 1 GB)"),
        RuntimeError("DefaultCPUAllocator: not enough memory: you tried to allocate 8 bytes."),
        RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 8 bytes."),
        MemoryError(),
    ],
)
def test_memory_that_runs_out_is_told_in_one_line(
    error: Exception, make_trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer = make_trainer()
    trainer.run_epoch(go_on)
    trainer.run_epoch(lambda: True)

    def fail(self: Objective, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise error

    monkeypatch.setattr(Objective, "losses", fail)
    with pytest.raises(
        TrainingError,
        match=r"^out of memory in epoch 2, step 2; try a smaller train\.batch_size$",
    ):
        trainer.run_epoch(go_on)


def test_other_errors_of_torch_stay_what_they_are(
    make_trainer, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(self: Objective, logits: torch.Tensor, targets: torch.Tensor) -> torch.Tensor:
        raise RuntimeError("a fault")

    monkeypatch.setattr(Objective, "losses", fail)
    with pytest.raises(RuntimeError, match=r"^a fault$"):
        make_trainer().run_epoch(go_on)


def test_absurd_rate_ends_in_an_error(make_trainer) -> None:
    trainer = make_trainer(lr=1e30, warmup_epochs=0)
    with pytest.raises(TrainingError, match=r"the loss is (nan|inf) in epoch 1, step 2"):
        trainer.run_epoch(go_on)


def test_sampled_network_learns_tones_through_its_condensed_filters_alone(make_trainer) -> None:
    """Without batch norm and linear layers, biases and Phi are all there is to learn.

    With biases alone the three near pitches stay mixed up, so that a Phi without a gradient fails.
    """
    conv1 = ConvShape(1, 16, 32, 2, 0, Sampling(4))
    conv2 = ConvShape(16, 3, 8, 2, 0, Sampling(2, 2))
    network = Network(
        (
            Conv("conv1", conv1, scaled=False, pool=Pool(2, 2)),
            Conv("conv2", conv2, scaled=False, relu=False),
            Mean(),
        )
    )
    trainer = make_trainer(network, epochs=40, lr=0.02, average_decay=0.9)
    first: EpochRow = trainer.run_epoch(go_on)
    while not trainer.done:
        row = trainer.run_epoch(go_on)
    assert first.accuracy < 0.7
    assert row.accuracy == 1.0
    assert row.loss < 0.1
    batch = trainer.feed.batch(99, 0)
    predicted = trainer.averaged_model()(torch.from_numpy(batch.windows)).argmax(1).numpy()
    assert np.array_equal(predicted, batch.targets.argmax(1))
