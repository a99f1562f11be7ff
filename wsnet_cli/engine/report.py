"""What `info` and `doctor` tell of the engine that would run a network here."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ..core.networks.network import Network
from .engines import ENGINE_VARIABLE, choose_engine, missing_reason
from .library import load_library
from .plan import LayerPlan, make_plan

NUMPY_NOTE = "directly on the folded input, block by block, in every layer"


@dataclass(frozen=True)
class EngineReport:
    """The engine, and its plan for windows of one length.

    Args:
        name: `native-ISA` or `numpy`.
        lanes: floats that one instruction computes; 1 of numpy, which does not say.
        note: a line for people, or "".
        layers: of the convolutions; empty for numpy, which has one way.
    """

    name: str
    lanes: int
    note: str
    layers: tuple[LayerPlan, ...]

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "name": self.name,
            "lanes": self.lanes,
            "note": self.note,
            "layers": [
                {
                    "name": layer.name,
                    "way": layer.way,
                    "block": layer.block,
                    "nanoseconds": dict(layer.nanoseconds),
                    "why": layer.why,
                }
                for layer in self.layers
            ],
        }


def engine_report(network: Network, n_samples: int) -> EngineReport:
    """The engine that would run this network here, and how.

    Args:
        network: the layers.
        n_samples: of a window, at least `network.min_samples`.

    Raises: EngineError, UsageError: WSNET_ENGINE asks for what is not there (`choose_engine`).
    """
    isa = choose_engine()
    if isa is None:
        return EngineReport("numpy", 1, f"{NUMPY_NOTE}; {_why_numpy()}", ())
    library = load_library()
    lanes = library.lanes(library.find_isa(isa))
    plan = make_plan(network, n_samples, isa, lanes)
    note = "times are estimates for one window on one core, by constants of another machine"
    return EngineReport(f"native-{isa}", lanes, note, plan)


def engine_words() -> str:
    """The engine in use, in a few words. Raises: as `engine_report`."""
    isa = choose_engine()
    if isa is None:
        return f"numpy ({_why_numpy()})"
    others = [other for other in load_library().isas if other != isa]
    return f"native ({isa}; also {', '.join(others) or 'none'})"


def _why_numpy() -> str:
    return missing_reason() or f"as {ENGINE_VARIABLE} says"
