"""What a run ends with: its model file, and its measures by the engine that predicts."""

from __future__ import annotations

from dataclasses import dataclass

from .. import __version__
from ..core.audio import AudioSettings
from ..core.config import Config
from ..core.metrics import Metrics, measure
from ..core.model import Model
from ..core.predictions import ClipKey, Prediction
from ..engine.session import Classifier
from .listener import Listener
from .model_source import Sources
from .network import WaveformClassifier
from .prepared import PreparedData
from .run_folder import RunFolder


@dataclass(frozen=True)
class Result:
    """Where the run is, its model, its size in bytes, and its measures on the held-out part."""

    folder: RunFolder
    model: Model
    n_bytes: int
    metrics: Metrics | None


def export_model(
    network: WaveformClassifier,
    config: Config,
    preset: str,
    data: PreparedData,
    audio: AudioSettings,
    n_epochs: int,
    sources: Sources,
) -> Model:
    """The model of a trained network, and where it comes from.

    Args:
        network: with the weights to keep.
        config: of the run.
        preset: its name.
        data: that it was trained on.
        audio: what it hears.
        n_epochs: whose weights they are.
        sources: the models that it comes from.
    """
    provenance: dict[str, str | int | float] = {
        "wsnet": __version__,
        "preset": preset,
        "data": data.fingerprint,
        "split": data.split.how,
        "epochs": n_epochs,
        "seed": config.train.seed,
        **sources.provenance,
    }
    labels = data.dataset.labels
    return Model(network.network, network.export(), labels, audio, 32, provenance)


@dataclass(frozen=True)
class Measured:
    """What the finished model says of the held-out clips, and the measures of that."""

    metrics: Metrics
    predictions: list[Prediction]


def measure_model(model: Model, data: PreparedData, listener: Listener) -> Measured | None:
    """Measure on the held-out part, by the engine that predicts; None where there is none."""
    if not data.test:
        return None
    classifier = Classifier(model)
    labels = data.dataset.labels
    predicted: list[int] = []
    predictions: list[Prediction] = []
    for done, i in enumerate(data.test, start=1):
        scores = classifier.classify(data.packed.samples(i), model.audio.sample_rate)
        best = int(scores.argmax())
        predicted.append(best)
        clip = data.dataset.clips[i]
        predictions.append(
            Prediction(_key_of(data, i), clip.label, labels[best], float(scores[best]))
        )
        listener.measured(done, len(data.test))
    return Measured(measure(data.classes(data.test), predicted, labels), predictions)


def _key_of(data: PreparedData, i: int) -> ClipKey:
    clip = data.dataset.clips[i]
    start, end = ("" if bound is None else str(bound) for bound in (clip.start_s, clip.end_s))
    return ClipKey(clip.name, start, end, data.packed.content_keys[i])
