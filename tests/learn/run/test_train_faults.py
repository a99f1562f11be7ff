"""Training on a full disk, and killed at every call that writes: the run can always go on."""

from __future__ import annotations

from pathlib import Path

import pytest
from faulty_disk import Killed, faulty_disk

from wsnet_cli.core.errors import FileError
from wsnet_cli.learn.run import running
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.run import Result, resume_run

SETTINGS = ("train.epochs=1", "train.batch_size=16", "train.evaluate_every=0")
"""One step."""
SAME = ("model.wsnet", "metrics.csv", "metrics.json", "confusion.csv", "predictions.csv")


@pytest.fixture(autouse=True)
def saves_after_every_step(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "SAVE_EVERY_S", -1.0)


def contents(result: Result) -> dict[str, bytes]:
    return {name: (result.folder.path / name).read_bytes() for name in SAME}


def go_on(folder: Path, train) -> Result:
    """Resume where something was saved, else begin again, as the command's messages tell one to."""
    if (folder / "last.safetensors").is_file():
        return resume_run(folder, None, "cpu", SilentListener())
    return train(*SETTINGS, name=folder.name, force=True)


@pytest.mark.parametrize("kills", [False, True])
def test_a_run_that_fails_at_any_call_goes_on(kills: bool, train, tmp_path: Path) -> None:
    train(*SETTINGS, name="warm")  # its audio is in the cache from here on
    with faulty_disk() as disk:
        whole = contents(train(*SETTINGS, name="whole"))
    assert disk.n_calls > 25
    for n in range(1, disk.n_calls + 1):
        folder = tmp_path / "runs" / f"{n}"
        expected = Killed if kills else FileError
        with faulty_disk(n, kills=kills):
            try:
                train(*SETTINGS, name=folder.name)
            except expected as error:
                told = str(error)
            else:  # what is not needed (the cache's clock, a lock) may fail without a word
                told = "nothing"
        if not kills and told != "nothing":
            assert "No space left on device" in told, (n, told)
        result = go_on(folder, train)
        assert contents(result) == whole, n
        stray = {path.name for path in folder.iterdir() if path.name.startswith(".")}
        assert not stray, (n, stray)
