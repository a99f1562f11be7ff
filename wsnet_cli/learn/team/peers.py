"""What is said where a process of a team is gone."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import torch.distributed as dist

from ...core.errors import TrainingError

_SIGNS = ("connection", "peer", "timed out", "nccl", "gloo", "socket", "process group")
"""Words of the RuntimeErrors that the backends raise; torch has no class for all of them."""


@contextlib.contextmanager
def lost_peers_told() -> Iterator[None]:
    """Turn what torch raises where a peer is gone into one line.

    Raises: TrainingError: a process of the team has ended or cannot be reached.
    """
    try:
        yield
    except RuntimeError as error:
        text = str(error).lower()
        if not isinstance(error, dist.DistError) and not any(sign in text for sign in _SIGNS):
            raise
        raise TrainingError(
            "another process of this team has ended or cannot be reached; start all of them "
            "again with --resume"
        ) from error
