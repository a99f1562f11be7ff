from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.dataset import Clip
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.data.layouts.manifest import load_manifest

GOOD = "path,label,fold,group,start,end\na.wav,dog,1,g,0,1.5\nb.wav,no,10,,,\nb.wav,no,2,,2,\n"


def _write(folder: Path, content: str | bytes) -> Path:
    path = folder / "list.csv"
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def test_every_column_is_read(tmp_path: Path) -> None:
    dataset = load_manifest(_write(tmp_path, GOOD))
    root = tmp_path.resolve()
    assert dataset.layout == "manifest"
    assert dataset.root == root
    assert [*dataset.clips] == [
        Clip(root / "a.wav", "a.wav", "dog", "1", None, "g", 0.0, 1.5),
        Clip(root / "b.wav", "b.wav", "no", "10"),
        Clip(root / "b.wav", "b.wav", "no", "2", start_s=2.0),
    ]
    assert dataset.folds == ("1", "2", "10")


@pytest.mark.parametrize("line_end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize("mark", ["", "\ufeff"])
def test_marks_and_line_ends_change_nothing(tmp_path: Path, line_end: str, mark: str) -> None:
    expected = [*load_manifest(_write(tmp_path, GOOD)).clips]
    text = mark + GOOD.replace("\n", line_end) + line_end
    assert [*load_manifest(_write(tmp_path, text)).clips] == expected


def test_labels_stay_strings(tmp_path: Path) -> None:
    labels = ["no", "0123", "1.10", "1e3", "on", "=1+1", "12:30", "null"]
    rows = "".join(f"{i}.wav,{label}\n" for i, label in enumerate(labels))
    dataset = load_manifest(_write(tmp_path, "path,label\n" + rows))
    assert [clip.label for clip in dataset.clips] == labels


def test_columns_may_come_in_any_order_and_case_and_quoted(tmp_path: Path) -> None:
    text = 'Label, PATH ,mood\n"a, b","x ""1"".wav",glad\n\n , ,\n'
    dataset = load_manifest(_write(tmp_path, text))
    assert [(clip.name, clip.label) for clip in dataset.clips] == [('x "1".wav', "a, b")]
    assert dataset.notes == ("list.csv: ignored columns: 'mood'",)


@pytest.mark.parametrize(
    ("word", "split"),
    [
        ("train", "train"),
        ("training", "train"),
        ("Test", "test"),
        ("testing", "test"),
        ("val", "validation"),
        ("valid", "validation"),
        ("validation", "validation"),
        ("dev", "validation"),
    ],
)
def test_the_usual_words_for_a_split_are_known(tmp_path: Path, word: str, split: str) -> None:
    dataset = load_manifest(_write(tmp_path, f"path,label,split\na.wav,x,{word}\n"))
    assert dataset.clips[0].split == split


PROBLEMS = {
    "": r"row 1: no column 'path'; found ''",
    "path;label\na;b\n": "row 1: found 'path;label', one column; expected commas between",
    "path,text\na,b\n": "row 1: no column 'label'",
    "path,label,label\na,b,c\n": "row 1: column 'label' stands there twice",
    "path,label,splt\na,b,test\n": r"row 1: unknown column 'splt'; did you mean 'split'\?",
    "path,label,start_s\na,b,1\n": "did you mean 'start'",
    "path,label\na,b\nc,d,e\n": "row 3: 3 cells; expected 2",
    "path,label\na,b\nc\n": "row 3: 1 cells; expected 2",
    "path,label\na,b\n\nc, \n": "row 4: the label is empty",
    "path,label\na,b;c\nd,x;\x07y\n": "row 3: the label .* holds characters that cannot be printed",
    "path,label,split\na,,test\nb,c;d,\n": "row 3: split ''",
    "path,label\n,b\n": "row 2: path '' is empty",
    "path,label\n../a,b\n": "row 2: path '../a' leads out",
    "path,label\n/a,b\n": "row 2: path '/a' is absolute",
    "path,label\na,b\n./a,c\n": "row 3: 'a' is listed in row 2 already",
    'path,label\na,b\n"c\nd,e\n': "row 3: not valid CSV",
    f"path,label\na,{'b' * 10**6}\n": "row 2: not valid CSV: field larger than field limit",
    "path,label\na,b\nc\0,d\n": "line 3: a NUL byte",
    "path,label,start\na,b,soon\n": "row 2: start 'soon'; expected seconds",
    "path,label,start\na,b,-1\n": "row 2: start '-1'; expected seconds",
    "path,label,end\na,b,nan\n": "row 2: end 'nan'; expected seconds",
    "path,label,end\na,b,inf\n": "row 2: end 'inf'",
    "path,label,end\na,b,1_0\n": "row 2: end '1_0'",
    "path,label,end\na,b,0\n": "row 2: end 0 is not after start 0",
    "path,label,start,end\na,b,2,2\n": "row 2: end 2 is not after start 2",
    "path,label,split\na,b,trian\n": "row 2: split 'trian'; expected train, validation or test",
    "path,label,split\na,b,\n": "row 2: split ''",
    "path,label,fold\na,b, \n": "row 2: the fold is empty",
    "path,label,fold\na,b,1\nc,d,none\n": "row 3: the fold 'none' is what --fold calls no fold; ",
    "path,label,fold\na,b,all\n": "row 2: the fold 'all' is what --fold calls all folds in turn",
    "path,label,split,fold\na,b,test,1\n": "columns split and fold in one manifest",
}


@pytest.mark.parametrize("content", PROBLEMS)
def test_a_problem_is_told_in_one_line_with_its_row(tmp_path: Path, content: str) -> None:
    path = _write(tmp_path, content)
    with pytest.raises(DataError, match=PROBLEMS[content]) as caught:
        load_manifest(path)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    assert len(message) < len(str(path)) + 300


def test_other_encodings_are_refused_by_line(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="line 2: not UTF-8"):
        load_manifest(_write(tmp_path, "path,label\na.wav,é\n".encode("latin-1")))
    with pytest.raises(DataError, match="line 1: not UTF-8"):
        load_manifest(_write(tmp_path, "path,label\n".encode("utf-16")))


MULTI = "path,label\na.wav, dog ; cat;dog\nb.wav,\nc.wav,bird;\nd.wav,cat\n"


def test_a_label_with_several_names_makes_the_set_multi_label(tmp_path: Path) -> None:
    dataset = load_manifest(_write(tmp_path, MULTI))
    assert dataset.multi_label
    assert dataset.labels == ("bird", "cat", "dog")
    assert [clip.label for clip in dataset.clips] == ["cat;dog", "", "bird", "cat"]
    assert [clip.classes for clip in dataset.clips] == [("cat", "dog"), (), ("bird",), ("cat",)]
    assert dataset.notes == ("multi-label: 1.00 classes a clip; clips without any: 1",)
    with pytest.raises(DataError, match="row 3: the label is empty; expected a class name"):
        load_manifest(_write(tmp_path, MULTI.replace(";", "-")))


def test_json_lines_may_hold_lists(tmp_path: Path) -> None:
    path = tmp_path / "list.jsonl"
    rows = ('["dog", "cat", " dog"]', "[]", '["bird"]', '"cat"')
    names = ("a.wav", "b.wav", "c.wav", "d.wav")
    lines = [f'{{"path": "{p}", "label": {r}}}\n' for p, r in zip(names, rows, strict=True)]
    path.write_text("".join(lines))
    expected = load_manifest(_write(tmp_path, MULTI))
    assert [*load_manifest(path).clips] == [*expected.clips]
    path.write_text("".join(lines[2:]).replace('"cat"', '""'))
    assert [clip.classes for clip in load_manifest(path).clips] == [("bird",), ()]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a,x;y\nb,x; y\n", "every clip has the same label, 'x;y'; expected clips that differ"),
        ("a,;\nb,\n", "every clip has the same label, ''; expected clips that differ"),
    ],
)
def test_a_set_in_which_nothing_differs_is_refused(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(_write(tmp_path, "path,label\n" + text))


def test_one_class_that_some_clips_have_is_enough(tmp_path: Path) -> None:
    dataset = load_dataset(_write(tmp_path, "path,label\na,bird;\nb,\n"))
    assert dataset.labels == ("bird",)


def test_the_names_of_folders_are_names(tmp_path: Path) -> None:
    for name in ("a;b", "c"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "x.wav").touch()
    dataset = load_dataset(tmp_path)
    assert (dataset.labels, dataset.multi_label) == (("a;b", "c"), False)


JSON_GOOD = (
    '{"path": "a.wav", "label": "dog", "fold": 1, "group": "g", "start": 0, "end": 1.5}\n'
    '{"label": "no", "path": "b.wav", "fold": "10"}\n\n'
    '{"path": "b.wav", "label": "no", "fold": 2, "group": null, "start": 2}\n'
)


@pytest.mark.parametrize("suffix", ["jsonl", "ndjson", "JSONL"])
def test_json_lines_say_the_same_as_csv(tmp_path: Path, suffix: str) -> None:
    path = tmp_path / f"list.{suffix}"
    path.write_text(JSON_GOOD)
    expected = load_manifest(_write(tmp_path, GOOD))
    dataset = load_dataset(path)
    assert dataset.layout == "manifest"
    assert [*dataset.clips] == [*expected.clips]


JSON_PROBLEMS = {
    '{"path": "a", "label": ["x", 3]}': "row 1: label holds '3'; expected names in quotes",
    '{"path": "a", "label": ["x;y"]}': "row 1: label holds .*x;y.*; expected names .* without ';'",
    '{"path": "a", "label": null}': "row 1: no key 'label'",
    '{"path": "a", "label": ""}': "row 1: the label is empty",
    '{"path": "a", "label": 3}': "row 1: label is '3'; expected text in quotes, or a list",
    '{"path": "a", "label": "x\\u0007y"}': "row 1: the label .* holds characters that",
    '{"path": "a", "label": "\\ud800"}': "row 1: the label .* holds characters that",
    '{"path": "\\ud800", "label": "x"}': "row 1: path .* holds characters that no file name has",
    '{"path": "a\\u0000", "label": "x"}': "row 1: path .* holds characters that no file name has",
    '{"path": "../a", "label": "x"}': "row 1: path '../a' leads out",
    '{"path": "a", "label": "x", "start": -1}': "row 1: start '-1'; expected seconds",
    '{"path": "a", "label": "x", "end": 1e999}': "row 1: end 'inf'; expected seconds",
    '{"path": "a", "label": "x", "end": 2e9}': "row 1: end '2000000000.0'; expected seconds",
    '{"path": "a", "label": "x", "split": "tset"}': "row 1: split 'tset'",
    '{"path": "a", "label": "x", "fold": "1", "split": "test"}': "split and fold in one manifest",
    '{"path": "a", "label": "x"}\n{"label": "y", "path": "./a"}': "row 2: 'a' is listed in row 1",
    '{"path": "a", "label": "x", "split": "test"}\n{"path": "b", "label": "y"}': (
        "row 2: split stands in row 1 and not in row 2; expected it in every row or in none"
    ),
    '{"path": "a", "label": "x"}\n\n{"path": "b", "label": "y", "fold": 1}': (
        "row 3: fold stands in row 3 and not in row 1"
    ),
}


@pytest.mark.parametrize("content", JSON_PROBLEMS)
def test_a_problem_of_json_lines_is_told_with_its_row(tmp_path: Path, content: str) -> None:
    path = tmp_path / "list.jsonl"
    path.write_text(content + "\n")
    with pytest.raises(DataError, match=JSON_PROBLEMS[content]) as caught:
        load_manifest(path)
    assert str(caught.value).startswith(str(path))
    assert "\n" not in str(caught.value)
