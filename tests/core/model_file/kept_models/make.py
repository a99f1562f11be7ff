"""Makes the model files beside it: small ones of every format, kept so that they stay readable.

python tests/core/model_file/kept_models/make.py NAME... writes `NAME.wsnet` and its entry in
`scores.json`, the scores of one clip as the numpy engine finds them. Never make a file again that a
version of wsnet has read: add another, under a name of its own. Without a name it says which there
are.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Callable
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.model import LayerWeights, Model, compress, phi_shape
from wsnet_cli.core.model_file.artifact import model_from_bytes, oldest_format
from wsnet_cli.core.model_file.artifact_header import describe
from wsnet_cli.core.model_file.artifact_numbers import HUFFMAN, PACKED, PLAIN, stored_forms
from wsnet_cli.core.model_file.container import pack, unpack
from wsnet_cli.core.networks.filters import offset_bounds
from wsnet_cli.core.networks.maps import MapShape
from wsnet_cli.core.networks.network import (
    Conv,
    Flatten,
    Layer,
    Linear,
    MapConv,
    Mean,
    Network,
    Pool,
    ToMap,
)
from wsnet_cli.core.networks.sampling import ConvShape, LinearShape, Sampling
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.engine.session import Classifier

FOLDER = Path(__file__).parent
RATE = 4_000
WEIGHTED = Conv | MapConv | Linear
LABELS = ("rain", "crying_baby", "Säge")


def clip() -> npt.NDArray[np.float32]:
    """Half a second: a rising tone, quiet at its beginning, with clicks."""
    time_s = np.arange(RATE // 2) / RATE
    tone = 0.5 * np.sin(2 * np.pi * (300 + 900 * time_s) * time_s) * np.minimum(1, 8 * time_s)
    tone[::251] += 0.3
    return tone.astype(np.float32)


def named(layer: Layer, number: int) -> Layer:
    """A layer with weights needs a name of its own."""
    return replace(layer, name=f"layer {number}") if isinstance(layer, WEIGHTED) else layer


def model_of(layers: tuple[Layer, ...], seed: int, *, window_s: float = 0.2) -> Model:
    """A float32 model with normally distributed weights."""
    rng = np.random.default_rng(seed)
    network = Network(tuple(map(named, layers, range(len(layers)))))
    weights = []
    for layer in network.weighted:
        n_taps = layer.shape.n_dense_weights // layer.shape.n_out
        phi = rng.normal(0, (2 / n_taps) ** 0.5, phi_shape(layer)).astype(np.float32)
        n_out, pointwise, offsets = layer.shape.n_out, None, None
        if isinstance(layer, Conv) and layer.shape.pointwise_shape:
            n_in = layer.shape.pointwise_shape[1]
            pointwise = rng.normal(0, n_in**-0.5, layer.shape.pointwise_shape).astype(np.float32)
        if isinstance(layer, Conv) and layer.shape.n_offsets:
            least, most = offset_bounds(layer.shape)
            offsets = rng.integers(least, most, endpoint=True).astype(np.int16)
        multiplier = rng.uniform(0.5, 1.5, n_out).astype(np.float32) if layer.scaled else None
        bias = rng.normal(0, 0.2, n_out).astype(np.float32)
        weights.append(LayerWeights(phi, pointwise, multiplier, bias, offsets))
    audio = AudioSettings(RATE, window_s, window_s / 2, trim_below=0.001)
    return Model(network, tuple(weights), LABELS, audio, 32, {"made": "for tests", "seed": seed})


SHARED = (
    Conv("", ConvShape(1, 12, 32, 4, 16, Sampling(4)), pool=Pool(4, 4)),
    Conv("", ConvShape(12, 24, 8, 2, 4, Sampling(4, 3, 2)), pool=Pool(2, 2)),
)
PLACED = (
    Conv("", ConvShape(1, 12, 32, 4, 16, Sampling(4, offsets="random")), pool=Pool(4, 4)),
    Conv("", ConvShape(12, 24, 8, 2, 4, Sampling(4, 3, 2, offsets="learned", signs=True))),
    Conv("", ConvShape(24, 8, 3, 1, 1, Sampling(2, 4, group_offset=5)), scaled=False),
)
MAPS = (
    Conv("", ConvShape(1, 8, 16, 8)),
    ToMap(),
    MapConv("", MapShape(1, 8, 8, 3, 3, 1, 1, 1), pool=Pool(2, 2), band_pool=2),
    MapConv("", MapShape(8, 12, 4, 3, 2, 1, 1, 0, Sampling(3, 2, signs=True)), relu=False),
)
MAP_GROUPS = (
    *MAPS[:3],
    MapConv("", MapShape(8, 12, 4, 3, 3, 1, 1, 0, Sampling(3, 4, group_offset=5, signs=True))),
    MapConv("", MapShape(12, 6, 4, 3, 3, 1, 1, 1, Sampling(6, 2, group_offset=2)), relu=False),
)
FLAT = (Conv("", ConvShape(1, 6, 32, 16)), Flatten())
FLAT_HEAD = (Linear("", LinearShape(6 * 49, 8, 9), relu=True), Linear("", LinearShape(8, 3)))
CALIBRATION = Calibration(1.7, (0.2, 0.45, 0.3), 0.25, 0.01)


def head(n_in: int, *, scaled: bool = False) -> tuple[Layer, ...]:
    """A mean over time and a linear layer."""
    return Mean(), Linear("", LinearShape(n_in, 3), scaled=scaled)


def file_of(model: Model, coding: str = PLAIN, *, planes: bool = False) -> bytes:
    """The file in a chosen form; plain is how versions before format 3 wrote it."""
    for form, tensors in stored_forms(model):
        if form.coding == coding and planes == (tensors["constants"].dtype == np.uint8):
            oldest = oldest_format(model)
            version = oldest if coding == PLAIN else max(oldest, 3)
            return pack(tensors, {"format": version, **describe(model, form)})
    raise ValueError(f"no such form: {coding}")


MADE: dict[str, Callable[[], bytes]] = {
    "1-float32": lambda: file_of(model_of((*SHARED, *head(24)), 1)),
    "1-int8": lambda: file_of(compress(model_of((*SHARED, *head(24)), 2))),
    "1-int8-flat": lambda: file_of(compress(model_of((*FLAT, *FLAT_HEAD), 3))),
    "2-float32-maps": lambda: file_of(model_of((*MAPS, *head(12)), 4)),
    "2-int8-places": lambda: file_of(compress(model_of((*PLACED, *head(8)), 5))),
    "2-int8-multi-label": lambda: file_of(
        replace(compress(model_of((*SHARED, *head(24, scaled=True)), 6)), multi_label=True)
    ),
    "3-float32-calibrated": lambda: file_of(
        replace(model_of((*SHARED, *head(24)), 7), calibration=CALIBRATION)
    ),
    "3-int8-calibrated": lambda: file_of(
        replace(compress(model_of((*SHARED, *head(24)), 8)), calibration=CALIBRATION)
    ),
    "3-8-bit-coded-maps": lambda: file_of(
        compress(model_of((*MAPS, *head(12)), 9)), HUFFMAN, planes=True
    ),
    "3-4-bit-coded": lambda: file_of(
        compress(model_of((*SHARED, *head(24)), 10), 4), HUFFMAN, planes=True
    ),
    "3-6-bit-coded": lambda: file_of(
        compress(model_of((*SHARED, *head(24)), 15), 6), HUFFMAN, planes=True
    ),
    "3-4-bit-packed-flat": lambda: file_of(compress(model_of((*FLAT, *FLAT_HEAD), 11), 4), PACKED),
    "3-mixed-packed-places": lambda: file_of(
        replace(
            compress(model_of((*PLACED, *head(8)), 12), (8, 4, 6, 5)),
            multi_label=True,
            calibration=Calibration(0.8, (0.5, 0.4, 0.6)),
        ),
        PACKED,
        planes=True,
    ),
    "3-mixed-coded-places": lambda: file_of(
        compress(model_of((*PLACED, *head(8)), 13), (6, 4, 4, 8)), HUFFMAN
    ),
    "3-5-bit-min-max": lambda: file_of(
        replace(
            compress(model_of((*SHARED, *head(24)), 14), 5, "min-max"),
            calibration=Calibration(unknown=0.4),
        ),
        HUFFMAN,
    ),
    "4-8-bit-coded-map-groups": lambda: file_of(
        compress(model_of((*MAP_GROUPS, *head(6)), 16)), HUFFMAN, planes=True
    ),
}


def expected(content: bytes, model: Model) -> dict[str, Any]:
    """What a test compares: format, kind of labels, bits, calibration and scores."""
    header = unpack(content, "kept")[1]
    scores = Classifier(model, engine="numpy").classify(clip(), RATE)
    calibration = {k: v for k, v in asdict(model.calibration).items() if v is not None}
    return {
        "format": header["format"],
        "multi_label": model.multi_label,
        "bits": list(model.layer_bits),
        "calibration": calibration,
        "scores": {
            label: round(float(s), 6) for label, s in zip(model.labels, scores, strict=True)
        },
    }


def main() -> None:
    """Make the files that are named."""
    if not sys.argv[1:]:
        print(" ".join(MADE))
    path = FOLDER / "scores.json"
    known = json.loads(path.read_text("utf-8")) if path.exists() else {}
    for name in sys.argv[1:]:
        content = MADE[name]()
        (FOLDER / f"{name}.wsnet").write_bytes(content)
        known[name] = expected(content, model_from_bytes(content, name))
        print(name, len(content), known[name])
    text = json.dumps(dict(sorted(known.items())), indent=1, ensure_ascii=False)
    path.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
