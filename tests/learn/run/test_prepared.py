from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.errors import ConfigError, DataError, UsageError
from wsnet_cli.data.packing import set_folder
from wsnet_cli.data.packing.cache import default_cache_root, packed_folder
from wsnet_cli.learn.run.prepared import PreparedData, _fingerprint, find_data, prepare_data


@pytest.fixture
def prepare(make_config):
    def prepare(source: Path, fold: str | None = None) -> PreparedData:
        return prepare_data(find_data(source), make_config(), fold)

    return prepare


def test_classes_are_those_of_the_folders(tones: Path, prepare) -> None:
    data = prepare(tones)
    assert data.dataset.labels == ("high", "low", "middle")
    assert sorted(data.train + data.test) == list(range(21))
    assert data.test
    assert not set(data.train) & set(data.test)
    for part in (data.train, data.test):
        names = [data.dataset.labels[c] for c in data.classes(part)]
        assert names == [data.dataset.clips[i].path.parent.name for i in part]


def test_feed_is_the_training_part_with_the_configuration(
    tones: Path, prepare, make_config
) -> None:
    data = prepare(tones)
    config = make_config("train.repeats=2", "train.seed=7", "train.batch_size=5", "train.epochs=10")
    feed = data.feed(config)
    assert (list(feed.clips), list(feed.classes)) == (data.train, data.classes(data.train))
    assert (feed.n_classes, feed.batch_size, feed.repeats, feed.seed) == (3, 5, 2, 7)
    assert feed.audio.window_samples == 2_000
    assert feed.augment == config.augment
    assert feed.n_mixed_epochs == 6


def test_unreadable_clips_are_in_neither_part(tones: Path, prepare) -> None:
    (tones / "low" / "3.wav").write_bytes(b"no sound")
    data = prepare(tones)
    bad = next(i for i, clip in enumerate(data.dataset.clips) if clip.name == "low/3.wav")
    assert bad not in data.train + data.test
    assert len(data.train + data.test) == 20


def test_fold_none_holds_nothing_out(tones: Path, prepare) -> None:
    data = prepare(tones, "none")
    assert (len(data.train), data.test) == (21, [])


def test_unknown_fold_is_refused(tones: Path, prepare) -> None:
    with pytest.raises(UsageError, match="fold"):
        prepare(tones, "9")


def test_class_without_readable_clips_is_refused(tones: Path, prepare) -> None:
    for path in (tones / "low").iterdir():
        path.write_bytes(b"no sound")
    with pytest.raises(DataError, match="low"):
        prepare(tones)


def test_fingerprint_is_the_same_for_the_same_data(tones: Path, tmp_path: Path, prepare) -> None:
    before = prepare(tones).fingerprint
    assert prepare(tones).fingerprint == before
    tones.rename(tmp_path / "moved")
    assert prepare(tmp_path / "moved").fingerprint == before


def change_content(root: Path) -> None:
    (root / "low" / "0.wav").write_bytes((root / "low" / "1.wav").read_bytes())


def change_label(root: Path) -> None:
    (root / "low").rename(root / "lowest")


def change_one_label(root: Path) -> None:
    (root / "low" / "0.wav").rename(root / "high" / "other.wav")


def add_clip(root: Path) -> None:
    (root / "low" / "9.wav").write_bytes((root / "low" / "1.wav").read_bytes())


def remove_clip(root: Path) -> None:
    (root / "low" / "0.wav").unlink()


def damage_clip(root: Path) -> None:
    (root / "low" / "0.wav").write_bytes(b"no sound")


def change_order(root: Path) -> None:
    """The clips are fed by their order, which is that of their names."""
    (root / "low" / "0.wav").rename(root / "low" / "z.wav")


@pytest.mark.parametrize(
    "change",
    [
        change_content,
        change_label,
        change_one_label,
        add_clip,
        remove_clip,
        damage_clip,
        change_order,
    ],
)
def test_fingerprint_changes_with_the_data(change, tones: Path, prepare) -> None:
    before = prepare(tones).fingerprint
    change(tones)
    assert prepare(tones).fingerprint != before


def test_fingerprint_changes_with_the_split(tones: Path, prepare) -> None:
    prints = [prepare(tones, fold).fingerprint for fold in ("none", "1", "2", "3")]
    assert len(set(prints)) == 4


def test_fingerprint_says_where_training_ends(tones: Path, prepare) -> None:
    """The same clips in the same order, the border between the parts one clip further on."""
    parts = {
        "low/0.wav": "train",
        "middle/0.wav": "train",
        "middle/1.wav": None,
        "low/1.wav": "test",
    }
    prints = set()
    for part in ("train", "test"):
        parts["middle/1.wav"] = part
        rows = [f"{name},{name.split('/')[0]},{split}" for name, split in parts.items()]
        text = "\n".join(("path,label,split", *rows))
        (tones / "manifest.csv").write_text(text + "\n", encoding="utf-8")
        data = prepare(tones / "manifest.csv")
        assert len(data.train) == 2 + (part == "train")
        prints.add(data.fingerprint)
    assert len(prints) == 2


def test_fingerprint_changes_with_the_validation_part(tones: Path, make_config) -> None:
    data = prepare_data(find_data(tones), make_config("train.validation=0.2"), None)
    fewer = replace(data.split, validation=data.split.validation[:-1])
    parts = [_fingerprint(data.dataset, data.packed, split) for split in (data.split, fewer)]
    assert parts[0] == data.fingerprint
    assert parts[1] != data.fingerprint


@pytest.fixture
def noises(tmp_path: Path) -> Path:
    """Ten sounds in two classes, and a softer copy of each."""
    rng = np.random.default_rng(0)
    for i in range(10):
        levels = np.repeat(rng.uniform(0.02, 1.0, 30), 200)
        noise = (levels * rng.standard_normal(6_000)).astype(np.float32)
        noise *= np.float32(0.5 / np.abs(noise).max())
        folder = tmp_path / "noises" / "ab"[i % 2]
        folder.mkdir(parents=True, exist_ok=True)
        soundfile.write(folder / f"{i}.wav", noise, 4_000)
        soundfile.write(folder / f"{i}-softer.wav", 0.3 * noise, 4_000)
    return tmp_path / "noises"


def test_what_sounds_alike_is_on_one_side(noises: Path, prepare) -> None:
    for fold in (None, "1", "2"):
        data = prepare(noises, fold)
        held = {data.dataset.clips[i].path.stem for i in data.test}
        assert all((str(i) in held) == (f"{i}-softer" in held) for i in range(10))
        assert data.n_leaks == 0


def test_copies_across_a_given_split_are_counted(noises: Path, prepare) -> None:
    parts = [("a/0.wav", "train"), ("a/0-softer.wav", "test"), ("a/2.wav", "test")]
    parts += [("b/1.wav", "train"), ("b/3.wav", "train"), ("b/3-softer.wav", "test")]
    rows = "".join(f"{name},{name[0]},{part}\n" for name, part in parts)
    (noises / "manifest.csv").write_text(f"path,label,split\n{rows}")
    assert prepare(noises).n_leaks == 2


# ------------------------------------------------------------------------ backgrounds, versions


@pytest.fixture
def hums(tmp_path: Path) -> Path:
    folder = tmp_path / "hums"
    folder.mkdir()
    soundfile.write(folder / "hum.wav", np.ones(3_000) / 2, 8_000)
    return folder


def test_backgrounds_and_versions_are_fed_and_enter_the_fingerprint(
    tones: Path, hums: Path, make_config
) -> None:
    prints = set()
    for settings in (
        (),
        (f"augment.background={hums}",),
        ("augment.stretch=1.1", "augment.variants=2"),
        ("augment.stretch=1.1", "augment.variants=2", f"augment.background={hums}"),
        ("augment.pitch_semitones=1", "augment.variants=2"),
    ):
        config = make_config(*settings, "train.balance=sampling")
        data = prepare_data(find_data(tones), config, None)
        assert prepare_data(find_data(tones), config, None).fingerprint == data.fingerprint
        prints.add(data.fingerprint)
        feed = data.feed(config)
        assert (feed.balance, len(feed.variants)) == ("sampling", 2 * ("variants" in str(settings)))
        assert (feed.backgrounds is not None) == ("background" in str(settings))
        assert np.isfinite(feed.batch(0, 0).windows).all()
        assert all(variants.has(i) for variants in feed.variants for i in range(21))
        assert len(data.remarks(feed)) == 1 + len(feed.variants) // 2 + bool(feed.backgrounds)
        assert data.warnings(feed) == []
    assert len(prints) == 5
    soundfile.write(hums / "hum.wav", np.ones(3_001) / 2, 8_000)
    config = make_config(f"augment.background={hums}")
    assert prepare_data(find_data(tones), config, None).fingerprint not in prints


def test_a_missing_background_is_refused_before_anything_is_decoded(
    tones: Path, make_config
) -> None:
    def fail(*_args: object) -> None:
        raise AssertionError("decoded")

    config = make_config("augment.background=nowhere")
    with pytest.raises(ConfigError, match="no such folder"):
        prepare_data(find_data(tones), config, None, fail)


def test_a_held_out_clip_is_no_background(tones: Path, hums: Path, make_config) -> None:
    config = make_config()
    data = prepare_data(find_data(tones), config, None)
    held_out = data.dataset.clips[data.test[0]].path
    (hums / "copy.wav").write_bytes(held_out.read_bytes())
    config = make_config(f"augment.background={hums}")
    data = prepare_data(find_data(tones), config, None)
    assert data.backgrounds is not None
    assert [failure.name for failure in data.backgrounds.left_out] == [f"{hums}/copy.wav"]


def test_a_validation_clip_is_no_background(tones: Path, hums: Path, make_config) -> None:
    settings = ("train.validation=0.2",)
    data = prepare_data(find_data(tones), make_config(*settings), None)
    kept = data.dataset.clips[data.validation[0]].path
    (hums / "copy.wav").write_bytes(kept.read_bytes())
    config = make_config(*settings, f"augment.background={hums}")
    data = prepare_data(find_data(tones), config, None)
    assert data.backgrounds is not None
    assert [failure.name for failure in data.backgrounds.left_out] == [f"{hums}/copy.wav"]


def test_clips_that_some_other_fold_trains_on_are_varied_too(tmp_path: Path, make_config) -> None:
    """But not those of the data's own test part, which none trains on."""
    rows = ["path,label,split"]
    rng = np.random.default_rng(0)
    for i in range(12):
        soundfile.write(tmp_path / f"{i}.wav", 0.1 * rng.standard_normal(900), 8_000)
        part = "test" if i > 8 else "validation" if i > 6 else "train"
        rows.append(f"{i}.wav,{'ab'[i % 2]},{part}")
    (tmp_path / "clips.csv").write_text("\n".join(rows))
    config = make_config("augment.stretch=1.1", "augment.variants=1")
    data = prepare_data(find_data(tmp_path / "clips.csv"), config, None)
    assert data.variants is not None
    varied = {data.dataset.clips.names[i] for i in range(12) if data.variants.sets[0].has(i)}
    assert varied == {f"{i}.wav" for i in range(9)}
    data = prepare_data(find_data(tmp_path / "clips.csv"), config, "none")
    assert data.variants is not None
    assert all(data.variants.sets[0].has(i) for i in data.train)


def test_a_class_with_one_training_clip_is_warned_of(tones: Path, make_config) -> None:
    for i in range(1, 7):
        (tones / "low" / f"{i}.wav").unlink()
    data = prepare_data(find_data(tones), make_config(), None)
    (line,) = data.warnings(data.feed(make_config()))
    assert line.startswith("class 'low' has 1 clip to train on")


def test_files_that_were_cut_off_are_counted(tones: Path, make_config) -> None:
    for name in ("high/2.wav", "low/0.wav"):
        (tones / name).write_bytes((tones / name).read_bytes()[:-500])
    data = prepare_data(find_data(tones), make_config(), None)
    (line,) = data.warnings(data.feed(make_config()))
    n_used = len(data.train) + len(data.test)
    assert line.startswith(
        f"cut-off: 2 of {n_used} clips, such as high/2.wav: the file ends before"
    )


def test_a_multi_label_set_has_rows_of_classes(tones: Path, prepare, make_config) -> None:
    labels = ("high;low", "", "low", "middle;")
    names = sorted(path.relative_to(tones).as_posix() for path in tones.rglob("*.wav"))
    rows = [f"{name},{labels[i % 4]}\n" for i, name in enumerate(names)]
    (tones / "manifest.csv").write_text("path,label\n" + "".join(rows))
    data = prepare(tones)
    assert data.members is not None
    for part in (data.train, data.test):
        for clip, row in zip(part, data.classes(part), strict=True):
            found = [data.dataset.labels[c] for c in np.flatnonzero(data.members[row])]
            assert found == [name for name in labels[clip % 4].split(";") if name]
    feed = data.feed(make_config())
    assert feed.members is data.members
    assert feed.class_counts.sum() == sum(len(data.dataset.clips[i].classes) for i in data.train)
    assert data.remarks(feed)[0].startswith("loss: binary cross-entropy of each class")


def test_a_set_that_turns_multi_label_is_another_one(tones: Path, prepare) -> None:
    single = prepare(tones)
    names = [clip.name for clip in single.dataset.clips]
    found = []
    for end in ("", ";"):
        rows = [f"{name},{name.split('/')[0]}{end}\n" for name in names]
        (tones / "manifest.csv").write_text("path,label\n" + "".join(rows))
        found.append(prepare(tones))
    assert found[0].members is None
    assert found[0].fingerprint == single.fingerprint
    assert found[1].split.train == single.split.train
    assert found[1].fingerprint != single.fingerprint


def test_sets_that_a_run_uses_stay_in_the_cache(
    tones: Path, tmp_path: Path, make_config, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each of the three is larger than the cache may be; a set of before goes."""
    shutil.copytree(tones / "low", tmp_path / "noises" / "x")
    prepare_data(find_data(tones), make_config("audio.sample_rate=4000"), None)
    before = set(packed_folder(default_cache_root()).iterdir())
    monkeypatch.setattr(set_folder, "CACHE_LIMIT_BYTES", 1_000)
    settings = (f"augment.background={tmp_path / 'noises'}", "augment.stretch=1.1")
    data = prepare_data(find_data(tones), make_config(*settings, "augment.variants=1"), None)
    assert data.backgrounds is not None
    assert data.variants is not None
    used = {data.packed, data.backgrounds.packed, *data.variants.sets}
    folders = {one.store.folder for one in used}
    assert len(folders) == 3
    assert all(folder is not None and folder.is_dir() for folder in folders)
    left = packed_folder(default_cache_root()).glob("[!.]*")
    assert set(left) == folders
    assert not before & folders
