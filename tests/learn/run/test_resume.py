from __future__ import annotations

import json
import shutil
import signal
from pathlib import Path

import pytest
import torch

from wsnet_cli.bulk.clips.labelled import held_out_clips
from wsnet_cli.core.errors import (
    ArtifactError,
    ConfigError,
    DataError,
    Interrupted,
    TrainingError,
    UsageError,
    WsnetError,
)
from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.core.model_file.container import pack, unpack
from wsnet_cli.learn.run import running as running_module
from wsnet_cli.learn.run.listener import SilentListener
from wsnet_cli.learn.run.run import Result, resume_run

SAME_FILES = (
    *("model.wsnet", "metrics.csv", "last.safetensors"),
    *("metrics.json", "confusion.csv", "predictions.csv"),
)


def signal_at(k: int, number: int = signal.SIGINT):
    """Raise a signal after the k-th step."""
    return lambda step: signal.raise_signal(number) if step == k else None


def resume(folder: Path, source: Path | None = None, listener=None) -> Result:
    return resume_run(folder, source, "cpu", listener or SilentListener())


@pytest.fixture
def interrupted(train, make_listener, tmp_path: Path) -> Path:
    """A run that was stopped after its 5th step of 9, in the middle of epoch 2."""
    with pytest.raises(Interrupted):
        train(listener=make_listener(signal_at(5)), name="stopped")
    return tmp_path / "runs" / "stopped"


def assert_same(folder: Path, whole: Result) -> None:
    for name in SAME_FILES:
        assert (folder / name).read_bytes() == (whole.folder.path / name).read_bytes(), name


@pytest.mark.parametrize("k", range(1, 9))
def test_run_stopped_after_any_step_ends_as_if_it_never_was(
    k: int, train, make_listener, tmp_path: Path
) -> None:
    whole = train(name="whole")
    listener = make_listener(signal_at(k))
    with pytest.raises(Interrupted, match=f"stopped in epoch {1 + k // 3}; go on with: ") as caught:
        train(name="stopped", listener=listener)
    folder = tmp_path / "runs" / "stopped"
    assert caught.value.exit_code == 130
    assert str(caught.value).endswith(f"wsnet train --resume {folder}")
    assert len(listener.fractions) == k
    assert not (folder / "model.wsnet").exists()
    after = make_listener()
    result = resume(folder, listener=after)
    assert after.fractions == pytest.approx([(i + 1) / 9 for i in range(k, 9)])
    assert result.folder.path == folder
    assert_same(folder, whole)


def test_momentum_goes_on_where_it_stopped(train, make_listener, tmp_path: Path) -> None:
    settings = ("train.optimizer=sgd", "train.lr=0.05", "train.weight_decay=5e-4")
    whole = train(*settings, name="whole")
    with pytest.raises(Interrupted):
        train(*settings, name="stopped", listener=make_listener(signal_at(5)))
    resume(tmp_path / "runs" / "stopped")
    assert_same(tmp_path / "runs" / "stopped", whole)


@pytest.mark.parametrize("offsets", ["learned", "random"])
def test_places_signs_and_multipliers_go_on_where_they_stopped(
    offsets: str, train, make_listener, tmp_path: Path
) -> None:
    """With rates so high that places reach the ends of Phi."""
    settings = (
        f"network.sampling.offsets={offsets}",
        "network.sampling.layers.conv7.stride=2",
        "network.sampling.layers.conv7.offsets=learned",
        "network.head_sampling_stride=2",
        "train.lr=0.3",
    )
    whole = train(*settings, name="whole")
    with pytest.raises(Interrupted):
        train(*settings, name="stopped", listener=make_listener(signal_at(5)))
    folder = tmp_path / "runs" / "stopped"
    resume(folder)
    assert_same(folder, whole)
    kept = [own.offsets for own in load_model(folder / "model.wsnet").weights]
    assert [offsets is not None for offsets in kept] == [True] * 7 + [False]
    assert abs(kept[6]).max() > 256


def test_run_may_be_stopped_again_and_again(train, make_listener, tmp_path: Path) -> None:
    whole = train(name="whole")
    folder = tmp_path / "runs" / "stopped"
    with pytest.raises(Interrupted):
        train(name="stopped", listener=make_listener(signal_at(1)))
    for _ in range(7):
        with pytest.raises(Interrupted):
            resume(folder, listener=make_listener(signal_at(1)))
    resume(folder)
    assert_same(folder, whole)


def test_signal_after_the_last_step_lets_the_run_end(train, make_listener) -> None:
    whole = train(name="whole")
    result = train(name="late", listener=make_listener(signal_at(9)))
    assert_same(result.folder.path, whole)


def test_termination_saves_and_has_its_own_exit_code(train, make_listener, tmp_path: Path) -> None:
    whole = train(name="whole")
    with pytest.raises(Interrupted) as caught:
        train(name="stopped", listener=make_listener(signal_at(4, signal.SIGTERM)))
    assert caught.value.exit_code == 143
    resume(tmp_path / "runs" / "stopped")
    assert_same(tmp_path / "runs" / "stopped", whole)


def test_signal_at_the_end_of_an_epoch_while_it_is_looked_at(
    train, make_listener, tmp_path: Path
) -> None:
    """The listener's own epoch call is outside all steps."""
    whole = train(name="whole")
    listener = make_listener()
    listener.epoch = lambda row: signal.raise_signal(signal.SIGINT)
    with pytest.raises(Interrupted, match="stopped in epoch 2"):
        train(name="stopped", listener=listener)
    resume(tmp_path / "runs" / "stopped")
    assert_same(tmp_path / "runs" / "stopped", whole)


@pytest.mark.parametrize("k", range(2, 10))
def test_killed_run_goes_on_from_its_last_save(
    k: int, train, make_listener, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Saved after each step, in mid-epoch too; killed in the k-th before its save is made."""
    whole = train(name="whole")
    monkeypatch.setattr(running_module, "SAVE_EVERY_S", -1.0)

    def die(step: int) -> None:
        if step == k:
            raise MemoryError

    with pytest.raises(MemoryError):
        train(name="killed", listener=make_listener(die))
    folder = tmp_path / "runs" / "killed"
    after = make_listener()
    resume(folder, listener=after)
    assert len(after.fractions) == 9 - (k - 1)
    assert_same(folder, whole)


def test_finished_run_may_be_resumed_and_stays_as_it_is(train, make_listener) -> None:
    whole = train()
    before = {name: (whole.folder.path / name).read_bytes() for name in SAME_FILES}
    listener = make_listener()
    result = resume(whole.folder.path, listener=listener)
    assert listener.fractions == []
    assert {name: (result.folder.path / name).read_bytes() for name in SAME_FILES} == before
    assert result.metrics == whole.metrics


def test_data_may_have_moved(interrupted: Path, tones: Path, train, tmp_path: Path) -> None:
    whole = train(name="whole")
    moved = tones.rename(tmp_path / "elsewhere")
    with pytest.raises(WsnetError, match="tones"):
        resume(interrupted)
    result = resume(interrupted, moved)
    assert_same(interrupted, whole)
    assert len(held_out_clips(result.folder.model)[0]) == result.metrics.n_clips
    environment = json.loads((interrupted / "env.json").read_text(encoding="utf-8"))
    before = json.loads((whole.folder.path / "env.json").read_text(encoding="utf-8"))
    assert environment == before | {"data": str(moved)}


def test_refused_data_does_not_become_that_of_the_run(
    interrupted: Path, tones: Path, tmp_path: Path
) -> None:
    before = (interrupted / "env.json").read_bytes()
    other = Path(shutil.copytree(tones, tmp_path / "other"))
    change_content(other, interrupted)
    with pytest.raises(TrainingError, match="data was"):
        resume(interrupted, other)
    assert (interrupted / "env.json").read_bytes() == before


# -------------------------------------------------------------------------------- refusals


def change_content(root: Path, run: Path) -> None:
    (root / "low" / "0.wav").write_bytes((root / "low" / "1.wav").read_bytes())


def change_order(root: Path, run: Path) -> None:
    (root / "low" / "0.wav").rename(root / "low" / "z.wav")


def change_label(root: Path, run: Path) -> None:
    (root / "low").rename(root / "lowest")


def add_label(root: Path, run: Path) -> None:
    (root / "new").mkdir()
    for i in range(3):
        (root / "low" / f"{i}.wav").rename(root / "new" / f"{i}.wav")


def edit_config(old: str, new: str):
    def change(root: Path, run: Path) -> None:
        text = (run / "config.yaml").read_text(encoding="utf-8")
        assert old in text
        (run / "config.yaml").write_text(text.replace(old, new), encoding="utf-8")

    return change


def edit_environment(key: str, value: object):
    def change(root: Path, run: Path) -> None:
        values = json.loads((run / "env.json").read_text(encoding="utf-8"))
        assert values[key] != value
        (run / "env.json").write_text(json.dumps(values | {key: value}), encoding="utf-8")

    return change


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (change_content, "data was [0-9a-f]{16} and is now [0-9a-f]{16}"),
        (change_order, "data was "),
        (change_label, r"labels was .*'low'.* and is now .*'lowest'"),
        (add_label, "labels was "),
        (edit_config("seed: 0", "seed: 1"), r"train\.seed was 0 and is now 1"),
        (edit_config("lr: 0.003", "lr: 0.002"), r"train\.lr was 0\.003 and is now 0\.002"),
        (edit_config("width: 0.0625", "width: 0.125"), r"network\.width was 0\.0625 and is now"),
        (edit_config("dropout: 0.2", "dropout: 0.1"), r"network\.dropout was 0\.2 and is now"),
        (edit_config("shift: 0.5", "shift: 0.25"), r"augment\.shift was 0\.5 and is now 0\.25"),
        (
            edit_config("sample_rate: 8000", "sample_rate: 8001"),
            r"audio\.sample_rate was 8000 and is now 8001",
        ),
        (edit_environment("threads", 2), "threads was 1 and is now 2"),
        (edit_environment("fold", "2"), "data was "),
    ],
)
def test_changed_run_is_refused_with_the_name_of_what_changed(
    change, said: str, interrupted: Path, tones: Path
) -> None:
    change(tones, interrupted)
    kept = (interrupted / "last.safetensors").read_bytes()
    with pytest.raises(TrainingError, match=rf"last\.safetensors: {said}.*start a new run"):
        resume(interrupted)
    assert (interrupted / "last.safetensors").read_bytes() == kept
    assert not (interrupted / "model.wsnet").exists()


def test_description_may_be_edited(interrupted: Path, tones: Path, train) -> None:
    whole = train(name="whole")
    edit_config("description: ''", "description: mine")(tones, interrupted)
    resume(interrupted)
    assert_same(interrupted, whole)


def test_thread_count_is_that_of_the_run(interrupted: Path, train) -> None:
    whole = train(name="whole")
    torch.set_num_threads(2)
    resume(interrupted)
    assert torch.get_num_threads() == 1
    assert_same(interrupted, whole)


@pytest.mark.parametrize("damage", ["flip", "cut", "empty"])
def test_damaged_resume_file_is_refused(damage: str, interrupted: Path) -> None:
    path = interrupted / "last.safetensors"
    content = bytearray(path.read_bytes())
    if damage == "flip":
        content[-5_000] ^= 1
    path.write_bytes({"flip": content, "cut": content[:-1], "empty": b""}[damage])
    with pytest.raises(ArtifactError, match=r"last\.safetensors: is (cut or altered|not a wsnet)"):
        resume(interrupted)


LIES = {
    "no rows": lambda arrays, values: values.pop("rows"),
    "rows of another kind": lambda arrays, values: values.update(rows=[{"epoch": 1}]),
    "rows that are none": lambda arrays, values: values.update(rows=7),
    "no identity": lambda arrays, values: values.update(identity=[1]),
    "a word for a section": lambda arrays, values: values["identity"].update(train="fast"),
    "no position": lambda arrays, values: values.pop("position"),
    "words for numbers": lambda arrays, values: values.update(n_averaged="many"),
    "no weights": lambda arrays, values: arrays.clear(),
    "weights of another shape": lambda arrays, values: arrays.update(
        {name: array[..., :1] for name, array in arrays.items() if array.ndim}
    ),
}


@pytest.mark.parametrize("lie", LIES)
def test_a_resume_file_that_somebody_made_is_refused(lie: str, interrupted: Path) -> None:
    """With a right digest: whoever made it can make that too."""
    path = interrupted / "last.safetensors"
    arrays, values = unpack(path.read_bytes(), "x")
    LIES[lie](arrays, values)
    path.write_bytes(pack(arrays, values))
    with pytest.raises(TrainingError) as caught:
        resume(interrupted)
    assert "\n" not in str(caught.value)


def test_run_that_saved_nothing_cannot_be_resumed(interrupted: Path) -> None:
    (interrupted / "last.safetensors").unlink()
    with pytest.raises(UsageError, match="nothing was saved to resume from; start the run again"):
        resume(interrupted)


def test_folder_that_is_no_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="is not the folder of a run"):
        resume(tmp_path)


def test_missing_data_is_refused(interrupted: Path, tmp_path: Path) -> None:
    with pytest.raises(DataError, match="gone"):
        resume(interrupted, tmp_path / "gone")


@pytest.mark.parametrize(
    ("key", "value"),
    [("threads", "two"), ("threads", 1.5), ("fold", 3), ("data", None), ("preset", ["x"])],
)
def test_damaged_environment_is_refused_in_one_line(
    key: str, value: object, interrupted: Path, tones: Path
) -> None:
    edit_environment(key, value)(tones, interrupted)
    with pytest.raises(
        ArtifactError, match=rf"env\.json: {key} = .*; expected what wsnet train wrote"
    ):
        resume(interrupted)


def test_impossible_thread_count_is_refused(interrupted: Path, tones: Path) -> None:
    edit_environment("threads", 0)(tones, interrupted)
    with pytest.raises(ConfigError, match="--threads 0; expected at least 1"):
        resume(interrupted)


def test_a_finished_run_that_goes_on_is_not_taken_for_finished(train) -> None:
    """What says that it has ended is gone while more epochs are trained."""
    whole = train()
    seen: list[bool] = []

    class Watcher(SilentListener):
        def step(self, fraction_done: float) -> None:
            seen.append((whole.folder.path / "metrics.json").exists())

    resume_run(whole.folder.path, None, "cpu", Watcher(), epochs=4)
    assert seen
    assert not any(seen)
    assert (whole.folder.path / "metrics.json").exists()
