"""What a folder is, by the files in it."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core.run_files import can_continue_runs, holds_runs


@pytest.mark.parametrize(
    ("names", "holds", "can_continue"),
    [
        ((), False, False),
        (("model.wsnet", "config.yaml"), False, False),
        (("job.json",), True, True),
        (("results.json",), True, False),
        (("job.json", "results.json"), True, True),
    ],
)
def test_several_runs(
    names: tuple[str, ...], holds: bool, can_continue: bool, tmp_path: Path
) -> None:
    for name in names:
        (tmp_path / name).touch()
    assert holds_runs(tmp_path) is holds
    assert can_continue_runs(tmp_path) is can_continue
