"""The job folders of a row: which there are, what is missing, and whether they are of the row."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from rows_file import RUNS, Row, Rows, job_options

from wsnet_cli.bulk.jobs.job_runs import runs_of_job
from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import UsageError
from wsnet_cli.core.networks.architectures import build_network
from wsnet_cli.core.run_files import RESULTS, can_continue_runs
from wsnet_cli.learn.jobs.experiment_folder import Experiment, open_experiment

KB = 1000
N_CLASSES = 10
"""For which networks are built to be compared; any number would do."""


def shown(command: Iterable[str]) -> str:
    """What comes after `wsnet`, as it is typed; $DATA stays a variable."""
    quoted = (word if word.startswith("$DATA/") else shlex.quote(word) for word in command)
    return " ".join(["wsnet", *quoted])


def row_command(name: str, row: Row, seeds: Sequence[int]) -> str:
    """The command that trains some seeds of a row from nothing, over all folds."""
    teacher = f"{RUNS}/{row.teacher}" if row.teacher else None
    options = job_options(row, name, seeds, None, teacher)
    return shown(["train", f"$DATA/{row.place.folder}", *options])


@dataclass(frozen=True)
class Step:
    """One `wsnet train`: what it is given, but for device and processes, and its job folder."""

    row: str
    job: str
    options: tuple[str, ...]
    resumes: bool = False


def plan_row(
    rows: Rows,
    name: str,
    root: Path | None,
    n_seeds: int | None,
    folds: str | None,
    first: int = 0,
) -> Iterator[Step]:
    """What is to be done for a row.

    Its first job is named as the row; one that adds seeds from K on ends in `-from-K`, and where
    folds are named, these stand in the name too.

    Args:
        rows: all of them.
        name: of the row.
        root: the folder with `runs/`; None where nothing has been trained yet.
        n_seeds: in place of the row's own.
        folds: as `--fold` takes them; None for all.
        first: the first seed that is wanted; those before it were trained elsewhere.

    Raises:
        UsageError: a folder of that name holds another job.
    """
    row = rows.rows[name]
    suffix = f"-folds-{folds.replace(',', '-')}" if folds and row.place.has_folds else ""
    teacher = f"{RUNS}/{row.teacher}{suffix}" if row.teacher else None
    n_seeds = n_seeds or row.seeds
    while first < n_seeds:
        job = f"{name}{suffix}" + (f"-from-{first}" if first else "")
        folder = None if root is None else root / RUNS / job
        if folder is None or not can_continue_runs(folder):
            options = job_options(row, job, range(first, n_seeds), folds, teacher)
            yield Step(name, job, tuple(options))
            return
        found = open_experiment(folder)
        check_job(name, row, folder, found)
        if found.seeds != tuple(range(first, first + len(found.seeds))):
            raise UsageError(
                f"{folder}: is of the seeds {', '.join(map(str, found.seeds))}; expected them from "
                f"{first} on; move it away"
            )
        if not is_finished(folder, found):
            yield Step(name, job, ("--resume", f"{RUNS}/{job}"), resumes=True)
        first += len(found.seeds)


def is_finished(folder: Path, experiment: Experiment) -> bool:
    """Whether all runs of a job came to their end."""
    if not (folder / RESULTS).is_file():
        return False
    try:
        return len(runs_of_job(folder)) == len(experiment.folds) * len(experiment.seeds)
    except UsageError:  # some failed
        return False


def check_job(name: str, row: Row, folder: Path, experiment: Experiment) -> None:
    """Refuse a job that was begun with other settings than the row has today.

    What a network is chosen by (`max_kb`) is compared, and where a row names a preset with the
    network that another one was fitted to, the networks.

    Raises: UsageError.
    """
    request, wanted = experiment.request, row.read_config()
    asked = None if row.max_kb is None else round(row.max_kb * KB)
    begun = request.config
    if asked is None and request.max_bytes is not None:
        begun = _config_of_a_run(folder) or begun
    elif asked != request.max_bytes:
        raise UsageError(
            f"{folder}: was begun with --max-kb {(request.max_bytes or 0) / KB:g}, and the row "
            f"{name} has {row.max_kb}; move it away, or change the row"
        )
    if (begun.train.distill is None) != (row.teacher is None):
        raise UsageError(f"{folder}: only one of it and the row {name} has teachers")
    for key, theirs, ours in differences(begun, wanted):
        raise UsageError(
            f"{folder}: was begun with {key} = {theirs}, and the row {name} has {ours}; move it "
            "away, or change the row"
        )


def _config_of_a_run(folder: Path) -> Config | None:
    found = sorted(folder.glob("*seed-*/config.yaml"))
    return load_config(str(found[0])) if found else None


def differences(begun: Config, wanted: Config) -> Iterator[tuple[str, object, object]]:
    """Keys whose values differ, but for the seed, the hop, the teachers' names and words."""
    if network_of(begun) != network_of(wanted):
        yield "network", "another one", "that of its config"
    theirs, ours = (_compared(config) for config in (begun, wanted))
    for key, value in ours.items():
        if theirs[key] != value:
            yield key, theirs[key], value


def _compared(config: Config) -> dict[str, object]:
    """All else that is to be the same, by key."""
    sections = {name: getattr(config, name) for name in ("audio", "augment", "train")}
    values = {f"{name}.{k}": v for name, section in sections.items() for k, v in section}
    distill = values.pop("train.distill")
    for key in ("train.seed", "audio.hop_s"):  # the hop is of measuring alone
        del values[key]
    if distill is not None:
        values |= {f"train.distill.{k}": v for k, v in distill if k != "teachers"}
    values |= {"network.dropout": config.network.dropout, "start": config.start}
    return {**values, "from_data": config.from_data}


def network_of(config: Config) -> object:
    """The network of a configuration, to compare."""
    return build_network(config.network, N_CLASSES, audio_settings(config.audio).window_samples)
