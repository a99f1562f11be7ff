from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.layouts.known import load_dataset

ESC50 = "filename,fold,target,category,esc10,src_file,take\n"
URBAN = "slice_file_name,fsID,start,end,salience,fold,classID,class\n"


def esc50(root: Path, *rows: str, header: str = ESC50) -> Path:
    (root / "meta").mkdir(exist_ok=True)
    (root / "meta" / "esc50.csv").write_text(header + "".join(f"{row}\n" for row in rows))
    return root


def urban(root: Path, *rows: str, table: str = "metadata/UrbanSound8K.csv") -> Path:
    (root / table).parent.mkdir(exist_ok=True)
    (root / table).write_text(URBAN + "".join(f"{row}\n" for row in rows))
    return root


ESC50_ROWS = ("1-17-A-0.wav,1,0,dog,True,17,A", "10-18-B-5.wav,10,5,cat,False,18,B")


def test_esc50_is_read_with_its_folds_and_recordings(tmp_path: Path) -> None:
    dataset = load_dataset(esc50(tmp_path, *ESC50_ROWS))
    assert dataset.layout == "ESC-50"
    assert dataset.labels == ("cat", "dog")
    assert dataset.folds == ("1", "10")
    first = dataset.clips[0]
    assert (first.name, first.fold, first.group) == ("audio/1-17-A-0.wav", "1", "17")
    assert dataset.notes == (
        "read as ESC-50, known by meta/esc50.csv",
        "1 of 2 clips are of ESC-10 (--layout esc-10 takes these alone)",
    )


def test_esc10_is_what_the_table_marks(tmp_path: Path) -> None:
    rows = (*ESC50_ROWS, "2-19-A-1.wav,2,1,rooster,TRUE,19,A")
    dataset = load_dataset(esc50(tmp_path, *rows), "esc-10")
    assert dataset.layout == "ESC-10"
    assert [clip.label for clip in dataset.clips] == ["dog", "rooster"]
    assert dataset.notes == ()


def test_where_all_is_esc10_nothing_is_said_of_it(tmp_path: Path) -> None:
    rows = (row.replace("False", "True") for row in ESC50_ROWS)
    assert len(load_dataset(esc50(tmp_path, *rows)).notes) == 1


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("../../x.wav,1,0,dog,True,17,A", "row 2: path 'audio/../../x.wav' leads out"),
        (",1,0,dog,True,17,A", "row 2: the filename is empty"),
        ("..,1,0,dog,True,17,A", "row 2: the filename is empty"),
        ("a.wav,,0,dog,True,17,A", "row 2: the fold is empty"),
        ("a.wav,1\x07,0,dog,True,17,A", r"row 2: the fold '1\\x07' holds characters"),
        ("a.wav,1,0,,True,17,A", "row 2: the label is empty"),
        (
            "a.wav,1,0,do\x1bg,True,17,A",
            r"row 2: the label 'do\\x1bg' holds characters that cannot",
        ),
        ("a.wav,1,0,dog,True,17", "row 2: 6 cells; expected 7"),
        ("a.wav,1,0,dog,True,17,A\na.wav,1,0,dog,True,17,A", "row 3: 'audio/a.wav' is listed in"),
    ],
)
def test_a_bad_row_of_esc50_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(esc50(tmp_path, row))


def test_esc10_needs_its_marks(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="row 3: esc10 'perhaps'; expected True or False"):
        load_dataset(
            esc50(tmp_path, ESC50_ROWS[0], ESC50_ROWS[1].replace("False", "perhaps")), "esc-10"
        )
    header, *rows = ("filename,fold,category\n", "a.wav,1,x", "b.wav,1,y")
    with pytest.raises(DataError, match="row 1: no column 'esc10'"):
        load_dataset(esc50(tmp_path, *rows, header=header), "esc-10")
    assert len(load_dataset(esc50(tmp_path, *rows, header=header)).clips) == 2


def test_urbansound8k_keeps_its_ten_folds_and_recordings(tmp_path: Path) -> None:
    rows = [
        f"{i}-3-0-0.wav,{i // 2},0.0,0.31,1,{i},3,{'dog_bark' if i % 2 else 'siren'}"
        for i in range(1, 11)
    ]
    dataset = load_dataset(urban(tmp_path, *rows))
    assert dataset.layout == "UrbanSound8K"
    assert dataset.folds == tuple(str(i) for i in range(1, 11))
    assert dataset.labels == ("dog_bark", "siren")
    last = next(clip for clip in dataset.clips if clip.fold == "10")
    assert (last.name, last.group) == ("audio/fold10/10-3-0-0.wav", "5")
    # Where a slice was in its recording says nothing of the slice's own file.
    assert (last.start_s, last.end_s) == (None, None)
    assert {clip.fold: clip.name.split("/")[1] for clip in dataset.clips} == {
        str(i): f"fold{i}" for i in range(1, 11)
    }


def test_urbansound8k_is_known_without_its_outer_folders(tmp_path: Path) -> None:
    rows = ("a.wav,1,0,4,1,5,3,dog_bark", "b.wav,2,0,4,1,6,3,siren")
    dataset = load_dataset(urban(tmp_path, *rows, table="UrbanSound8K.csv"))
    assert [clip.name for clip in dataset.clips] == ["fold5/a.wav", "fold6/b.wav"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("a.wav,1,0,4,1,11,3,siren", "row 2: fold '11'; expected 1 to 10"),
        ("a.wav,1,0,4,1,,3,siren", "row 2: fold ''; expected 1 to 10"),
        ("a.wav,1,0,4,1,1/../..,3,siren", "row 2: fold '1/../..'"),
        ("../../a.wav,1,0,4,1,1,3,siren", "row 2: path .* leads out"),
        (",1,0,4,1,1,3,siren", "row 2: the filename is empty"),
        ("a.wav,1,0,4,1,1,3,si\x00ren", "line 2: a NUL byte"),
        ("a.wav,1,0,4,1,1,3,si\u0085ren", "row 2: the label .* cannot be printed"),
    ],
)
def test_a_bad_row_of_urbansound8k_is_named(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(DataError, match=message):
        load_dataset(urban(tmp_path, row))
