from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wsnet_cli.cli.shared.waiting import let_threads_sleep

WATCH = """
import sys
import wsnet_cli.cli.{module} as command
def watch():
    sys.exit("torch is here already" if "torch" in sys.modules else 7)
command.let_threads_sleep = watch
from wsnet_cli.__main__ import main
main()
"""


def test_the_environment_has_the_last_word(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"
    monkeypatch.setenv("OMP_WAIT_POLICY", "")  # so that it is restored whatever happens
    del os.environ["OMP_WAIT_POLICY"]
    let_threads_sleep()
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("train.command", ("train", ".")),
        ("sweep", ("sweep", ".", "--kb", "16")),
        ("demo", ("demo", "--folder", "d")),
    ],
)
def test_torch_reads_it_because_it_is_not_imported_before(
    module: str, arguments: tuple[str, ...], tmp_path: Path
) -> None:
    script = WATCH.format(module=module)
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, cwd=tmp_path, timeout=60
    )
    assert result.returncode == 7, result.stderr.decode()
