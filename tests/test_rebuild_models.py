"""`benchmarks/rebuild_models.py`: its recipes are those of the cards and the page, and it works."""

from __future__ import annotations

import json
import re
import shlex
import shutil
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from wsnet_cli.core.locate import find_shipped, shipped_names
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model, save_model

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "models.md").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def script() -> Iterator[ModuleType]:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        import rebuild_models

        yield rebuild_models
    finally:
        sys.path.remove(str(ROOT / "benchmarks"))


def in_one_line(text: str) -> str:
    return " ".join(text.split())


@pytest.mark.parametrize("name", shipped_names())
def test_a_card_and_the_script_tell_the_same_commands(script: ModuleType, name: str):
    card = in_one_line(find_shipped(name).with_suffix(".md").read_text(encoding="utf-8"))
    recipe = script.RECIPES[name]
    told = re.findall(r"`(wsnet (?:train|compress)[^`]*)`", card)
    assert [recipe.train, recipe.compress] == told
    preset = recipe.train.split(" -c ")[1].split()[0]
    assert recipe.run == f"runs/{preset}"
    assert load_model(find_shipped(name)).provenance["preset"] == preset
    assert f"python benchmarks/rebuild_models.py {name} $DATA" in in_one_line(PAGE)


def test_whatever_ships_can_be_rebuilt(script: ModuleType):
    assert set(script.RECIPES) == set(shipped_names())


@pytest.mark.parametrize("name", shipped_names())
def test_the_page_tells_the_bytes_accuracy_and_licence_of_the_card(name: str):
    rows = [line.split("|")[1:-1] for line in PAGE.splitlines() if line.startswith(f"| `{name}` |")]
    ((_, _, n_bytes, accuracy, licence, link),) = rows
    path = find_shipped(name)
    card = in_one_line(path.with_suffix(".md").read_text(encoding="utf-8"))
    assert n_bytes.strip() == f"{path.stat().st_size:,}"
    assert re.findall(r"[\d.]+ %", accuracy)
    for figure in re.findall(r"[\d.]+ (?:to [\d.]+ )?%|\d+ of \d+", accuracy):
        assert figure in card, figure
    assert licence.strip() in card
    assert f"../wsnet_cli/models/{name}.md" in link


def test_what_is_alike_is_told_apart(script: ModuleType, small_model: Model, tmp_path: Path):
    first, second = tmp_path / "first.wsnet", tmp_path / "second.wsnet"
    save_model(first, compress(small_model, 8))
    save_model(second, compress(small_model, 8))
    assert script.likeness(first, second) == "the same bytes"
    save_model(second, compress(replace(small_model, provenance={"wsnet": "0"}), 8))
    assert script.likeness(first, second).startswith("the same network and weights; other words")
    *body, last = small_model.weights
    moved = (*body, replace(last, bias=last.bias + 1))
    save_model(second, compress(replace(small_model, weights=moved), 8))
    assert script.likeness(first, second) == "other weights"


@pytest.fixture
def shipped(tone_model: Model, tmp_path: Path) -> Path:
    """Stands for the file of a model that ships."""
    path = tmp_path / "shipped.wsnet"
    save_model(path, tone_model)
    return path


@pytest.fixture
def tiny(
    script: ModuleType, tones: Path, shipped: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], None]:
    """Runs the script with the recipe of a network that is trained in a moment."""
    train = (
        "wsnet train $DATA/tones -c demo --epochs 1 --seed 0 --threads 1 --set network.width=0.25"
    )
    recipe = script.Recipe(
        train=f"{train} --name small",
        run="runs/small",
        compress="wsnet compress runs/small --max-drop 100",
        evaluate="wsnet evaluate MODEL $DATA/tones",
        clips="tones",
    )
    monkeypatch.setattr(script, "RECIPES", {"tiny": recipe})
    monkeypatch.setattr(script, "find_shipped", lambda _: shipped)
    monkeypatch.chdir(tones.parent)
    monkeypatch.setattr(sys, "argv", ["rebuild_models.py", "tiny", "."])
    main: Callable[[], None] = script.main
    return main


def test_a_model_is_trained_compressed_and_compared(
    tiny: Callable[[], None], shipped: Path, capfd: pytest.CaptureFixture[str]
):
    tiny()
    out, err = capfd.readouterr()
    lines = out.splitlines()
    small = Path.cwd() / "runs/rebuilt-tiny/runs/small/model.q8.wsnet"
    pattern = r"\| {} \| {:,} \| \d+ of 21, [\d.]+ % \([\d.]+ to [\d.]+ %\) \|"
    for line, name, path in zip(lines[2:4], ("shipped", "rebuilt"), (shipped, small), strict=True):
        assert re.fullmatch(pattern.format(name, path.stat().st_size), line), line
    assert lines[-3:] == ["on tones", "other weights", f"written: {small}"]
    commands = [line.split()[2] for line in err.splitlines() if line.startswith("+ wsnet")]
    assert commands == ["train", "compress", "evaluate", "evaluate"]


def test_what_is_there_is_not_made_again(
    tiny: Callable[[], None],
    script: ModuleType,
    monkeypatch: pytest.MonkeyPatch,
    small_model: Model,
):
    given: list[str] = []
    written = {"train": "model.wsnet", "compress": "model.q8.wsnet"}
    folder = Path("runs/rebuilt-tiny/runs/small")
    folder.mkdir(parents=True)

    def note(command: str, *_: object) -> str:
        verb, what = shlex.split(command)[1:3]
        given.append(f"{verb} {what}")
        if verb in written:
            save_model(folder / written[verb], compress(small_model, 8))
        measures = {"accuracy_interval": [0, 1], "n_right": 0, "n_clips": 1, "accuracy": 0}
        return json.dumps(measures)

    monkeypatch.setattr(script, "run", note)
    tiny()
    judged = ["evaluate MODEL"] * 2
    assert given == ["train --resume", "compress runs/small", *judged]
    given.clear()
    tiny()
    assert given == judged


def test_a_command_that_fails_ends_it_with_its_exit_code(tiny: Callable[[], None], tones: Path):
    shutil.rmtree(tones)
    with pytest.raises(SystemExit) as caught:
        tiny()
    assert caught.value.code == 2
