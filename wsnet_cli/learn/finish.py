"""What a run ends with: its model file, and its measures by the engine that predicts."""

from __future__ import annotations

from dataclasses import dataclass

from .. import __version__
from ..core.audio import AudioSettings
from ..core.config import Config
from ..core.metrics import Metrics, measure
from ..core.model import Model
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


def measure_model(model: Model, data: PreparedData, listener: Listener) -> Metrics | None:
    """Measures on the held-out part, by the engine that predicts; None where there is none."""
    if not data.test:
        return None
    classifier = Classifier(model)
    predicted = []
    for done, clip in enumerate(data.test, start=1):
        samples = data.packed.samples(clip)
        predicted.append(int(classifier.classify(samples, model.audio.sample_rate).argmax()))
        listener.measured(done, len(data.test))
    return measure(data.classes(data.test), predicted, data.dataset.labels)
