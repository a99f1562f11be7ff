"""`wsnet evaluate --report`: what was measured, as a page to look at and listen to."""

from __future__ import annotations

import shlex
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...core.errors import UsageError
from ...core.percent import exact, fine
from ..shared.clips import Choice
from ..shared.light import require
from ..showing import console

if TYPE_CHECKING:
    from ...bulk.clips.clip_audio import ClipAudio
    from ...bulk.jobs.pooled_runs import PooledRuns
    from ...core.calibrating.calibration import Calibration
    from ...core.measures.evaluation import Evaluated
    from ...engine.session import Classifier
    from ...report.evaluation_page import About, Listen

PAGE = "report.html"
N_TIMED = 30
"""Windows that are timed where no clip was heard; the middle one counts."""


def check_report(folder: Path, *, force: bool) -> None:
    """Refuse, before any work, what could not be written in the end.

    Raises:
        UsageError: as `bulk.evaluating.evaluation_files.check_target`.
        ModuleNotFoundError: the install is the light one.
    """
    from ...bulk.evaluating.evaluation_files import EVALUATION_FILES, check_target

    require("sklearn", "jinja2", "matplotlib")
    check_target("--report", folder, (*EVALUATION_FILES, PAGE), force=force)


@dataclass(frozen=True)
class Pages:
    """What all pages of one command have in common.

    Args:
        folder: that the page is written into.
        data: what was measured on, for people.
        warnings: what a reader must know.
    """

    folder: Path
    data: str
    warnings: tuple[str, ...] = ()


def report_model(
    pages: Pages,
    path: Path,
    classifier: Classifier,
    document: Mapping[str, Any],
    evaluated: Evaluated,
    audio: ClipAudio,
    speed: str,
) -> None:
    """Write the page of one model.

    Args:
        pages: where, and what is told beside.
        path: of the model file.
        classifier: the model.
        document: what metrics.json holds.
        evaluated: what it was computed from.
        audio: where the clips' audio comes from.
        speed: how long a clip took, for people.
    """
    from ...bulk.evaluating.excerpts import ModelSounds

    sounds = ModelSounds(classifier, audio)
    about = _about(pages, name_of_model(path), path, classifier, speed)
    _write(
        pages.folder,
        document,
        evaluated,
        about,
        lambda mistake, most_s: sounds.excerpt(mistake.clip, mistake.label, most_s),
    )


def name_of_model(path: Path) -> str:
    """What a model is called: as its run, where it is the model of one.

    >>> name_of_model(Path("sounds/model.q8.wsnet"))
    'model.q8.wsnet'
    """
    from ...core.run_files import ENVIRONMENT, MODEL

    is_of_run = path.name == MODEL and (path.parent / ENVIRONMENT).is_file()
    return path.resolve().parent.name if is_of_run else path.name


def report_runs(folder: Path, document: Mapping[str, Any], found: PooledRuns) -> None:
    """Write the page of several runs; sizes and facts are those of the first one's model."""
    from ...bulk.evaluating.excerpts import JobSounds
    from ...core.locate import find_model
    from ...engine.session import Classifier

    evaluated = check_scores(found)
    runs = [(found.folder / run.run, run.n_clips) for run in found.pooled.runs]
    sounds = JobSounds(runs)
    path = find_model(str(runs[0][0]))
    classifier = Classifier.load(path)
    pages = Pages(folder, f"what {len(runs)} runs over folds and seeds said of held-out clips")
    about = replace(
        _about(pages, found.folder.resolve().name, path, classifier, time_window(classifier)),
        calibration=(),
        unknown=None,
        one_of=f"{runs[0][0].name}, the first of {len(runs)} runs",
    )
    _write(
        folder,
        document,
        evaluated,
        about,
        lambda mistake, most_s: sounds.excerpt(mistake.index, mistake.clip, mistake.label, most_s),
    )


def check_scores(found: PooledRuns) -> Evaluated:
    """What the runs said. Raises: UsageError: they did not keep their scores."""
    if found.evaluated is None:
        raise UsageError(
            f"--report: the runs in {found.folder} kept no scores, so that there is little to "
            "show; train them again"
        )
    return found.evaluated


def say_data(choice: Choice, n_clips: int) -> str:
    """What was measured on."""
    if choice.source is None:
        return f"{n_clips:,} clips that its run held out"
    of_fold = "" if choice.fold is None else f", fold {choice.fold}"
    return f"{n_clips:,} clips of {choice.source.resolve().name}{of_fold}"


def say_speed(seconds: float, n_clips: int, workers: int, classifier: Classifier) -> str:
    """How long a clip took in an evaluation."""
    at_once = f", {workers} at once" if workers > 1 else ""
    return (
        f"{1000 * seconds / n_clips:.1f} ms a clip in this evaluation: {n_clips:,} clips in "
        f"{seconds:.1f} s, reading them included{at_once}, engine {classifier.engine.name}."
    )


def time_window(classifier: Classifier, clock: Callable[[], float] = time.perf_counter) -> str:
    """How long a window takes, measured now: the median of some, of noise."""
    import statistics

    import numpy as np

    n_samples = classifier.model.audio.window_samples
    windows = np.random.default_rng(0).normal(size=(1, n_samples)).astype(np.float32)
    times = []
    for _ in range(N_TIMED):
        start = clock()
        classifier.engine.logits(windows)
        times.append(clock() - start)
    seconds = classifier.model.audio.window_s
    return (
        f"{1000 * statistics.median(times):.2f} ms for a window of {seconds:g} s, the median of "
        f"{N_TIMED} of noise, measured for this page with the model of the first run; engine "
        f"{classifier.engine.name}."
    )


def say_calibration(calibration: Calibration, labels: Iterable[str]) -> tuple[str, ...]:
    """What the model stores to make scores and decisions of logits."""
    said = []
    if calibration.temperature != 1:
        said.append(f"The model stores a temperature of {calibration.temperature:g}.")
    if calibration.unknown is not None:
        least = f"{exact(calibration.unknown)} %"
        said.append(f"The model stores a least score of {least}, below which a clip is unknown.")
        if calibration.false_alarm_rate is not None:
            rate = f"{fine(calibration.false_alarm_rate)} %"
            said[-1] += f" When it was chosen, {rate} of background clips reached it."
    if calibration.thresholds is not None:
        pairs = zip(labels, calibration.thresholds, strict=True)
        each = ", ".join(f"{label} {exact(threshold)} %" for label, threshold in pairs)
        said.append(f"The model stores least scores of its labels: {each}.")
    return tuple(said) or ("The model stores no temperature and no thresholds.",)


def _about(pages: Pages, name: str, path: Path, classifier: Classifier, speed: str) -> About:
    from ... import __version__
    from ...core.describe import describe_model_file
    from ...core.files import explain_os_errors
    from ...core.sizes.ledger import make_ledger
    from ...report.evaluation_page import About

    calibration = classifier.model.calibration
    with explain_os_errors("read", path):
        content = path.read_bytes()
    return About(
        model=name,
        data=pages.data,
        command=shlex.join(("wsnet", *sys.argv[1:])),
        version=__version__,
        facts=describe_model_file(path).facts,
        ledger=make_ledger(classifier.model, content),
        speed=speed,
        warnings=pages.warnings,
        calibration=say_calibration(calibration, classifier.labels),
        unknown=calibration.unknown,
    )


def _write(
    folder: Path,
    document: Mapping[str, Any],
    evaluated: Evaluated,
    about: About,
    listen: Listen,
) -> None:
    from ...report.evaluation_page import write_evaluation_page

    write_evaluation_page(folder / PAGE, document, evaluated, about, listen)
    console.note(f"report: {(folder / PAGE).absolute()}")
