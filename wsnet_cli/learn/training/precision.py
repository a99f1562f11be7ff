"""The precision of a step's arithmetic."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from ...core.errors import ConfigError

DTYPES = {"bfloat16": torch.bfloat16, "float16": torch.float16}


def choose_precision(name: str, device: torch.device) -> str:
    """What `train.precision` means on a device: float32, bfloat16 or float16.

    `auto` is bfloat16 on a GPU that computes in it, else float32 (arXiv:1710.03740: weights and
    their updates stay in float32 either way).

    Raises:
        ConfigError: float16 elsewhere than on a GPU, where nothing is gained by it.
    """
    if name == "auto":
        has_it = device.type == "cuda" and torch.cuda.is_bf16_supported()
        return "bfloat16" if has_it else "float32"
    if name == "float16" and device.type != "cuda":
        raise ConfigError(
            f"train.precision = float16 on {device.type}; expected a GPU for it, or float32"
        )
    return name


class Precision:
    """Arithmetic in half as many bits where asked for; gradients of float16 are scaled.

    Args:
        name: float32, bfloat16 or float16.
        device: where to compute.
    """

    def __init__(self, name: str, device: torch.device) -> None:
        self._dtype = DTYPES.get(name)
        self._device = device
        self.scaler = torch.amp.GradScaler(device.type, enabled=name == "float16")

    def compute(self) -> AbstractContextManager[object]:
        """The context of a forward pass."""
        if self._dtype is None:
            return nullcontext()
        return torch.autocast(self._device.type, self._dtype)
