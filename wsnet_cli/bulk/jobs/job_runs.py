"""Several runs over folds and seeds: which there are, as the results of their job say."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

from ...core.errors import ArtifactError, UsageError
from ...core.files import explain_os_errors
from ...core.run_files import RESULTS, can_continue_runs


@dataclass(frozen=True)
class JobRun:
    """A finished run of a job.

    Args:
        name: of its folder.
        fold: that it held out; None where none was named.
        seed: of its randomness.
        n_bytes: of its model.
        n_clips: that it was measured on; 0 where nothing was held out.
    """

    name: str
    fold: str | None
    seed: int
    n_bytes: int
    n_clips: int


def runs_of_job(folder: Path) -> list[JobRun]:
    """The runs of a job, all of which came to their end.

    Raises:
        UsageError: the job did not end, or some of its runs failed.
        ArtifactError: its results are damaged.
    """
    path = folder / RESULTS
    again = (
        f"go on with them: wsnet train --resume {folder}"
        if can_continue_runs(folder)
        else "give the command again that began them"
    )
    if not path.is_file():
        raise UsageError(f"{folder}: its runs have not ended, it holds no {RESULTS}; {again}")
    with explain_os_errors("read", path):
        content = path.read_bytes()
    try:
        values = json.loads(content)
        failed = [f"{run['run']}: {run['error']}" for run in values["failed"]]
        runs = [
            JobRun(
                str(run["run"]),
                None if run.get("fold") is None else str(run["fold"]),
                int(run["seed"]),
                int(run.get("bytes", 0)),
                int(run["n_clips"]),
            )
            for run in values["runs"]
        ]
        if not all(run.name and Path(run.name).name == run.name != ".." for run in runs):
            raise ValueError("a name that leads elsewhere")
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ArtifactError(f"{path}: is damaged; expected what wsnet train wrote there") from error
    if failed or not runs:
        raise UsageError(
            f"{folder}: {len(failed)} of its {len(failed) + len(runs)} runs failed"
            f"{f' ({failed[0]})' if failed else ''}; {again}"
        )
    return runs


def measured_runs(folder: Path) -> list[JobRun]:
    """Those runs of a job that held something out.

    Raises:
        UsageError: as `runs_of_job`, or none did.
        ArtifactError: as `runs_of_job`.
    """
    runs = [run for run in runs_of_job(folder) if run.n_clips]
    if not runs:
        raise UsageError(f"{folder}: none of its runs held anything out; expected some that did")
    return runs
