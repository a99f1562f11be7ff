"""How much worse a model becomes when one layer alone has fewer bits, on training clips."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from ...core.model import LayerWeights, Model, real
from ...core.quant import Array
from ...core.sizes.layer_forms import LayerForms
from ...core.sound.audio import AudioSettings
from ...core.sound.windows import window_blocks
from ...engine.engines import make_engine
from ...engine.session import WINDOWS_AT_ONCE

MOST_WINDOWS, FEWEST_WINDOWS = 256, 32
MOST_SAMPLES = 12_000_000
"""Windows that are measured on; fewer where they are long, but never very few."""
MOST_OF_A_CLIP = 4

Floats = NDArray[np.float64]


def choose_windows(
    n_clips: int, samples: Callable[[int], Array], audio: AudioSettings
) -> Iterable[Array]:
    """Windows of clips from all over a list, as they are predicted on; always the same.

    Args:
        n_clips: clips there are, >= 1.
        samples: the samples of one of them by its number, at the model's rate.
        audio: window, hop and normalisation.

    Returns: for each chosen clip its first windows, [n, window_samples] float32: one where there
        are clips enough, some where there are few.
    """
    most = max(FEWEST_WINDOWS, min(MOST_WINDOWS, MOST_SAMPLES // audio.window_samples))
    of_a_clip = max(1, min(MOST_OF_A_CLIP, most // n_clips))
    chosen = np.linspace(0, n_clips - 1, min(n_clips, most // of_a_clip))
    for number in chosen.round().astype(int).tolist():
        yield next(window_blocks(samples(number), audio, of_a_clip))


def measure_sensitivity(
    forms: LayerForms,
    windows: Iterable[Array],
    on_layer: Callable[[int, int], None] | None = None,
) -> list[list[float]]:
    """What each layer loses at each of its numbers of bits, while all others stay as they are.

    The loss is the divergence of the scores from those of the model as it was given, by
    Kullback and Leibler, in nats, mean over windows: of the softmax, or of a multi-label model of
    each label's two answers, summed over labels. Labels of clips do not enter. It is >= 0, and 0
    where nothing changes.

    Args:
        forms: of the model.
        windows: as `choose_windows` gives them, one or more.
        on_layer: told how many layers are done, of how many.

    Returns: for each weighted layer, the loss of each of `forms.bits`.
    """
    batches = [batch for block in windows for batch in _split(block)]
    model = _as_float(forms.model)
    wanted = _log_scores(model, batches)
    losses: list[list[float]] = []
    for number, bits in enumerate(forms.bits):
        losses.append([])
        for own_bits in bits:
            rounded = _float_weights(forms.layer(number, own_bits), model.weights[number])
            weights = (*model.weights[:number], rounded, *model.weights[number + 1 :])
            found = _log_scores(replace(model, weights=weights), batches)
            losses[-1].append(_divergence(wanted, found))
        if on_layer:
            on_layer(number + 1, len(forms.bits))
    return losses


def _split(block: Array) -> list[Array]:
    return [block[i : i + WINDOWS_AT_ONCE] for i in range(0, len(block), WINDOWS_AT_ONCE)]


def _as_float(model: Model) -> Model:
    weights = tuple(_float_weights(own, own) for own in model.weights)
    return replace(model, bits=32, weights=weights)


def _float_weights(own: LayerWeights, constants: LayerWeights) -> LayerWeights:
    """The weights of one as real numbers, with the constants of the other."""
    pointwise = None if own.pointwise is None else real(own.pointwise)
    return replace(constants, phi=real(own.phi), pointwise=pointwise)


def _log_scores(model: Model, batches: list[Array]) -> Floats:
    """Logarithms of the scores, [n, n_classes]; of a multi-label model [n, n_classes, 2]."""
    engine = make_engine(model)
    logits = np.concatenate([engine.logits(batch) for batch in batches]).astype(np.float64)
    logits /= model.calibration.temperature
    if model.multi_label:
        logits = np.stack([logits, np.zeros_like(logits)], axis=-1)
    shifted = logits - logits.max(axis=-1, keepdims=True)
    out: Floats = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
    return out


def _divergence(wanted: Floats, found: Floats) -> float:
    total = float((np.exp(wanted) * (wanted - found)).sum()) / len(wanted)
    return max(total, 0.0)
