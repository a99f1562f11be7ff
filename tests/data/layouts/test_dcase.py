from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.layouts.known import load_dataset

HEADER = "filename\tscene_label\tidentifier\tsource_label\n"
META = HEADER + "".join(
    f"audio/{scene}-{place}-{i}-a.wav\t{scene}\t{scene}-{place}\ta\n"
    for scene in ("park", "tram")
    for place in ("lyon", "oslo")
    for i in range(2)
)


def tau(root: Path, **files: str) -> Path:
    """One fold with headers, as from 2019 on: Lyon is trained on, Oslo is evaluated."""
    lists = {
        "meta.csv": META,
        "fold1_train.csv": "filename\tscene_label\n" + _cut(META, "lyon", 2),
        "fold1_evaluate.csv": "filename\tscene_label\n" + _cut(META, "oslo", 2),
        "fold1_test.csv": "filename\n" + _cut(META, "oslo", 1),
        **{name.replace("__", "."): text for name, text in files.items()},
    }
    (root / "evaluation_setup").mkdir(exist_ok=True)
    for name, text in lists.items():
        (root / ("" if name.startswith("meta") else "evaluation_setup") / name).write_text(text)
    return root


def _cut(meta: str, place: str, n_columns: int) -> str:
    rows = [line.split("\t")[:n_columns] for line in meta.splitlines() if place in line]
    return "".join("\t".join(row) + "\n" for row in rows)


def tut(root: Path, n_folds: int = 4) -> Path:
    """Several folds without headers, as in 2016 and 2017."""
    names = [f"audio/b{i:03}_{90 * i}.wav" for i in range(2 * n_folds)]
    label = {name: ("beach", "cafe/restaurant")[i % 2] for i, name in enumerate(names)}
    rows = "".join(f"{name}\t{label[name]}\tb{i // 2:03}\n" for i, name in enumerate(names))
    (root / "meta.txt").write_text(rows)
    (root / "evaluation_setup").mkdir()
    for k in range(n_folds):
        held = names[2 * k : 2 * k + 2]
        for what, listed in (
            ("train", [name for name in names if name not in held]),
            ("evaluate", held),
        ):
            text = "".join(f"{name}\t{label[name]}\n" for name in listed)
            (root / "evaluation_setup" / f"fold{k + 1}_{what}.txt").write_text(text)
    return root


def test_one_fold_is_a_split(tmp_path: Path) -> None:
    dataset = load_dataset(tau(tmp_path))
    assert dataset.layout == "DCASE"
    assert dataset.labels == ("park", "tram")
    assert (dataset.folds, dataset.skipped) == ((), ())
    assert {clip.name: clip.split for clip in dataset.clips} == {
        f"audio/{scene}-{place}-{i}-a.wav": {"lyon": "train", "oslo": "test"}[place]
        for scene in ("park", "tram")
        for place in ("lyon", "oslo")
        for i in range(2)
    }
    assert dataset.clips[0].group == "park-lyon"


def test_several_folds_are_folds(tmp_path: Path) -> None:
    dataset = load_dataset(tut(tmp_path))
    assert dataset.labels == ("beach", "cafe/restaurant")
    assert dataset.folds == ("1", "2", "3", "4")
    assert [(clip.fold, clip.split, clip.group) for clip in dataset.clips] == [
        (str(i // 2 + 1), None, f"b{i // 2:03}") for i in range(8)
    ]
    assert dataset.notes == ("read as DCASE, known by meta.txt and evaluation_setup",)


def test_a_list_of_names_alone_serves_where_there_is_no_other(tmp_path: Path) -> None:
    expected = [*load_dataset(tau(tmp_path)).clips]
    (tmp_path / "evaluation_setup" / "fold1_evaluate.csv").unlink()
    assert [*load_dataset(tmp_path).clips] == expected


def test_a_clip_in_no_list_is_left_out(tmp_path: Path) -> None:
    more = META + "audio/park-rome-0-a.wav\tpark\tpark-rome\ta\n"
    dataset = load_dataset(tau(tmp_path, meta__csv=more))
    assert len(dataset.clips) == 8
    assert dataset.notes[1:] == (
        "left out 1 clips that are in no list of evaluation_setup, such as "
        "'audio/park-rome-0-a.wav'",
    )


def test_a_clip_that_no_fold_evaluates_is_always_trained_on(tmp_path: Path) -> None:
    tut(tmp_path)
    (tmp_path / "evaluation_setup" / "fold4_evaluate.txt").write_text("audio/b006_540.wav\tbeach\n")
    last = load_dataset(tmp_path).clips[-1]
    assert (last.name, last.fold, last.split) == ("audio/b007_630.wav", None, None)


LYON = "audio/park-lyon-0-a.wav"
PROBLEMS = {
    "twice": ({"meta__csv": META + META.splitlines()[1] + "\n"}, r"meta\.csv: row 10: .* in row 2"),
    "label": ({"meta__csv": META + "audio/x.wav\t\tx\ta\n"}, r"meta\.csv: row 10: the label is em"),
    "sign": ({"meta__csv": META + "audio/x.wav\tpa\x1brk\tx\ta\n"}, "row 10: the label 'pa"),
    "out": ({"meta__csv": META + "../x.wav\tpark\tx\ta\n"}, "row 10: path '../x.wav' leads out"),
    "absolute": ({"meta__csv": META + "/x.wav\tpark\tx\ta\n"}, "row 10: path '/x.wav' is absolute"),
    "width": ({"meta__csv": META + "audio/x.wav\tpark\n"}, "row 10: 2 cells; expected 4 as in"),
    "commas": (
        {"meta__csv": META.replace("\t", ",")},
        r"meta\.csv: row 1: 1 columns; expected a list",
    ),
    "events": ({"meta__csv": "audio/a.wav\thome\t0.1\t0.9\tbird\tx\n"}, "row 1: 6 columns; expect"),
    "list out": ({"fold1_train__csv": "../../x.wav\tpark\n"}, r"train\.csv: row 1: path .* leads"),
    "unknown": ({"fold1_train__csv": "audio/y.wav\tpark\n"}, "'audio/y.wav' is listed there, but"),
    "both": (
        {"fold1_evaluate__csv": f"{LYON}\tpark\n"},
        r"evaluate\.csv: row 1: '.*', which fold1_train\.csv lists too",
    ),
    "again": (
        {"fold2_train__csv": "", "fold2_evaluate__csv": "audio/park-oslo-0-a.wav\tpark\n"},
        r"fold2_evaluate\.csv: row 1: '.*', which fold 1 evaluates too",
    ),
    "no evaluate": ({"fold2_train__csv": ""}, "fold 2 lacks a list; expected fold2_train and"),
    "no train": ({"fold3_test__csv": ""}, "fold 3 lacks a list"),
}


@pytest.mark.parametrize("problem", PROBLEMS)
def test_a_problem_is_told_with_its_row(tmp_path: Path, problem: str) -> None:
    files, message = PROBLEMS[problem]
    with pytest.raises(DataError, match=message) as caught:
        load_dataset(tau(tmp_path, **files))
    assert "\n" not in str(caught.value)


def test_a_set_without_lists_is_refused(tmp_path: Path) -> None:
    tau(tmp_path)
    for path in (tmp_path / "evaluation_setup").iterdir():
        path.rename(path.with_name("street_" + path.name))
    with pytest.raises(DataError, match=r"no lists; expected fold1_train\.csv and so on"):
        load_dataset(tmp_path)
