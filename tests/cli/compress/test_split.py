"""Data that is named for the model of a run: divided as then; what it learned judges nothing."""

from __future__ import annotations

import csv
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.data.synthetic import write_sound_folder

ROUGH = ("--bits", "4", "--no-fine-tune")
Named = Callable[..., Path]


def parts(run: Path) -> dict[str, list[dict[str, str]]]:
    found: dict[str, list[dict[str, str]]] = {"train": [], "test": []}
    with (run / "split.csv").open(encoding="utf-8", newline="") as stream:
        for row in csv.DictReader(stream):
            found[row["part"]].append(row)
    return found


@pytest.fixture
def named(trained, tmp_path: Path) -> Named:
    """Copies of clips of the run under other names, in a manifest with folds.

    Fold 1, the first, is a third of what was trained on and `more` clips of those held out; the
    other clips that were held out are fold 2, but for the last `without`.
    """

    def make(more: int = 0, without: int = 0) -> Path:
        folder = tmp_path / f"named-{more}-{without}"
        folder.mkdir()
        found = parts(trained.run)
        test = found["test"][: len(found["test"]) - without]
        first = [row for i, row in enumerate(found["train"]) if i % 3 == 0]
        rows = ["path,label,fold"]
        for number, row in enumerate((*found["train"], *test)):
            shutil.copy(trained.data / row["clip"], folder / f"{number}.wav")
            fold = 1 if row in first or row in test[:more] else 3 if row in found["train"] else 2
            rows.append(f"{number}.wav,{row['label']},{fold}")
        (folder / "manifest.csv").write_text("\n".join(rows) + "\n")
        return folder

    return make


def test_the_clips_that_the_run_held_out_are_found_by_content(wsnet, trained, named: Named):
    own = wsnet("compress", trained.run, *ROUGH, "--json", "--max-drop", 100).document["comparison"]
    words = ("--data", named(), "-o", "a.wsnet", "--json", "--max-drop", 100)
    outcome = wsnet("compress", trained.run, *ROUGH, *words)
    assert outcome.code == 0, outcome.stderr
    found = outcome.document["comparison"]
    assert "; divided as in the run of the model, by content; " in outcome.stderr
    assert "warning" not in outcome.stderr
    same = ("n_clips", "n_trained_on", "before", "after", "difference")
    assert [found[key] for key in same] == [own[key] for key in same]
    assert (found["n_clips"], found["n_trained_on"]) == (len(parts(trained.run)["test"]), 0)
    assert outcome.document["gate"]["judged"] is True


def test_it_is_fine_tuned_on_what_the_run_learned_from(wsnet, trained, named: Named):
    words = ("--bits", 4, "--epochs", 1, "--threads", 1, "--max-drop", 100)
    assert wsnet("compress", trained.run, *words, "-o", "own.wsnet").code == 0
    outcome = wsnet("compress", trained.run, *words, "--data", named(), "-o", "named.wsnet")
    assert outcome.code == 0, outcome.stderr
    found = parts(trained.run)
    n_train, n_test = len(found["train"]), len(found["test"])
    assert f"{n_train} to train on, {n_test} held out" in outcome.stderr
    assert load_model(Path("named.wsnet")).bits == 4


def test_clips_that_the_run_did_not_have_are_left_out(wsnet, trained, named: Named):
    data = named()
    write_sound_folder(data / "new", 1, seed=9)
    label = load_model(trained.model).labels[0]
    (new, *_) = sorted((data / "new" / label).iterdir())
    with (data / "manifest.csv").open("a") as stream:
        stream.write(f"{new.relative_to(data).as_posix()},{label},2\n")
    outcome = wsnet("compress", trained.run, *ROUGH, "--data", data, "--max-drop", 100, "--json")
    assert outcome.code == 0, outcome.stderr
    assert "; 1 clips that it did not have left out; " in outcome.stderr
    assert outcome.document["comparison"]["n_clips"] == len(parts(trained.run)["test"])


@pytest.mark.parametrize(("without", "fold"), [(0, ("--fold", "1")), (1, ())])
def test_no_gate_judges_by_clips_that_were_trained_on(
    wsnet, trained, named: Named, without, fold, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("wsnet_cli.core.sizes.gate.Gate.refuses", lambda *_: True)
    n = len(parts(trained.run)["train"][::3])
    words = ("compress", trained.run, *ROUGH, "--data", named(without=without), *fold)
    outcome = wsnet(*words, "--max-drop", 1)
    assert outcome.code == 2
    assert outcome.error.startswith(
        f"--max-drop 1: the model was trained on {n} of {n} held-out clips (fold 1 of "
    )
    assert outcome.error.endswith(
        "which proves nothing; name a --fold, or --data, that it was not trained on"
    )
    assert not (trained.run / "model.q4.wsnet").exists()
    outcome = wsnet(*words, "--json")
    assert outcome.code == 0, outcome.stderr
    assert f"warning: the model was trained on {n} of {n} held-out clips (fold 1 of " in (
        outcome.stderr
    )
    document = outcome.document
    assert document["gate"] == {"max_drop": 2.0, "asked": False, "judged": False, "passed": True}
    assert document["comparison"]["n_trained_on"] == document["comparison"]["n_clips"] == n
    outcome = wsnet(*words, "--force")
    assert "no evidence: the model was trained on most of these clips" in outcome.stdout


def test_where_most_clips_are_new_to_the_model_they_judge_it(wsnet, trained, named: Named):
    found = parts(trained.run)
    n = len(found["train"][::3])
    data = named(more=len(found["test"]))
    lines = (data / "manifest.csv").read_text().splitlines()
    kept = [line for i, line in enumerate(lines) if i == 0 or not line.endswith(",1")]
    first = [line for line in lines[1:] if line.endswith(",1")]
    moved = [f"{line[:-1]}3" for line in first[: n - 1]]
    (data / "manifest.csv").write_text("\n".join([*kept, *moved, *first[n - 1 :]]) + "\n")
    words = ("--data", data, "--fold", 1, "--max-drop", 99, "--json")
    outcome = wsnet("compress", trained.run, *words)
    assert outcome.code == 0, outcome.stderr
    assert outcome.document["comparison"]["n_trained_on"] == 1
    assert outcome.document["gate"]["judged"] is True
    assert "what it had right before is too much" in outcome.stderr


def test_a_damaged_split_is_no_reason_to_judge(wsnet, trained):
    (trained.run / "split.csv").write_text("clip,part\na.wav,test\n")
    outcome = wsnet("compress", trained.run, *ROUGH, "--data", trained.data)
    assert (outcome.code, "split.csv: is damaged" in outcome.error) == (2, True)


def test_what_the_run_held_out_is_not_learned_in_its_folder(wsnet, trained, named: Named):
    """Fold 1 of the named data has none of the run's held-out clips: they would be trained on."""
    words = ("--bits", 4, "--epochs", 1, "--threads", 1, "--data", named(), "--fold", 1)
    before = sorted(trained.run.iterdir())
    outcome = wsnet("compress", trained.run, *words)
    n_test = len(parts(trained.run)["test"])
    assert outcome.code == 2
    assert f"{n_test} of the clips to fine-tune on were held out by the run" in outcome.error
    assert sorted(trained.run.iterdir()) == before
    elsewhere = wsnet("compress", trained.run, *words, "-o", "elsewhere.wsnet")
    assert elsewhere.code == 0, elsewhere.stderr
    said = f"{n_test} of the clips to fine-tune on were held out by the run; what they say"
    assert said in " ".join(elsewhere.stderr.split())
