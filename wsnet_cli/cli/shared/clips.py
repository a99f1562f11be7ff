"""What `wsnet evaluate` measures a model on, and measuring it with a meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.counting import plural
from ...core.errors import UsageError
from ..showing import console
from ..showing.left_out import warn_left_out

if TYPE_CHECKING:
    from ...bulk.clips.clip_audio import ClipAudio
    from ...bulk.evaluating.evaluate import Evaluation
    from ...data.dataset import Clip, DataSet
    from ...engine.session import Classifier


@dataclass(frozen=True)
class Choice:
    """What of a data set to measure on, and how it is read; without a source, what a run held out.

    Raises:
        UsageError: something is said of data that is not named.
    """

    source: Path | None
    fold: str | None = None
    layout: str | None = None
    pattern: str | None = None

    def __post_init__(self) -> None:
        given = {"--fold": self.fold, "--layout": self.layout, "--pattern": self.pattern}
        for flag, value in given.items():
            if self.source is None and value is not None:
                raise UsageError(f"{flag} {value}: expected DATA as well")


def choose_clips(model: Path, choice: Choice) -> tuple[Sequence[Clip], ClipAudio]:
    """The labelled clips to measure on, and where their audio comes from.

    Raises:
        DataError: the data cannot be used, or the model lies in no run that held anything out.
        UsageError: no such layout, or the pattern makes no sense.
    """
    from ...bulk.clips.clip_audio import audio_of
    from ...bulk.clips.labelled import clips_of_data, held_out_clips

    if choice.source is None:
        _check_data(model.parent)
        return held_out_clips(model)
    fold, layout, pattern = choice.fold, choice.layout, choice.pattern
    clips = clips_of_data(choice.source, fold, layout, pattern, show_data)
    return clips, audio_of(choice.source)


def _check_data(folder: Path) -> None:
    """Say whose data it is that is gone, where the folder is that of a run."""
    from ...bulk.clips.labelled import data_of_run, has_split
    from ...core.errors import DataError
    from ...core.files import exists

    if has_split(folder):
        source = data_of_run(folder).source
        if not exists(source):
            raise DataError(
                f"{folder}: the data of this run is gone, {source}: no such file or folder; "
                "give the DATA to evaluate on"
            )


def warn_known(
    model: Path, classifier: Classifier, clips: Sequence[Clip], audio: ClipAudio, name: str = ""
) -> str:
    """Say how many of the clips the model was trained on, and return it; empty if none was.

    Of a model that lies in no run this is not known, and that is said.
    """
    from ...bulk.clips.labelled import has_split, n_trained_on

    if not has_split(model.parent):
        split = classifier.model.provenance.get("split")
        says = f"its file says: {split}" if split else "its file does not say"
        unknown = (
            f"the model lies in no run, so whether it was trained on any of these clips is not "
            f"known; {says}"
        )
        console.note(f"{name}{unknown}")
        return unknown
    n_known = n_trained_on(model, clips, audio)
    if not n_known:
        return ""
    known = f"{name}{n_known} of {len(clips)} clips were trained on; new sounds will do worse"
    console.warn(known)
    return known


def warn_of_leaks(model: Path) -> str:
    """Warn again of models that a run learned from and that know what it held out; return it."""
    from ...bulk.clips.labelled import leaks_of_run
    from ...core.quoting import shown

    lines = [shown(line) for line in leaks_of_run(model.parent)]
    for line in lines:
        console.warn(line)
    return "; ".join(lines)


def show_data(dataset: DataSet) -> None:
    """Say what was read."""
    n_clips = plural(len(dataset.clips), "clip")
    n_labels = plural(len(dataset.labels), "class", "classes")
    console.note(f"data: {dataset.layout}, {n_clips}, {n_labels}")
    for remark in dataset.notes:
        console.note(remark)
    warn_left_out(dataset.skipped)


def measure_clips(
    classifier: Classifier, clips: Sequence[Clip], audio: ClipAudio, workers: int | None
) -> Evaluation:
    """Classify clips with a meter, and warn of those that could not be read."""
    from ...bulk.evaluating.evaluate import evaluate_clips
    from ...bulk.predicting.pace import Pace
    from ...core.parallel import count_workers

    pace = Pace()
    with console.progress("evaluating") as advance:

        def on_clip(n_done: int, n_clips: int, audio_s: float) -> None:
            pace.add(audio_s)
            advance(n_done / n_clips, str(pace))

        n_workers = count_workers(workers, len(clips))
        outcome = evaluate_clips(classifier, clips, on_clip, n_workers, audio)
    if len(clips) > 1:
        n_failed = len(outcome.failures)
        console.note(f"{len(clips) - n_failed} classified, {n_failed} failed; {pace}")
    for failure in outcome.failures:
        console.warn(failure.reason)
    return outcome
