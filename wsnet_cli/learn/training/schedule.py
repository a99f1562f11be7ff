"""The learning rate of each step."""

from __future__ import annotations

import math

from ...core.configuration.config import TrainConfig

DROP = 10.0
"""What `schedule: drops` divides by (arXiv:1711.10282, section 4)."""


def learning_rate(config: TrainConfig, step: int, steps_per_epoch: int) -> float:
    """Linear warm-up to `lr`, then what `schedule` says.

    `cosine`: half a cosine to 0 (SGDR, arXiv:1608.03983, without restarts); `linear`: a straight
    line to 0; `drops`: a tenth after each share of all steps in `drops`; `constant`: `lr`.

    Args:
        config: `lr`, `epochs`, `warmup_epochs`; the warm-up ends half way at the latest.
        step: 0-based, over all epochs.
        steps_per_epoch: batches of an epoch.

    Returns: the rate for this step, > 0 before the last step is done.
    """
    total = config.epochs * steps_per_epoch
    warmup = min(config.warmup_epochs * steps_per_epoch, total // 2)
    if step < warmup:
        return config.lr * (step + 1) / warmup
    progress = min(1.0, (step - warmup) / max(1, total - warmup))
    if config.schedule == "cosine":
        return config.lr * 0.5 * (1 + math.cos(math.pi * progress))
    if config.schedule == "linear":
        return config.lr * (1 - progress)
    if config.schedule == "drops":
        n_drops = sum(step >= share * total for share in config.drops)
        return config.lr / float(DROP**n_drops)
    return config.lr
