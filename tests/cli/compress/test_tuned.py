"""Fewer bits, fine-tuned: on the clips of a run, or on those of --data."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

import pytest

from wsnet_cli.bulk.compressing import before_after
from wsnet_cli.cli.compress import run as compress_run
from wsnet_cli.core.model import compress
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes
from wsnet_cli.core.sizes.bit_allocation import Allocation
from wsnet_cli.core.sizes.layer_forms import LayerForms
from wsnet_cli.learn.tuning import fine_tune

BRIEF = ("--epochs", "1", "--threads", "1", "--max-drop", "100")


def test_a_run_is_fine_tuned_on_its_own_training_part(wsnet, trained):
    outcome = wsnet("compress", trained.run, "--bits", 4, *BRIEF, "--json")
    assert outcome.code == 0, outcome.stderr
    document = outcome.document
    assert Path(document["out"]) == trained.run / "model.q4.wsnet"
    assert (document["fine_tuned"], document["bits"]) == (True, 4)
    before, after = load_model(trained.model), load_model(trained.run / "model.q4.wsnet")
    assert set(after.layer_bits) == {4}
    assert model_to_bytes(after) != model_to_bytes(compress(before, 4))
    assert after.provenance["tuned_epochs"] == 1
    assert (after.labels, after.audio) == (before.labels, before.audio)
    measured = wsnet("evaluate", trained.run / "model.q4.wsnet", "--json").document
    assert measured["accuracy"] == pytest.approx(document["comparison"]["after"])
    assert "fine-tuning at 4 bits, epochs: 1" in outcome.stderr


def test_fine_tuned_twice_to_the_same_bytes_by_each_seed(wsnet, trained):
    words = ("compress", trained.run, "--bits", 5, *BRIEF)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        assert wsnet(*words, "--seed", seed, "-o", f"{name}.wsnet").code == 0
    first, second, third = (Path(f"{name}.wsnet").read_bytes() for name in "abc")
    assert first == second
    assert first != third


def test_a_fine_tuned_file_stays_as_it_is(wsnet, trained, monkeypatch: pytest.MonkeyPatch):
    words = ("--bits", "mixed", *BRIEF)
    assert wsnet("compress", trained.run, *words, "-o", "once.wsnet").code == 0
    once = Path("once.wsnet").read_bytes()
    limit = ("--max-kb", len(once) / 1000)
    shutil.copy("once.wsnet", trained.run / "once.wsnet")

    def never(*_: object) -> None:
        raise AssertionError("nothing is to be trained")

    monkeypatch.setattr(fine_tune, "fine_tune", never)
    for again in (words, limit):
        source = trained.run / "once.wsnet"
        assert wsnet("compress", source, *again, "-o", "twice.wsnet", "--force").code == 0
        assert Path("twice.wsnet").read_bytes() == once


def test_data_that_is_named_is_divided_as_train_divides_it(wsnet, trained):
    shutil.copy(trained.model, "alone.wsnet")
    words = ("--data", trained.data, "--bits", 4, *BRIEF)
    outcome = wsnet("compress", "alone.wsnet", *words, "--json")
    assert outcome.code == 0, outcome.stderr
    held_out = wsnet("evaluate", trained.run, "--json").document
    assert outcome.document["comparison"]["n_clips"] == held_out["n_clips"]
    assert outcome.document["comparison"]["before"] == pytest.approx(held_out["accuracy"])
    assert Path("alone.q4.wsnet").is_file()


def test_the_clips_of_the_gate_are_never_trained_on(
    wsnet, trained, monkeypatch: pytest.MonkeyPatch
):
    seen: list[tuple[set[str], set[str]]] = []
    real, original = fine_tune.fine_tune, before_after.measure_both
    trained_on: set[str] = set()
    measured_on: set[str] = set()

    def spy_train(model, bits, scheme, data, *rest):
        trained_on.update(data.dataset.clips[i].name for i in data.train)
        return real(model, bits, scheme, data, *rest)

    def spy_measure(before, after, clips, *rest):
        measured_on.update(clip.name for clip in clips)
        return original(before, after, clips, *rest)

    monkeypatch.setattr(fine_tune, "fine_tune", spy_train)
    monkeypatch.setattr(before_after, "measure_both", spy_measure)
    for words in ((), ("--data", trained.data, "--fold", "2", "-o", "elsewhere.wsnet")):
        trained_on.clear()
        measured_on.clear()
        outcome = wsnet("compress", trained.run, "--bits", 4, *words, *BRIEF, "--force")
        assert outcome.code == 0, outcome.stderr
        seen.append((set(trained_on), set(measured_on)))
    for learned, held_out in seen:
        assert learned
        assert held_out
        assert not learned & held_out
    assert seen[0] != seen[1]


def test_a_limit_holds_after_fine_tuning_too(wsnet, trained, monkeypatch: pytest.MonkeyPatch):
    model = load_model(trained.model)
    limit = len(model_to_bytes(compress(model, 6))) - 100
    tried: list[Allocation] = []
    real = fine_tune.fine_tune

    def grown(model, bits, *rest):
        """As if training had made the first file larger than it was expected to be."""
        tried.append(bits)
        small = real(model, bits, *rest)
        if len(tried) > 1:
            return small
        return compress(model, tuple({4: 6}.get(b, 8) for b in bits))

    monkeypatch.setattr(fine_tune, "fine_tune", grown)
    words = ("--max-kb", f"{limit / 1000:.3f}", *BRIEF, "-o", "small.wsnet", "--json")
    outcome = wsnet("compress", trained.run, *words)
    assert outcome.code == 0, outcome.stderr
    assert Path("small.wsnet").stat().st_size == outcome.document["bytes"] <= limit
    assert len(tried) >= 2
    expected = [LayerForms(model).n_bytes(bits) for bits in tried]
    assert expected == sorted(expected, reverse=True)
    assert load_model(Path("small.wsnet")).layer_bits == tried[-1]
    assert [layer["bits"] for layer in outcome.document["layers"]] == list(tried[-1])


@pytest.fixture
def five_bits(trained) -> tuple[str, ...]:
    """A command whose fine-tuning plans layers of different bits, 5 in most."""
    n_bytes = len(model_to_bytes(compress(load_model(trained.model), 5)))
    return ("compress", trained.run, "--max-kb", n_bytes / 1000, *BRIEF)


def test_the_name_that_is_planned_must_be_free_before_fine_tuning(
    wsnet, trained, five_bits, monkeypatch: pytest.MonkeyPatch
):
    def trains(*_: object) -> None:
        pytest.fail("hours of training that nobody gets")

    monkeypatch.setattr(fine_tune, "fine_tune", trains)
    taken = trained.model.with_name("model.mixed.wsnet")
    taken.write_bytes(b"kept")
    outcome = wsnet(*five_bits)
    assert outcome.code == 2
    assert outcome.error == f"{taken}: exists; give another name with -o, or --force"
    assert taken.read_bytes() == b"kept"


def test_a_file_that_is_not_to_be_written_is_in_nobodys_way(wsnet, trained, five_bits):
    other = trained.model.with_name("model.q4.wsnet")
    other.write_bytes(b"kept")
    outcome = wsnet(*five_bits)
    assert outcome.code == 0, outcome.stderr
    assert trained.model.with_name("model.mixed.wsnet").is_file()
    assert other.read_bytes() == b"kept"


def test_a_name_that_fine_tuning_comes_to_is_checked_before_the_next_try(
    wsnet, trained, five_bits, monkeypatch: pytest.MonkeyPatch
):
    tried: list[Allocation] = []

    def grown(model, bits, *_):
        tried.append(bits)
        return compress(model, 8)

    monkeypatch.setattr(fine_tune, "fine_tune", grown)
    taken = trained.model.with_name("model.q4.wsnet")
    taken.write_bytes(b"kept")
    outcome = wsnet(*five_bits)
    assert outcome.code == 2
    assert outcome.error == (
        "fine-tuned at 8 bits the file is too large, and at 4 bits it would be "
        f"{taken}: exists; give another name with -o, or --force"
    )
    assert tried
    assert all(set(bits) != {4} for bits in tried)
    assert taken.read_bytes() == b"kept"


def test_where_fine_tuning_leaves_no_way_it_says_so(
    wsnet, trained, monkeypatch: pytest.MonkeyPatch
):
    model = load_model(trained.model)
    smallest = len(model_to_bytes(compress(model, 4)))
    monkeypatch.setattr(fine_tune, "fine_tune", lambda model, bits, *rest: compress(model, 8))
    words = ("--max-kb", f"{smallest / 1000:.3f}", *BRIEF)
    outcome = wsnet("compress", trained.run, *words, "-o", "small.wsnet")
    assert outcome.code == 4
    assert "4 bits everywhere take " in outcome.error
    assert " bytes after fine-tuning; the smallest file of this network is " in outcome.error
    assert not Path("small.wsnet").exists()


def test_a_split_that_is_another_now_is_refused(wsnet, trained):
    held_out = [
        line.split(",")
        for line in (trained.run / "split.csv").read_text().splitlines()
        if line.split(",")[2] == "test"
    ]
    (trained.data / held_out[0][0]).unlink()
    for words in (("--bits", 4, *BRIEF), ("--bits", "mixed", "--no-fine-tune", "--max-drop", 100)):
        outcome = wsnet("compress", trained.run, *words)
        assert outcome.code == 2
        assert re.search("held[ -]out", outcome.error)
    assert sorted(path.name for path in trained.run.glob("*.wsnet")) == ["model.wsnet"]


def test_other_classes_are_refused_before_training(wsnet, trained):
    shutil.copy(trained.model, "alone.wsnet")
    kind = sorted(path.name for path in trained.data.iterdir() if path.is_dir())[0]
    (trained.data / kind).rename(trained.data / "other")
    outcome = wsnet("compress", "alone.wsnet", "--data", trained.data, "--bits", 4, *BRIEF)
    assert outcome.code == 2
    assert "expected the same classes" in outcome.error
    assert not Path("alone.q4.wsnet").exists()


def test_trained_on_everything_there_is_no_gate_but_a_file(wsnet, trained):
    words = ("compress", trained.run, "--data", trained.data, "--fold", "none", "--bits", 4)
    words = (*words, "-o", "all.wsnet")
    outcome = wsnet(*words, "--epochs", 1, "--threads", 1, "--json")
    assert outcome.code == 0, outcome.stderr
    assert outcome.document["comparison"] is None
    outcome = wsnet(*words, "--epochs", 1, "--max-drop", 3, "--force")
    assert (outcome.code, outcome.error) == (
        2,
        "--max-drop 3: nothing is held out to measure on",
    )


def test_bits_are_said_in_words():
    assert compress_run.say_bits((5, 5)) == "5 bits"
    assert compress_run.say_bits((5, 8, 4)) == "4 to 8 bits"
