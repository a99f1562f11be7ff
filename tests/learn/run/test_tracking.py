from __future__ import annotations

import sys

import pytest

from wsnet_cli.core.errors import UsageError
from wsnet_cli.learn.run.tracking import TensorBoardListener


def test_measures_of_every_epoch_are_there_for_tensorboard(train, make_listener) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    shown = make_listener()
    listener = TensorBoardListener(shown)
    result = train("train.validation=0.2", listener=listener)
    listener.close()
    log = EventAccumulator(str(result.folder.path / "tensorboard"))
    log.Reload()
    losses = [(event.step, event.value) for event in log.Scalars("loss/train")]
    assert losses == [(row.epoch, pytest.approx(row.loss)) for row in shown.rows]
    held_out = [event.step for event in log.Scalars("accuracy/held_out")]
    assert held_out == [2, 3]
    assert len(log.Scalars("accuracy/validation")) == 3
    assert len(shown.fractions) == 6  # everything else is passed on


def test_without_tensorboard_it_says_what_to_install(
    make_listener, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    with pytest.raises(UsageError, match=r"--tensorboard needs .*: pip install 'wsnet\[track\]'"):
        TensorBoardListener(make_listener())
