"""How torch's threads wait for one another."""

from __future__ import annotations

import os

VARIABLE, SLEEP = "OMP_WAIT_POLICY", "PASSIVE"


def let_threads_sleep() -> None:
    """Let the threads of torch sleep while they wait, unless the environment says otherwise.

    To be called before torch is imported. A small network's step is many short loops; threads that
    wait for the next one by spinning take the processor from whoever shares it, themselves
    included: beside one other process steps were seen to take five times as long
    (docs/training.md, "Speed").
    """
    os.environ.setdefault(VARIABLE, SLEEP)
