from __future__ import annotations

import numpy as np
import pytest

from wsnet_cli.bench import machine, peers, run
from wsnet_cli.bench.peers import DEFAULT_PEERS
from wsnet_cli.bench.run import Request, find_reference, run_bench
from wsnet_cli.core.errors import EngineError, GateError, UsageError

PAIRS = [("a", "torch"), ("a", "numpy"), ("b", "torch"), ("b", "numpy"), ("b", "native")]


@pytest.mark.parametrize(
    ("pairs", "against", "reference"),
    [
        (PAIRS, None, ("b", "native")),
        (PAIRS[:4], None, ("b", "numpy")),
        (PAIRS[:1], None, ("a", "torch")),
        (PAIRS, "a", ("a", "numpy")),
        (PAIRS, "a/torch", ("a", "torch")),
        ([("runs/a", "torch"), ("a", "torch")], "runs/a", ("runs/a", "torch")),
        ([("runs/a", "torch"), ("a", "torch")], "runs/a/torch", ("runs/a", "torch")),
    ],
)
def test_the_reference(pairs, against, reference):
    assert find_reference(pairs, against) == reference


@pytest.mark.parametrize("against", ["c", "a/native", "torch", ""])
def test_a_reference_that_is_not_timed(against: str):
    with pytest.raises(UsageError, match=r"is not timed; expected .*, such as a/torch$"):
        find_reference(PAIRS, against)


def test_ratios_are_those_of_the_rounds(model_file: str):
    request = Request([model_file, "demo"], ["numpy", "torch"], rounds=5, against="demo/torch")
    document = run_bench(request)
    assert document["reference"] == {"subject": "demo", "peer": "torch"}
    found = {(row["subject"], row["peer"]): row for row in document["results"]}
    assert list(found) == [(s, p) for s in (model_file, "demo") for p in ("numpy", "torch")]
    reference = np.array(found["demo", "torch"]["rounds_ms"])
    for row in found.values():
        times = np.array(row["rounds_ms"])
        assert len(times) == 5
        assert row["median_ms"] == pytest.approx(np.median(times), rel=1e-4)
        ratios = times / reference
        assert row["ratio"] == pytest.approx(np.median(ratios), rel=1e-3)
        assert row["ratio_range"] == pytest.approx(np.percentile(ratios, [5, 95]), rel=1e-3)


def test_times_are_for_one_window(model_file: str, monkeypatch: pytest.MonkeyPatch):
    class Clock:
        now = 0.0

    def slow(*_: object):
        class Fixed:
            error = 0.0

            @staticmethod
            def run() -> None:
                Clock.now += 0.012

        return Fixed()

    monkeypatch.setattr(run, "prepare_peer", slow)
    monkeypatch.setattr(
        run,
        "time_rounds",
        lambda calls, n, seed, part: time_rounds(calls, n, seed, part, clock=lambda: Clock.now),
    )
    from wsnet_cli.bench.rounds import time_rounds

    document = run_bench(Request([model_file], ["numpy"], rounds=2, batch=4))
    (row,) = document["results"]
    assert (row["median_ms"], row["rounds_ms"]) == (3.0, [3.0, 3.0])


def test_progress_goes_from_nothing_to_all(model_file: str, native: None):
    told: list[float] = []
    request = Request([model_file], ["native", "numpy"], rounds=2, layers=True)
    run_bench(request, lambda share, words: told.append(share))
    assert told == sorted(told)
    assert (told[0], told[-1]) == (0.0, 1.0)


def test_what_is_not_installed_is_left_out(model_file: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(peers, "find_spec", lambda _: None)

    def nothing(*_: object, **__: object) -> None:
        raise EngineError("the compiled engine was not built")

    monkeypatch.setattr(peers, "NativeEngine", nothing)
    monkeypatch.setattr(machine, "load_library", nothing)
    document = run_bench(Request([model_file], rounds=2, layers=True))
    assert [row["peer"] for row in document["results"]] == ["numpy"]
    assert document["reference"]["peer"] == "numpy"
    assert document["machine"]["isa"] is None
    assert document["layers"] == []
    reasons = {row["peer"]: row["reason"] for row in document["left_out"]}
    assert set(reasons) == set(DEFAULT_PEERS) - {"numpy"}
    assert reasons["native"] == "the compiled engine was not built"
    assert reasons["torch"] == "not installed: pip install torch"
    with pytest.raises(UsageError, match=r"none is left to time; torch: not installed: pip"):
        run_bench(Request([model_file], ["torch"], rounds=2))


def test_nothing_is_timed_beside_a_peer_that_lies(model_file: str, monkeypatch: pytest.MonkeyPatch):
    honest = peers.make_peer

    def lying(name: str, *rest: object):
        peer = honest(name, *rest)
        return (lambda windows: -peer(windows)) if name == "torch" else peer

    monkeypatch.setattr(peers, "make_peer", lying)
    monkeypatch.setattr(run, "time_rounds", None)
    with pytest.raises(GateError, match=r"small.wsnet: the logits of torch differ"):
        run_bench(Request([model_file], ["numpy", "torch"], rounds=2))


def test_the_processor_has_a_name(tmp_path, monkeypatch: pytest.MonkeyPatch):
    facts = tmp_path / "cpuinfo"
    facts.write_text("processor\t: 0\nmodel name\t: Fast: One\nmodel name\t: Other\n")
    monkeypatch.setattr(machine, "CPU_FACTS", facts)
    assert machine.processor_name() == "Fast: One"
    monkeypatch.setattr(machine, "CPU_FACTS", tmp_path / "none")
    assert machine.processor_name() != ""
