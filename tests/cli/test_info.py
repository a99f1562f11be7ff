from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.core import locate
from wsnet_cli.core.configuration.presets import preset_names
from wsnet_cli.core.errors import EngineError
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model

KEYS = {"title", "facts", "layers", "weights", "bytes", "compactness", "multiply_adds"}
LEDGER = {"ledger", "released_soundnet8_ratio", "of_released_soundnet8"}
WAYS = {"dense", "folded", "integral", "recurrence"}


def test_the_list_of_all_there_is(
    wsnet, trained, tone_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    save_model(tmp_path / "shipped" / "esc10.wsnet", tone_model)
    monkeypatch.setattr(locate, "shipped_folder", lambda: tmp_path / "shipped")
    unfinished = Path("runs/unfinished")
    unfinished.mkdir()
    (unfinished / "config.yaml").touch()
    Path("runs/no-run").mkdir()
    outcome = wsnet("info", "--json")
    assert outcome.code == 0
    document = outcome.document
    assert {entry["preset"] for entry in document["presets"]} == set(preset_names()) >= {"default"}
    assert all(entry["description"] for entry in document["presets"])
    (shipped,) = document["models"]
    assert shipped == {
        "model": "esc10",
        "bytes": (tmp_path / "shipped" / "esc10.wsnet").stat().st_size,
        "bits": 32,
        "labels": "high, low, middle",
    }
    finished, other = document["runs"]
    assert (finished["run"], finished["bits"]) == (str(Path("runs/default")), 32)
    assert (other["bytes"], other["labels"]) == (None, "no finished model")
    people = wsnet("info").stdout
    for name in (*preset_names(), "esc10", "runs/default", "no finished model"):
        assert name in people.replace("\\", "/")
    assert "None" not in people


def test_empty_lists_say_so(wsnet, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(locate, "shipped_folder", lambda: tmp_path / "none")
    lines = wsnet("info").stdout.splitlines()
    assert "models that ship: none" in lines
    assert "runs in runs/: none" in lines


def test_a_model(wsnet, model: str, tone_model: Model):
    outcome = wsnet("info", model, "--json")
    assert outcome.code == 0
    document = outcome.document
    assert set(document) == KEYS | LEDGER
    assert document["title"] == model
    assert document["facts"]["labels"] == "high, low, middle"
    assert document["facts"]["file"] == f"{Path(model).stat().st_size:,} bytes"
    network = tone_model.network
    assert document["weights"] == network.n_weights
    assert document["bytes"] == 4 * network.n_parameters
    layers = document["layers"]
    assert [layer["name"] for layer in layers] == ["conv1", "conv2", "linear"]
    assert sum(layer["n_weights"] for layer in layers) == document["weights"]
    assert sum(layer["n_bytes"] for layer in layers) == document["bytes"]
    assert set(document["multiply_adds"]) == WAYS
    for way in WAYS:
        total = sum(layer["multiply_adds"][way] for layer in layers)
        assert document["multiply_adds"][way] == total > 0


def test_the_bytes_of_a_compressed_model(wsnet, model: str, tone_model: Model):
    assert wsnet("compress", model).code == 0
    document = wsnet("info", "tone.q8.wsnet", "--json").document
    network = tone_model.network
    assert document["bytes"] == network.n_weights + 2 * network.n_constants
    assert document["facts"]["weights"] == "8-bit"


def test_what_people_see_of_a_model(wsnet, model: str):
    document = wsnet("info", model, "--json").document
    lines = wsnet("info", model).stdout.splitlines()
    for layer in document["layers"]:
        (line,) = [told for told in lines if told.startswith(f" {layer['name']} ")]
        assert f"{layer['n_weights']:,}" in line.split()
        assert f"{layer['n_bytes']:,}" in line.split()
    (total,) = [told for told in lines if told.startswith(" total ")]
    assert f"{document['bytes']:,}" in total.split()


@pytest.mark.parametrize("name", preset_names())
def test_every_preset(wsnet, name: str):
    few, many = (wsnet("info", name, "--classes", n, "--json").document for n in (2, 12))
    assert set(few) == KEYS
    assert few["title"] == name
    assert (few["facts"]["classes"], many["facts"]["classes"]) == ("2", "12")
    assert few["bytes"] < many["bytes"]


def test_classes_are_of_presets(wsnet, model: str):
    assert wsnet("info", "--classes", "3").error == "--classes: expected a MODEL or PRESET as well"
    outcome = wsnet("info", model, "--classes", "3")
    assert outcome.code == 2
    assert outcome.error == f"--classes 3: {model} is a model and has its own; leave it out"


def test_a_configuration_file(wsnet, trained):
    document = wsnet("info", trained.run / "config.yaml", "--json").document
    assert document["facts"]["audio"] == "8,000 Hz"
    assert document["compactness"] == 1


@pytest.mark.parametrize(
    ("what", "message"),
    [
        ("nothing", "nothing: no such preset or file"),
        ("no.yaml", "no.yaml: no such preset or file; `wsnet info` lists all presets"),
        (
            "runs/default",
            "runs/default: no such preset or file; `wsnet info` lists all presets; mo",
        ),
    ],
)
def test_what_is_neither_model_nor_preset(wsnet, what: str, message: str):
    outcome = wsnet("info", what, "--json")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error.startswith(message)


@pytest.mark.parametrize("command", ["info", "bench"])
def test_an_unknown_name_is_told_what_ships(wsnet, command: str):
    ships = f"; models that ship: {', '.join(locate.shipped_names())}"
    assert wsnet(command, "onee").error.endswith(ships)
    assert "ship" not in wsnet("train", "tones", "-c", "onee").error


def test_a_model_that_ships_has_its_card_named(
    wsnet, model: str, tone_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "shipped"
    save_model(folder / "one.wsnet", tone_model)
    monkeypatch.setattr(locate, "shipped_folder", lambda: folder)
    assert "card" not in wsnet("info", "one", "--json").document["facts"]
    for path in (folder / "one.md", Path(model).with_suffix(".md")):
        path.write_text("a card", encoding="utf-8")
    assert wsnet("info", "one", "--json").document["facts"]["card"] == str(folder / "one.md")
    assert f"card: {folder / 'one.md'}" in wsnet("info", "one").stdout
    assert "card" not in wsnet("info", model, "--json").document["facts"]


@pytest.mark.parametrize("name", locate.shipped_names())
def test_what_ships_is_found_by_its_name(wsnet, name: str):
    facts = wsnet("info", name, "--json").document["facts"]
    assert Path(facts["card"]).name == f"{name}.md"
    assert facts["weights"] == "8-bit"


def test_the_plan_of_the_engine(wsnet, model: str, monkeypatch: pytest.MonkeyPatch):
    outcome = wsnet("info", model, "--engine", "--json")
    assert outcome.code == 0
    assert set(outcome.document) == {*KEYS, *LEDGER, "engine"}
    engine = outcome.document["engine"]
    if engine["name"] != "numpy":
        assert [layer["name"] for layer in engine["layers"]] == ["conv1", "conv2"]
        people = wsnet("info", model, "--engine").stdout
        assert all(layer["why"] in people for layer in engine["layers"])
    monkeypatch.setattr("wsnet_cli.engine.engines.load_library", not_built)
    people = wsnet("info", model, "--engine").stdout
    assert "engine: numpy" in people
    assert "the kernels are gone" in people


def not_built() -> None:
    raise EngineError("the kernels are gone")


def test_the_plan_of_nothing_is_refused(wsnet):
    outcome = wsnet("info", "--engine")
    assert outcome.code == 2
    assert "--engine: expected a MODEL or PRESET as well" in outcome.stderr
