from __future__ import annotations

import itertools
import wave
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.errors import FileError, ParameterError
from wsnet_cli.data.synthetic import KINDS, SAMPLE_RATE, synthesise, write_sound_folder

SEEDS = (0, 1, 2)
N_TRAIN = 40
N_TEST = 20


def clips_of(kind: str, n_clips: int, seed: int) -> list[np.ndarray]:
    rng = np.random.default_rng([seed, KINDS.index(kind)])
    return [synthesise(kind, rng) for _ in range(n_clips)]


def contents(root: Path) -> dict[str, bytes]:
    files = (path for path in root.rglob("*") if path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in files}


def read_wav(path: Path) -> tuple[np.ndarray, tuple[int, int, int]]:
    with wave.open(str(path), "rb") as file:
        layout = (file.getnchannels(), file.getsampwidth(), file.getframerate())
        return np.frombuffer(file.readframes(file.getnframes()), "<i2"), layout


def loudness_db(clip: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(clip, dtype=np.float64))))


def zero_crossing_rate(clip: np.ndarray) -> float:
    return float(np.mean(np.signbit(clip[1:]) != np.signbit(clip[:-1])))


def two_numbers(seed: int) -> np.ndarray:
    """Loudness and zero-crossing rate of every clip, [kinds, clips, 2]."""
    return np.array(
        [
            [(loudness_db(clip), zero_crossing_rate(clip)) for clip in clips]
            for clips in (clips_of(kind, N_TRAIN + N_TEST, seed) for kind in KINDS)
        ]
    )


def nearest_centroid_accuracy(features: np.ndarray) -> float:
    train = features[:, :N_TRAIN]
    centre, spread = train.mean(axis=(0, 1)), train.std(axis=(0, 1))
    centroids = ((train - centre) / spread).mean(axis=1)
    test = (features[:, N_TRAIN:] - centre) / spread
    nearest = np.square(test[:, :, None] - centroids).sum(axis=-1).argmin(axis=-1)
    return float(np.mean(nearest == np.arange(len(features))[:, None]))


def test_there_are_ten_kinds_in_the_order_of_their_names() -> None:
    assert len(set(KINDS)) == 10
    assert list(KINDS) == sorted(KINDS)
    assert SAMPLE_RATE == 8_000


@pytest.mark.parametrize("kind", KINDS)
def test_clips_keep_their_promises(kind: str) -> None:
    clips = clips_of(kind, 25, seed=7)
    for clip in clips:
        assert clip.dtype == np.float32
        assert clip.ndim == 1
        assert SAMPLE_RATE <= clip.size <= 1.5 * SAMPLE_RATE
        assert np.isfinite(clip).all()
        assert np.abs(clip).max() <= 1.0
        assert -50.0 < loudness_db(clip) < -21.9  # the stated level, or less where a peak limits it
    assert len({clip.size for clip in clips}) > 10
    assert np.ptp([loudness_db(clip) for clip in clips]) > 10.0


@pytest.mark.parametrize("kind", KINDS)
def test_the_background_never_rounds_to_digital_silence_between_the_events(kind: str) -> None:
    for clip in clips_of(kind, 25, seed=8):
        blocks = np.rint(clip[: clip.size // 800 * 800] * 32_767).reshape(-1, 800)
        assert (np.abs(blocks).max(axis=1) >= 1).all()


@pytest.mark.parametrize("kind", KINDS)
def test_one_generator_state_gives_one_clip_and_the_next_state_another(kind: str) -> None:
    first, second = clips_of(kind, 2, seed=3)
    again = clips_of(kind, 1, seed=3)[0]
    np.testing.assert_array_equal(first, again)
    n_shared = min(first.size, second.size)
    assert not np.array_equal(first[:n_shared], second[:n_shared])


@pytest.mark.parametrize("kind", ["", "Bell", "thunder", "bell "])
def test_an_unknown_kind_is_refused_with_the_names_that_are_known(kind: str) -> None:
    with pytest.raises(ParameterError, match=f"kind = '{kind}'; expected one of ") as caught:
        synthesise(kind, np.random.default_rng(0))
    assert str(caught.value).endswith(", ".join(KINDS))
    assert "\n" not in str(caught.value)


def test_loudness_and_zero_crossings_do_not_tell_the_kinds_apart() -> None:
    """A task that two numbers solve would say nothing about a network."""
    accuracies = []
    for seed in SEEDS:
        features = two_numbers(seed)
        accuracies.append(nearest_centroid_accuracy(features))
        # Positive control: the same classifier finds kinds that these numbers do tell apart.
        moved = [(40.0 * (kind // 3), 0.8 * (kind % 3)) for kind in range(len(KINDS))]
        assert nearest_centroid_accuracy(features + np.array(moved)[:, None]) > 0.9
    assert max(accuracies) <= 0.6
    assert np.mean(accuracies) > 0.13  # chance is 0.1 +- 0.012 over all the test clips


def test_the_folder_has_one_sub_folder_a_kind_with_numbered_wav_files(tmp_path: Path) -> None:
    write_sound_folder(tmp_path / "new" / "sounds", 2, seed=0)
    expected = {f"{kind}/{kind}-{index:03d}.wav" for kind in KINDS for index in range(2)}
    assert set(contents(tmp_path / "new" / "sounds")) == expected


def test_the_files_are_mono_16_bit_wav_that_other_readers_read(tmp_path: Path) -> None:
    soundfile = pytest.importorskip("soundfile")
    write_sound_folder(tmp_path, 1, seed=5)
    for kind in KINDS:
        path = tmp_path / kind / f"{kind}-000.wav"
        samples, layout = read_wav(path)
        assert layout == (1, 2, SAMPLE_RATE)
        assert SAMPLE_RATE <= samples.size <= 1.5 * SAMPLE_RATE
        assert -50.0 < loudness_db(samples / 32_768) < -21.9  # swapped bytes are loud noise
        np.testing.assert_array_equal(soundfile.read(path, dtype="int16")[0], samples)


def test_a_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    for name, seed in (("first", 11), ("again", 11), ("other", 12)):
        write_sound_folder(tmp_path / name, 2, seed)
    first, other = contents(tmp_path / "first"), contents(tmp_path / "other")
    assert first == contents(tmp_path / "again")
    assert set(first) == set(other)
    assert not set(first.values()) & set(other.values())


def test_more_clips_leave_the_earlier_ones_as_they_were(tmp_path: Path) -> None:
    write_sound_folder(tmp_path / "few", 2, seed=4)
    write_sound_folder(tmp_path / "many", 4, seed=4)
    few, many = contents(tmp_path / "few"), contents(tmp_path / "many")
    assert len(many) == 2 * len(few)
    assert few.items() <= many.items()


def test_no_two_clips_of_a_folder_are_alike(tmp_path: Path) -> None:
    write_sound_folder(tmp_path, 4, seed=9)
    clips = [read_wav(path)[0][:SAMPLE_RATE] for path in sorted(tmp_path.rglob("*.wav"))]
    assert len(clips) == 4 * len(KINDS)
    normed = np.array([clip / np.linalg.norm(clip.astype(np.float64)) for clip in clips])
    alike = np.abs(normed @ normed.T)
    assert all(alike[a, b] < 0.9 for a, b in itertools.combinations(range(len(clips)), 2))


def test_writing_again_replaces_its_files_and_leaves_others_alone(tmp_path: Path) -> None:
    write_sound_folder(tmp_path, 1, seed=1)
    before = contents(tmp_path)
    (tmp_path / "bell" / "bell-000.wav").write_bytes(b"damaged")
    (tmp_path / "bell" / "mine.wav").write_bytes(b"kept")
    write_sound_folder(tmp_path, 1, seed=1)
    assert contents(tmp_path) == {**before, "bell/mine.wav": b"kept"}


@pytest.mark.parametrize(
    ("n_per_kind", "seed", "message"),
    [
        (0, 0, "n_per_kind = 0; expected an integer >= 1"),
        (-3, 0, "n_per_kind = -3; expected an integer >= 1"),
        (1, -1, "seed = -1; expected an integer >= 0"),
    ],
)
def test_impossible_numbers_are_refused_before_anything_is_written(
    tmp_path: Path, n_per_kind: int, seed: int, message: str
) -> None:
    with pytest.raises(ParameterError, match=f"^{message}$"):
        write_sound_folder(tmp_path / "sounds", n_per_kind, seed)
    assert not (tmp_path / "sounds").exists()


def test_a_root_that_is_a_file_is_told_in_one_line(tmp_path: Path) -> None:
    root = tmp_path / "sounds"
    root.write_text("not a folder")
    with pytest.raises(FileError, match=r"cannot write .*alarm-000\.wav"):
        write_sound_folder(root, 1, seed=0)
