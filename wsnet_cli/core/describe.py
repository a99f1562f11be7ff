"""What `info` tells of a model or preset: facts, and a row per layer."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .calibrating.calibration import Calibration
from .errors import WsnetError
from .locate import card_of, find_shipped, shipped_names
from .model_file.artifact import load_model, model_from_bytes
from .model_file.artifact_reading import part_shapes
from .model_file.coding import packed_bytes
from .model_file.container import MAX_MODEL_BYTES, read_container
from .networks.network import Conv, Linear, MapConv, Network
from .networks.sampling import WAYS
from .run_files import MODEL
from .sizes.ledger import FLOAT32_BYTES, OFFSET_BYTES, Ledger, make_ledger
from .sound.audio import AudioSettings

KINDS = {Conv: "conv", MapConv: "map-conv", Linear: "linear"}


@dataclass(frozen=True)
class LayerRow:
    """One layer; `n_bytes` are of its weights, constants and offsets before they are coded."""

    name: str
    kind: str
    filters: str
    sampling: str
    compactness: float
    n_weights: int
    n_bytes: int
    multiply_adds: Mapping[str, int]


@dataclass(frozen=True)
class NetworkTable:
    """Facts and layers of a model or preset; multiply-adds are for one window, by way.

    `network` and `n_samples`, of a window, are what it was made of; `ledger` is of a model file.
    """

    title: str
    network: Network
    n_samples: int
    facts: Mapping[str, str]
    rows: tuple[LayerRow, ...]
    n_weights: int
    n_bytes: int
    compactness: float
    ways: tuple[str, ...] = WAYS
    ledger: Ledger | None = None

    @property
    def total_multiply_adds(self) -> dict[str, int]:
        """Sum over the layers, by way."""
        return {way: sum(row.multiply_adds[way] for row in self.rows) for way in self.ways}

    def as_json(self) -> dict[str, Any]:
        """Plain values, in the shape that docs/outputs.md documents."""
        return {
            "title": self.title,
            "facts": dict(self.facts),
            "layers": [asdict(row) for row in self.rows],
            "weights": self.n_weights,
            "bytes": self.n_bytes,
            "compactness": self.compactness,
            "multiply_adds": self.total_multiply_adds,
            **(self.ledger.as_json() if self.ledger else {}),
        }


def describe_model_file(path: Path) -> NetworkTable:
    """The table of a model file. Raises: as `load_model`."""
    content = read_container(path, "a wsnet model file", MAX_MODEL_BYTES)
    model = model_from_bytes(content, str(path))
    card = card_of(path)
    facts = {
        "labels": ", ".join(model.labels),
        **({"scores": "multi-label: of each label by itself"} if model.multi_label else {}),
        **_audio_facts(model.audio, model.network),
        "weights": _bits(model.layer_bits),
        **_calibration_facts(model.calibration, model.labels),
        "file": f"{len(content):,} bytes",
        **({"card": str(card)} if card else {}),
        **{f"made with {key}": str(value) for key, value in model.provenance.items()},
    }
    table = _table(str(path), facts, model.network, model.audio.window_samples, model.layer_bits)
    return replace(table, ledger=make_ledger(model, content))


def describe_preset(name: str, n_classes: int) -> NetworkTable:
    """The table of a preset or configuration file, for so many classes. Raises: ConfigError."""
    from .configuration.config_file import load_config
    from .configuration.settings import audio_settings
    from .networks.architectures import build_network

    config = load_config(name)
    audio = audio_settings(config.audio)
    network = build_network(config.network, n_classes, audio.window_samples)
    facts = {
        "description": config.description,
        "classes": str(n_classes),
        **_audio_facts(audio, network),
        "training": f"{config.train.epochs} epochs, batches of {config.train.batch_size}",
    }
    real = (32,) * len(network.weighted)
    return _table(name, facts, network, audio.window_samples, real)


def list_presets() -> list[dict[str, Any]]:
    """Name and description of every preset."""
    from .configuration.config_file import load_config
    from .configuration.presets import preset_names

    return [
        {"preset": name, "description": load_config(name).description} for name in preset_names()
    ]


def list_shipped() -> list[dict[str, Any]]:
    """Name, size and labels of every model that ships."""
    return [_model_entry("model", name, find_shipped(name)) for name in shipped_names()]


def list_runs(root: Path) -> list[dict[str, Any]]:
    """Every run folder, in jobs and sweeps of jobs too, and its model, if that can be read."""
    depths = ("*", "*/*", "*/*/*")
    configs = (path for depth in depths for path in root.glob(f"{depth}/config.yaml"))
    folders = sorted(path.parent for path in configs if path.is_file())
    return [_model_entry("run", str(path), path / MODEL) for path in folders]


def _model_entry(kind: str, name: str, path: Path) -> dict[str, Any]:
    try:
        model = load_model(path)
    except WsnetError:
        return {kind: name, "bytes": None, "bits": None, "labels": "no finished model"}
    return {
        kind: name,
        "bytes": path.stat().st_size,
        "bits": model.bits,
        "labels": ", ".join(model.labels),
    }


def _audio_facts(audio: AudioSettings, network: Network) -> dict[str, str]:
    field = network.receptive_field
    return {
        "audio": f"{audio.sample_rate:,} Hz",
        "windows": f"{audio.window_s:g} s every {audio.hop_s:g} s",
        "receptive field": f"{field:,} samples ({field / audio.sample_rate:.3f} s)",
        "shortest input": f"{network.min_samples:,} samples",
        "parameters": f"{network.n_parameters:,} (dense: {network.n_dense_parameters:,})",
    }


def _bits(layer_bits: Sequence[int]) -> str:
    if len(set(layer_bits)) == 1:
        return f"{layer_bits[0]}-bit"
    return f"{', '.join(map(str, layer_bits))} bits, by layer"


def _calibration_facts(calibration: Calibration, labels: Sequence[str]) -> dict[str, str]:
    facts = {}
    if calibration.temperature != 1:
        facts["temperature"] = f"{calibration.temperature:g}"
    if calibration.thresholds is not None:
        pairs = zip(labels, calibration.thresholds, strict=True)
        facts["thresholds"] = ", ".join(f"{label} {value:g}" for label, value in pairs)
    if calibration.unknown is not None:
        rate = calibration.false_alarm_rate
        measured = "" if rate is None else f", false-alarm rate {rate:g}"
        facts["unknown below"] = f"{calibration.unknown:g}{measured}"
    return facts


def _layer_bytes(layer: Conv | MapConv | Linear, bits: int) -> int:
    constant_bytes = FLOAT32_BYTES if bits == 32 else 2
    weight_bytes = sum(packed_bytes(math.prod(shape), bits) for shape in part_shapes(layer))
    n_offsets = layer.shape.n_offsets if isinstance(layer, Conv) else 0
    return weight_bytes + layer.n_constants * constant_bytes + n_offsets * OFFSET_BYTES


def _table(
    title: str,
    facts: Mapping[str, str],
    network: Network,
    n_samples: int,
    layer_bits: Sequence[int],
) -> NetworkTable:
    costs = {way: network.costs(n_samples, way) for way in WAYS}
    rows = tuple(
        LayerRow(
            name=layer.name,
            kind=KINDS[type(layer)],
            filters=_filters(layer),
            sampling=_sampling(layer),
            compactness=layer.shape.compactness,
            n_weights=layer.shape.n_weights,
            n_bytes=_layer_bytes(layer, bits),
            multiply_adds={way: costs[way][i].multiply_adds for way in WAYS},
        )
        for i, (layer, bits) in enumerate(zip(network.weighted, layer_bits, strict=True))
    )
    return NetworkTable(
        title=title,
        network=network,
        n_samples=n_samples,
        facts=facts,
        rows=rows,
        n_weights=network.n_weights,
        n_bytes=sum(row.n_bytes for row in rows),
        compactness=network.n_dense_parameters / network.n_parameters,
    )


def _filters(layer: Conv | MapConv | Linear) -> str:
    n_in, n_out = layer.shape.n_in, layer.shape.n_out
    if isinstance(layer, Linear):
        return f"{n_in} to {n_out}"
    pool = f", pool {layer.pool.size}/{layer.pool.stride}" if layer.pool else ""
    if isinstance(layer, Conv):
        return f"{n_in} to {n_out}, length {layer.shape.length}/{layer.shape.stride}{pool}"
    shape = layer.shape
    pool += f", {layer.band_pool} bands" if layer.band_pool > 1 else ""
    return f"{n_in} to {n_out}, {shape.height} x {shape.length}/{shape.stride}{pool}"


def _sampling(layer: Conv | MapConv | Linear) -> str:
    if isinstance(layer, Linear):
        stride = layer.shape.sampling_stride
        scaled = " scaled" if layer.scaled else ""
        return ("dense" if stride is None else f"S {stride}") + scaled
    sampling = layer.shape.sampling
    if sampling is None:
        return "dense"
    more = f" D {sampling.denser}" if sampling.denser > 1 else ""
    more += "" if sampling.offsets == "regular" else f" {sampling.offsets} offsets"
    more += f" groups +{sampling.group_offset}" if sampling.group_offset else ""
    more += " signs" if sampling.signs else ""
    return f"S {sampling.stride} C {sampling.channel_factor}{more}"
