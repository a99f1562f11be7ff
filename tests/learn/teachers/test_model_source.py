from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import parse_config
from wsnet_cli.core.errors import ArtifactError, UsageError
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes
from wsnet_cli.learn.teachers.model_source import Sources, find_sources, kept_sources, read_source


def test_a_source_is_the_file_byte_for_byte(small_model_file: Path) -> None:
    source = read_source(str(small_model_file))
    content = small_model_file.read_bytes()
    assert source.name == str(small_model_file)
    assert source.content == content
    assert source.digest == hashlib.sha256(content).hexdigest()[:16]
    assert model_to_bytes(load_model(small_model_file)) == model_to_bytes(source.model)


def test_run_folders_and_shipped_names_are_found(
    small_model_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    small_model_file.rename(tmp_path / "model.wsnet")
    assert read_source(".").content == (tmp_path / "model.wsnet").read_bytes()
    assert len(read_source("esc10").model.labels) == 10


def test_what_is_no_model_is_refused(tmp_path: Path) -> None:
    (tmp_path / "x.wsnet").write_bytes(b"nothing")
    with pytest.raises(ArtifactError, match=r"x\.wsnet: is not a wsnet file"):
        read_source(str(tmp_path / "x.wsnet"))
    with pytest.raises(UsageError, match="gone: no such model"):
        read_source("gone")


SPLIT = """clip,label,part,start_s,end_s,content
a.wav,x,train,,,aa
b.wav,x,test,,,bb
c.wav,x,unreadable,,,
"""


@pytest.mark.parametrize(
    ("split", "n"),
    [(SPLIT, 1), ("", 0), ("nonsense", 0), ('"', 0), ("\xff", 0), ("part,content\ntrain\n", 0)],
)
def test_clips_that_it_was_trained_on_are_known_where_its_run_tells(
    split: str, n: int, small_model_file: Path
) -> None:
    (small_model_file.parent / "split.csv").write_text(split, encoding="latin-1")
    assert read_source(str(small_model_file)).n_heard(["aa", "bb", "cc"]) == n


def test_a_model_outside_of_a_run_has_heard_nothing_that_is_known(small_model_file: Path) -> None:
    assert read_source(str(small_model_file)).n_heard(["aa"]) == 0


def config_of(*teachers: str, start: str | None = None) -> Config:
    values: dict[str, object] = {"start": start}
    if teachers:
        values["train.distill.teachers"] = list(teachers)
    return parse_config("", "test", (), values)


def test_sources_are_found_copied_and_read_back(small_model_file: Path, tmp_path: Path) -> None:
    one = str(small_model_file)
    found = find_sources(config_of(one, "esc10", start="esc10"))
    esc10, small = read_source("esc10").digest, read_source(one).digest
    assert found.digests == {
        "start.wsnet": esc10,
        "teacher-1.wsnet": small,
        "teacher-2.wsnet": esc10,
    }
    assert found.provenance == {"start": esc10, "teachers": f"{small} {esc10}"}
    run = tmp_path / "run"
    found.save(run)
    small_model_file.unlink()
    kept = kept_sources(config_of(one, "esc10", start="gone"), run)
    assert kept.digests == found.digests
    assert [source.name for _, source in kept] == ["gone", one, "esc10"]
    (run / "teacher-2.wsnet").unlink()
    with pytest.raises(ArtifactError, match=r"teacher-2\.wsnet: no such file; expected a wsnet"):
        kept_sources(config_of(one, "esc10", start="gone"), run)


def test_without_models_there_is_nothing(tmp_path: Path) -> None:
    assert find_sources(config_of()) == kept_sources(config_of(), tmp_path) == Sources()
    assert Sources().digests == Sources().provenance == {}
    Sources().save(tmp_path)
    assert list(tmp_path.iterdir()) == []
