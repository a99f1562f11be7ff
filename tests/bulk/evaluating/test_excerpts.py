from __future__ import annotations

from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.bulk.clips.clip_audio import FileAudio
from wsnet_cli.bulk.evaluating import excerpts
from wsnet_cli.bulk.evaluating.excerpts import JobSounds, ModelSounds, decisive_excerpt
from wsnet_cli.core.errors import AudioError, DataError
from wsnet_cli.core.measures.evaluation import ClipResult
from wsnet_cli.data.clips import Clip
from wsnet_cli.engine.session import Classifier


def test_the_piece_is_around_the_window_that_scores_highest() -> None:
    esc10 = Classifier.load("esc10")
    rate = esc10.model.audio.sample_rate
    noise = np.random.default_rng(0).normal(0, 0.1, 40 * rate).astype(np.float32)
    noise[3 * rate : 5 * rate] += tone_at(440, rate)  # the loudest; 52 windows, four parts
    noise[8 * rate :] *= np.linspace(1, 0.1, 32 * rate, dtype=np.float32)
    open_blocks = partial(iter, [noise[i : i + 4_000] for i in range(0, len(noise), 4_000)])
    parts_of_best = set()
    for label in esc10.labels:
        found = decisive_excerpt(esc10, open_blocks, "noise", label, 4.0)
        parts = list(esc10.hear_windows(open_blocks))
        scores = np.concatenate([part.scores for part in parts])[:, esc10.labels.index(label)]
        starts = np.concatenate([part.starts_s for part in parts])
        assert found.moment[0] == starts[scores.argmax()]
        parts_of_best.add(int(scores.argmax()) // 16)
        assert found.start_s <= found.moment[0] <= found.moment[1] <= found.end_s
        first = round(found.start_s * rate)
        assert np.array_equal(found.samples, noise[first : first + 4 * rate])
    assert len(parts_of_best) > 1


def tone_at(hertz: float, rate: int, seconds: float = 2.0) -> np.ndarray:
    times = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * hertz * times)).astype(np.float32)


def tone(path: Path, hertz: float, rate: int = 8_000, seconds: float = 2.0) -> None:
    soundfile.write(path, tone_at(hertz, rate, seconds), rate)


def test_a_part_of_a_file_is_cut_from_that_part(tmp_path: Path) -> None:
    tone(tmp_path / "a.wav", 440, seconds=10)
    esc10 = Classifier.load("esc10")
    heard = ClipResult(
        "a.wav", "dog", "rain", 0.5, 4.0, path=tmp_path / "a.wav", start_s=3.0, end_s=7.0
    )
    found = ModelSounds(esc10, FileAudio()).excerpt(heard, "rain", 6.0)
    assert found.is_whole
    assert (found.duration_s, found.start_s) == (4.0, 0.0)
    with pytest.raises(AudioError, match="does not exist"):
        ModelSounds(esc10, FileAudio()).excerpt(
            replace(heard, path=tmp_path / "gone.wav"), "rain", 6.0
        )


def test_clips_of_runs_are_heard_by_the_model_of_their_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in "abc":
        tone(tmp_path / f"{name}.wav", 440)
    asked: list[Path] = []

    def held_out(model: Path) -> tuple[tuple[Clip, ...], FileAudio]:
        asked.append(model)
        if model.parent.name == "fold-2":
            raise DataError("its data is gone")
        names = "ab"
        return tuple(Clip(tmp_path / f"{n}.wav", f"{n}.wav", "dog") for n in names), FileAudio()

    monkeypatch.setattr(excerpts, "held_out_clips", held_out)
    monkeypatch.setattr(excerpts, "find_model", lambda folder: Path(folder) / "model.wsnet")
    shipped = Classifier.load("esc10")
    monkeypatch.setattr(excerpts.Classifier, "load", lambda model: shipped)
    sounds = JobSounds([(Path("fold-1"), 2), (Path("fold-2"), 1)])
    for index, name in enumerate("ab"):
        heard = ClipResult(f"{name}.wav", "dog", "rain", 0.5, None)
        assert sounds.excerpt(index, heard, "rain", 6.0).duration_s == 2
    for _ in range(2):
        with pytest.raises(DataError, match="its data is gone"):
            sounds.excerpt(2, ClipResult("c.wav", "dog", "rain", 0.5, None), "rain", 6.0)
    assert asked == [Path("fold-1/model.wsnet"), Path("fold-2/model.wsnet")]
