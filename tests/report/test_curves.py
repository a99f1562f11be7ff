from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree

import pytest

from wsnet_cli.core.errors import ArtifactError, FileError
from wsnet_cli.report.curves import draw_curves

HEADER = "epoch,lr,loss,accuracy,held_out_accuracy,validation_accuracy,validation_loss\n"


@pytest.fixture
def metrics(tmp_path: Path) -> Path:
    path = tmp_path / "metrics.csv"
    rows = [f"{e},0.001,{2 / e},{0.1 * e},{'0.4' if e % 2 == 0 else ''},," for e in range(1, 6)]
    path.write_text(HEADER + "\n".join(rows) + "\n")
    return path


def texts(path: Path) -> str:
    root = ElementTree.parse(path).getroot()
    return " ".join(" ".join(root.itertext()).split())


def test_curves_are_named_where_they_end(metrics: Path, tmp_path: Path) -> None:
    draw_curves(metrics, tmp_path / "curves.svg")
    said = texts(tmp_path / "curves.svg")
    for word in ("training 0.4", "training 50", "held out 40", "epoch", "loss", "accuracy, %"):
        assert word in said, word
    assert "validation" not in said


def test_validation_is_drawn_where_it_was_taken(metrics: Path, tmp_path: Path) -> None:
    metrics.write_text(HEADER + "1,0.1,1,0.5,,0.75,1.25\n2,0.1,1,0.5,,0.8,1.5\n")
    draw_curves(metrics, tmp_path / "curves.svg")
    said = texts(tmp_path / "curves.svg")
    assert "validation 1.5" in said
    assert "validation 80" in said


def test_equal_runs_give_equal_pictures(metrics: Path, tmp_path: Path) -> None:
    draw_curves(metrics, tmp_path / "one.svg")
    draw_curves(metrics, tmp_path / "two.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_what_is_no_metrics_file_is_refused(metrics: Path, tmp_path: Path) -> None:
    metrics.write_text(HEADER)
    with pytest.raises(ArtifactError, match=r"metrics\.csv: holds no epoch"):
        draw_curves(metrics, tmp_path / "curves.svg")
    with pytest.raises(FileError, match="cannot read"):
        draw_curves(tmp_path / "none.csv", tmp_path / "curves.svg")
    assert not (tmp_path / "curves.svg").exists()
