from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from wsnet_cli.cli.waiting import let_threads_sleep

WATCH = """
import sys
from wsnet_cli.cli import {command}
def watch():
    sys.exit("torch is here already" if "torch" in sys.modules else 7)
{command}.let_threads_sleep = watch
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
    "arguments", [("train", "."), ("sweep", ".", "--kb", "16"), ("demo", "--folder", "d")]
)
def test_torch_reads_it_because_it_is_not_imported_before(
    arguments: tuple[str, ...], tmp_path: Path
) -> None:
    script = WATCH.format(command=arguments[0])
    result = subprocess.run(
        [sys.executable, "-c", script, *arguments], capture_output=True, cwd=tmp_path, timeout=60
    )
    assert result.returncode == 7, result.stderr.decode()
