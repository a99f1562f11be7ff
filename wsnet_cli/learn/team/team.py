"""The processes that train one network together, or the one that does it alone."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from torch import nn


class Team:
    """One process alone.

    Attributes:
        rank: of this process, from 0; the first one writes files and speaks.
        size: processes in all.
    """

    rank = 0
    size = 1

    def sum(self, values: Sequence[float]) -> list[float]:
        """Each value, summed over all processes."""
        return list(values)

    def any(self, wish: bool) -> bool:
        """Whether a process wishes it; all get the same answer."""
        return wish

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make every process's gradients the sum of all."""

    def share(self, content: bytes | None) -> bytes:
        """What the first process holds, on all of them; the others bring None."""
        assert content is not None
        return content

    def wait(self) -> None:
        """Until all have come here."""

    def synchronise(self, model: nn.Module) -> nn.Module:
        """Make batch norm take its statistics over the windows of all processes."""
        return model
