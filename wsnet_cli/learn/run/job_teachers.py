"""The teachers of a run where whole jobs are given: chosen for it, and known to be there before."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from ...core.configuration.settings import audio_settings
from ...core.errors import UsageError
from ...data.dividing.splits import Split
from ..teachers.model_source import Sources
from ..teachers.teacher_jobs import TeacherJob
from ..teachers.teachers import check_teacher
from .listener import Listener
from .prepared import PreparedData
from .ready import Ready


def with_teachers(ready: Ready, fold: str | None, listener: Listener) -> Ready:
    """The same with the teachers that held out what is held out now, of jobs that are teachers.

    The configuration names them, so that it says what is done, whatever becomes of the job.

    Args:
        ready: whose data is split.
        fold: that is held out, for the message.
        listener: is told who they are.

    Raises:
        UsageError: a job has none, or one that `check_teacher` refuses.
        WsnetError: as `model_source.read_source`.
    """
    config, data, distill = ready.config, ready.data, ready.config.train.distill
    if not ready.sources.jobs or distill is None:
        return ready
    held_out, trained = data.content(data.test), data.content((*data.train, *data.validation))
    sources = ready.sources.chosen(held_out, trained, fold)
    audio, dataset = audio_settings(config.audio), data.dataset
    for teacher in sources.teachers:
        check_teacher(teacher, dataset.labels, audio, multi_label=dataset.multi_label)
    listener.remark(f"teachers: {', '.join(teacher.name for teacher in sources.teachers)}")
    names = tuple(teacher.name for teacher in sources.teachers)
    train = config.train.model_copy(
        update={"distill": distill.model_copy(update={"teachers": names})}
    )
    return replace(ready, sources=sources, config=config.model_copy(update={"train": train}))


def check_jobs(
    jobs: Sequence[TeacherJob], data: PreparedData, splits: Mapping[str | None, Split]
) -> None:
    """Refuse jobs as teachers that have none for a run that is to come.

    Args:
        jobs: whose runs are teachers.
        data: prepared for whatever fold.
        splits: of the runs to come, by the fold that each holds out.

    Raises:
        UsageError: there is no teacher for a fold.
    """
    if not jobs:
        return
    for fold, split in splits.items():
        held_out, trained = (
            data.content(i for i in clips if data.packed.has(i))
            for clips in (split.test, (*split.train, *split.validation))
        )
        for job in jobs:
            job.teachers_of(held_out, trained, fold)


def keep_models(sources: Sources, folder: Path) -> None:
    """Refuse to empty a folder in which models lie that runs are to start from or learn from.

    Raises:
        UsageError: one lies there.
    """
    emptied = folder.resolve()
    files = {source.name: source.path for _, source in sources}
    files |= {job.name: Path(job.name) for job in sources.jobs}
    for name, path in files.items():
        place = path.resolve()
        if emptied in (place, *place.parents):
            raise UsageError(
                f"--force: {folder} holds {name}, which is to be started from or learned from, and "
                "would be deleted; expected another --name"
            )
