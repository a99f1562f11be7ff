"""One clip from a file to codes, against a reading of the whole file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.errors import AudioError, FileError
from wsnet_cli.core.parallel import Stopped
from wsnet_cli.core.sound import audio
from wsnet_cli.data.dataset import Clip
from wsnet_cli.data.packing import one_clip as packing
from wsnet_cli.data.packing.one_clip import PackedClip, Spool, decode_clip

MakeSine = Callable[..., Path]


def codes_of(packed: PackedClip) -> np.ndarray:
    return np.concatenate(list(packed.code_blocks()))


def decode(path: Path, rate: int = 8_000, **segment: float) -> PackedClip:
    return decode_clip(Clip(path, path.name, "a", **segment), rate, None, lambda: None)


@pytest.mark.parametrize("rate", [4_000, 8_000, 11_025])
@pytest.mark.parametrize("suffix", ["wav", "flac", "ogg"])
def test_a_clip_is_what_reading_gives(
    tmp_path: Path, make_sine: MakeSine, suffix: str, rate: int
) -> None:
    path = make_sine(tmp_path / f"a.{suffix}", n=9_000)
    packed = decode(path, rate)
    expected, _ = audio.read_audio(path, sample_rate=rate)
    codes = codes_of(packed)
    assert (len(codes), codes.dtype) == (packed.n_samples, np.dtype("<i2"))
    assert packed.n_samples == len(expected)
    assert np.abs(codes).max() == 32_767
    np.testing.assert_allclose(codes * packed.scale, expected, atol=packed.scale)


def test_health_is_of_the_file_and_not_of_what_is_packed(tmp_path: Path) -> None:
    import soundfile

    stereo = np.zeros((16_000, 2))
    stereo[:8_000, 0] = 0.5 * np.sin(np.arange(8_000))
    soundfile.write(tmp_path / "a.wav", stereo, 16_000, subtype="FLOAT")
    packed = decode(tmp_path / "a.wav", 8_000)
    health = packed.health
    assert (health["sample_rate"], health["n_channels"]) == (16_000, 2)
    assert health["duration_s"] == 1.0
    assert health["peak"] == pytest.approx(0.5, abs=1e-3)
    assert packed.scale == pytest.approx(0.25 / 32_767, rel=0.05)  # the two channels averaged


def test_a_segment_is_that_part(tmp_path: Path, make_sine: MakeSine) -> None:
    path = make_sine(tmp_path / "a.wav", n=8_000)
    packed = decode(path, start_s=0.25, end_s=0.75)
    expected, _ = audio.read_audio(path, sample_rate=8_000, start_s=0.25, end_s=0.75)
    assert packed.n_samples == 4_000
    np.testing.assert_allclose(codes_of(packed) * packed.scale, expected, atol=packed.scale)
    assert packed.health["duration_s"] == 0.5
    with pytest.raises(AudioError) as error:
        decode(path, start_s=2.0, end_s=3.0)
    assert error.value.kind == "out-of-range"


def test_silence_has_no_scale(tmp_path: Path, make_sine: MakeSine) -> None:
    packed = decode(make_sine(tmp_path / "a.wav", peak=0.0))
    assert (packed.scale, set(codes_of(packed).tolist())) == (0.0, {0})


def test_who_is_not_wanted_any_more_stops(tmp_path: Path, make_sine: MakeSine) -> None:
    path = make_sine(tmp_path / "a.wav", n=400_000)
    n_asked = 0

    def stop() -> None:
        nonlocal n_asked
        n_asked += 1
        if n_asked == 2:
            raise Stopped

    with pytest.raises(Stopped):
        decode_clip(Clip(path, "a.wav", "a"), 8_000, None, stop)
    assert n_asked == 2


def test_what_is_too_long_for_memory_waits_in_a_file_without_a_name(
    tmp_path: Path, make_sine: MakeSine, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, spool = make_sine(tmp_path / "a.wav", n=300_000), tmp_path / "spool"
    spool.mkdir()
    expected = codes_of(decode(path))
    monkeypatch.setattr(packing, "SPOOL_SAMPLES", 50_000)
    packed = decode_clip(Clip(path, "a.wav", "a"), 8_000, spool, lambda: None)
    blocks = list(packed.code_blocks())
    assert max(map(len, blocks)) <= 200_000
    assert np.concatenate(blocks).tolist() == expected.tolist()
    assert list(spool.iterdir()) == []


def test_a_spool_holds_no_more_than_it_may(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packing, "SPOOL_SAMPLES", 100)
    spool = Spool(tmp_path)
    for i in range(50):
        spool.append(np.full(30, i, np.float32))
        assert sum(map(len, spool._pieces)) <= 100
    assert not spool.is_in_memory
    assert (spool.n_samples, spool.peak) == (1_500, 49.0)
    codes = np.concatenate(list(spool.codes()))
    assert codes[::30].tolist() == [round(32_767 * i / 49) for i in range(50)]


def test_a_folder_that_takes_no_file_is_an_error_of_the_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(packing, "SPOOL_SAMPLES", 10)
    spool = Spool(tmp_path / "nowhere")
    with pytest.raises(FileError, match=r"cannot write .*nowhere: No such file"):
        spool.append(np.ones(11, np.float32))
