"""Changing the sample rate, of a stream of blocks or of a whole clip."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ..checks import check, check_row, is_whole
from .samples import Samples

_BLOCK_SAMPLES = 2**16  # as the decoder gives them


def resample_blocks(blocks: Iterator[Samples], from_rate: int, to_rate: int) -> Iterator[Samples]:
    """Resample a stream of blocks with soxr's HQ filter.

    The samples do not depend on where the blocks end.

    Args:
        blocks: one clip in order, each [n] float32 with n >= 1; at least one of them.
        from_rate: Hz, > 0.
        to_rate: Hz, > 0.

    Yields: blocks [m] float32, m >= 0; together at least one sample. The blocks themselves if the
        rates are equal.
    """
    if from_rate == to_rate:
        yield from blocks
        return
    import soxr

    stream = soxr.ResampleStream(from_rate, to_rate, 1, dtype="float32", quality="HQ")
    n_out = 0
    latest = np.zeros(1, np.float32)
    for block in blocks:
        piece = stream.resample_chunk(block)
        n_out += len(piece)
        latest = block[-1:]
        yield piece
    piece = stream.resample_chunk(np.zeros(0, np.float32), last=True)
    if n_out + len(piece) == 0:  # less than half an output sample long: keep what there is
        piece = latest
    yield piece


def resample(samples: Samples, from_rate: int, to_rate: int) -> Samples:
    """Change the sample rate with soxr's HQ filter (linear phase, stop band below -100 dB).

    Args:
        samples: [n] float32, n >= 1, finite.
        from_rate: Hz, > 0.
        to_rate: Hz, > 0.

    Returns: about n * to_rate / from_rate samples, at least one, float32; `samples` itself if the
        rates are equal.

    Raises:
        ParameterError: samples is not one row of at least one sample, or a rate is not positive.
    """
    check_row(samples)
    for field, rate in (("from_rate", from_rate), ("to_rate", to_rate)):
        check(field, rate, is_whole(rate) and rate > 0, "Hz, a whole number > 0")
    if from_rate == to_rate:
        return samples.astype(np.float32, copy=False)
    steady = np.ascontiguousarray(samples, dtype=np.float32)
    blocks = (steady[i : i + _BLOCK_SAMPLES] for i in range(0, len(steady), _BLOCK_SAMPLES))
    return np.concatenate(list(resample_blocks(blocks, from_rate, to_rate)))
