"""Windows cut while a clip is read, against those of the clip as a whole."""

from __future__ import annotations

import itertools
import tracemalloc
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.errors import AudioError, ParameterError
from wsnet_cli.core.sound import stream
from wsnet_cli.core.sound.audio import AudioSettings, read_audio, read_blocks
from wsnet_cli.core.sound.held import Scratch
from wsnet_cli.core.sound.samples import Samples
from wsnet_cli.core.sound.stream import MAX_PENDING_SAMPLES, WindowStream
from wsnet_cli.core.sound.windows import window_blocks

RATE = 1_000
BELOW = 1e-4


@dataclass
class Reader:
    """Gives a clip in blocks and counts how often it was opened."""

    blocks: list[np.ndarray]
    n_opened: int = 0

    def __call__(self) -> Iterator[np.ndarray]:
        self.n_opened += 1
        return iter(self.blocks)


def audio(window: int = 4, hop: int = 2, below: float = BELOW, how: str = "rms") -> AudioSettings:
    made = AudioSettings(RATE, window / RATE, hop / RATE, how, below)
    assert (made.window_samples, made.hop_samples) == (window, hop)
    return made


def assert_same(clip: np.ndarray, cuts: list[int], made: AudioSettings, n_at_once: int) -> Reader:
    reader = Reader(np.split(clip, cuts))
    streamed = WindowStream(reader, made, n_at_once)
    found = list(streamed)
    expected = list(window_blocks(clip, made, n_at_once))
    assert [block.shape for block in found] == [block.shape for block in expected]
    for ours, theirs in zip(found, expected, strict=True):
        assert ours.dtype == np.float32
        assert np.array_equal(ours.view(np.uint32), theirs.view(np.uint32))
    assert streamed.n_samples == len(clip)
    return reader


@st.composite
def clips(draw: st.DrawFn) -> np.ndarray:
    """Runs of sound, of faint sound and of digital silence, in any order."""
    runs = draw(st.lists(st.tuples(st.integers(0, 40), st.sampled_from([0.0, 5e-5, 0.3]))))
    rng = np.random.default_rng(draw(st.integers(0, 99)))
    signs = [level * rng.choice([-1, 1], n) * rng.uniform(0.5, 1, n) for n, level in runs]
    clip = np.concatenate([*signs, np.zeros(0)]).astype(np.float32)
    return clip if len(clip) else np.zeros(draw(st.integers(1, 9)), np.float32)


@given(data=st.data())
@settings(deadline=None, max_examples=500)
def test_the_windows_are_those_of_the_whole_clip(data: st.DataObject) -> None:
    clip = data.draw(clips())
    cuts = data.draw(st.lists(st.integers(0, len(clip)), max_size=12).map(sorted))
    window = data.draw(st.integers(1, 30))
    hop = data.draw(st.integers(1, window) | st.just(window))
    below = data.draw(st.sampled_from([0.0, BELOW, 0.2]))
    how = data.draw(st.sampled_from(["rms", "none"]))
    made = audio(window, hop, below, how)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "MAX_PENDING_SAMPLES", data.draw(st.integers(0, 60)))
        reader = assert_same(clip, cuts, made, data.draw(st.integers(1, 5)))
    assert reader.n_opened <= 2


@pytest.mark.parametrize("limit", [0, 3, 1_000])
@pytest.mark.parametrize("n", [1, 3, 4, 5, 6, 7])
@pytest.mark.parametrize("level", [0.0, 5e-5, 0.5])
def test_short_clips_and_quiet_ones(
    limit: int, n: int, level: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_PENDING_SAMPLES", limit)
    for hop in (1, 2, 4):
        assert_same(np.full(n, level, np.float32), list(range(n)), audio(4, hop), 2)


def test_nothing_is_trimmed_where_nothing_is_silence() -> None:
    clip = np.zeros(20, np.float32)
    reader = assert_same(clip, [3, 9], audio(below=0.0), 3)
    assert reader.n_opened == 1


QUIET, LOUD = np.zeros(50, np.float32), np.full(10, 0.5, np.float32)


@pytest.mark.parametrize(
    ("parts", "n_opened"),
    [
        ((LOUD, LOUD), 1),
        ((QUIET[:30], LOUD, QUIET[:30], LOUD, QUIET[:30]), 1),
        ((QUIET, LOUD), 2),
        ((LOUD, QUIET), 2),
        ((LOUD, QUIET, LOUD), 2),
        ((QUIET, LOUD, QUIET, LOUD, QUIET), 2),
        ((QUIET,), 2),
    ],
)
def test_a_clip_is_read_again_only_for_a_long_quiet_stretch(
    parts: tuple[np.ndarray, ...], n_opened: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_PENDING_SAMPLES", 30)
    clip = np.concatenate(parts)
    reader = assert_same(clip, list(range(0, len(clip), 7)), audio(), 3)
    assert reader.n_opened == n_opened


def test_silence_at_the_end_is_not_read_twice_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_PENDING_SAMPLES", 30)
    read: list[int] = []

    def blocks() -> Iterator[np.ndarray]:
        read.append(0)
        here = len(read) - 1
        for block in (LOUD, *[QUIET] * 9):
            read[here] += 1
            yield block

    streamed = WindowStream(blocks, audio(), 3)
    list(streamed)
    assert read == [2, 10]
    assert streamed.n_samples == 460


def test_windows_come_while_the_clip_is_read() -> None:
    """Two of five are told once both are sure, before the block after that is asked for."""

    def blocks() -> Iterator[np.ndarray]:
        yield LOUD
        raise AssertionError("the second block was asked for")

    assert len(next(iter(WindowStream(blocks, audio(4, 4), 2)))) == 2


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(ParameterError, match="n_at_once = 0; expected a whole number >= 1"):
        WindowStream(lambda: iter([LOUD]), audio(), 0)
    with pytest.raises(ParameterError, match=r"a\.wav: no samples; expected at least one"):
        list(WindowStream(lambda: iter([LOUD[:0]]), audio(), 1, name="a.wav"))


def test_a_file_that_changes_meanwhile_is_said_to(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "MAX_PENDING_SAMPLES", 30)
    contents = iter([[QUIET, LOUD, LOUD], [QUIET, LOUD, LOUD, LOUD]])
    streamed = WindowStream(lambda: iter(next(contents)), audio(), 2, name="a.wav")
    with pytest.raises(AudioError, match=r"a\.wav: 70 samples where there were 80; the file has c"):
        list(streamed)


@pytest.mark.parametrize("to_rate", [8_000, 16_000, 44_100])
@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
def test_files_at_any_rate(name: str, to_rate: int, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sound = 0.2 * rng.standard_normal(50_000)
    sound[:9_000] = sound[20_000:30_000] = sound[41_000:] = 0
    soundfile.write(tmp_path / name, sound, 16_000)
    opened = partial(read_blocks, tmp_path / name, sample_rate=to_rate)
    made = AudioSettings(to_rate, 0.3, 0.1)
    samples, _ = read_audio(tmp_path / name, sample_rate=to_rate)
    streamed = WindowStream(opened, made, 4)
    expected = list(window_blocks(samples, made, 4))
    assert all(np.array_equal(a, b) for a, b in zip(streamed, expected, strict=True))
    assert streamed.n_samples == len(samples)


# ------------------------------------------------------------------------------------ places


def placed(
    clip: np.ndarray, made: AudioSettings, n_at_once: int, **options: bool
) -> list[tuple[np.ndarray, int, int]]:
    """Windows one by one, blocks of seven samples, with first sample and end."""
    blocks = np.split(clip, range(7, len(clip), 7))
    streamed = WindowStream(lambda: iter(blocks), made, n_at_once, **options)
    return [
        (window.copy(), int(start), int(end))
        for windows, starts, ends in streamed.placed()
        for window, start, end in zip(windows, starts, ends, strict=True)
    ]


@given(clips(), st.integers(1, 30), st.data())
@settings(deadline=None, max_examples=200)
def test_windows_hold_what_lies_at_their_places(
    clip: np.ndarray, window: int, data: st.DataObject
) -> None:
    made = audio(window, data.draw(st.integers(1, window)), how="none")
    loud = np.flatnonzero(np.abs(clip) >= BELOW)
    first, end = (loud[0], loud[-1] + 1) if len(loud) else (0, len(clip))
    limit = data.draw(st.integers(0, 60))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "MAX_PENDING_SAMPLES", limit)
        found = placed(clip, made, data.draw(st.integers(1, 5)))
    for cut, start, stop in found:
        assert first <= start < stop <= end
        n_before = (window - (stop - start)) // 2
        assert cut[n_before : n_before + stop - start].tolist() == clip[start:stop].tolist()
    assert found[0][1] == first
    assert found[-1][2] == end
    for (_, start, _), (_, following, _) in itertools.pairwise(found[:-1]):
        assert following - start == made.hop_samples
    if len(found) > 1:
        assert 0 < found[-1][1] - found[-2][1] <= made.hop_samples
        assert {stop - start for _, start, stop in found} == {window}


# ------------------------------------------------------------------------------- of a recorder


def test_eager_windows_are_the_same_and_come_with_their_last_sample() -> None:
    clip = np.random.default_rng(0).uniform(0.1, 1, 100).astype(np.float32)
    made = audio(10, 4)
    read: list[int] = []

    def blocks() -> Iterator[np.ndarray]:
        for i in range(0, 100, 3):
            read.append(i)
            yield clip[i : i + 3]

    blocks_of_windows = WindowStream(blocks, made, 16, eager=True).placed()
    found = []
    for windows, _, ends in blocks_of_windows:
        assert ends[-1] <= 3 * len(read) < ends[-1] + 3 + (ends[-1] == 100)
        found += list(windows.copy())
    assert np.array_equal(found, np.concatenate(list(window_blocks(clip, made, 16))))
    sizes = [len(w) for w in WindowStream(lambda: iter([clip]), made, 16, eager=True)]
    assert sizes == [16, 7, 1]


@given(data=st.data())
@settings(deadline=None, max_examples=200)
def test_what_comes_once_is_trimmed_unless_its_silence_is_long(data: st.DataObject) -> None:
    """A quiet stretch of more than the limit, and all before it, is sound from then on."""
    clip = data.draw(clips())
    limit = data.draw(st.integers(0, 60))
    made = audio(data.draw(st.integers(1, 30)), 1)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(stream, "MAX_PENDING_SAMPLES", limit)
        reader = Reader(np.split(clip, range(1, len(clip))))
        found = list(WindowStream(reader, made, 3, once=True))
    loud = np.flatnonzero(np.abs(clip) >= BELOW)
    first, end = (int(loud[0]), int(loud[-1]) + 1) if len(loud) else (0, 0)
    first = 0 if first > limit else first
    while len(clip) - end > limit:  # each time that it is too much, all of it is kept
        end += limit + 1
    end = end or len(clip)
    kept = audio(made.window_samples, 1, below=0.0)
    expected = list(window_blocks(clip[first:end], kept, 3))
    assert reader.n_opened == 1
    assert np.array_equal(np.concatenate(found), np.concatenate(expected))


# ------------------------------------------------------------------------------------ memory


@dataclass
class Synthetic:
    """Endless parts of noise and silence that take no memory before they are read."""

    parts: list[tuple[int, float]]
    n_block: int = 2**14
    noise: np.ndarray = field(
        default_factory=lambda: np.random.default_rng(0).uniform(-1, 1, 2**14).astype(np.float32)
    )

    def __call__(self) -> Iterator[np.ndarray]:
        for n_blocks, level in self.parts:
            for _ in range(n_blocks):
                yield self.noise * np.float32(level)


def peak_bytes(work: Callable[[], object]) -> int:
    tracemalloc.start()
    try:
        work()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(
    "parts",
    [
        [(600, 0.5)],
        [(600, 0.0)],
        [(200, 0.0), (1, 0.5), (200, 0.0), (1, 0.5), (200, 0.0)],
        [(1, 0.5), (126, 0.0)] * 5,
    ],
    ids=["sound", "silence", "silence around sound", "quiet stretches just short enough"],
)
def test_memory_does_not_follow_the_length(parts: list[tuple[int, float]]) -> None:
    """600 blocks are 39 MB of float32; the bound: pending samples, grown to twice, and windows."""
    n_at_once, made = 8, AudioSettings(8_000, 1.0, 0.5)
    reader = Synthetic(parts)
    bound = 4 * (3 * MAX_PENDING_SAMPLES + 6 * n_at_once * made.window_samples)

    def run() -> None:
        for _ in WindowStream(reader, made, n_at_once):
            pass

    assert peak_bytes(run) < bound
    if parts == [(600, 0.5)]:
        assert peak_bytes(run) < 4 * (2**18 + 6 * n_at_once * made.window_samples)


def test_a_scratch_serves_clip_after_clip_with_the_same_windows():
    """Long clips, short ones, long ones again; each block is read before the next is asked for."""
    settings = AudioSettings(1_000, 0.05, 0.02)
    scratch = Scratch()
    rng = np.random.default_rng(0)
    for n_samples in (5_000, 30, 777, 600_000, 51):
        clip = rng.standard_normal(n_samples).astype(np.float32)
        blocks = np.array_split(clip, 7)
        stream = WindowStream(lambda blocks=blocks: iter(blocks), settings, 4, "clip", scratch)
        expected = window_blocks(clip, settings, 4)
        for found, wanted in zip(stream, expected, strict=True):
            assert np.array_equal(found, wanted)


def test_a_scratch_needs_no_new_memory_for_a_clip_as_long_as_the_last():
    settings = AudioSettings(1_000, 0.05, 0.02)
    scratch = Scratch()
    clip = np.random.default_rng(0).standard_normal(100_000).astype(np.float32)
    peaks = []
    for _ in range(2):
        tracemalloc.start()
        for _ in WindowStream(lambda: iter([clip]), settings, 16, "clip", scratch):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    assert peaks[1] < peaks[0] / 4


@pytest.mark.parametrize(
    ("clip", "below", "silent"),
    [
        (np.zeros(90, np.float32), 1e-4, True),
        (np.zeros(9, np.float32), 0.0, True),
        (np.full(9, 5e-5, np.float32), 1e-4, False),  # trimmed by no one: kept, and heard
        (np.r_[np.zeros(90), -0.5].astype(np.float32), 1e-4, False),
    ],
    ids=["long", "never trimmed", "quiet", "a click"],
)
@pytest.mark.parametrize("once", [False, True])
def test_what_is_silent(
    clip: Samples, below: float, silent: bool, once: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream, "MAX_PENDING_SAMPLES", 20)
    audio = AudioSettings(1_000, 0.004, 0.002, trim_below=below)
    listened = WindowStream(lambda: iter(np.array_split(clip, 9)), audio, 4, once=once)
    assert len(list(listened)) > 0
    assert listened.is_silent is silent
