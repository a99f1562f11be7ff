"""The measures of a run for TensorBoard, beside whoever else listens."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import UsageError
from ...core.networks.network import Network
from ...core.sound.audio import AudioSettings
from ..training.trainer import EpochRow
from .listener import Listener
from .prepared import PreparedData

if TYPE_CHECKING:
    from torch.utils.tensorboard import SummaryWriter

FOLDER = "tensorboard"
_SCALARS = {
    "loss/train": "loss",
    "loss/validation": "validation_loss",
    "accuracy/train": "accuracy",
    "accuracy/validation": "validation_accuracy",
    "accuracy/held_out": "held_out_accuracy",
    "lr": "lr",
}


class TensorBoardListener:
    """Passes everything on, and writes each epoch's measures into `tensorboard/` of the run.

    To be closed, so that nothing is lost.

    Args:
        listener: is told everything too.

    Raises:
        UsageError: TensorBoard is not installed.
    """

    def __init__(self, listener: Listener) -> None:
        try:
            from torch.utils.tensorboard import SummaryWriter
        except ImportError as error:
            raise UsageError(
                "--tensorboard needs a package that is not here: pip install 'wsnet[track]'"
            ) from error
        self._make = SummaryWriter
        self._listener = listener
        self._writer: SummaryWriter | None = None

    def __getattr__(self, name: str) -> Any:
        return getattr(self._listener, name)

    def prepared(
        self, data: PreparedData, network: Network, audio: AudioSettings, folder: Path
    ) -> None:
        """Open the log of this run."""
        self._listener.prepared(data, network, audio, folder)
        self._writer = self._make(folder / FOLDER)

    def epoch(self, row: EpochRow) -> None:
        """Write an epoch's measures."""
        self._listener.epoch(row)
        if self._writer is None:
            return
        for tag, name in _SCALARS.items():
            value = getattr(row, name)
            if value is not None:
                self._writer.add_scalar(tag, value, row.epoch)
        self._writer.flush()

    def close(self) -> None:
        """Write what is left."""
        if self._writer is not None:
            self._writer.close()
