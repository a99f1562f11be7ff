from __future__ import annotations

import hashlib
import json
import tracemalloc
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from wsnet_cli.core.model import Model
from wsnet_cli.core.networks.network import Conv, Linear, Mean, Network, Pool
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings


@pytest.fixture(scope="session")
def tiny_model(make_model: Callable[..., Model]) -> Model:
    """One sampled convolution with denser sampling and a pool, then a mean and a linear layer."""
    conv = Conv("conv1", ConvShape(1, 2, 6, 2, 3, Sampling(2, 1, 2)), pool=Pool(2, 2))
    network = Network((conv, Mean(), Linear("linear", LinearShape(2, 3))))
    return make_model(network, AudioSettings(8_000, window_s=0.0125, hop_s=0.005))


@pytest.fixture(scope="session")
def sign() -> Callable[..., bytes]:
    """Write a container with a right digest around any tensors and any metadata, true or not."""

    def write(tensors: dict[str, Any], metadata: object, key: str = "wsnet") -> bytes:
        text = metadata if isinstance(metadata, str) else json.dumps(metadata)
        content = {**tensors, "~sha256": np.zeros(32, np.uint8)}
        body = save(content, metadata={key: text})[:-32]
        return body + hashlib.sha256(body).digest()

    return write


@dataclass
class Peak:
    """The most bytes that were allocated at once, known when the block has ended."""

    n_bytes: int = 0


@contextmanager
def trace_peak() -> Iterator[Peak]:
    peak = Peak()
    tracemalloc.start()
    try:
        yield peak
        peak.n_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.fixture(scope="session")
def traced_peak() -> Callable[[], object]:
    """`with traced_peak() as peak:` tells `peak.n_bytes` afterwards."""
    return trace_peak
