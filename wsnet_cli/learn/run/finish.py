"""What a run ends with: its model file, and its measures by the engine that predicts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ...core.configuration.config import Config
from ...core.measures.bootstrap import number_recordings
from ...core.measures.evaluation import recording_of
from ...core.measures.metrics import Metrics, measure
from ...core.measures.multi_label_metrics import MultiLabelMetrics, measure_labels
from ...core.measures.predictions import ClipKey, Prediction, Predictions
from ...core.model import Model
from ...core.quant import Array
from ...core.sound.audio import AudioSettings
from ...data.label_sets import label_of
from ...engine.session import Classifier
from ..modules.network import WaveformClassifier
from ..teachers.model_source import Sources
from .listener import Listener
from .prepared import PreparedData
from .provenance import provenance
from .run_folder import RunFolder


@dataclass(frozen=True)
class Result:
    """Where the run is, its model, its size in bytes, and its measures on the held-out part."""

    folder: RunFolder
    model: Model
    n_bytes: int
    metrics: Metrics | MultiLabelMetrics | None


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
    words = provenance(
        preset, data.fingerprint, data.split.how, n_epochs, config.train.seed, sources
    )
    labels, several = data.dataset.labels, data.dataset.multi_label
    return Model(network.network, network.export(), labels, audio, 32, words, several)


@dataclass(frozen=True)
class Measured:
    """What the finished model says of the held-out clips, and the measures of that."""

    metrics: Metrics | MultiLabelMetrics
    predictions: Predictions


def measure_model(model: Model, data: PreparedData, listener: Listener) -> Measured | None:
    """Measure on the held-out part, by the engine that predicts; None where there is none."""
    if not data.test:
        return None
    classifier = Classifier(model)
    scores = np.empty((len(data.test), len(model.labels)), np.float32)
    for done, i in enumerate(data.test):
        scores[done] = classifier.classify(data.packed.samples(i), model.audio.sample_rate)
        listener.measured(done + 1, len(data.test))
    rows = [_prediction(data, i, model, row) for i, row in zip(data.test, scores, strict=True)]
    recordings = number_recordings(recording_of(row.key.clip, row.group) for row in rows)
    classes, labels = data.classes(data.test), model.labels
    predictions = Predictions(tuple(rows), labels, scores)
    if data.members is None:
        found = scores.argmax(axis=1)
        return Measured(measure(classes, found, labels, scores, recordings), predictions)
    truth = data.members[classes]
    return Measured(measure_labels(truth, scores, labels, recordings), predictions)


def _prediction(data: PreparedData, i: int, model: Model, scores: Array) -> Prediction:
    clip = data.dataset.clips[i]
    start, end = ("" if bound is None else str(bound) for bound in (clip.start_s, clip.end_s))
    key = ClipKey(clip.name, start, end, data.packed.content_keys[i])
    predicted = label_of(scores, model.labels, multi_label=model.multi_label)
    return Prediction(key, clip.label, predicted, float(scores.max()), clip.group)
