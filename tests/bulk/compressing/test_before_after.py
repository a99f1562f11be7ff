from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.clips.clip_audio import FileAudio
from wsnet_cli.bulk.compressing.before_after import BeforeAfter, measure_both
from wsnet_cli.core.measures.evaluation import ClipResult, Evaluated
from wsnet_cli.core.measures.paired import bootstrap_difference, mcnemar
from wsnet_cli.core.measures.paired_precision import compare_precision
from wsnet_cli.core.model import Model, compress
from wsnet_cli.data.layouts.known import load_dataset

LABELS = ("a", "b")


def evaluated(predicted: str, labels: str, groups: str = "") -> Evaluated:
    clips = tuple(
        ClipResult(f"{i}.wav", label, found, 0.9, 1.0, group=group or None)
        for i, (label, found, group) in enumerate(
            zip(labels, predicted, groups or [""] * len(labels), strict=True)
        )
    )
    truth = np.array([LABELS.index(label) for label in labels])
    scores = np.array([[0.9, 0.1] if p == "a" else [0.1, 0.9] for p in predicted], np.float32)
    return Evaluated(LABELS, clips, truth, scores)


def test_it_is_after_minus_before_and_lost_clips_come_first():
    labels = "aaaabbbb"
    both = BeforeAfter(evaluated("aaabbbba", labels), evaluated("baaabaaa", labels), ())
    assert (both.values, both.difference) == ((0.75, 0.5), -0.25)
    names = [(one.file, one.predicted, other.predicted) for one, other in both.changed]
    assert names == [
        ("0.wav", "a", "b"),
        ("5.wav", "b", "a"),
        ("6.wav", "b", "a"),
        ("3.wav", "b", "a"),
    ]
    assert both.p_value == mcnemar(1, 3)
    differences = np.array([-1, 0, 0, 1, 0, -1, -1, 0], float)
    assert both.interval == bootstrap_difference(differences)
    document = both.as_json()
    assert (document["n_lost"], document["n_gained"], document["measure"]) == (3, 1, "accuracy")


def test_recordings_are_drawn_whole():
    labels, groups = "a" * 12, "112233445566"
    before, after = (
        evaluated("a" * 12, labels, groups),
        evaluated("bb" * 2 + "a" * 8, labels, groups),
    )
    expected = bootstrap_difference(np.array([-1.0] * 4 + [0.0] * 8), np.arange(12) // 2)
    assert BeforeAfter(before, after, ()).interval == expected


def test_of_several_labels_it_is_mean_average_precision():
    rng = np.random.default_rng(0)
    truth = rng.random((30, 2)) < 0.5
    scores = [rng.random((30, 2)).astype(np.float32) for _ in range(2)]
    clips = tuple(ClipResult(f"{i}.wav", "", "", 0.5, 1.0) for i in range(30))
    before, after = (Evaluated(LABELS, clips, truth, own) for own in scores)
    both = BeforeAfter(before, after, ())
    found = compare_precision(truth, scores[1], scores[0], np.arange(30))
    assert both.values == found.values[::-1]
    assert both.interval == found.interval
    assert (both.measure, both.p_value) == ("mean average precision", None)


def test_the_same_clips_are_heard_by_both(tone_model: Model, tones: Path):
    (tones / "low" / "broken.wav").write_text("no audio")
    clips = load_dataset(tones, None, None).clips[:]
    told: list[tuple[int, int]] = []
    both = measure_both(
        *(tone_model, compress(tone_model, 4), clips, FileAudio()),
        on_clip=lambda done, n: told.append((done, n)),
    )
    assert both.n_clips == 21
    assert [failure.name for failure in both.failures] == ["low/broken.wav"]
    assert [c.file for c in both.before.clips] == [c.file for c in both.after.clips]
    assert told == [(i, 44) for i in range(1, 45)]
    assert both.before.scores is not None
    assert both.after.scores is not None
    assert 0 < np.abs(both.before.scores - both.after.scores).max() < 1


@pytest.mark.parametrize("workers", [1, 3])
def test_workers_change_nothing(tone_model: Model, tones: Path, workers: int):
    clips = load_dataset(tones, None, None).clips[:]
    small = compress(tone_model, 4)
    one = measure_both(tone_model, small, clips, FileAudio(), workers)
    assert one.as_json() == measure_both(tone_model, small, clips, FileAudio(), 2).as_json()
