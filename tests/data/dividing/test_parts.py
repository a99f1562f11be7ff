"""Where clips stand: given folds and splits as they are, made ones without a leak."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.errors import UsageError
from wsnet_cli.data.copies.comparing import compare_clips
from wsnet_cli.data.dataset import Clip, DataSet
from wsnet_cli.data.dividing.parts import NO_PART, Parts, choose_parts
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.packing.pack_job import PackJob
from wsnet_cli.data.packing.packed import PackedSet, packed_set
from wsnet_cli.data.packing.store_writer import MemoryWriter

MakeSine = Callable[..., Path]
RATE = 8000


def pack_in_memory(dataset: DataSet) -> PackedSet:
    job, writer = PackJob(dataset, RATE, 1, None), MemoryWriter(RATE)
    job.fill_memory(writer)
    return packed_set(job, writer.finish(), None)


def part_of(dataset: DataSet, parts: Parts) -> dict[str, str | None]:
    """The part of each clip by the clip's name."""
    names = [None if i == NO_PART else parts.names[i] for i in parts.of_clip.tolist()]
    return dict(zip(dataset.clips.names, names, strict=True))


@pytest.fixture
def make_set(tmp_path: Path, make_sine: MakeSine) -> Callable[..., DataSet]:
    """Clips of different sines in alternating classes, with what more is said of each by name."""

    def make(more: Mapping[str, Mapping[str, str]]) -> DataSet:
        clips = []
        for i, (name, columns) in enumerate(more.items()):
            path = make_sine(tmp_path / name, hz=200 + 17 * i)
            clips.append(Clip(path, name, "ab"[i % 2], **columns))
        return DataSet(tmp_path, "manifest", clips)

    return make


def names(n: int) -> Iterable[str]:
    return (f"{i:02d}.wav" for i in range(n))


# ---------------------------------------------------------------------------- what is given


def test_given_folds_are_kept_in_the_order_of_their_numbers(make_set) -> None:
    folds = dict(zip(names(6), ["10", "10", "2", "2", "1", "1"], strict=True))
    dataset = make_set({name: {"fold": fold} for name, fold in folds.items()})
    parts = choose_parts(dataset, pack_in_memory(dataset))
    assert (parts.column, parts.names, parts.given) == ("fold", ("1", "2", "10"), True)
    assert parts.titles == ("fold 1", "fold 2", "fold 10")
    assert part_of(dataset, parts) == folds
    assert parts.how == "the data set's own 3 folds"


def test_a_given_split_is_kept_and_who_is_in_no_part_is_in_none(make_set) -> None:
    split = {"00.wav": "test", "01.wav": "train", "02.wav": "train", "03.wav": "validation"}
    given = {name: {"split": part} for name, part in split.items()} | {"04.wav": {}}
    dataset = make_set(given)
    parts = choose_parts(dataset, pack_in_memory(dataset))
    assert (parts.column, parts.names, parts.given) == (
        "split",
        ("train", "validation", "test"),
        True,
    )
    assert parts.titles == parts.names
    assert part_of(dataset, parts) == {**split, "04.wav": None}


@pytest.mark.parametrize(("column", "own"), [("fold", "folds"), ("split", "a split")])
def test_folds_are_not_made_where_there_are_parts(make_set, column: str, own: str) -> None:
    dataset = make_set(
        {name: {column: ["train", "test"][i % 2]} for i, name in enumerate(names(4))}
    )
    with pytest.raises(UsageError, match=f"--folds: the data set has {own} of its own"):
        choose_parts(dataset, pack_in_memory(dataset), n_folds=5)


def test_what_cannot_be_read_is_in_no_part(make_set, tmp_path: Path) -> None:
    for columns in ({}, {"fold": "1"}, {"split": "train"}):
        dataset = make_set(dict.fromkeys(names(8), columns))
        (tmp_path / "03.wav").write_bytes(b"")
        packed = pack_in_memory(dataset)
        for n_folds in (None, 3) if not columns else (None,):
            parts = choose_parts(dataset, packed, n_folds=n_folds)
            assert parts.of_clip[3] == NO_PART
            assert (np.delete(parts.of_clip, 3) >= 0).all()


# ----------------------------------------------------------------------------- what is made


def test_every_clip_is_in_one_of_the_folds_that_are_made(make_set) -> None:
    dataset = make_set({name: {} for name in names(60)})
    parts = choose_parts(dataset, pack_in_memory(dataset), n_folds=4)
    assert (parts.column, parts.names, parts.given) == ("fold", ("1", "2", "3", "4"), False)
    assert parts.how == "4 folds made by content"
    counts = np.bincount(parts.of_clip, minlength=4)
    assert (counts.sum(), counts.min() > 5) == (60, True)


def test_more_clips_move_none_of_those_that_were_there(make_set) -> None:
    few, many = (make_set({name: {} for name in names(n)}) for n in (30, 50))
    packed = [pack_in_memory(dataset) for dataset in (few, many)]
    before = part_of(few, choose_parts(few, packed[0], n_folds=5))
    after = part_of(many, choose_parts(many, packed[1], n_folds=5))
    assert before == {name: after[name] for name in before}


def test_the_share_that_is_held_out(make_set) -> None:
    dataset = make_set({name: {} for name in names(60)})
    packed = pack_in_memory(dataset)
    n_held = []
    for share in (0.1, 0.3, 0.6):
        parts = choose_parts(dataset, packed, held_out=share)
        assert (parts.column, parts.names, parts.given) == ("split", ("train", "test"), False)
        n_held.append(int((parts.of_clip == 1).sum()))
        assert 0.5 * share <= n_held[-1] / 60 <= 2 * share
        assert parts.how.startswith(f"{n_held[-1]} of 60 clips (")
    assert n_held == sorted(set(n_held))
    nothing = choose_parts(dataset, packed, held_out=0.0)
    assert (nothing.names, set(nothing.of_clip.tolist())) == (("train",), {0})


def test_a_class_that_is_one_group_is_trained_on(make_set) -> None:
    for group in map(str, range(20)):  # some of them lie where it would be held out
        one = {f"{i:02d}.wav": {"group": group} if i % 2 else {} for i in range(12)}
        dataset = make_set(one)
        parts = choose_parts(dataset, pack_in_memory(dataset))
        assert set(parts.of_clip[dataset.classes == 1].tolist()) == {0}


def test_silent_recordings_are_nobodys_copies(tmp_path: Path, make_sine: MakeSine) -> None:
    """Else one silent clip of each speaker would join them all."""
    clips = []
    for i in range(12):
        silent = i % 2 == 0
        path = make_sine(tmp_path / f"{i:02d}.wav", hz=300 + 31 * i, peak=0.0 if silent else 0.5)
        with path.open("ab") as stream:
            stream.write(bytes([i]))  # other files
        clips.append(Clip(path, path.name, "ab"[i // 2 % 2], group=f"speaker {i // 2}"))
    dataset = DataSet(tmp_path, "manifest", clips)
    packed = pack_in_memory(dataset)
    assert not packed.failures
    parts = choose_parts(dataset, packed, n_folds=5)
    of_speaker = parts.of_clip.reshape(6, 2)
    assert (of_speaker[:, 0] == of_speaker[:, 1]).all()
    assert len(set(of_speaker[:, 0].tolist())) > 1
    copy = (tmp_path / "00.wav").read_bytes()
    (tmp_path / "02.wav").write_bytes(copy)
    assert len(np.unique(pack_in_memory(dataset).audio_keys, axis=0)) == 11


# -------------------------------------------------------------------------- leaks, planted


def noise(seed: int, n: int) -> np.ndarray:
    """A rattle: noise in bursts of its own rhythm, so that no two are alike."""
    rng = np.random.default_rng(seed)
    envelope = np.repeat(rng.uniform(0.02, 1.0, n // 400 + 1), 400)[:n]
    return 0.3 * envelope * rng.standard_normal(n).clip(-3, 3) / 3


@pytest.fixture(scope="module")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """60 sounds in four classes; of 10 an exact copy in another class's folder and under another
    format that keeps all samples, of 10 a lossy copy, and 10 recordings cut into three slices."""
    import soundfile

    root, rows = tmp_path_factory.mktemp("planted"), []

    def write(name: str, label: str, samples: np.ndarray, group: str = "") -> None:
        path = root / label / name
        path.parent.mkdir(exist_ok=True)
        soundfile.write(path, samples, RATE)
        rows.append(f"{label}/{name},{label},{group}")

    for i in range(60):
        write(f"{i:02d}.wav", "abcd"[i % 4], noise(i, 12_000))
    for i in range(10):
        original = root / "abcd"[i % 4] / f"{i:02d}.wav"
        samples = soundfile.read(original)[0]
        write(f"exact{i:02d}.{('wav', 'flac')[i % 2]}", "abcd"[(i + 1) % 4], samples)
    for i in range(10, 20):
        samples = soundfile.read(root / "abcd"[i % 4] / f"{i:02d}.wav")[0]
        write(f"lossy{i:02d}.{('ogg', 'mp3')[i % 2]}", "abcd"[(i + 2) % 4], samples)
    for i in range(10):
        for j, part in enumerate(np.split(noise(1_000 + i, 18_000), 3)):
            write(f"slice{i:02d}-{j}.wav", "abcd"[(i + j) % 4], part, f"tape {i}")
    (root / "grouped.csv").write_text("\n".join(("path,label,group", *rows)) + "\n")
    return root


def kin(name: str) -> str:
    """What must not be divided: the copies by number, the slices by tape."""
    stem = Path(name).stem
    return stem.partition("-")[0] if stem.startswith("slice") else stem[-2:]


@pytest.mark.parametrize("n_folds", [None, 5])
def test_no_copy_and_no_group_is_divided(planted: Path, n_folds: int | None) -> None:
    dataset = load_dataset(planted / "grouped.csv")
    packed = pack_in_memory(dataset)
    copies = compare_clips(packed, planted)
    found = {
        kind: {kin(dataset.clips.names[pair.second]) for pair in copies if pair.kind == kind}
        for kind in ("identical", "near")
    }
    assert found["identical"] == {f"{i:02d}" for i in range(10)}
    assert found["near"] == {f"{i:02d}" for i in range(10, 20)}
    pairs = [(pair.first, pair.second) for pair in copies]
    assert all(
        kin(dataset.clips.names[i]) == kin(dataset.clips.names[j]) for i, j in pairs
    )  # no false alarm
    parts = choose_parts(dataset, packed, n_folds=n_folds, together=pairs)
    sides: dict[str, set[str | None]] = {}
    for name, part in part_of(dataset, parts).items():
        sides.setdefault(kin(name), set()).add(part)
    assert {kin: s for kin, s in sides.items() if len(s) > 1} == {}
    assert len({part for s in sides.values() for part in s}) == (n_folds or 2)


def test_a_prepared_folder_divides_none_of_them(planted: Path) -> None:
    from wsnet_cli.data.prepare import prepare

    dataset = load_dataset(planted / "grouped.csv")
    prepared = prepare(dataset, planted.with_name("prepared 7 folds"), RATE, n_folds=7)
    sides: dict[str, set[str | None]] = {}
    for name, part in part_of(dataset, prepared.parts).items():
        sides.setdefault(kin(name), set()).add(part)
    assert all(len(parts) == 1 for parts in sides.values())
    leaks = prepared.report["leaks"]
    assert (leaks["identical"], leaks["near"], leaks["clusters_across"]) == (10, 10, 0)
    assert leaks["groups_across"] == 0


def test_copies_across_given_folds_are_reported_and_not_moved(planted: Path) -> None:
    from wsnet_cli.data.prepare import prepare

    text = (planted / "grouped.csv").read_text().splitlines()
    rows = [f"{line},{'fold' if i == 0 else i % 7}" for i, line in enumerate(text)]
    (planted / "folds.csv").write_text("\n".join(rows) + "\n")
    dataset = load_dataset(planted / "folds.csv")
    given = {clip.name: clip.fold for clip in dataset.clips}
    prepared = prepare(dataset, planted.with_name("prepared folds"), RATE)
    assert part_of(dataset, prepared.parts) == given
    leaks = prepared.report["leaks"]
    across = {
        kind: {
            tuple(clip["file"] for clip in pair["clips"])
            for pair in leaks["pairs"]
            if pair["across"] and pair["kind"] == kind
        }
        for kind in ("identical", "near")
    }
    for kind, first in (("identical", 0), ("near", 10)):
        members: dict[str, list[str]] = {}
        for name in sorted(given):
            if kin(name) in {f"{i:02d}" for i in range(first, first + 10)}:
                members.setdefault(kin(name), []).append(name)
        divided = [pair for pair in members.values() if given[pair[0]] != given[pair[1]]]
        assert across[kind] == {tuple(pair) for pair in divided}
        assert len(divided) >= 5
    assert leaks["groups_across"] == 10
