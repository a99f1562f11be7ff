"""Training on a prepared folder is training on what it was made of."""

from __future__ import annotations

import shutil
import signal
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.clips.clip_audio import PackedAudio
from wsnet_cli.bulk.clips.labelled import held_out_clips
from wsnet_cli.core.errors import DataError, Interrupted, UsageError, WsnetError
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.prepare import prepare
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.prepared import find_data, prepare_data
from wsnet_cli.learn.run.run import Result, resume_run

RATE = 8_000


@pytest.fixture
def folder(tones: Path, tmp_path: Path) -> Path:
    (tones / "low" / "broken.wav").write_bytes(b"no sound")
    prepare(load_dataset(tones), tmp_path / "prepared", RATE)
    return tmp_path / "prepared"


def test_the_data_is_the_same(tones: Path, folder: Path, make_config, own_cache: None) -> None:
    source = prepare_data(find_data(tones), make_config(), None)
    ours = prepare_data(find_data(folder), make_config(), None)
    assert ours.fingerprint == source.fingerprint
    assert ours.dataset.labels == source.dataset.labels

    def parts(data) -> list[list[str]]:
        return [[data.dataset.clips[i].name for i in part] for part in (data.train, data.test)]

    assert parts(ours) == parts(source)
    for i, j in zip(ours.train, source.train, strict=True):
        assert np.array_equal(ours.packed.samples(i), source.packed.samples(j))


def test_the_cache_is_not_used_and_the_source_may_be_gone(
    tones: Path, folder: Path, make_config, tmp_path: Path
) -> None:
    shutil.rmtree(tones)
    assert len(prepare_data(find_data(folder), make_config(), None).train) > 10
    assert not (tmp_path / "own-cache").exists()


def weights_of(result: Result) -> list[bytes]:
    return [weights.phi.tobytes() for weights in result.model.weights]


def test_a_run_is_the_same_and_is_resumed_on_the_folder(
    tones: Path, folder: Path, train, make_listener, tmp_path: Path
) -> None:
    by_source = train(name="source")
    shutil.rmtree(tones)
    by_folder = train(name="prepared", source=folder)
    for name in ("metrics.csv", "metrics.json", "confusion.csv"):
        ours, theirs = (result.folder.path / name for result in (by_folder, by_source))
        assert ours.read_bytes() == theirs.read_bytes(), name
    assert weights_of(by_folder) == weights_of(by_source)

    def stop(step: int) -> None:
        if step == 5:
            signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        train(name="stopped", source=folder, listener=make_listener(stop))
    stopped = tmp_path / "runs" / "stopped"
    resume_run(stopped, None, "cpu", SilentListener())
    for path in by_folder.folder.path.iterdir():
        assert (stopped / path.name).read_bytes() == path.read_bytes(), path.name
    clips, audio = held_out_clips(stopped / "model.wsnet")
    assert isinstance(audio, PackedAudio)
    assert len(clips) == by_folder.metrics.n_clips


@pytest.mark.parametrize("begun_on_the_folder", [False, True])
def test_a_run_goes_on_with_the_prepared_folder_of_its_data_and_back(
    tones: Path, folder: Path, train, make_listener, tmp_path: Path, begun_on_the_folder: bool
) -> None:
    def stop(step: int) -> None:
        if step == 5:
            signal.raise_signal(signal.SIGINT)

    whole = train(name="whole")
    first, then = (folder, tones) if begun_on_the_folder else (tones, folder)
    with pytest.raises(Interrupted):
        train(name="stopped", source=first, listener=make_listener(stop))
    resumed = resume_run(tmp_path / "runs" / "stopped", then, "cpu", SilentListener())
    assert weights_of(resumed) == weights_of(whole)


def test_a_run_is_not_resumed_on_what_was_prepared_anew_of_other_files(
    tones: Path, folder: Path, train, make_listener, tmp_path: Path
) -> None:
    def stop(step: int) -> None:
        signal.raise_signal(signal.SIGINT)

    with pytest.raises(Interrupted):
        train(name="stopped", source=folder, listener=make_listener(stop))
    shutil.copy(tones / "low" / "1.wav", tones / "low" / "0.wav")
    prepare(load_dataset(tones), folder, RATE)
    with pytest.raises(WsnetError, match="data"):
        resume_run(tmp_path / "runs" / "stopped", None, "cpu", SilentListener())


def test_folds_are_those_that_were_made(tones: Path, tmp_path: Path, make_config) -> None:
    prepare(load_dataset(tones), tmp_path / "prepared", RATE, n_folds=3)
    held = []
    for fold in "123":
        data = prepare_data(find_data(tmp_path / "prepared"), make_config(), fold)
        assert sorted(data.train + data.test) == list(range(21))
        held += data.test
    assert sorted(held) == list(range(21))
    with pytest.raises(UsageError, match="no fold '4'; the data set has 1, 2, 3"):
        prepare_data(find_data(tmp_path / "prepared"), make_config(), "4")


def test_another_rate_is_refused(folder: Path, make_config) -> None:
    with pytest.raises(DataError, match="prepared at 8000 Hz; expected 4000"):
        prepare_data(find_data(folder), make_config("audio.sample_rate=4000"), None)


def test_a_damaged_folder_is_refused(folder: Path, make_config) -> None:
    (folder / "clips.csv").write_text("path,label\n")
    with pytest.raises(DataError, match="run wsnet prepare again"):
        prepare_data(find_data(folder), make_config(), None)
