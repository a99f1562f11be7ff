from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from wsnet_cli.core.configuration.config import AugmentConfig
from wsnet_cli.core.sound.audio import AudioSettings
from wsnet_cli.core.sound.windows import trim_silence
from wsnet_cli.data.health.meter import HEALTH
from wsnet_cli.data.packing.one_clip import PackedClip, Spool
from wsnet_cli.data.packing.packed import PackedSet
from wsnet_cli.data.packing.store_index import KEY_BYTES
from wsnet_cli.data.packing.store_writer import MemoryWriter
from wsnet_cli.learn.feeding import augment
from wsnet_cli.learn.feeding.arithmetic import NumpyArithmetic
from wsnet_cli.learn.feeding.augment import Augmenter
from wsnet_cli.learn.feeding.batches import Batch, Feed
from wsnet_cli.learn.feeding.streams import Streams

AUDIO = AudioSettings(1_000, window_s=0.064, hop_s=0.032, trim_below=0.0)
PLAIN = AugmentConfig(rescale=1.0, shift=0.0, gain_db=0.0, polarity=False, mixing_share=1.0)


@pytest.fixture
def make_feed(fake_packed_set):
    def make(clips: list[np.ndarray], classes: list[int], **more: Any) -> Feed:
        values: dict[str, Any] = {"audio": AUDIO, "augment": AugmentConfig(), "batch_size": 8}
        values |= {"repeats": 1, "seed": 0, "n_mixed_epochs": 1_000}
        values |= {"n_classes": max(classes) + 1, **more}
        indices = range(len(clips))
        return Feed(fake_packed_set(clips), indices, classes=classes, **values)

    return make


@pytest.fixture
def feed(make_feed) -> Feed:
    """Eleven clips of noise in three classes of unlike size."""
    rng = np.random.default_rng(0)
    clips = [rng.standard_normal(100 + 10 * i).astype(np.float32) for i in range(11)]
    return make_feed(clips, [0] * 6 + [1] * 4 + [2])


def same(first: Batch, second: Batch) -> bool:
    return np.array_equal(first.windows, second.windows) and np.array_equal(
        first.targets, second.targets
    )


def test_batches_have_their_shapes_and_targets_that_sum_to_1(feed: Feed) -> None:
    for step in range(feed.n_batches):
        batch = feed.batch(0, step)
        n = min(8, 11 - 8 * step)
        assert (batch.windows.shape, batch.targets.shape) == ((n, 64), (n, 3))
        assert batch.windows.dtype == batch.targets.dtype == np.float32
        assert batch.targets.sum(axis=1) == pytest.approx(np.ones(n), abs=1e-6)
        assert np.isfinite(batch.windows).all()


def test_the_two_classes_of_a_pair_differ_and_every_other_clip_is_a_partner(make_feed) -> None:
    """With clips that are marked, the share of a mark is the target, and says who was mixed."""
    marks = np.eye(6, 64, dtype=np.float32) * 8
    classes = [0, 0, 0, 1, 1, 2]
    feed = make_feed(list(marks), classes, augment=PLAIN, batch_size=6)
    pairs: Counter[tuple[int, int]] = Counter()
    for epoch in range(200):
        batch = feed.batch(epoch, 0)
        order = feed.order(epoch)
        for window, target, first in zip(batch.windows, batch.targets, order, strict=True):
            (second,) = (i for i in range(6) if window[i] != 0 and i != first)
            assert classes[first] != classes[second]
            # Windows are marks of equal level, so p = r.
            share = window[first] / (window[first] + window[second])
            assert target[classes[first]] == pytest.approx(share, abs=1e-5)
            assert target[classes[second]] == pytest.approx(1 - share, abs=1e-5)
            pairs[int(first), second] += 1
    expected = {(i, j) for i in range(6) for j in range(6) if classes[i] != classes[j]}
    assert set(pairs) == expected
    # Each of a clip's partners alike: 200 draws of 3 to 5 partners.
    for (first, _), n in pairs.items():
        n_partners = sum(c != classes[first] for c in classes)
        assert n == pytest.approx(200 / n_partners, rel=0.5)


def test_clips_of_unlike_levels_are_mixed_by_what_is_heard_of_each(make_feed) -> None:
    """A quiet clip is raised: the shares of the marks in the window are the target all the same."""
    levels = np.float32([1, 4, 16, 2, 8, 32])
    classes = [0, 0, 0, 1, 1, 2]
    marks = list(np.eye(6, 64, dtype=np.float32) * levels[:, None])
    audio = replace(AUDIO, normalise="none")
    feed = make_feed(marks, classes, augment=PLAIN, audio=audio, batch_size=6)
    for epoch in range(20):
        batch = feed.batch(epoch, 0)
        for window, target, first in zip(batch.windows, batch.targets, batch.clips, strict=True):
            (second,) = (i for i in np.flatnonzero(window) if i != first)
            share = window[first] / (window[first] + window[second])
            assert target[classes[first]] == pytest.approx(share, abs=1e-4)


def test_ratios_are_uniform(make_feed) -> None:
    feed = make_feed(list(np.eye(2, 64, dtype=np.float32)), [0, 1], augment=PLAIN, batch_size=2)
    ratios = np.concatenate([feed.batch(epoch, 0).targets[:, 0] for epoch in range(500)])
    assert np.histogram(ratios, 4, (0, 1))[0] == pytest.approx(np.full(4, 250), abs=60)


@pytest.mark.parametrize("mixing_share", [0.0, 0.3, 1.0])
def test_only_a_share_of_the_windows_is_mixed_and_the_others_are_clips_as_they_are(
    mixing_share: float, make_feed
) -> None:
    config = PLAIN.model_copy(update={"mixing_share": mixing_share})
    marks = np.eye(4, 64, dtype=np.float32)
    audio = replace(AUDIO, normalise="none")
    feed = make_feed(list(marks), [0, 0, 1, 1], augment=config, audio=audio, batch_size=4)
    n_mixed = 0
    for epoch in range(250):
        batch, order = feed.batch(epoch, 0), feed.order(epoch)
        mixed = np.count_nonzero(batch.windows, axis=1) == 2
        assert np.array_equal(mixed, np.count_nonzero(batch.targets, axis=1) == 2)
        assert np.array_equal(batch.windows[~mixed], marks[order[~mixed]])
        n_mixed += int(mixed.sum())
    assert n_mixed / 1_000 == pytest.approx(mixing_share, abs=0.05)


def test_the_last_epochs_are_not_mixed(make_feed) -> None:
    marks = list(np.eye(4, 64, dtype=np.float32))
    feed = make_feed(marks, [0, 0, 1, 1], augment=PLAIN, batch_size=4, n_mixed_epochs=3)
    mixed = [bool((feed.batch(epoch, 0).targets < 1).all()) for epoch in range(6)]
    assert mixed == [True, True, True, False, False, False]


def test_without_mixing_targets_name_the_class_of_each_clip(make_feed) -> None:
    marks = np.eye(6, 64, dtype=np.float32) * 8
    plain = PLAIN.model_copy(update={"mixing": "none"})
    feed = make_feed(list(marks), [0, 0, 0, 1, 1, 2], augment=plain, batch_size=6)
    batch = feed.batch(3, 0)
    assert np.array_equal(batch.windows, marks[feed.order(3)])
    assert np.array_equal(batch.targets, np.eye(3)[[0, 0, 0, 1, 1, 2]][feed.order(3)])


def test_batches_depend_on_seed_epoch_and_step_alone(feed: Feed) -> None:
    for epoch, step in ((0, 0), (0, 1), (7, 0)):
        first = feed.batch(epoch, step)
        feed.batch(3, 1)
        np.random.seed(epoch)
        assert same(first, replace(feed).batch(epoch, step))
    assert not same(replace(feed, seed=1).batch(0, 0), feed.batch(0, 0))


def test_no_window_comes_twice(feed: Feed) -> None:
    """Different epochs, steps, rows and seeds all differ."""
    feeds = [replace(feed, seed=seed) for seed in range(3)]
    windows = [
        window.tobytes()
        for each in feeds
        for epoch in range(60)
        for step in range(each.n_batches)
        for window in each.batch(epoch, step).windows
    ]
    assert len(windows) == 3 * 60 * 11
    assert len(set(windows)) == len(windows)


def test_equal_clips_are_varied_differently_in_every_batch(make_feed) -> None:
    clip = np.random.default_rng(0).standard_normal(400).astype(np.float32)
    feed = make_feed([clip] * 32, [0, 1] * 16)
    batches = [feed.batch(epoch, step) for epoch in range(3) for step in range(4)]
    windows = {window.tobytes() for batch in batches for window in batch.windows}
    assert len(windows) == 3 * 32


@settings(deadline=None, max_examples=40)
@given(st.integers(1, 20), st.integers(1, 4), st.integers(0, 9))
def test_an_epoch_is_a_permutation_of_all_crops(n_clips: int, repeats: int, epoch: int) -> None:
    feed = Feed(None, range(n_clips), [0] * n_clips, 1, AUDIO, PLAIN, 8, repeats, 1, 0)  # type: ignore[arg-type]
    order = feed.order(epoch)
    assert sorted(order.tolist()) == sorted(list(range(n_clips)) * repeats)


def test_epochs_and_seeds_have_different_orders(feed: Feed) -> None:
    orders = {tuple(replace(feed, seed=s).order(e)) for s in range(5) for e in range(20)}
    assert len(orders) == 100


@pytest.mark.parametrize(
    ("n_clips", "repeats", "batch_size", "sizes"),
    [
        (16, 1, 8, [8, 8]),
        (17, 1, 8, [8, 8]),
        (18, 1, 8, [8, 8, 2]),
        (3, 1, 8, [3]),
        (1, 1, 8, [1]),
        (2, 1, 2, [2]),
        (3, 1, 2, [2]),
        (7, 3, 5, [5, 5, 5, 5]),
    ],
)
def test_last_batch_has_at_least_two_windows(
    n_clips: int, repeats: int, batch_size: int, sizes: list[int], make_feed
) -> None:
    """Batch norm needs two; a clip left over alone waits for the next epoch's order."""
    clips = [np.full(64, 1 + i, np.float32) for i in range(n_clips)]
    plain = PLAIN.model_copy(update={"mixing": "none"})
    feed = make_feed(clips, [0] * n_clips, augment=plain, batch_size=batch_size, repeats=repeats)
    assert feed.n_batches == len(sizes)
    assert [len(feed.batch(0, step).windows) for step in range(feed.n_batches)] == sizes


def test_steps_of_an_epoch_follow_its_order(make_feed) -> None:
    clips = [np.full(64, 1 + i, np.float32) for i in range(11)]
    audio = replace(AUDIO, normalise="none")
    plain = PLAIN.model_copy(update={"mixing": "none"})
    feed = make_feed(clips, [0] * 11, audio=audio, augment=plain, batch_size=4)
    seen = [feed.batch(2, step).windows[:, 0] - 1 for step in range(3)]
    assert np.array_equal(np.concatenate(seen), feed.order(2))


def test_indices_of_clips_are_those_of_the_packed_set(make_feed) -> None:
    """Training clips need not be the first ones of a data set."""
    clips = [np.full(64, 1 + i, np.float32) for i in range(6)]
    plain = PLAIN.model_copy(update={"mixing": "none"})
    feed = make_feed(clips, [0] * 6, augment=plain, audio=replace(AUDIO, normalise="none"))
    feed = replace(feed, clips=[5, 3], classes=[0, 0])
    assert sorted(feed.batch(0, 0).windows[:, 0]) == [4, 6]


def test_digital_silence_at_the_ends_of_clips_is_cut_before_cropping(make_feed) -> None:
    clip = np.zeros(1_000, np.float32)
    clip[700:764] = 1.0
    audio = replace(AUDIO, trim_below=1e-4)
    feed = make_feed([clip, clip], [0, 1], augment=PLAIN, audio=audio, batch_size=2)
    for epoch in range(10):
        assert np.all(feed.batch(epoch, 0).windows != 0)


@pytest.mark.parametrize("n_silent", [1, 2])
def test_silent_clips_give_finite_windows(n_silent: int, make_feed) -> None:
    clips = [np.zeros(90, np.float32)] * n_silent + [np.ones(90, np.float32)] * (2 - n_silent)
    feed = make_feed(clips, [0, 1], batch_size=2)
    for epoch in range(5):
        batch = feed.batch(epoch, 0)
        assert np.isfinite(batch.windows).all()
        assert np.any(batch.windows) == (n_silent == 1)


# ------------------------------------------------------------------------- parts of long clips


def window_of_whole_clip(
    clip: np.ndarray, n_window: int, config: AugmentConfig, rng: np.random.Generator
) -> np.ndarray:
    """What a window is, with all of the clip in memory: 5 tries, 1e-2 of the clip's loudness."""
    n_source = max(2, round(n_window * config.rescale ** rng.uniform(-1.0, 1.0)))
    margin = round(config.shift * n_source)
    bounds = sorted((-margin, len(clip) + margin - n_source))
    padded = np.pad(clip.astype(float), n_source + margin)
    for _ in range(5):
        start = int(rng.integers(bounds[0], bounds[1] + 1)) + n_source + margin
        part = padded[start : start + n_source]
        window = np.interp(np.linspace(0, n_source - 1, n_window), np.arange(n_source), part)
        level = np.sqrt(np.mean(np.square(window)))
        if level > 1e-2 * np.sqrt(np.mean(np.square(clip))):
            break
    window = window.astype(np.float32)
    Augmenter(n_window, config).finish(window, level, "rms", rng)
    return window


def packed_in_memory(clips: list[np.ndarray]) -> PackedSet:
    writer = MemoryWriter(AUDIO.sample_rate)
    for i, clip in enumerate(clips):
        spool = Spool(None)
        spool.append(clip)
        packed = PackedClip(len(clip), spool.peak / 32767, np.zeros((), HEALTH)[()], spool.codes)
        writer.add(bytes([i] * KEY_BYTES), packed)
    rows = np.arange(len(clips), dtype=np.int32)
    return PackedSet(AUDIO.sample_rate, {}, list(map(str, rows)), None, rows, writer.finish())


def test_windows_of_parts_equal_those_of_whole_clips() -> None:
    """Clips longer and shorter than a window, with silence at their ends, and quiet for long."""
    rng = np.random.default_rng(0)
    clips = []
    for n_samples in (20, 64, 90, 3_000, 5_000):
        clip = rng.standard_normal(n_samples) * np.where(np.arange(n_samples) % 900 < 200, 1, 1e-3)
        clips.append(np.pad(clip, (37, n_samples)).astype(np.float32))
    audio = replace(AUDIO, trim_below=1e-3)
    config = AugmentConfig(mixing="none", rescale=1.25, shift=0.5)
    packed = packed_in_memory([*clips, np.zeros(50, np.float32)])
    feed = Feed(packed, range(6), [0] * 6, 1, audio, config, 12, 2, 1, seed=3)
    for epoch in range(20):
        whole = [trim_silence(packed.samples(i), 1e-3) for i in feed.order(epoch)]
        streams = Streams(3)
        expected = [
            window_of_whole_clip(clip, 64, config, streams.at(epoch, place))
            for place, clip in enumerate(whole)
        ]
        assert feed.batch(epoch, 0).windows == pytest.approx(np.stack(expected), abs=1e-3)


@dataclass(frozen=True)
class CountingSet:
    """One clip, and how often it was asked for."""

    clip: np.ndarray
    asked: list[int] = field(default_factory=list)

    def codes(self, i: int) -> tuple[np.ndarray, float]:
        self.asked.append(i)
        return self.clip, 1.0


def test_a_clip_is_measured_once_and_then_cropped_from_where_it_lies() -> None:
    clip = np.random.default_rng(0).integers(-9, 10, 100_000).astype(np.int16)
    packed = CountingSet(clip)
    config = AugmentConfig(mixing="none")
    feed = Feed(packed, [0], [0], 1, AUDIO, config, 8, 8, 1, seed=0)
    before = feed.batch(0, 0).windows
    for epoch in range(5):
        feed.batch(epoch, 0)
    assert packed.asked == [0]
    clip[:] = 0
    assert before.any()
    assert not feed.batch(0, 0).windows.any()


def test_numpy_makes_the_windows_of_the_compiled_library(feed: Feed, monkeypatch) -> None:
    feed = replace(feed, augment=FULL)
    compiled = [feed.batch(epoch, 0) for epoch in range(5)]
    monkeypatch.setattr(augment, "make_arithmetic", NumpyArithmetic)
    for epoch, batch in enumerate(compiled):
        found = feed.batch(epoch, 0)
        assert found.windows == pytest.approx(batch.windows, abs=1e-3)
        assert np.array_equal(found.targets, batch.targets)


# --------------------------------------------------------------------- whose randomness it is


FULL = AugmentConfig(mixing="mixup", noise_snr_db=(0.0, 30.0))


@pytest.mark.parametrize("n_ranks", [1, 2, 3, 5])
@pytest.mark.parametrize("mixing", ["between-class", "mixup", "none"])
def test_processes_make_the_rows_that_one_process_makes(n_ranks: int, mixing: str, feed) -> None:
    feed = replace(feed, augment=FULL.model_copy(update={"mixing": mixing}))
    for epoch, step in ((0, 0), (0, 1), (5, 0)):
        whole = feed.batch(epoch, step)
        for rank in range(n_ranks):
            part = replace(feed).batch(epoch, step, rank, n_ranks)
            assert np.array_equal(part.windows, whole.windows[rank::n_ranks])
            assert np.array_equal(part.targets, whole.targets[rank::n_ranks])
            assert np.array_equal(part.clips, whole.clips[rank::n_ranks])


def test_a_row_does_not_depend_on_how_clips_are_batched(feed) -> None:
    """Rows of odd length lie anywhere in memory; other batches put them elsewhere."""
    feed = replace(feed, audio=replace(AUDIO, window_s=0.061), augment=FULL)
    small, large = replace(feed, batch_size=2), replace(feed, batch_size=11)
    windows = np.concatenate([small.batch(1, step).windows for step in range(5)])
    assert np.array_equal(windows, large.batch(1, 0).windows[:10])


def test_windows_never_repeat_in_ten_thousand(make_feed) -> None:
    """Sixteen equal clips, 625 epochs, shared by two processes."""
    clip = np.random.default_rng(0).standard_normal(400).astype(np.float32)
    feed = make_feed([clip] * 16, [0, 1] * 8, batch_size=16)
    parts = [feed.batch(epoch, 0, rank, 2).windows for epoch in range(625) for rank in (0, 1)]
    assert len({window.tobytes() for part in parts for window in part}) == 10_000


def test_rows_that_stay_unmixed_draw_no_partner(make_feed) -> None:
    """All else of them is as it is without mixing at all."""
    rng = np.random.default_rng(0)
    clips = [rng.standard_normal(100).astype(np.float32) for _ in range(8)]
    half = make_feed(clips, [0, 1] * 4, augment=AugmentConfig(mixing_share=0.5))
    never = make_feed(clips, [0, 1] * 4, augment=AugmentConfig(mixing_share=0.0))
    first, second = half.batch(0, 0), never.batch(0, 0)
    unmixed = (first.targets == 1).any(axis=1)
    assert 0 < unmixed.sum() < 8
    assert np.array_equal(first.windows[unmixed], second.windows[unmixed])
    assert not (first.windows[~unmixed] == second.windows[~unmixed]).all(axis=1).any()


def test_where_there_is_one_class_nothing_is_mixed_between_classes(make_feed) -> None:
    feed = make_feed([np.ones(64, np.float32)] * 4, [0] * 4, augment=PLAIN)
    batch = feed.batch(0, 0)
    assert np.array_equal(batch.targets, np.ones((4, 1)))
    assert batch.windows == pytest.approx(np.ones((4, 64)))


# -------------------------------------------------------------------------------------- mixup


def test_mixup_mixes_any_two_clips_by_their_samples(make_feed) -> None:
    """With clips that are marked at levels of their own, the shares of the marks are the target."""
    levels = np.float32([1, 2, 4, 8, 16, 32])
    classes = [0, 0, 0, 1, 1, 2]
    config = PLAIN.model_copy(update={"mixing": "mixup", "mixup_alpha": 1.0})
    audio = replace(AUDIO, normalise="none")
    marks = list(np.eye(6, 64, dtype=np.float32) * levels[:, None])
    feed = make_feed(marks, classes, augment=config, audio=audio, batch_size=6)
    pairs: Counter[tuple[int, int]] = Counter()
    for epoch in range(200):
        batch = feed.batch(epoch, 0)
        for window, target, first in zip(batch.windows, batch.targets, batch.clips, strict=True):
            shares = window[:6] / levels
            assert shares.sum() == pytest.approx(1, abs=1e-5)
            assert target == pytest.approx(np.bincount(classes, shares), abs=1e-5)
            others = [i for i in np.flatnonzero(shares) if i != first]
            pairs[int(first), others[0] if others else int(first)] += 1
    assert len(pairs) == 36
    assert all(n == pytest.approx(200 / 6, rel=0.6) for n in pairs.values())


@pytest.mark.parametrize("alpha", [0.2, 1.0, 4.0])
def test_ratios_of_mixup_are_beta_distributed(alpha: float, make_feed) -> None:
    """Mean 1/2 and variance 1 / (4 (2 alpha + 1)), within some standard errors of 2,000 draws."""
    config = PLAIN.model_copy(update={"mixing": "mixup", "mixup_alpha": alpha})
    classes = list(range(20))
    feed = make_feed(list(np.eye(20, 64, dtype=np.float32)), classes, augment=config, batch_size=20)
    ratios = []
    for epoch in range(100):
        batch = feed.batch(epoch, 0)
        ratios += [t[i] for t, i in zip(batch.targets, batch.clips, strict=True) if t[i] < 1]
    assert np.mean(ratios) == pytest.approx(0.5, abs=0.04)
    assert np.var(ratios) == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.15)


# ---------------------------------------------------------------------------- noise, versions


@pytest.mark.parametrize("share", [0.0, 0.3, 1.0])
def test_a_share_of_the_windows_gets_white_noise_at_a_ratio_drawn_evenly(
    share: float, make_feed
) -> None:
    clip = np.rint(1_000 * np.sin(np.arange(600) / 2)).astype(np.float32)
    more = {"mixing": "none", "noise_snr_db": (5.0, 15.0), "noise_share": share}
    audio = replace(AUDIO, window_s=0.6, normalise="none")
    noisy = make_feed([clip] * 8, [0, 1] * 4, augment=PLAIN.model_copy(update=more), audio=audio)
    ratios, spectrum = [], np.zeros(301)
    for epoch in range(50):
        for window in noisy.batch(epoch, 0).windows:
            noise = window - clip
            if noise.any():
                ratios.append(10 * np.log10(np.mean(clip**2) / np.mean(noise**2)))
                spectrum += np.abs(np.fft.rfft(noise / np.std(noise))) ** 2
    assert len(ratios) / 400 == pytest.approx(share, abs=0.08)
    if share:
        assert 5 - 1e-3 <= min(ratios) <= max(ratios) <= 15 + 1e-3
        assert np.mean(ratios) == pytest.approx(10, abs=1)
        thirds = [part.mean() for part in np.array_split(spectrum[1:], 3)]
        assert max(thirds) / min(thirds) < 1.2


def test_crops_come_from_every_version_alike(make_feed, fake_packed_set) -> None:
    clips = [np.full(64, 1 + i, np.float32) for i in range(4)]
    variants = [fake_packed_set([clip + 10 * k for clip in clips]) for k in (1, 2, 3)]
    plain = PLAIN.model_copy(update={"mixing": "none"})
    audio = replace(AUDIO, normalise="none")
    feed = make_feed(clips, [0, 1, 2, 3], augment=plain, audio=audio, variants=variants)
    seen: Counter[int] = Counter()
    for epoch in range(200):
        batch = feed.batch(epoch, 0)
        versions, clip = np.divmod(batch.windows[:, 0], 10)
        assert np.array_equal(clip - 1, batch.clips)
        seen.update(versions.astype(int).tolist())
    assert set(seen) == {0, 1, 2, 3}
    assert all(n == pytest.approx(200, rel=0.25) for n in seen.values())


# ------------------------------------------------------------------------------------ balance


def test_balanced_partners_and_first_clips_come_from_all_classes_alike(make_feed) -> None:
    classes = [0] * 10 + [1] * 3 + [2]
    marks = list(np.eye(14, 64, dtype=np.float32))
    feed = make_feed(marks, classes, augment=PLAIN, balance="sampling", batch_size=14)
    total = sum(feed.batch(epoch, 0).targets.sum(axis=0) for epoch in range(100))
    assert total == pytest.approx(np.full(3, 1_400 / 3), rel=0.1)
    assert replace(feed, balance="none").batch(0, 0).targets.shape == (14, 3)


def test_weights_are_given_where_they_are_asked_for(feed: Feed) -> None:
    assert feed.class_weights is None
    weights = replace(feed, balance="weights").class_weights
    assert weights is not None
    assert weights == pytest.approx(11 / 3 / np.array([6, 4, 1]))
    assert "1 to 6 training clips a class" in feed.balance_line


def test_clips_of_a_batch_are_named_for_messages(make_feed) -> None:
    clips = [np.full(64, 1 + i, np.float32) for i in range(6)]
    plain = PLAIN.model_copy(update={"mixing": "none"})
    feed = make_feed(clips, [0] * 6, augment=plain, audio=replace(AUDIO, normalise="none"))
    feed = replace(feed, clips=[5, 3], classes=[0, 0])
    batch = feed.batch(0, 0)
    assert np.array_equal(batch.windows[:, 0] - 1, batch.clips)


MEMBERS = np.array([[1, 1, 0], [0, 0, 0], [0, 1, 0], [0, 0, 1]], bool)
"""The labels of a multi-label set: a and b, none, b, c."""


@pytest.fixture
def several(make_feed) -> Any:
    """Makes a feed of twelve clips, three with each of these labels."""
    rng = np.random.default_rng(0)
    clips = [rng.standard_normal(100 + 10 * i).astype(np.float32) for i in range(12)]

    def make(**more: Any) -> Feed:
        return make_feed(clips, [0, 1, 2, 3] * 3, members=MEMBERS, n_classes=3, **more)

    return make


def test_targets_of_several_labels_are_their_classes(several: Any) -> None:
    feed = several(augment=PLAIN, n_mixed_epochs=0, batch_size=12)
    batch = feed.batch(0, 0)
    assert np.array_equal(batch.targets, MEMBERS[batch.clips % 4].astype(np.float32))
    assert feed.class_counts.tolist() == [3, 6, 3]


@pytest.mark.parametrize("mixing", ["between-class", "mixup"])
def test_a_mix_has_the_classes_of_both_as_much_as_they_are_in_it(several: Any, mixing: str) -> None:
    """Against two feeds whose classes are the labels themselves: the same shares of each."""
    augment = PLAIN.model_copy(update={"mixing": mixing})
    feed = several(augment=augment, batch_size=12)
    alone = replace(feed, members=None, n_classes=4)
    n_mixed = 0
    for epoch in range(5):
        batch, of_labels = feed.batch(epoch, 0), alone.batch(epoch, 0)
        assert np.array_equal(batch.windows, of_labels.windows)
        expected = of_labels.targets @ MEMBERS.astype(np.float32)
        assert batch.targets == pytest.approx(expected, abs=1e-6)
        assert batch.targets.min() >= 0
        assert batch.targets.max() <= 1
        n_mixed += int(((of_labels.targets > 0).sum(axis=1) == 2).sum())
    assert n_mixed > 10


def test_each_class_is_drawn_equally_often_where_clips_have_several(several: Any) -> None:
    feed = several(augment=PLAIN, balance="sampling", repeats=4)  # 48 draws of a, b, c and none
    counts = Counter(int(i) for i in feed.order(0))
    rounds = Counter(position % 4 for position in counts.elements())
    assert sum(counts.values()) == 48
    assert rounds[1] == rounds[3] == 12
    assert rounds[0] == 12 + 6
    assert rounds[2] == 6
    line = "balance: 3 to 6 training clips a class; each class is drawn 12 times an epoch"
    assert feed.balance_line.startswith(line)
