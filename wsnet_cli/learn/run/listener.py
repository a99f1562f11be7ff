"""What a run tells while it goes on; the command line shows it, tests record it."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ...core.networks.network import Network
from ...core.sound.audio import AudioSettings
from ..training.trainer import EpochRow
from .prepared import PreparedData


class Listener(Protocol):
    """Is told of every stage of a run, in order."""

    def decoded(self, stage: str, n_done: int, n_total: int) -> None:
        """So many clips are hashed, or decoded or found in the cache."""

    def remark(self, line: str) -> None:
        """Something that a user should know, in a line."""

    def warn(self, line: str) -> None:
        """The same where it is no good news."""

    def prepared(
        self, data: PreparedData, network: Network, audio: AudioSettings, folder: Path
    ) -> None:
        """Training is about to start, with this data and network, in this run folder."""

    def step(self, fraction_done: float) -> None:
        """One step is over; the share of all steps that are, in [0, 1]."""

    def epoch(self, row: EpochRow) -> None:
        """An epoch is over."""

    def measured(self, n_done: int, n_total: int) -> None:
        """So many held-out clips are classified by the finished model."""


class SilentListener:
    """Tells nobody."""

    def decoded(self, stage: str, n_done: int, n_total: int) -> None:
        """Ignore."""

    def remark(self, line: str) -> None:
        """Ignore."""

    def warn(self, line: str) -> None:
        """Ignore."""

    def prepared(
        self, data: PreparedData, network: Network, audio: AudioSettings, folder: Path
    ) -> None:
        """Ignore."""

    def step(self, fraction_done: float) -> None:
        """Ignore."""

    def epoch(self, row: EpochRow) -> None:
        """Ignore."""

    def measured(self, n_done: int, n_total: int) -> None:
        """Ignore."""
