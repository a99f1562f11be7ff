"""Several processes that train one network, as `torchrun` starts them."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator, Sequence
from datetime import timedelta

import torch
import torch.distributed as dist
from torch import nn

from ...core.errors import UsageError
from .peers import lost_peers_told
from .sync_norm import synchronised
from .team import Team

PATIENCE_S = 1800.0
"""Seconds a process waits for the others: the first one decodes the data meanwhile."""
_NEEDED = ("RANK", "WORLD_SIZE", "LOCAL_RANK", "MASTER_ADDR", "MASTER_PORT")


class TorchTeam(Team):
    """The processes of a torch process group.

    Args:
        device: of this process.
    """

    def __init__(self, device: torch.device) -> None:
        self.rank, self.size = dist.get_rank(), dist.get_world_size()
        self._device = device

    def sum(self, values: Sequence[float]) -> list[float]:
        """Each value, summed over all processes."""
        total = torch.tensor(values, dtype=torch.float64, device=self._device)
        with lost_peers_told():
            dist.all_reduce(total)
        return total.tolist()

    def any(self, wish: bool) -> bool:
        """Whether a process wishes it; all get the same answer."""
        return self.sum([float(wish)])[0] > 0

    def sum_gradients(self, parameters: Iterable[nn.Parameter]) -> None:
        """Make every process's gradients the sum of all, by one exchange: networks are small."""
        trained = [p for p in parameters if p.requires_grad]
        gradients = [p.grad if p.grad is not None else torch.zeros_like(p) for p in trained]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        with lost_peers_told():
            dist.all_reduce(flat)
        parts = torch.split(flat, [p.numel() for p in trained])
        for parameter, part in zip(trained, parts, strict=True):
            parameter.grad = part.view_as(parameter)

    def share(self, content: bytes | None) -> bytes:
        """What the first process holds, on all of them; the others bring None."""
        own = content or b""
        size = round(self.sum([float(len(own))])[0])
        buffer = torch.zeros(size, dtype=torch.uint8)
        if own:
            buffer = torch.frombuffer(bytearray(own), dtype=torch.uint8)
        buffer = buffer.to(self._device)
        with lost_peers_told():
            dist.broadcast(buffer, 0)
        return buffer.cpu().numpy().tobytes()

    def wait(self) -> None:
        """Until all have come here."""
        self.sum([0.0])

    def synchronise(self, model: nn.Module) -> nn.Module:
        """Make batch norm take its statistics over the windows of all processes."""
        return synchronised(model)


@contextlib.contextmanager
def joined(device: torch.device) -> Iterator[tuple[Team, torch.device]]:
    """The team of this process and its device: alone, or as the environment of torchrun says.

    Args:
        device: that was asked for; on GPUs each process of a machine takes its own.

    Raises:
        UsageError: the environment is incomplete, or there are fewer GPUs than processes.
        TrainingError: another process of the team is gone.
    """
    if int(os.environ.get("WORLD_SIZE", "1")) <= 1:
        yield Team(), device
        return
    missing = [name for name in _NEEDED if name not in os.environ]
    if missing:
        raise UsageError(
            f"{missing[0]} is not set beside WORLD_SIZE; expected the environment of torchrun"
        )
    if device.type == "cuda":
        local = int(os.environ["LOCAL_RANK"])
        if local >= torch.cuda.device_count():
            raise UsageError(
                f"--device cuda: {torch.cuda.device_count()} GPUs for {local + 1} processes or "
                "more; expected one each: start fewer, or take --device cpu"
            )
        device = torch.device("cuda", local)
        torch.cuda.set_device(device)
    backend = "nccl" if device.type == "cuda" else "gloo"
    with lost_peers_told():
        dist.init_process_group(backend, timeout=timedelta(seconds=PATIENCE_S))
        try:
            yield TorchTeam(device), device
        finally:
            with contextlib.suppress(RuntimeError):  # where a peer is gone already
                dist.destroy_process_group()
