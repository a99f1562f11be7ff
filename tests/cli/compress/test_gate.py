"""Before and after on held-out clips, and what is refused because it became worse."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.calibrating.calibration import Calibration
from wsnet_cli.core.measures.paired import bootstrap_difference, mcnemar
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes, save_model
from wsnet_cli.engine.session import Classifier

ROUND = "--no-fine-tune"
ROUGH = ("--bits", "4", ROUND)
N_TRAIN = 2

MakeSet = Callable[..., Path]


def said(model: str | Path, clips: list[Path]) -> list[str]:
    classifier = Classifier.load(Path(model))
    return [classifier.labels[int(classifier.classify_file(clip).argmax())] for clip in clips]


@pytest.fixture
def own_truth(model: str, tones: Path) -> MakeSet:
    """Make a manifest whose test part is labelled as the model says, but for the first few."""

    def make(n_wrong: int = 0, split: str = "test") -> Path:
        clips = sorted(tones.rglob("*.wav"))
        labels = sorted({clip.parent.name for clip in clips})
        rows = ["path,label,split"]
        for number, (clip, label) in enumerate(zip(clips, said(model, clips), strict=True)):
            name = clip.relative_to(tones).as_posix()
            if number % 7 < N_TRAIN:
                rows.append(f"{name},{clip.parent.name},train")
            else:
                wrong = labels[(labels.index(label) + 1) % 3]
                rows.append(f"{name},{wrong if n_wrong > 0 else label},{split}")
                n_wrong -= 1
        path = tones / f"truth-{split}-{len(list(tones.glob('*.csv')))}.csv"
        path.write_text("\n".join(rows) + "\n")
        return path

    return make


@pytest.fixture
def rough(wsnet, model: str, tones: Path) -> dict[str, str]:
    """What the model says of each held-out clip at 4 bits, where that is something else."""
    wsnet("compress", model, *ROUGH, "-o", "rough.wsnet")
    clips = [c for i, c in enumerate(sorted(tones.rglob("*.wav"))) if i % 7 >= N_TRAIN]
    pairs = zip(clips, said(model, clips), said("rough.wsnet", clips), strict=True)
    changed = {
        c.relative_to(tones).as_posix(): after for c, before, after in pairs if before != after
    }
    assert changed, "rounding to 4 bits must change what is said of a clip"
    return changed


def test_what_it_keeps_is_measured_on_the_clips_that_are_held_out(wsnet, model, own_truth, rough):
    n_lost, truth = len(rough), own_truth()
    outcome = wsnet("compress", model, *ROUGH, "--data", truth, "--max-drop", 100, "--json")
    assert outcome.code == 0, outcome.stderr
    found = outcome.document["comparison"]
    assert (found["measure"], found["n_clips"]) == ("accuracy", 15)
    assert (found["before"], found["after"]) == (1.0, pytest.approx(1 - n_lost / 15))
    assert found["difference"] == pytest.approx(-n_lost / 15)
    lost = np.repeat([-1.0, 0.0], [n_lost, 15 - n_lost])
    assert found["difference_interval"] == pytest.approx(list(bootstrap_difference(lost)))
    assert (found["n_lost"], found["n_gained"]) == (n_lost, 0)
    assert found["p_value"] == mcnemar(0, n_lost)
    assert {row["clip"]: row["after"] for row in found["changed"]} == rough
    assert all(row["before"] == row["label"] != row["after"] for row in found["changed"])
    assert outcome.document["gate"] == {
        "max_drop": 100.0,
        "asked": True,
        "judged": True,
        "passed": True,
    }
    after = wsnet("evaluate", "tone.q4.wsnet", truth, "--json").document
    assert after["accuracy"] == pytest.approx(found["after"])


def test_what_people_see(wsnet, model, own_truth, rough):
    truth = own_truth()
    words = (*ROUGH, "--data", truth, "--max-drop", 100)
    found = wsnet("compress", model, *words, "-o", "a.wsnet", "--json").document["comparison"]
    outcome = wsnet("compress", model, *words, "-v")
    low, high = found["difference_interval"]
    assert (
        f"accuracy on 15 held-out clips: 100.0 % before, {100 * found['after']:.1f} % after, "
        f"after minus before {100 * found['difference']:+.2f} points (95 % interval "
        f"{100 * low:+.2f} to {100 * high:+.2f}); {len(rough)} lost, 0 gained, "
        f"McNemar p = {found['p_value']:.2g}"
    ) in outcome.stdout
    for row in found["changed"]:
        assert (
            f"lost: {row['clip']} ({row['label']}): {row['before']} before, {row['after']} after"
        ) in outcome.stderr
    assert "lost: " not in wsnet("compress", model, *words, "--force").stderr


def test_a_model_that_became_worse_is_not_handed_over(wsnet, model, own_truth, rough):
    points = 100 * len(rough) / 15
    limit = f"{points - 0.1:.4f}"
    outcome = wsnet("compress", model, *ROUGH, "--data", own_truth(), "--max-drop", limit)
    assert outcome.code == 4
    assert outcome.error == (
        f"accuracy falls by {points:.1f} points, from 100.0 to {100 - points:.1f} %, on 15 "
        f"held-out clips (--max-drop {float(limit):g}); nothing is written; "
        "try fine-tuning (leave out --no-fine-tune), or more bits, or --max-drop 100 to have it "
        "all the same"
    )
    assert not Path("tone.q4.wsnet").exists()
    assert "held-out clips: 100.0 % before" in outcome.stdout
    limit = f"{points + 0.001:.4f}"
    assert wsnet("compress", model, *ROUGH, "--data", own_truth(), "--max-drop", limit).code == 0
    assert load_model(Path("tone.q4.wsnet")).bits == 4


def test_refused_it_still_tells_programs_why(wsnet, model, own_truth, rough):
    Path("old.wsnet").write_text("mine")
    words = ("--data", own_truth(), "--max-drop", 0, "-o", "old.wsnet", "--force", "--json")
    outcome = wsnet("compress", model, *ROUGH, *words)
    assert (outcome.code, outcome.document["out"]) == (4, None)
    told = {"max_drop": 0.0, "asked": True, "judged": True, "passed": False}
    assert outcome.document["gate"] == told
    assert len(outcome.document["comparison"]["changed"]) == len(rough)
    assert Path("old.wsnet").read_text() == "mine"


def test_unasked_a_few_clips_pass_and_more_do_not(
    wsnet, model, own_truth, rough, monkeypatch: pytest.MonkeyPatch
):
    words = (*ROUGH, "--data", own_truth(), "--json")
    monkeypatch.setattr("wsnet_cli.core.sizes.gate.FEWEST_CLIPS", len(rough) + 1)
    assert wsnet("compress", model, *words, "-o", "a.wsnet").code == 0
    monkeypatch.setattr("wsnet_cli.core.sizes.gate.FEWEST_CLIPS", len(rough))
    outcome = wsnet("compress", model, *words, "-o", "b.wsnet")
    assert (outcome.code, Path("b.wsnet").exists()) == (4, False)
    told = {"max_drop": 2.0, "asked": False, "judged": True, "passed": False}
    assert outcome.document["gate"] == told
    assert "(2 points at most)" in outcome.error


def test_what_was_wrong_before_and_after_costs_nothing(wsnet, model, own_truth):
    words = ("--data", own_truth(n_wrong=4), "--max-drop", 0, "--json")
    found = wsnet("compress", model, *words).document["comparison"]
    assert found["before"] == found["after"] == pytest.approx(11 / 15)
    assert (found["changed"], found["p_value"]) == ([], 1.0)


def test_measured_bits_keep_more_than_those_by_weights_and_touch_no_held_out_clip(
    wsnet, model, own_truth, tones: Path
):
    truth = own_truth()
    words = ("--bits", "mixed", ROUND, "--data", truth, "--max-drop", 100, "--json")
    first = wsnet("compress", model, *words, "-o", "a.wsnet").document
    assert first["bits_chosen_by"] == "sensitivity"
    assert all(one["loss"] >= 0 for layer in first["layers"] for one in layer["losses"])
    lines = truth.read_text().splitlines()
    other = tones / "other.csv"  # held-out labels that say something else
    swap = {"high": "low", "low": "middle", "middle": "high"}
    turned = [
        line if not line.endswith(",test") else f"{(c := line.split(','))[0]},{swap[c[1]]},test"
        for line in lines
    ]
    other.write_text("\n".join(turned) + "\n")
    words = ("--bits", "mixed", ROUND, "--data", other, "--max-drop", 100, "--json")
    second = wsnet("compress", model, *words, "-o", "b.wsnet").document
    assert second["layers"] == first["layers"]
    assert Path("a.wsnet").read_bytes() == Path("b.wsnet").read_bytes()


def test_a_clip_that_cannot_be_read_is_told(wsnet, model, own_truth, tones: Path):
    truth = own_truth()
    name = next(line for line in truth.read_text().splitlines() if line.endswith("test"))
    (tones / name.split(",")[0]).write_text("no audio")
    outcome = wsnet("compress", model, "--data", truth, "--json")
    assert outcome.code == 0
    assert outcome.document["comparison"]["n_clips"] == 14
    assert name.split(",")[0] in outcome.stderr


def test_where_nothing_is_held_out_there_is_no_gate(wsnet, model, tones: Path):
    outcome = wsnet("compress", model, "--data", tones, "--fold", "none", "--max-drop", 1)
    assert (outcome.code, outcome.error) == (
        2,
        "--max-drop 1: nothing is held out to measure on",
    )
    outcome = wsnet("compress", model, "--data", tones, "--fold", "none", "--json")
    assert (outcome.code, outcome.document["comparison"]) == (0, None)
    assert outcome.document["not_measured"] == "nothing is held out to measure on"


def test_folds_are_those_of_train(wsnet, model, tones: Path):
    counts = []
    for fold in "12345":
        words = ("--data", tones, "--fold", fold, "--max-drop", 100, "-o", f"{fold}.wsnet")
        outcome = wsnet("compress", model, *words, "--json")
        found = outcome.document["comparison"]
        counts.append(found["n_clips"] if found else 0)
    assert sum(counts) == 21
    outcome = wsnet("compress", model, "--data", tones, "--fold", "6")
    assert (outcome.code, "no fold '6'" in outcome.error) == (2, True)


def test_data_of_other_classes_is_refused(wsnet, model, tones: Path):
    (tones / "low").rename(tones / "deep")
    outcome = wsnet("compress", model, "--data", tones)
    assert outcome.code == 2
    assert "deep" in outcome.error
    assert not Path("tone.q8.wsnet").exists()


def test_a_run_is_measured_on_what_it_held_out(wsnet, trained):
    outcome = wsnet("compress", trained.run, "--json")
    assert outcome.code == 0, outcome.stderr
    evaluated = json.loads((trained.run / "metrics.json").read_text())
    found = outcome.document["comparison"]
    assert found["n_clips"] == evaluated["n_clips"]
    assert found["before"] == pytest.approx(evaluated["accuracy"])


def test_a_run_whose_data_is_gone_is_compressed_all_the_same(wsnet, trained):
    trained.data.rename(trained.data.with_name("elsewhere"))
    outcome = wsnet("compress", trained.run, "--json")
    assert outcome.code == 0
    assert outcome.document["comparison"] is None
    assert "warning: accuracy before and after is not measured: " in outcome.stderr
    assert outcome.document["gate"]["judged"] is False
    gone = f"{trained.data}: the data of {trained.run} is no longer there; name it with --data"
    for words in (("--max-drop", 1), ("--bits", 4), ("--bits", "mixed")):
        outcome = wsnet("compress", trained.run, *words, "--force")
        assert (outcome.code, outcome.error) == (2, gone)
    outcome = wsnet("compress", trained.run, "--bits", "mixed", ROUND, "--json")
    assert (outcome.code, outcome.document["bits_chosen_by"]) == (0, "weight-error")
    assert "warning: what layers lose is not measured: " in outcome.stderr


def test_clips_that_the_run_was_trained_on_are_told_of(wsnet, trained):
    for fold in "12345":
        outcome = wsnet(
            *("compress", trained.run, "--data", trained.data, "--fold", fold),
            *("-o", f"{fold}.wsnet", "--max-drop", 100),
        )
        assert outcome.code == 0, outcome.stderr
        if "warning: the model was trained on" in outcome.stderr:
            break
    else:
        pytest.fail("no fold held out a clip that the run was trained on")


def test_a_gate_needs_neither_torch_nor_scikit_learn(model, own_truth):
    program = (
        "import sys\n"
        "for name in ('torch', 'sklearn', 'librosa', 'matplotlib', 'jinja2'):\n"
        "    sys.modules[name] = None\n"
        "from wsnet_cli.cli.app import app\n"
        "app(sys.argv[1:])\n"
    )
    words = ("compress", model, "--data", str(own_truth()), "--max-drop", "100", "--json")
    for more in ((), ("--bits", "mixed", ROUND)):
        command = [sys.executable, "-c", program, *words, *more, "--force"]
        result = subprocess.run(command, capture_output=True, text=True, timeout=60)
        assert result.returncode == 0, result.stderr
        assert json.loads(result.stdout)["comparison"]["n_clips"] == 15


def test_a_calibrated_model_stays_calibrated(wsnet, tone_model: Model):
    kept = Calibration(2.0, (0.1, 0.2, 0.3), 0.25, 0.5)
    save_model(Path("warm.wsnet"), replace(tone_model, calibration=kept))
    for words in ((), ROUGH, ("--bits", "mixed", ROUND)):
        outcome = wsnet("compress", "warm.wsnet", *words, "-o", "small.wsnet", "--force")
        assert outcome.code == 0
        assert load_model(Path("small.wsnet")).calibration == kept


@pytest.fixture
def chords(tone_model: Model, tones: Path) -> Path:
    """A multi-label model `several.wsnet`, and clips whose labels are nearly what it says."""
    several = replace(tone_model, multi_label=True)
    save_model(Path("several.wsnet"), several)
    classifier = Classifier(several)
    rows = ["path,label,split"]
    for number, clip in enumerate(sorted(tones.rglob("*.wav"))):
        scores = classifier.classify_file(clip)
        names = [n for n, s in zip(several.labels, scores, strict=True) if s >= 0.5]
        label = ";".join(several.labels) if number % 7 < N_TRAIN else ";".join(names)
        part = "train" if number % 7 < N_TRAIN else "test"
        rows.append(f"{clip.relative_to(tones).as_posix()},{label},{part}")
    (tones / "chords.csv").write_text("\n".join(rows) + "\n")
    return tones / "chords.csv"


def test_of_several_labels_the_measure_is_mean_average_precision(wsnet, chords: Path):
    words = ("--data", chords, *ROUGH, "--max-drop", 100, "--json")
    found = wsnet("compress", "several.wsnet", *words).document["comparison"]
    assert (found["measure"], found["p_value"]) == ("mean average precision", None)
    for name, value in (("several.wsnet", found["before"]), ("several.q4.wsnet", found["after"])):
        measured = wsnet("evaluate", name, chords, "--json").document
        assert value == pytest.approx(measured["mean_average_precision"])
    low, high = found["difference_interval"]
    assert low <= found["difference"] <= high
    assert found["difference"] == pytest.approx(found["after"] - found["before"])
    assert found["difference"] < 0
    assert len(found["changed"]) == found["n_lost"] + found["n_gained"] > 0


def test_of_several_labels_the_gate_is_on_it_too(wsnet, chords: Path):
    words = ("--data", chords, *ROUGH)
    outcome = wsnet("compress", "several.wsnet", *words, "--max-drop", 0)
    assert outcome.code == 4
    assert outcome.error.startswith("mean average precision falls by ")
    assert not Path("several.q4.wsnet").exists()
    assert "mean average precision on 15 held-out clips: " in outcome.stdout


@pytest.mark.parametrize(
    ("words", "advice"),
    [
        (ROUGH, "fine-tuning (leave out --no-fine-tune), or more bits"),
        (
            ("--max-kb", "{five}", ROUND),
            "fine-tuning (leave out --no-fine-tune), or a larger --max-kb",
        ),
        ((), "the other --scheme"),
    ],
)
def test_what_to_try_fits_what_was_asked(
    wsnet, model, tone_model, own_truth, words, advice, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("wsnet_cli.core.sizes.gate.Gate.refuses", lambda *_: True)
    five = len(model_to_bytes(compress(tone_model, 5))) / 1000
    said_so = (word.format(five=five) for word in words)
    outcome = wsnet("compress", model, *said_so, "--data", own_truth())
    assert outcome.code == 4
    assert f"; try {advice}, or --max-drop 100 " in outcome.error
