"""Two models on the same clips."""

from __future__ import annotations

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.measures.paired import mcnemar
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import load_model, save_model


@pytest.fixture
def other(model: str) -> str:
    """A model file beside `model` that takes some clips for other classes."""
    found = load_model(Path(model))
    weights = [replace(one) for one in found.weights]
    last = weights[-1]
    bias = np.asarray(last.bias) + np.float32([0, 50, 0])
    weights[-1] = replace(last, bias=bias.astype(np.float32))
    save_model(Path("other.wsnet"), replace(found, weights=tuple(weights)))
    return "other.wsnet"


def test_two_models_on_the_same_clips(wsnet, model: str, other: str, tones: Path):
    said = {}
    for name in (model, other):
        folder = Path(f"said-{name}")
        assert wsnet("evaluate", name, tones, "-o", folder).code == 0
        with (folder / "predictions.csv").open(newline="") as stream:
            said[name] = list(csv.DictReader(stream))
    right = {name: [r["label"] == r["predicted"] for r in rows] for name, rows in said.items()}
    pairs = list(zip(right[model], right[other], strict=True))
    n_first, n_second = pairs.count((True, False)), pairs.count((False, True))
    assert n_first + n_second > 0, "the models must differ"
    outcome = wsnet("evaluate", model, tones, "--against", other, "--json", "-o", "out")
    document = outcome.document
    assert outcome.code == 0
    assert (document["first"], document["second"]) == (model, other)
    assert (document["n_clips"], document["n_recordings"]) == (21, 21)
    assert (document["n_first_better"], document["n_second_better"]) == (n_first, n_second)
    assert document["p_value"] == pytest.approx(mcnemar(n_first, n_second))
    assert document["difference"] == pytest.approx((n_first - n_second) / 21)
    low, high = document["difference_interval"]
    assert low <= document["difference"] <= high
    changed = {row["clip"]: row for row in document["changed"]}
    for one, two in zip(said[model], said[other], strict=True):
        first, second = (r["label"] == r["predicted"] for r in (one, two))
        assert (one["clip"] in changed) == (first != second)
        if first != second:
            row = changed[one["clip"]]
            assert (row["first_predicted"], row["second_predicted"]) == (
                one["predicted"],
                two["predicted"],
            )
    assert json.loads(Path("out/against.json").read_text()) == document
    with Path("out/changed.csv").open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    assert [row["clip"] for row in rows] == [row["clip"] for row in document["changed"]]
    assert {path.name for path in Path("out").iterdir()} == {"against.json", "changed.csv"}
    shown = wsnet("evaluate", model, tones, "--against", other, "-v")
    points = f"{100 * document['difference']:+.2f} points (95 % interval {100 * low:+.2f} to"
    assert f"{model} minus {other} on 21 clips: {points} {100 * high:+.2f}" in shown.stdout
    swapped = wsnet("evaluate", other, tones, "--against", model, "--json").document
    assert swapped["difference"] == -document["difference"]
    assert swapped["difference_interval"] == [-high, -low]
    assert shown.stderr.count("better with") == n_first + n_second
    assert wsnet("evaluate", model, tones, "--against", other, "-o", "out").code == 2


def test_a_model_and_its_small_form_on_what_the_run_held_out(wsnet, trained):
    assert wsnet("compress", trained.run, "--max-drop", "100").code == 0
    small = trained.run / "model.q8.wsnet"
    document = wsnet("evaluate", trained.run, "--against", small, "--json").document
    assert (document["first"], document["second"]) == (
        str(trained.run / "model.wsnet"),
        str(small),
    )
    held_out = wsnet("evaluate", trained.run, "--json").document
    assert document["n_clips"] == held_out["n_clips"]
    assert document["accuracies"][0] == held_out["accuracy"]
    on_data = wsnet("evaluate", trained.run, trained.data, "--against", small)
    assert on_data.code == 0
    assert on_data.stderr.count("clips were trained on; new sounds will do worse") == 2
    assert "is not known" not in on_data.stderr


def test_a_model_against_itself_has_no_difference(wsnet, model: str, tones: Path):
    document = wsnet("evaluate", model, tones, "--against", model, "--json").document
    assert (document["difference"], document["difference_interval"]) == (0.0, [0.0, 0.0])
    assert (document["p_value"], document["changed"]) == (1.0, [])


def test_clips_that_cannot_be_read_are_told_once(wsnet, model: str, other: str, tones: Path):
    (tones / "low" / "0.wav").write_text("no audio")
    outcome = wsnet("evaluate", model, tones, "--against", other, "--json")
    assert (outcome.code, outcome.document["n_clips"]) == (3, 20)
    assert [row["file"] for row in outcome.document["failed"]] == ["low/0.wav"]


def test_models_that_answer_another_question_are_refused(
    wsnet, model: str, tone_model: Model, tones: Path
):
    save_model(Path("b.wsnet"), replace(tone_model, labels=("high", "low", "mid")))
    outcome = wsnet("evaluate", model, tones, "--against", "b.wsnet")
    assert (outcome.code, outcome.stdout) == (2, "")
    assert outcome.error == (
        "tone.wsnet and b.wsnet: have other labels (only tone.wsnet has middle; "
        "only b.wsnet has mid); expected the same"
    )
    save_model(Path("c.wsnet"), replace(tone_model, multi_label=True))
    outcome = wsnet("evaluate", model, tones, "--against", "c.wsnet")
    assert "one tells a single label of each clip, the other several" in outcome.error


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("tone.wsnet", "--against", "tone.wsnet"), "tone.wsnet: lies in no run folder"),
        (("tone.wsnet", "--against", "gone.wsnet"), "gone.wsnet: no such model"),
        (("job", "--against", "gone"), "gone: no such model"),
        (("gone", "--against", "job"), "gone: no such model"),
        (("job", "--against", "tone.wsnet"), "job: holds several runs, whose clips are compared"),
        (("tone.wsnet", "DATA", "--against", "job"), "job: holds several runs"),
        (("job", "DATA"), "job: holds several runs, and what they said of their held-out"),
        (("job",), "job: its runs have not ended, it holds no results.json"),
        (("tone.wsnet", "--against", "a", "--fold", "1"), "--fold 1: expected DATA as well"),
    ],
)
def test_what_cannot_be_compared_or_pooled(
    wsnet, model: str, tones: Path, arguments: tuple[str, ...], message: str
):
    Path("job").mkdir()
    Path("job/job.json").write_text("{}")
    given = [tones if word == "DATA" else word for word in arguments]
    outcome = wsnet("evaluate", *given)
    assert outcome.code == 2
    assert outcome.error.startswith(message)
