from __future__ import annotations

import pytest

from wsnet_cli.core.errors import Interrupted, UsageError
from wsnet_cli.learn.run.estimate import Estimate, fit_into


def estimate(seconds: float) -> Estimate:
    return Estimate(100, 1_000, seconds / 1_000, seconds, None, 1)


def test_epochs_that_fit_leave_something_to_spare() -> None:
    """100 epochs in 100 hours: of 10 hours 9.5 are planned with."""
    assert fit_into(10, estimate(360_000), 100) == 9
    assert fit_into(200, estimate(360_000), 100) == 100
    with pytest.raises(UsageError, match=r"--max-hours 0\.5: an epoch takes about 1 h"):
        fit_into(0.5, estimate(360_000), 100)


def test_a_run_that_fits_is_not_shortened(train) -> None:
    result = train(max_hours=1.0)
    assert "epochs: 3" in (result.folder.path / "config.yaml").read_text()


def test_a_run_that_does_not_fit_has_fewer_epochs(train, make_listener, monkeypatch) -> None:
    from wsnet_cli.learn.run import run as run_module

    monkeypatch.setattr(run_module, "measure_steps", lambda ready: estimate(3 * 3600.0))
    listener = make_listener()
    result = train(max_hours=2.2, listener=listener)
    assert "epochs: 2" in (result.folder.path / "config.yaml").read_text()
    assert len(listener.rows) == 2
    assert "2 instead of 3 epochs, to end within 2.2 h" in listener.remarks


def test_when_the_hours_are_over_it_saves_and_says_how_to_go_on(
    train, make_listener, monkeypatch, tmp_path
) -> None:
    from wsnet_cli.learn.run import run as run_module
    from wsnet_cli.learn.run.run import resume_run

    whole = train(name="whole")
    monkeypatch.setattr(run_module, "_within", lambda ready, hours, listener: ready)
    with pytest.raises(
        Interrupted, match="the hours are over in epoch 1; go on with: wsnet train --resume"
    ) as stopped:
        train(name="late", max_hours=1e-9)
    assert stopped.value.exit_code == 1
    result = resume_run(tmp_path / "runs" / "late", None, "cpu", make_listener())
    assert result.folder.model.read_bytes() == whole.folder.model.read_bytes()
