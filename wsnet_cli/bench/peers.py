"""The ways of running a network that are measured against each other, by name."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from importlib.util import find_spec

import numpy as np

from ..core.errors import EngineError, GateError, UsageError
from ..core.model import Model
from ..core.quant import Array
from ..engine.native_engine import NativeEngine
from ..engine.numpy_engine import NumpyEngine
from .subjects import Subject

Peer = Callable[[Array], Array]
"""From windows [n_windows, n_samples] to logits [n_windows, n_classes], both float32."""

PEERS: Mapping[str, tuple[str, ...]] = {
    "native": (),
    "numpy": (),
    "onnxruntime": ("onnx", "onnxruntime"),
    "onnxruntime-2d": ("onnx", "onnxruntime"),
    "torch": ("torch",),
    "torch-compile": ("torch",),
}
"""Names, and the packages that each needs beside the light install."""
DEFAULT_PEERS = tuple(name for name in PEERS if name != "torch-compile")
"""All but the one that takes half a minute to get ready."""
TOLERANCE = 1e-4
"""Largest difference of a logit, relative to the largest logit: float32 in another order."""


class PeerMissingError(Exception):
    """A peer cannot be had here; the message says why, in one line."""


@dataclass(frozen=True)
class ReadyPeer:
    """A peer that has run once and gave the right logits.

    Args:
        run: one call on the subject's windows.
        error: largest difference from the numpy engine's logits, relative to the largest logit.
    """

    run: Callable[[], Array]
    error: float


def check_names(names: Sequence[str]) -> tuple[str, ...]:
    """The names of peers, each once, in order. Raises: UsageError: there is no such peer."""
    for name in names:
        if name not in PEERS:
            raise UsageError(f"--peers {name}; expected some of {', '.join(PEERS)}")
    return tuple(dict.fromkeys(names))


def prepare_peer(name: str, subject: Subject, threads: int = 1) -> ReadyPeer:
    """Build a peer, run it once and compare its logits with those of the numpy engine.

    Args:
        name: one of PEERS.
        subject: what it runs, and on what.
        threads: of the native engine.

    Raises:
        PeerMissingError: a package or compiler is not there, or it fails to compile the network.
        GateError: its logits differ by more than TOLERANCE.
    """
    missing = [package for package in PEERS[name] if find_spec(package) is None]
    if missing:
        raise PeerMissingError(f"not installed: pip install {' '.join(missing)}")
    try:
        peer = make_peer(name, subject.model, threads)
        found = peer(subject.windows)
    except EngineError as error:
        raise PeerMissingError(str(error)) from error
    except ImportError as error:
        raise PeerMissingError(_one_line(error)) from error
    except (RuntimeError, OSError, subprocess.SubprocessError) as error:
        # The compiler of torch may fail in its own way on any machine; nothing else may.
        if name != "torch-compile":
            raise
        raise PeerMissingError(_one_line(error)) from error
    difference = relative_difference(found, NumpyEngine(subject.model).logits(subject.windows))
    if not difference <= TOLERANCE:
        raise GateError(
            f"{subject.name}: the logits of {name} differ from the numpy engine's by "
            f"{difference:.2g} of the largest; expected at most {TOLERANCE:g}, so it is not timed"
        )
    return ReadyPeer(lambda: peer(subject.windows), difference)


def make_peer(name: str, model: Model, threads: int = 1) -> Peer:
    """Build a peer; all but the native engine have one thread.

    Raises: EngineError, ImportError: it cannot be had here.
    """
    match name:
        case "native":
            return NativeEngine(model, threads=threads).logits
        case "numpy":
            return NumpyEngine(model).logits
        case "onnxruntime" | "onnxruntime-2d":
            from .onnx_peers import onnx_peer

            return onnx_peer(model, as_images=name == "onnxruntime-2d")
        case "torch" | "torch-compile":
            from .torch_peers import torch_peer

            return torch_peer(model, compiled=name == "torch-compile")
        case _:
            raise UsageError(f"--peers {name}; expected some of {', '.join(PEERS)}")


def relative_difference(found: Array, expected: Array) -> float:
    """Largest difference over the largest expected magnitude; infinite for other shapes."""
    if found.shape != expected.shape:
        return float("inf")
    largest = float(np.abs(expected).max(initial=0))
    difference = float(np.abs(found - expected).max(initial=0))
    return difference / largest if largest else difference


def _one_line(error: Exception) -> str:
    lines = [line.strip() for line in str(error).splitlines() if line.strip()]
    return f"{type(error).__name__}: {lines[0] if lines else 'no message'}"
