"""Windows with times: by hand, against the score of the clip, and as a recorder runs."""

from __future__ import annotations

import subprocess
import sys
import tracemalloc
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.model import Model
from wsnet_cli.core.sound import stream
from wsnet_cli.engine.engines import missing_reason
from wsnet_cli.engine.scores import aggregate_scores
from wsnet_cli.engine.session import Classifier
from wsnet_cli.engine.timeline import Timeline

RATE = 8_000
WINDOW, HOP = 800, 400
ENGINES = ["numpy"] if missing_reason() else ["numpy", "native"]


def noise(n_samples: int, seed: int = 0) -> np.ndarray:
    rng = np.random.default_rng(seed)
    sound = rng.uniform(0.01, 0.3, n_samples) * rng.choice([-1, 1], n_samples)
    return sound.astype(np.float32)


def silence(n_samples: int) -> np.ndarray:
    return np.zeros(n_samples, np.float32)


def blocks_of(clip: np.ndarray, n_block: int = 500):
    return lambda: iter([clip[i : i + n_block] for i in range(0, len(clip), n_block)])


def times(timeline: Timeline) -> list[tuple[int, int]]:
    """In samples, which they must be whole numbers of."""
    found = []
    for part in timeline:
        assert part.starts_s.dtype == part.ends_s.dtype == np.float64
        assert part.scores.dtype == np.float32
        assert len(part.starts_s) == len(part.ends_s) == len(part.scores) >= 1
        samples = np.stack([part.starts_s, part.ends_s]) * RATE
        assert np.abs(samples - samples.round()).max() < 1e-6
        found += [(int(a), int(b)) for a, b in samples.round().T]
    return found


def scores(timeline: Timeline) -> np.ndarray:
    return np.concatenate([part.scores for part in timeline])


# ----------------------------------------------------------------------------------- of files


def test_windows_lie_in_the_sound_and_the_last_ends_with_it(small_model: Model) -> None:
    """300 samples of silence, 2,100 of sound, 200 of silence."""
    clip = np.concatenate([silence(300), noise(2_100), silence(200)])
    timeline = Classifier(small_model).hear_windows(blocks_of(clip))
    assert times(timeline) == [
        (300, 1_100),
        (700, 1_500),
        (1_100, 1_900),
        (1_500, 2_300),
        (1_600, 2_400),
    ]
    assert timeline.duration_s == 2_600 / RATE


@pytest.mark.parametrize(
    ("clip", "expected"),
    [
        (noise(800), [(0, 800)]),
        (noise(500), [(0, 500)]),
        (noise(1), [(0, 1)]),
        (np.concatenate([silence(900), noise(500), silence(20)]), [(900, 1_400)]),
        (silence(300), [(0, 300)]),
        (silence(1_000), [(0, 800), (200, 1_000)]),
    ],
    ids=["a window", "shorter", "one sample", "short in silence", "short silence", "silence"],
)
def test_of_short_and_silent_clips_the_bounds_of_the_sound_are_told(
    clip: np.ndarray, expected: list[tuple[int, int]], small_model: Model
) -> None:
    assert times(Classifier(small_model).hear_windows(blocks_of(clip))) == expected


def test_a_part_of_a_file_is_told_in_seconds_of_the_file(
    small_model: Model, tmp_path: Path
) -> None:
    soundfile.write(tmp_path / "a.wav", noise(8_000), RATE)
    classifier = Classifier(small_model)
    opened = classifier.open_file(tmp_path / "a.wav", start_s=0.5, end_s=0.65)
    timeline = classifier.hear_windows(opened, start_s=0.5)
    assert times(timeline) == [(4_000, 4_800), (4_400, 5_200)]
    assert timeline.duration_s == 0.15


@pytest.mark.parametrize("engine", ENGINES)
@given(data=st.data())
@settings(deadline=None, max_examples=60)
def test_the_mean_of_the_windows_is_the_score_of_the_clip(
    engine: str, small_model: Model, data: st.DataObject
) -> None:
    lengths = data.draw(
        st.lists(st.tuples(st.booleans(), st.integers(1, 4_000)), min_size=1, max_size=5)
    )
    clip = np.concatenate([noise(n, n) if loud else silence(n) for loud, n in lengths])
    classifier = Classifier(small_model, engine)
    if data.draw(st.booleans()):
        classifier = classifier.recut(data.draw(st.sampled_from([None, 0.05, 0.3])), 0.03)
    opened = blocks_of(clip, data.draw(st.integers(100, 5_000)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "MAX_PENDING_SAMPLES", data.draw(st.sampled_from([500, 2**21])))
        timeline = classifier.hear_windows(opened)
        found = scores(timeline)
        heard = classifier.hear(opened)
        highest = classifier.hear(opened, aggregate="max")
    assert np.array_equal(aggregate_scores(iter([found])), heard.scores) or np.allclose(
        found.mean(axis=0, dtype=np.float64), heard.scores, rtol=1e-6, atol=0
    )
    assert np.array_equal(found.max(axis=0), highest.scores)
    assert timeline.duration_s == heard.duration_s == highest.duration_s == len(clip) / RATE
    assert found.sum(axis=1) == pytest.approx(np.ones(len(found)), abs=1e-6)


def test_features_come_with_the_scores_and_change_nothing(small_model: Model) -> None:
    classifier = Classifier(small_model)
    opened = blocks_of(noise(9_000))
    plain = list(classifier.hear_windows(opened))
    embedded = list(classifier.hear_windows(opened, embed=True))
    for ours, theirs in zip(plain, embedded, strict=True):
        assert ours.features is None
        assert theirs.features is not None
        assert theirs.features.shape == (len(ours.scores), 6)
        assert np.array_equal(ours.scores, theirs.scores)


def test_a_clip_that_fails_later_has_told_of_its_start(small_model: Model) -> None:
    def blocks() -> Iterator[np.ndarray]:
        yield noise(20_000)
        raise AudioError("a.wav: decoding stopped")

    timeline = Classifier(small_model).hear_windows(blocks)
    assert len(next(timeline).scores) == 16
    with pytest.raises(AudioError, match="decoding stopped"):
        list(timeline)
    assert timeline.duration_s == 20_000 / RATE


@pytest.mark.parametrize("window_s", [0.1, 2.0])
def test_memory_does_not_follow_the_length(small_model: Model, window_s: float) -> None:
    classifier = Classifier(small_model).recut(window_s)
    block = noise(2**14)
    peaks = []
    for n_blocks in (50, 800):
        tracemalloc.start()
        for part in classifier.hear_windows(
            lambda n=n_blocks: (block for _ in range(n)), embed=True
        ):
            del part
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < 1.1 * peaks[0]


# ---------------------------------------------------------------------------------- of streams


def test_a_live_stream_is_cut_from_its_first_sample_on(small_model: Model) -> None:
    clip = np.concatenate([silence(500), noise(1_000), silence(700)])
    timeline = Classifier(small_model).hear_windows(blocks_of(clip), live=True)
    assert times(timeline) == [
        (0, 800),
        (400, 1_200),
        (800, 1_600),
        (1_200, 2_000),
        (1_400, 2_200),
    ]
    assert timeline.duration_s == 2_200 / RATE


def test_a_live_window_is_told_with_its_last_sample(small_model: Model) -> None:
    """However the samples come: the first window before the 801st is asked for."""
    asked: list[int] = []

    def blocks() -> Iterator[np.ndarray]:
        for number in range(30):
            asked.append(number)
            yield silence(100) if number < 20 else noise(100)

    timeline = Classifier(small_model).hear_windows(blocks, live=True)
    for number in range(6):
        (start,) = next(timeline).starts_s
        assert start == number * 400 / RATE
        assert len(asked) == 8 + 4 * number


def test_a_long_live_stream_of_silence_is_opened_once(
    small_model: Model, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_PENDING_SAMPLES", 1_000)
    opened = []

    def blocks() -> Iterator[np.ndarray]:
        opened.append(1)
        return iter([silence(500)] * 20)

    classifier = Classifier(small_model)
    assert len(times(classifier.hear_windows(blocks, live=True))) == 24
    assert opened == [1]
    heard = classifier.hear(blocks, once=True)
    assert opened == [1, 1]
    assert heard.duration_s == 10_000 / RATE


LISTENER = """
import sys
from wsnet_cli import Classifier
from wsnet_cli.core.sound.pcm import PcmFormat
from wsnet_cli.core.sound.pipe import open_pipe

classifier = Classifier.load(sys.argv[1])
raw = PcmFormat(8_000) if sys.argv[2] == "raw" else None
with open_pipe(sys.stdin.buffer, raw) as sound:
    opened = sound.open(classifier.model.audio.sample_rate, None)
    for part in classifier.hear_windows(opened, sound.name, live=sound.live):
        for start_s, end_s in zip(part.starts_s, part.ends_s):
            print(start_s, end_s, flush=True)
print("end", flush=True)
"""


@pytest.mark.parametrize("kind", ["raw", "wav"])
def test_a_recorder_hears_of_each_window_before_it_sends_the_next_second(
    kind: str, small_model_file: Path
) -> None:
    """Windows of 0.1 s every 0.05 s: 19 end in the first second, 20 in each one after it."""
    with subprocess.Popen(
        [sys.executable, "-c", LISTENER, str(small_model_file), kind],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as listener:
        assert listener.stdin is not None
        assert listener.stdout is not None
        if kind == "wav":
            fmt = b"fmt \x10\0\0\0\x01\0\x01\0\x40\x1f\0\0\x80\x3e\0\0\x02\0\x10\0"
            listener.stdin.write(b"RIFF\xff\xff\xff\xffWAVE" + fmt + b"data\xff\xff\xff\xff")
        for second in range(3):
            sound = noise(RATE, second) if second != 1 else silence(RATE)
            listener.stdin.write((32_000 * sound).astype("<i2").tobytes())
            listener.stdin.flush()
            lines = [listener.stdout.readline() for _ in range(19 if second == 0 else 20)]
            assert float(lines[-1].split()[1]) == second + 1
        listener.stdin.close()
        assert listener.stdout.read() == b"end\n"
    assert listener.returncode == 0
