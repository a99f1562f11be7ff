"""`wsnet train` over folds and seeds: several runs as one job."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import TrainingError, UsageError
from ..shared.stopping import stopped, terminable
from ..showing import console
from ..showing.pooled_tables import show_results

if TYPE_CHECKING:
    from ...learn.jobs.experiment import Done
    from ...learn.run.request import Request

MOST_SEEDS = 1_000


def choose_seeds(
    fold: str | None, seeds: str | None, seed: int | None, first: int
) -> tuple[int, ...]:
    """The seeds of several runs; none where --fold and --seeds ask for a single run.

    Args:
        fold: what --fold was given.
        seeds: what --seeds was given.
        seed: what --seed was given.
        first: train.seed.

    Raises:
        UsageError: as `parse_seeds`, or --seed stands beside a list of seeds.
    """
    several_folds = fold is not None and (fold == "all" or "," in fold)
    if seeds is None and not several_folds:
        return ()
    found = parse_seeds(seeds, first)
    if seeds is not None and "," in seeds and seed is not None:
        raise UsageError(f"--seed {seed}: --seeds {seeds} names the seeds; leave one of them out")
    return found


def parse_seeds(text: str | None, first: int) -> tuple[int, ...]:
    """Seeds from how many there are, from the first on, or from a list of them.

    Args:
        text: what --seeds was given; None: the first alone.
        first: train.seed.

    Raises:
        UsageError: neither a number nor a list of different ones.

    >>> parse_seeds("3", 0), parse_seeds("0,7", 0), parse_seeds("7,", 0), parse_seeds(None, 5)
    ((0, 1, 2), (0, 7), (7,), (5,))
    """
    if text is None:
        return (first,)
    if re.fullmatch(r"[0-9]{1,9}", text):
        n = int(text)
        if not 1 <= n <= MOST_SEEDS:
            raise UsageError(f"--seeds {text}; expected 1 to {MOST_SEEDS:,} seeds")
        return tuple(range(first, first + n))
    parts = [part.strip() for part in text.removesuffix(",").split(",")]
    if not all(re.fullmatch(r"[0-9]{1,18}", part) for part in parts):
        raise UsageError(f"--seeds {text}; expected how many, such as 3, or a list such as 0,1,2")
    seeds = tuple(map(int, parts))
    if len(set(seeds)) < len(seeds):
        raise UsageError(f"--seeds {text}; expected every seed once")
    return seeds


def refuse_beside_job(given: Mapping[str, object]) -> None:
    """Refuse options that have no meaning for several runs at once, and torchrun.

    Raises: UsageError: an option is given, that is, not None; or this is one of several processes.
    """
    flags = ", ".join(flag for flag, value in given.items() if value is not None)
    if flags:
        raise UsageError(f"{flags}: of a single run; leave it out where there are several")
    if os.environ.get("WORLD_SIZE", "1") != "1":
        raise UsageError(
            "several runs under torchrun: expected a plain wsnet train, which starts the "
            "processes itself (--jobs)"
        )


def refuse_beside_run(workers: int | None) -> None:
    """Refuse a number of runs at once where there is only one.

    Raises: UsageError: it is given.
    """
    if workers is not None:
        raise UsageError(
            f"--jobs {workers}: runs at once, and this is one run; leave it out, or ask for "
            "several with --fold all or --seeds"
        )


def train_many(request: Request, seeds: tuple[int, ...], workers: int | None, json: bool) -> None:
    """Train over folds and seeds, or go on with it; show the table."""
    from ...learn.jobs.experiment import start_experiment
    from ..showing.jobs_meter import JobsMeter

    with told_when_stopped(), JobsMeter() as listener:
        done = start_experiment(request, seeds, workers, listener)
    _show(done, json)


def resume_many(
    folder: Path, data: Path | None, device: str, workers: int | None, json: bool
) -> None:
    """Go on with what is missing in a folder of several runs; show the table."""
    from ...learn.jobs.experiment import resume_experiment
    from ..showing.jobs_meter import JobsMeter

    with told_when_stopped(), JobsMeter() as listener:
        done = resume_experiment(
            folder, data, None if device == "auto" else device, workers, listener
        )
    _show(done, json)


@contextmanager
def told_when_stopped() -> Iterator[None]:
    """Signals before the first run, and second ones, end it in one line."""
    try:
        with terminable():
            yield
    except KeyboardInterrupt as error:
        raise stopped(error, "the same command goes on with what is saved") from error


def _show(done: Done, json: bool) -> None:
    results = done.results
    if json:
        console.print_json({"job": str(done.folder), **results.as_json()})
    elif results.pooled.runs:
        show_results(results.pooled)
        console.note(f"results: {(done.folder / 'results.json').absolute()}")
    if results.failed:
        (name, line), n = results.failed[0], len(results.failed)
        more = f" (and {n - 1} more)" if n > 1 else ""
        raise TrainingError(
            f"{n} of {n + len(results.pooled.runs)} runs failed: {name}: {line}{more}"
        )
