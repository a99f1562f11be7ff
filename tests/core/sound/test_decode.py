from __future__ import annotations

import os
import random
import struct
import tracemalloc
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from wsnet_cli.core.errors import AudioError, ParameterError
from wsnet_cli.core.sound import decode
from wsnet_cli.core.sound.audio import read_audio, read_blocks
from wsnet_cli.core.sound.decode import open_audio

RATE = 16_000
FORMATS = {
    "u8.wav": "PCM_U8",
    "s16.wav": "PCM_16",
    "s24.wav": "PCM_24",
    "float.wav": "FLOAT",
    "s16.flac": "PCM_16",
    "vorbis.ogg": "VORBIS",
    "opus.opus": "OPUS",
    "mpeg.mp3": "MPEG_LAYER_III",
    "s16.aiff": "PCM_16",
    "s16.caf": "PCM_16",
}


def sound(n_samples: int = RATE, n_channels: int = 1) -> np.ndarray:
    rng = np.random.default_rng(n_samples)
    tone = 0.3 * np.sin(2 * np.pi * 440 / RATE * np.arange(n_samples))
    return tone[:, None] + 0.05 * rng.standard_normal((n_samples, n_channels))


def write(path: Path, subtype: str | None = None, n_channels: int = 1, n: int = RATE) -> bytes:
    kind = "OGG" if path.suffix == ".opus" else None
    sf.write(path, sound(n, n_channels), RATE, subtype=subtype, format=kind)
    return path.read_bytes()


def patched(path: Path, layout: str, offset: int, value: int) -> Path:
    content = bytearray(path.read_bytes())
    struct.pack_into(layout, content, offset, value)
    path.write_bytes(content)
    return path


def with_flac_length(path: Path, n_samples: int) -> Path:
    """Write `n_samples` (36 bits, 0 = unknown) into the STREAMINFO of a FLAC file."""
    content = bytearray(path.read_bytes())
    word = int.from_bytes(content[18:26], "big") >> 36 << 36 | n_samples
    content[18:26] = word.to_bytes(8, "big")
    path.write_bytes(content)
    return path


# good files


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("n_channels", [1, 2])
@pytest.mark.parametrize("block_samples", [1 << 10, 1 << 18])
def test_blocks_equal_one_whole_read(
    name: str, n_channels: int, block_samples: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / name, FORMATS[name], n_channels)
    with sf.SoundFile(tmp_path / name) as whole:  # not sf.read, whose seek to 0 shifts MP3 bits
        expected = whole.read(dtype="float32", always_2d=True)
    monkeypatch.setattr(decode, "BLOCK_SAMPLES", block_samples)
    samples, rate = read_audio(tmp_path / name)
    assert (rate, len(samples)) == (RATE, RATE)
    assert np.array_equal(samples, expected.mean(axis=1, dtype=np.float64).astype(np.float32))


def test_the_channels_are_averaged_and_opposite_ones_cancel_to_zeros(tmp_path: Path) -> None:
    left = sound()[:, 0]
    sf.write(tmp_path / "a.wav", np.stack([left, -left], axis=1), RATE, subtype="FLOAT")
    sf.write(tmp_path / "b.wav", np.stack([left, left, left], axis=1), RATE, subtype="FLOAT")
    sf.write(tmp_path / "c.wav", np.array([[0.5, 0.25], [1.0, -0.5]]), RATE, subtype="FLOAT")
    assert not read_audio(tmp_path / "a.wav")[0].any()
    assert np.array_equal(read_audio(tmp_path / "b.wav")[0], left.astype(np.float32))
    assert read_audio(tmp_path / "c.wav")[0].tolist() == [0.375, 0.25]


def test_huge_but_finite_channels_do_not_overflow_in_the_mix(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.full((4, 2), 2.0**31), RATE, subtype="FLOAT")
    assert read_audio(tmp_path / "a.wav")[0].tolist() == [2.0**31] * 4


def test_a_stream_of_unknown_length_is_read_to_its_end(tmp_path: Path) -> None:
    write(tmp_path / "a.flac")
    expected, _ = read_audio(tmp_path / "a.flac")
    unknown = with_flac_length(tmp_path / "a.flac", 0)
    assert sf.info(unknown).frames == 2**63 - 1
    with open_audio(unknown) as decoder:
        assert decoder.n_frames is None
    assert np.array_equal(read_audio(unknown)[0], expected)


def test_a_wav_that_was_still_being_recorded_is_read_as_far_as_it_goes(tmp_path: Path) -> None:
    write(tmp_path / "a.wav", n=100)
    assert len(read_audio(patched(tmp_path / "a.wav", "<I", 40, 2**32 - 1))[0]) == 100


def test_an_mp3_behind_junk_is_found(tmp_path: Path) -> None:
    content = write(tmp_path / "a.mp3")
    (tmp_path / "a.mp3").write_bytes(bytes(3_000) + content)
    assert len(read_audio(tmp_path / "a.mp3")[0]) == RATE


# a part of a file


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(("start_s", "end_s"), [(0.25, 0.5), (0.3, None), (None, 0.1), (0.0, 1.04)])
def test_a_part_equals_that_part_of_the_whole(
    name: str, start_s: float | None, end_s: float | None, tmp_path: Path
) -> None:
    write(tmp_path / name, FORMATS[name], 2)
    whole, _ = read_audio(tmp_path / name)
    part, _ = read_audio(tmp_path / name, start_s=start_s, end_s=end_s)
    first = round((start_s or 0) * RATE)
    last = None if end_s is None else round(end_s * RATE)
    assert np.array_equal(part, whole[first:last])


def test_a_failed_seek_falls_back_to_decoding_from_the_start(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(tmp_path / "a.flac")
    expected, _ = read_audio(tmp_path / "a.flac", start_s=0.5)
    real = decode._sequential_sound_file()

    def seek(self: object, frames: int) -> int:
        if frames:
            raise RuntimeError("Internal psf_fseek() failed.")
        return sf.SoundFile.seek(self, frames)

    broken = type("Broken", (real,), {"seek": seek})
    monkeypatch.setattr(decode, "_sequential_sound_file", lambda: broken)
    assert np.array_equal(read_audio(tmp_path / "a.flac", start_s=0.5)[0], expected)


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.ogg", "a.mp3"])
@pytest.mark.parametrize(
    ("start_s", "end_s", "said"),
    [
        (1.0, None, "from 1.000 s to the end"),
        (7.0, 8.0, "from 7.000 s to 8.000 s"),
        (0.5, 1.06, "from 0.500 s to 1.060 s"),
    ],
)
def test_a_part_outside_the_file_is_refused_with_its_duration(
    name: str, start_s: float, end_s: float | None, said: str, tmp_path: Path
) -> None:
    write(tmp_path / name)
    with pytest.raises(AudioError, match=f"{said} is not inside the file, which lasts 1.000 s"):
        read_audio(tmp_path / name, start_s=start_s, end_s=end_s)


@pytest.mark.parametrize(
    ("start_s", "end_s", "said"),
    [
        (-0.1, None, r"start_s = -0.1; expected seconds >= 0"),
        (float("nan"), None, r"start_s = nan; expected seconds >= 0"),
        (None, float("inf"), r"end_s = inf; expected seconds >= 0"),
        (0.5, 0.5, r"end_s = 0.5; expected more than start_s = 0.5"),
        (None, 0.0, r"end_s = 0.0; expected more than start_s = 0.0"),
    ],
)
def test_a_range_that_is_none_is_a_wrong_argument(
    start_s: float | None, end_s: float | None, said: str, tmp_path: Path
) -> None:
    write(tmp_path / "a.wav")
    with pytest.raises(ParameterError, match=said):
        read_audio(tmp_path / "a.wav", start_s=start_s, end_s=end_s)


# bad files


def said_about(path: Path) -> str:
    """Return the one line with which `path` is refused, without the path that begins it."""
    with pytest.raises(AudioError) as caught:
        read_audio(path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert len(message.splitlines()) == 1
    return message.removeprefix(f"{path}: ")


@pytest.mark.parametrize("name", ["a.wav", "a.ogg", "a.aiff"])
def test_a_file_without_samples_is_refused(name: str, tmp_path: Path) -> None:
    sf.write(tmp_path / name, np.zeros((0, 1)), RATE)
    assert said_about(tmp_path / name) == "holds no samples; expected at least one"


@pytest.mark.parametrize(
    ("layout", "offset", "value", "said"),
    [
        ("<I", 24, 1, "has a sample rate of 1 Hz; expected 1000 to 1000000 Hz"),
        ("<I", 24, 2_000_000, "has a sample rate of 2000000 Hz; expected 1000 to 1000000 Hz"),
        ("<I", 24, 0, "cannot be decoded as audio (its header is incomplete or contradicts"),
        ("<H", 22, 65, "has 65 channels; expected 1 to 64"),
        ("<H", 22, 0, "cannot be decoded as audio (Channel count is zero"),
    ],
)
def test_an_impossible_header_is_refused(
    layout: str, offset: int, value: int, said: str, tmp_path: Path
) -> None:
    write(tmp_path / "a.wav")
    assert said in said_about(patched(tmp_path / "a.wav", layout, offset, value))


@pytest.mark.parametrize(
    ("value", "said"),
    [(np.nan, "nan"), (np.inf, "inf"), (-np.inf, "-inf"), (3e38, "3e+38"), (-5e9, "-5e+09")],
)
def test_the_first_impossible_sample_is_named(
    value: float, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(decode, "BLOCK_SAMPLES", 1_000)
    samples = sound(8_000, 2).astype(np.float32)
    samples[4_100, 1] = samples[4_101, 0] = value
    sf.write(tmp_path / "a.wav", samples, RATE, subtype="FLOAT")
    assert said_about(tmp_path / "a.wav").startswith(
        f"sample 4100 (0.256 s, channel 2) is {said}; expected finite values within -1..1"
    )
    before, _ = read_audio(tmp_path / "a.wav", end_s=4_100 / RATE)
    after, _ = read_audio(tmp_path / "a.wav", start_s=4_102 / RATE)
    assert (len(before), len(after)) == (4_100, 3_898)


def test_a_flac_broken_half_way_says_where(tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / "a.flac", n=5 * RATE))
    content[len(content) // 2] ^= 0xFF
    (tmp_path / "a.flac").write_bytes(content)
    with pytest.raises(AudioError, match=r"decoding stopped at 2\.\d+ s \(sample \d+; .*flac dec"):
        read_audio(tmp_path / "a.flac")


@pytest.mark.parametrize("name", ["a.flac", "a.ogg"])
def test_fewer_samples_than_the_header_promises_are_refused(name: str, tmp_path: Path) -> None:
    content = bytearray(write(tmp_path / name, n=5 * RATE))
    if name == "a.flac":
        with_flac_length(tmp_path / name, 6 * RATE)
    else:  # one flipped bit: libsndfile drops the page around it and says nothing
        content[len(content) // 2] ^= 1
        (tmp_path / name).write_bytes(content)
    assert "decoding stopped at" in said_about(tmp_path / name)


def test_a_header_that_lies_about_its_length_allocates_little(tmp_path: Path) -> None:
    write(tmp_path / "a.flac")
    with_flac_length(tmp_path / "a.flac", 2**36 - 1)
    tracemalloc.start()
    try:
        with pytest.raises(AudioError, match="the header promises 68719476735 samples"):
            read_audio(tmp_path / "a.flac", sample_rate=8_000)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 8 * 2**20


def test_memory_is_bounded_by_the_result_for_many_channels(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.zeros((60_000, 64), np.int16), RATE)
    tracemalloc.start()
    try:
        read_audio(tmp_path / "a.wav")
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak < 4 * 2**20  # the whole file as float32 takes 15 MB


@pytest.mark.parametrize("name", FORMATS)
def test_damage_gives_one_line_or_finite_samples(name: str, tmp_path: Path) -> None:
    content = write(tmp_path / name, FORMATS[name], 2, n=RATE // 2)
    dice = random.Random(name)
    path = tmp_path / f"damaged_{name}"
    for _ in range(40):
        damaged = bytearray(content)
        where = min(dice.randrange(len(content)), dice.randrange(len(content)))
        if dice.random() < 0.3:
            del damaged[where:]
        else:
            damaged[where : where + 4] = dice.randbytes(dice.choice((1, 4, 9)))
        path.write_bytes(damaged)
        try:
            samples, _ = read_audio(path, sample_rate=8_000)
            message = ""
        except AudioError as error:
            samples, message = np.zeros(1, np.float32), str(error)
        assert len(message.splitlines()) <= 1
        assert len(samples) >= 1
        assert np.isfinite(samples).all()


# native stderr


def test_decoder_noise_does_not_reach_stderr(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    content = write(tmp_path / "a.mp3")
    middle = len(content) // 2
    (tmp_path / "a.mp3").write_bytes(content[:middle] + b"\x55" * 600 + content[middle + 600 :])
    (tmp_path / "b.mp3").write_bytes(b"no sync word in here " * 300)
    read_audio(tmp_path / "a.mp3")
    said_about(tmp_path / "b.mp3")
    assert capfd.readouterr().err == ""
    os.write(2, b"heard again\n")
    assert capfd.readouterr().err == "heard again\n"


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf, 2.0**33, -(2.0**33)])
def test_one_bad_value_anywhere_is_found(value: float, tmp_path: Path) -> None:
    samples = np.zeros((70_000, 2), np.float32)
    samples[68_123, 1] = value
    sf.write(tmp_path / "a.wav", samples, 8_000, subtype="FLOAT")
    with pytest.raises(AudioError, match=r"sample 68123 \(8\.515 s, channel 2\) is "):
        list(read_blocks(tmp_path / "a.wav", sample_rate=8_000))


# ------------------------------------------------------------------------------------ channels


@pytest.mark.parametrize("name", ["a.wav", "a.flac"])
def test_one_channel_of_several(name: str, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    sound = rng.integers(-(2**14), 2**14, (70_000, 3)) / 2**15
    sf.write(tmp_path / name, sound, RATE, "PCM_16")
    for channel in (1, 2, 3):
        found, _ = read_audio(tmp_path / name, channel=channel)
        assert np.array_equal(found, sound[:, channel - 1].astype(np.float32))
    part, _ = read_audio(tmp_path / name, start_s=1.0, end_s=1.5, channel=3)
    assert np.array_equal(part, sound[RATE : RATE * 3 // 2, 2].astype(np.float32))
    blocks = list(read_blocks(tmp_path / name, sample_rate=RATE, channel=2))
    assert len(blocks) > 1
    assert np.array_equal(np.concatenate(blocks), sound[:, 1].astype(np.float32))


def test_blocks_of_one_channel_stay_as_they_were(tmp_path: Path) -> None:
    """They are no views of what is read into next."""
    sound = np.arange(90_000).reshape(-1, 2) / 2**17
    sf.write(tmp_path / "a.wav", sound, RATE, "FLOAT")
    with open_audio(tmp_path / "a.wav") as decoder:
        kept = list(decoder.blocks(channel=1))
    assert np.array_equal(np.concatenate(kept), sound[:, 0].astype(np.float32))


def test_a_channel_that_is_not_there(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.zeros((9, 2)), RATE)
    with pytest.raises(AudioError, match=r"a\.wav: has 2 channels, and channel 3 was asked for"):
        read_audio(tmp_path / "a.wav", channel=3)
    with pytest.raises(ParameterError, match="channel = 0; expected a whole number >= 1"):
        read_audio(tmp_path / "a.wav", channel=0)


def test_a_bad_value_in_another_channel_does_not_matter(tmp_path: Path) -> None:
    sound = np.zeros((9, 2))
    sound[4, 1] = np.nan
    sf.write(tmp_path / "a.wav", sound, RATE, "FLOAT")
    assert read_audio(tmp_path / "a.wav", channel=1)[0].tolist() == [0] * 9
    with pytest.raises(AudioError, match=r"sample 4 \(0\.000 s, channel 2\) is nan"):
        read_audio(tmp_path / "a.wav", channel=2)


def test_messages_may_call_a_file_by_another_name(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.zeros(0), RATE)
    with pytest.raises(AudioError, match=r"^the other: holds no samples"):
        list(read_blocks(tmp_path / "a.wav", sample_rate=RATE, name="the other"))
