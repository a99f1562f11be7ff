from __future__ import annotations

import os
from pathlib import Path

import pytest

from wsnet_cli.core import locate
from wsnet_cli.core.errors import UsageError


@pytest.fixture(autouse=True)
def shipped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Two models that ship, in a folder of their own beside the current one."""
    folder = tmp_path / "shipped"
    folder.mkdir()
    for name in ("b.wsnet", "a.wsnet", "a.md"):
        (folder / name).touch()
    monkeypatch.setattr(locate, "shipped_folder", lambda: folder)
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    return folder


def test_names_of_what_ships():
    assert locate.shipped_names() == ("a", "b")


def test_only_models_that_ship_have_cards(shipped: Path):
    assert locate.card_of(locate.find_shipped("a")) == shipped / "a.md"
    assert locate.card_of(locate.find_shipped("b")) is None
    Path("a.md").touch()
    assert locate.card_of(Path("a.wsnet")) is None


def test_a_run_folder_means_its_model():
    Path("run").mkdir()
    with pytest.raises(UsageError, match=r"run: holds no model\.wsnet; expected a finished run"):
        locate.find_model("run")
    Path("run/model.wsnet").touch()
    assert locate.find_model("run") == Path("run/model.wsnet")
    assert locate.find_model("run/model.wsnet") == Path("run/model.wsnet")


def test_a_file_is_taken_whatever_its_name(shipped: Path):
    Path("odd.name").touch()
    assert locate.find_model("odd.name") == Path("odd.name")


def test_what_lies_here_hides_what_ships_unless_that_is_asked_for(shipped: Path):
    assert locate.find_model("a") == shipped / "a.wsnet"
    Path("a").touch()
    assert locate.find_model("a") == Path("a")
    assert locate.find_shipped("a") == shipped / "a.wsnet"


def test_a_folder_without_a_model_does_not_hide_what_ships(shipped: Path):
    Path("a").mkdir()
    assert locate.find_model("a") == shipped / "a.wsnet"
    with pytest.raises(UsageError, match=r"a: holds no model\.wsnet"):
        locate.find_model(f".{os.sep}a{os.sep}")
    Path("a/model.wsnet").touch()
    assert locate.find_model("a") == Path("a/model.wsnet")


def test_a_folder_of_several_runs_names_one(shipped: Path):
    for run in ("fold-2-seed-0", "fold-1-seed-0"):
        Path("job", run).mkdir(parents=True)
        Path("job", run, "model.wsnet").touch()
    with pytest.raises(UsageError, match=r"job: holds several runs; .* such as job.fold-1-seed-0"):
        locate.find_model("job")
    Path("job").rename("sweep-job")
    Path("sweep").mkdir()
    Path("sweep-job").rename("sweep/small")
    with pytest.raises(UsageError, match=r"such as sweep.small.fold-1-seed-0"):
        locate.find_model("sweep")
    Path("sweep/sweep.json").touch()
    with pytest.raises(UsageError, match=r"small: its sweep has not ended; give the same wsnet sw"):
        locate.find_model("sweep/small")
    Path("sweep/small/results.json").touch()
    with pytest.raises(UsageError, match=r"such as sweep.small.fold-1-seed-0"):
        locate.find_model("sweep/small")


@pytest.mark.parametrize("name", ["c", "a.wsnet", "A/b", "x" * 300, "y" * 5_000])
@pytest.mark.parametrize("find", [locate.find_model, locate.find_shipped])
def test_the_unknown_is_refused_with_what_there_is(find, name: str):
    message = "no such model; expected a .wsnet file, a run folder, or a shipped model (a, b)"
    with pytest.raises(UsageError) as caught:
        find(name)
    assert str(caught.value) == f"{name}: {message}"


def test_nothing_ships(shipped: Path):
    for path in shipped.iterdir():
        path.unlink()
    with pytest.raises(UsageError, match=r"shipped model \(none\)"):
        locate.find_model("a")
