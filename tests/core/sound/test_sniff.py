from __future__ import annotations

import os
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile as sf

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.sound.audio import read_audio

RATE = 16_000


def refusal(path: Path | str) -> str:
    """Return what is said about `path`, after its name."""
    with pytest.raises(AudioError) as caught:
        read_audio(path)
    _, said = str(caught.value).split(f"{Path(path).name}: ".replace("\0", r"\x00"))
    assert len(said.splitlines()) == 1
    assert "File does not exist or is not a regular file" not in said
    return said


LFS = b"version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 9\n"
NOT_AUDIO = {
    "empty.wav": (b"", "is empty (0 bytes); expected an audio file"),
    "empty.mp3": (b"", "is empty (0 bytes); expected an audio file"),
    "lfs.wav": (LFS, "is a git-LFS pointer, not audio: fetch the real file"),
    "lfs.mp3": (LFS, "is a git-LFS pointer, not audio: fetch the real file"),
    "page.wav": (b"\n<!DOCTYPE html><html>", "is an HTML or XML page, not audio: fetch the real"),
    "page.mp3": (b"<html>\n404</html>" * 99, "is an HTML or XML page, not audio: fetch the real"),
    "words.au": ("nicht hör-bar\n".encode() * 99, "is a text file, not audio: fetch the real"),
    "noise.au": (b"\x01\x02\x03\x04" * 99, "cannot be decoded as audio (no header of an audio"),
    "noise.vox": (b"\x01\x02\x03\x04" * 99, "cannot be decoded as audio (no header of an audio"),
    "noise.wav": (b"\x01\x02\x03\x04" * 99, "(no audio format was recognised; it starts with the"),
    "sync.mp3": (b"\xff\xfb\x90\x00" + b"\1" * 999, "it starts with the bytes ff fb 90 00)"),
    "cut.wav": (b"RIFF", "cannot be decoded as audio (no audio format was recognised; it starts"),
    "voice.m4a": (b"\0\0\0\x20ftypM4A ", "is an MP4/M4A file, which cannot be decoded here: conv"),
    "zipped.wav": (b"PK\x03\x04", "is a ZIP archive, not audio: unpack it"),
    "._a.wav": (b"\0\5\x16\7\0\2", "is macOS side data (AppleDouble), not audio: leave it out"),
    "x.raw": (b"\1\2" * 99, "is headerless (.raw), so its sample rate and format are unknown: con"),
}


@pytest.mark.parametrize("name", NOT_AUDIO)
def test_what_is_not_audio_is_named(name: str, tmp_path: Path) -> None:
    content, said = NOT_AUDIO[name]
    (tmp_path / name).write_bytes(content)
    assert said in refusal(tmp_path / name)


def test_what_is_no_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.wav").mkdir()
    assert refusal(tmp_path / "folder.wav") == "is a folder; expected an audio file"
    assert refusal(tmp_path / "none.wav") == "does not exist; expected an audio file"
    assert "cannot be read (" in refusal(str(tmp_path / "nul\0.wav"))


@pytest.mark.skipif(os.name == "nt", reason="needs pipes, devices and links")
def test_pipes_devices_and_broken_links_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.wav")
    (tmp_path / "zero.wav").symlink_to("/dev/zero")
    (tmp_path / "gone.wav").symlink_to(tmp_path / "nowhere")
    (tmp_path / "loop.wav").symlink_to(tmp_path / "loop.wav")
    assert refusal(tmp_path / "pipe.wav") == (
        "is a pipe, not a regular file; expected an audio file"
    )
    assert "is a device or socket, not a regular file" in refusal(tmp_path / "zero.wav")
    assert "does not exist" in refusal(tmp_path / "gone.wav")
    assert "cannot be read (" in refusal(tmp_path / "loop.wav")


def test_an_unreadable_file_is_refused_with_the_systems_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    sf.write(tmp_path / "a.wav", np.zeros(RATE), RATE)

    def refuse(self: Path, *_: object) -> None:
        raise PermissionError(13, "Permission denied", str(self))

    monkeypatch.setattr(Path, "open", refuse)  # not chmod, which does not bind root
    assert refusal(tmp_path / "a.wav") == (
        "cannot be read (Permission denied): check the path and its permissions"
    )


@pytest.mark.parametrize(
    "name", ["--help.wav", "a b\n.wav", "ä é.wav", "[1]*?.wav", "audio", "a.txt"]
)
@pytest.mark.skipif(os.name == "nt", reason="Windows refuses such names")
def test_odd_names_are_opened_and_contents_count_not_suffixes(name: str, tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    (tmp_path / "a.wav").rename(tmp_path / name)
    assert len(read_audio(tmp_path / name)[0]) == RATE
    assert len(read_audio(os.fsencode(tmp_path / name))[0]) == RATE
    assert len(read_audio(str(tmp_path / name))[0]) == RATE


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse names outside UTF-8")
def test_a_name_that_is_not_utf8_is_opened_and_shown(tmp_path: Path) -> None:
    sf.write(tmp_path / "a.wav", np.zeros(RATE), RATE)
    odd = os.fsencode(tmp_path) + b"/caf\xe9.wav"
    os.rename(tmp_path / "a.wav", odd)
    assert len(read_audio(odd)[0]) == RATE
    assert len(read_audio(Path(os.fsdecode(odd)))[0]) == RATE
    Path(os.fsdecode(odd)).write_bytes(b"")
    with pytest.raises(AudioError, match=r"caf\\udce9\.wav: is empty \(0 bytes\)"):
        read_audio(odd)
