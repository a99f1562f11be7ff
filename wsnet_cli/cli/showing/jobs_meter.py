"""What several runs at once look like on the screen."""

from __future__ import annotations

from time import monotonic
from typing import TYPE_CHECKING

from ...core.counting import plural
from ...core.run_files import CURVES
from . import console
from .training import LINE_EVERY_S, ConsoleListener, say_data, say_duration, tell_left_out

if TYPE_CHECKING:
    from pathlib import Path

    from ...learn.jobs.jobs import Outcome
    from ...learn.run.prepared import PreparedData
    from ...learn.training.trainer import EpochRow


class JobsMeter(ConsoleListener):
    """A bar for the whole with the time left, and a line for each run that ends."""

    def __init__(self) -> None:
        super().__init__()
        self._n_runs = 1
        self._n_ended = 0
        self._shares: dict[str, float] = {}
        self._share_before = 0.0
        self._began_at = monotonic()
        self._lines: set[str] = set()

    def __enter__(self) -> JobsMeter:
        return self

    def planned(self, data: PreparedData, n_runs: int, n_workers: int, folder: Path) -> None:
        """Say what is about to be trained on what."""
        self._stack.close()
        console.note(say_data(data))
        tell_left_out(data)
        at_once = f", {n_workers} at once" if n_workers > 1 else ", one after the other"
        console.note(f"{plural(n_runs, 'run')}{at_once if n_runs > 1 else ''}, in {folder}")
        self.expect(n_runs)

    def expect(self, n_runs: int) -> None:
        """So many runs make up the whole."""
        self._stack.close()
        self._n_runs = n_runs
        self._began_at = self._told_at = monotonic()

    def began(self, name: str) -> None:
        """Tell it to who asked for more."""
        console.detail(f"{name}: began")

    def moved(self, name: str, fraction_done: float) -> None:
        """Move the bar; off a terminal now and then say how far the whole is."""
        if name not in self._shares:  # it may go on from where it was stopped
            self._share_before += fraction_done
        self._shares[name] = fraction_done
        self._show()

    def run_epoch(self, name: str, row: EpochRow) -> None:
        """Tell it to who asked for more."""
        console.detail(
            f"{name}: epoch {row.epoch}  loss {row.loss:.3f}  accuracy {100 * row.accuracy:.0f} %"
        )

    def told(self, name: str, line: str, warning: bool) -> None:
        """Warn once of what every run may say; tell the rest to who asked for more."""
        if not warning:
            console.detail(f"{name}: {line}")
        elif line not in self._lines:
            self._lines.add(line)
            console.warn(f"{name}: {line}")

    def ended(self, outcome: Outcome) -> None:
        """A line for the run."""
        self._n_ended += 1
        if outcome.name not in self._shares:  # it came to its end earlier
            self._share_before += 1
        self._shares[outcome.name] = 1.0
        if outcome.error is not None:
            console.warn(f"{outcome.name}: {outcome.error}")
        elif outcome.finished is not None:
            console.note(f"{outcome.name}: {_say_measures(outcome.finished.metrics)}")
            self._folder = outcome.finished.folder.path
            if not (self._folder / CURVES).is_file():
                self.draw()
        self._show()

    def _show(self) -> None:
        share = sum(self._shares.values()) / self._n_runs
        words = f"{self._n_ended} of {plural(self._n_runs, 'run')}"
        self._enter_stage("training")
        self._advance(share, words)
        if monotonic() - self._told_at >= LINE_EVERY_S and not console.draws_progress():
            self._told_at = monotonic()
            done = share - self._share_before / self._n_runs
            left = (self._told_at - self._began_at) * (1 - share) / done if done > 0 else None
            console.note(
                f"{words} done, {100 * share:.0f} % of the whole"
                + (f", {say_duration(left)} left" if left is not None else "")
            )


def _say_measures(metrics: dict[str, object] | None) -> str:
    if metrics is None:
        return "finished, nothing held out"
    accuracy = metrics["accuracy"]
    assert isinstance(accuracy, float | int)
    return f"{100 * accuracy:.1f} % of {metrics['n_clips']} clips"
