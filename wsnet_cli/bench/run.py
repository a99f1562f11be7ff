"""One measurement from request to document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ..core.errors import UsageError
from .layers import time_layers
from .machine import describe_machine
from .peers import DEFAULT_PEERS, PeerMissingError, ReadyPeer, check_names, prepare_peer
from .rounds import Advance, Timing, paired_ratio, time_rounds
from .subjects import Sound, Subject, make_subjects

DEFAULT_ROUNDS = 30
OURS = ("native", "numpy")
"""Peers that are this package's own engines, the faster one first."""
PREPARING, TIMING = 0.5, 0.9
"""Shares of the progress after which peers are ready, and after which layers follow."""

Pair = tuple[str, str]
"""A subject's name and a peer's."""


@dataclass(frozen=True)
class Request:
    """What to measure.

    Args:
        names: models and presets; none for the default ones.
        peers: names; none for DEFAULT_PEERS.
        rounds: that are counted, >= 1.
        seconds: of a window; None for the model's own.
        clip: audio file to run on; None for noise.
        batch: windows in one call, >= 1.
        threads: of the native engine, >= 1.
        layers: whether the native engine is timed by layer as well.
        against: what ratios refer to, as `find_reference` takes it.
        seed: of weights, noise and orders.
    """

    names: Sequence[str] = ()
    peers: Sequence[str] = ()
    rounds: int = DEFAULT_ROUNDS
    seconds: float | None = None
    clip: str | None = None
    batch: int = 1
    threads: int = 1
    layers: bool = False
    against: str | None = None
    seed: int = 0


def run_bench(request: Request, advance: Advance = lambda share, words: None) -> dict[str, Any]:
    """Measure in this process, which should have been started with one thread for everything.

    Every peer's logits are checked before any is timed. A peer that cannot be had is left out, and
    the document says why.

    Returns: the document that docs/outputs.md describes.

    Raises:
        UsageError: no such name, or nothing is left to time.
        GateError: a peer computes something else.
    """
    peers = check_names(request.peers or DEFAULT_PEERS)
    sound = Sound(request.seconds, request.clip, request.batch, request.seed)
    subjects = make_subjects(request.names, sound)
    find_reference([(s.name, peer) for s in subjects for peer in peers], request.against)
    ready, left_out = _prepare(subjects, peers, request.threads, _part(advance, 0, PREPARING))
    reference = find_reference(list(ready), request.against)
    calls = {pair: peer.run for pair, peer in ready.items()}
    part = _part(advance, PREPARING, TIMING if request.layers else 1)
    timings = time_rounds(calls, request.rounds, request.seed, part)
    return {
        "machine": describe_machine(),
        "rounds": request.rounds,
        "batch": request.batch,
        "threads": request.threads,
        "sound": "noise" if request.clip is None else "clip",
        "subjects": [_describe(subject) for subject in subjects],
        "reference": dict(zip(("subject", "peer"), reference, strict=True)),
        "results": [
            _result(pair, timing, ready[pair], timings[reference], request.batch)
            for pair, timing in timings.items()
        ],
        "left_out": left_out,
        "layers": _layers(subjects, ready, request, _part(advance, TIMING, 1)),
    }


def find_reference(pairs: Sequence[Pair], against: str | None) -> Pair:
    """The pair that ratios refer to.

    Args:
        pairs: to choose from, at least one.
        against: SUBJECT, or SUBJECT/PEER; None for the last subject. Where no peer is named, it is
            the better one of our own engines, or else the first peer.

    Raises: UsageError: the choice is not among the pairs.
    """
    chosen = pairs[-1][0] if against is None else against
    wanted = [pair for pair in pairs if chosen in (pair[0], "/".join(pair))]
    if not wanted:
        raise UsageError(
            f"--against {against}: is not timed; expected SUBJECT or SUBJECT/PEER, such as "
            f"{'/'.join(pairs[0])}"
        )
    return min(wanted, key=lambda pair: OURS.index(pair[1]) if pair[1] in OURS else len(OURS))


def _prepare(
    subjects: Sequence[Subject], peers: Sequence[str], threads: int, advance: Advance
) -> tuple[dict[Pair, ReadyPeer], list[dict[str, str]]]:
    """Every peer of every subject that can be had, and why the others cannot."""
    ready: dict[Pair, ReadyPeer] = {}
    left_out: list[dict[str, str]] = []
    pairs = [(subject, peer) for subject in subjects for peer in peers]
    for number, (subject, peer) in enumerate(pairs):
        advance(number / len(pairs), f"{subject.name}: {peer}")
        try:
            ready[subject.name, peer] = prepare_peer(peer, subject, threads)
        except PeerMissingError as error:
            left_out.append({"subject": subject.name, "peer": peer, "reason": str(error)})
    if not ready:
        first = left_out[0]
        raise UsageError(f"--peers: none is left to time; {first['peer']}: {first['reason']}")
    return ready, left_out


def _describe(subject: Subject) -> dict[str, Any]:
    network, n_samples = subject.model.network, subject.windows.shape[1]
    costs = network.costs(n_samples, "folded")
    return {
        "name": subject.name,
        "sample_rate": subject.model.audio.sample_rate,
        "samples": n_samples,
        "parameters": network.n_parameters,
        "dense_parameters": network.n_dense_parameters,
        "multiply_adds": sum(cost.multiply_adds for cost in costs),
    }


def _result(
    pair: Pair, timing: Timing, peer: ReadyPeer, reference: Timing, batch: int
) -> dict[str, Any]:
    ratio = paired_ratio(timing.seconds, reference.seconds)
    milliseconds = timing.seconds * 1000 / batch
    return {
        "subject": pair[0],
        "peer": pair[1],
        "median_ms": _short(1000 * timing.median_s / batch),
        "quartiles_ms": [_short(1000 * s / batch) for s in timing.quartiles_s],
        "ratio": _short(ratio.median),
        "ratio_range": [_short(ratio.low), _short(ratio.high)],
        "difference": _short(peer.error),
        "calls": timing.n_calls,
        "rounds_ms": [_short(value) for value in milliseconds],
    }


def _layers(
    subjects: Sequence[Subject], ready: Mapping[Pair, ReadyPeer], request: Request, advance: Advance
) -> list[dict[str, Any]]:
    if not request.layers:
        return []
    timed = [subject for subject in subjects if (subject.name, "native") in ready]
    rows = []
    for number, subject in enumerate(timed):
        part = _part(advance, number / len(timed), (number + 1) / len(timed))
        for row in time_layers(subject, request.rounds, request.seed, part):
            rows.append({"subject": subject.name, **row.as_json()})
    return rows


def _part(advance: Advance, start: float, end: float) -> Advance:
    """Progress of a part, as progress of the whole."""
    return lambda share, words: advance(start + share * (end - start), words)


def _short(number: float) -> float:
    """Five significant digits: more than any clock here tells."""
    return float(f"{number:.5g}")
