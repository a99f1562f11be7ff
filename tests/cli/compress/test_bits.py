"""Fewer bits by rounding alone: which bits, which file, and what is refused."""

from __future__ import annotations

import math
import os
import shutil
from pathlib import Path

import pytest

from wsnet_cli.core import locate
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes, save_model
from wsnet_cli.core.sizes.gate import DEFAULT_MAX_DROP, FEWEST_CLIPS
from wsnet_cli.learn.tuning.fine_tune import FineTuning

ROUND = "--no-fine-tune"


def kb(n_bytes: int) -> str:
    return f"{n_bytes / 1000:.3f}"


@pytest.mark.parametrize("scheme", ["symmetric", "min-max"])
@pytest.mark.parametrize("bits", [8, 6, 5, 4])
def test_the_file_holds_what_compress_gives(wsnet, model: str, tone_model: Model, bits, scheme):
    outcome = wsnet("compress", model, "--bits", bits, "--scheme", scheme, ROUND, "--json")
    assert outcome.code == 0, outcome.stderr
    name = f"tone.q{bits}.wsnet"
    assert outcome.document["out"] == name
    content = Path(name).read_bytes()
    assert content == model_to_bytes(compress(tone_model, bits, scheme))
    document = outcome.document
    assert (document["bits"], document["bytes"]) == (bits, len(content))
    assert [layer["bits"] for layer in document["layers"]] == [bits] * 3
    assert (document["fine_tuned"], document["bits_chosen_by"]) == (False, None)


def test_eight_bits_are_what_is_meant_where_nothing_is_said(wsnet, model: str):
    assert wsnet("compress", model, "-o", "a.wsnet").code == 0
    assert wsnet("compress", model, "--bits", 8, "-o", "b.wsnet").code == 0
    assert Path("a.wsnet").read_bytes() == Path("b.wsnet").read_bytes()


def test_fewer_bits_are_fewer_bytes_and_the_file_works(wsnet, model: str, tones: Path):
    sizes = []
    for bits in (8, 6, 5, 4):
        wsnet("compress", model, "--bits", bits, ROUND)
        sizes.append(Path(f"tone.q{bits}.wsnet").stat().st_size)
        assert wsnet("predict", tones, "-m", f"tone.q{bits}.wsnet", "--json").code == 0
    assert sizes == sorted(sizes, reverse=True)
    assert sizes[0] > sizes[-1]


def test_mixed_bits_are_five_on_average_and_spent_by_the_weights_where_there_is_no_data(
    wsnet, model: str
):
    outcome = wsnet("compress", model, "--bits", "mixed", ROUND, "--json")
    assert outcome.code == 0, outcome.stderr
    layers = outcome.document["layers"]
    n_bits = sum(layer["weights"] * layer["bits"] for layer in layers)
    assert 4 * sum(layer["weights"] for layer in layers) < n_bits
    assert n_bits <= 5 * sum(layer["weights"] for layer in layers)
    assert outcome.document["bits_chosen_by"] == "weight-error"
    assert [tuple(one["bits"] for one in layer["losses"]) for layer in layers] == [(4, 5, 6, 8)] * 3
    shown = wsnet("compress", model, "--bits", "mixed", ROUND, "-o", "b.wsnet").stdout
    assert "no data to measure on" in shown
    for layer in layers:
        (line,) = [told for told in shown.splitlines() if told.startswith(f" {layer['layer']} ")]
        assert line.split()[1:3] == [str(layer["weights"]), str(layer["bits"])]


def test_a_limit_in_kilobytes_is_kept_and_used(wsnet, model: str, tone_model: Model):
    sizes = {bits: len(model_to_bytes(compress(tone_model, bits))) for bits in (4, 8)}
    taken = []
    for limit in range(sizes[4], sizes[8] + 40, 12):
        outcome = wsnet("compress", model, "--max-kb", kb(limit), ROUND, "-o", "a.wsnet", "--force")
        assert outcome.code == 0, outcome.stderr
        taken.append(Path("a.wsnet").stat().st_size)
        assert taken[-1] <= limit
    assert (taken[0], taken[-1]) == (sizes[4], sizes[8])
    assert len(set(taken)) > 3, "between the two there are mixed files"


def test_where_eight_bits_fit_they_are_taken(wsnet, model: str):
    outcome = wsnet("compress", model, "--max-kb", 100, "--json")
    assert outcome.document["out"] == "tone.q8.wsnet"
    assert (outcome.document["bits"], outcome.document["bits_chosen_by"]) == (8, None)


def test_mixed_files_have_a_name_of_their_own(wsnet, model: str, tone_model: Model):
    size = len(model_to_bytes(compress(tone_model, 6)))
    outcome = wsnet("compress", model, "--max-kb", kb(size), ROUND, "--json")
    bits = {layer["bits"] for layer in outcome.document["layers"]}
    name = f"tone.q{bits.pop()}.wsnet" if len(bits) == 1 else "tone.mixed.wsnet"
    assert outcome.document["out"] == name


def test_a_limit_below_everything_names_the_smallest_file(wsnet, model: str, tone_model: Model):
    smallest = len(model_to_bytes(compress(tone_model, 4)))
    outcome = wsnet("compress", model, "--max-kb", 0.5, ROUND, "--json")
    assert (outcome.code, outcome.stdout) == (4, "")
    named = outcome.error.split("the smallest file of this network is ")[1].split(" KB")[0]
    other = math.ceil(len(model_to_bytes(compress(tone_model, 4, "min-max"))) / 100) / 10
    way = f", with --scheme min-max {other:g} KB" if other < float(named) else ""
    assert outcome.error == (
        f"--max-kb 0.5: 4 bits everywhere take {smallest:,} bytes; the smallest file of this "
        f"network is {named} KB by --scheme symmetric{way}; a smaller network is made by "
        "wsnet train --max-kb 0.5"
    )
    assert not list(Path().glob("tone.*.wsnet"))
    assert wsnet("compress", model, "--max-kb", named, ROUND).code == 0


@pytest.mark.parametrize(
    "request_",
    [
        ("--bits", 6),
        ("--bits", 4),
        ("--bits", "mixed"),
        ("--max-kb",),
        ("--bits", 5, "--scheme", "min-max"),
    ],
    ids=lambda words: " ".join(map(str, words)),
)
def test_compressing_again_gives_the_same_bytes(wsnet, model: str, tone_model: Model, request_):
    size = len(model_to_bytes(compress(tone_model, 6)))
    words = (*request_, kb(size)) if request_ == ("--max-kb",) else request_
    for source, target in ((model, "once"), (model, "again"), ("once.wsnet", "twice")):
        outcome = wsnet("compress", source, *words, ROUND, "-o", f"{target}.wsnet")
        assert outcome.code == 0, outcome.stderr
    once = Path("once.wsnet").read_bytes()
    assert once == Path("again.wsnet").read_bytes() == Path("twice.wsnet").read_bytes()
    # It needs no fine-tuning to stay as it is, so it need not be switched off either.
    assert wsnet("compress", "once.wsnet", *words, "-o", "thrice.wsnet").code == 0
    assert once == Path("thrice.wsnet").read_bytes()


def test_bits_are_never_added(wsnet, model: str):
    assert wsnet("compress", model, "--bits", 4, ROUND).code == 0
    outcome = wsnet("compress", "tone.q4.wsnet", "--bits", 8, "-o", "b.wsnet", "--json")
    assert outcome.document["bits"] == 4
    assert Path("b.wsnet").read_bytes() == Path("tone.q4.wsnet").read_bytes()


def test_the_name_says_what_the_file_holds(wsnet, model: str):
    wsnet("compress", model)
    outcome = wsnet("compress", "tone.q8.wsnet", "--bits", 4, ROUND, "--json")
    assert outcome.document["out"] == "tone.q4.wsnet"


@pytest.mark.parametrize("words", [(), ("--force",)])
def test_the_model_itself_is_not_written_over_by_accident(wsnet, model: str, words):
    wsnet("compress", model, "--bits", 4, ROUND)
    before = Path("tone.q4.wsnet").read_bytes()
    outcome = wsnet("compress", "tone.q4.wsnet", *words)
    assert (outcome.code, outcome.error) == (
        2,
        "tone.q4.wsnet: exists; it is the model itself, which is of that form already; "
        "give another name with -o",
    )
    assert Path("tone.q4.wsnet").read_bytes() == before


@pytest.mark.parametrize("command", [("compress",), ("calibrate", "tones")])
@pytest.mark.parametrize("words", [(), ("--force",)])
def test_a_model_is_never_replaced_by_what_is_made_of_it(
    wsnet, model: str, tones: Path, command, words
):
    before = Path(model).read_bytes()
    Path("link.wsnet").symlink_to(model)
    name, *data = command
    for target in (model, f"./{model}", "link.wsnet"):
        outcome = wsnet(name, model, *(tones for _ in data), "-o", target, *words)
        assert (outcome.code, outcome.error) == (
            2,
            f"{Path(target)}: exists; it is the model itself, which is never replaced; "
            "give another name with -o",
        )
        assert Path(model).read_bytes() == before


@pytest.mark.parametrize("command", [("compress",), ("calibrate", "tones")])
def test_a_place_that_cannot_be_written_to_is_told_before_any_work(
    wsnet, model: str, tones: Path, command, monkeypatch: pytest.MonkeyPatch
):
    name, *data = command
    words = (name, model, *(tones for _ in data))
    Path("file").touch()

    def never(*_: object) -> None:
        raise AssertionError("no work before the place is known to take a file")

    for work in ("bulk.calibrating.logits.hear_labelled", "cli.compress.plan.make_plan"):
        monkeypatch.setattr(f"wsnet_cli.{work}", never)
    for target, place in (("file/a.wsnet", "file"), ("/proc/a/b.wsnet", "/proc")):
        outcome = wsnet(*words, "-o", target)
        assert (outcome.code, outcome.stderr.count("\n")) == (2, 1)
        assert outcome.error == (
            f"-o {target}: {place} cannot be written to; give another place with -o"
        )
    monkeypatch.setattr(os, "access", lambda _, mode: not mode & os.W_OK)
    outcome = wsnet(*words)
    assert (outcome.code, outcome.error) == (
        2,
        ". cannot be written to; give another place with -o",
    )
    assert sorted(path.name for path in Path().glob("*.wsnet")) == [model]


def test_what_is_no_file_is_not_replaced(wsnet, model: str):
    os.mkfifo("pipe")
    outcome = wsnet("compress", model, "-o", "pipe", "--force")
    assert (outcome.code, outcome.error) == (
        2,
        "pipe: is not a regular file; give another name with -o",
    )


def test_missing_folders_are_made(wsnet, model: str):
    assert wsnet("compress", model, "-o", "a/b/small.wsnet").code == 0
    assert load_model(Path("a/b/small.wsnet")).bits == 8


def test_a_model_that_ships_goes_into_the_current_folder(
    wsnet, tone_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    folder = tmp_path / "package" / "models"
    save_model(folder / "esc10.q8.wsnet", compress(tone_model))
    monkeypatch.setattr(locate, "shipped_folder", lambda: folder)
    outcome = wsnet("compress", "esc10.q8", "--bits", 5, ROUND, "--json")
    assert outcome.document["out"] == "esc10.q5.wsnet"
    assert [path.name for path in folder.iterdir()] == ["esc10.q8.wsnet"]


def test_fewer_bits_need_data_to_be_fine_tuned(wsnet, model: str, tone_model: Model):
    six = kb(len(model_to_bytes(compress(tone_model, 6))))
    needs = (
        "fewer than 8 bits are fine-tuned, which needs the data: name it with --data, "
        "give the model of a run folder, or say --no-fine-tune"
    )
    for words in (("--bits", 6), ("--bits", "mixed"), ("--max-kb", six)):
        outcome = wsnet("compress", model, *words)
        assert (outcome.code, outcome.error) == (2, needs)
    assert not list(Path().glob("tone.*.wsnet"))


def test_without_torch_fewer_bits_say_what_is_missing(
    wsnet, model: str, tones: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("wsnet_cli.cli.shared.light.find_spec", lambda name: None)
    outcome = wsnet("compress", model, "--bits", 4, "--data", tones)
    assert outcome.code == 1
    assert outcome.error.startswith("this command needs torch, which the light install leaves out")
    assert wsnet("compress", model, "--bits", 4, "--data", tones, ROUND).code == 0
    assert wsnet("compress", model, "--data", tones).code == 0


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("--bits", "7"), "--bits 7; expected 8, 6, 5, 4 or mixed"),
        (("--bits", "x"), "--bits x; expected 8, 6, 5, 4 or mixed"),
        (
            ("--bits", "6", "--max-kb", "2"),
            "--bits 6: --max-kb chooses the bits of each layer; leave one of them out",
        ),
        (("--max-kb", "0"), "--max-kb 0; expected more than 0 KB, at most 1,000,000"),
        (("--max-kb", "nan"), "--max-kb nan; expected more than 0 KB, at most 1,000,000"),
        (("--scheme", "log"), "--scheme log; expected symmetric or min-max"),
        (
            ("--bits", "4", "--epochs", "3", ROUND),
            "--epochs 3: --no-fine-tune trains nothing; leave one of them out",
        ),
        (
            ("--epochs", "3"),
            "--epochs 3: 8 bits are rounded, not fine-tuned; expected fewer --bits, or none",
        ),
        (("--data", ".", "--fold", "all"), "--fold all: one fold is held out; expected its name"),
        (("--max-drop", "101"), "--max-drop 101; expected 0 to 100 points"),
        (("--max-drop", "nan"), "--max-drop nan; expected 0 to 100 points"),
        (("--layout", "esc-50"), "--layout esc-50: expected --data as well"),
        (("--pattern", "{label}_{index}"), "--pattern {label}_{index}: expected --data as well"),
        (("--fold", "1"), "--fold 1: expected --data as well"),
        (
            ("--data", "nowhere"),
            "--data nowhere: no such folder or manifest; expected labelled clips",
        ),
        (
            ("--max-drop", "1"),
            "--max-drop 1: there is no data to measure on; name it with --data",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_before_any_work(wsnet, model: str, words, error):
    outcome = wsnet("compress", model, *words)
    assert (outcome.code, outcome.stdout, outcome.error) == (2, "", error)
    assert not list(Path().glob("tone.*.wsnet"))


def test_epochs_that_come_to_nothing_are_told_of(wsnet, model: str):
    outcome = wsnet("compress", model, "--max-kb", 100, "--epochs", 3)
    assert outcome.code == 0
    assert "warning: --epochs 3: nothing is trained, as rounding is enough" in outcome.stderr


def test_help_tells_the_defaults(wsnet):
    told = " ".join(wsnet("compress", "--help").stdout.replace("│", " ").split())
    assert f"Of fine-tuning; default {FineTuning().epochs}." in told
    assert f"default {DEFAULT_MAX_DROP:g} points, and at least {FEWEST_CLIPS} clips" in told
    assert ".q6, .q5, .q4 or .mixed" in told


def test_where_a_folder_has_the_name_nothing_is_left_behind(wsnet, model: str):
    Path("locked").mkdir()
    shutil.copy(model, "locked/a.wsnet")
    Path("locked/a.q8.wsnet").mkdir()
    outcome = wsnet("compress", "locked/a.wsnet", "--force")
    assert outcome.code == 2
    assert sorted(path.name for path in Path("locked").iterdir()) == ["a.q8.wsnet", "a.wsnet"]
