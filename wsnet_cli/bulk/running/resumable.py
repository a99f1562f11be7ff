"""A run that writes files: alone on its outputs, and going on where an earlier one stopped."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, closing
from pathlib import Path
from typing import Any

from ...core.errors import FileError
from ...core.files import explain_os_errors
from ...core.lock import hold
from ...core.parallel import Check, map_in_order
from ...engine.session import Classifier
from ..inputs.sources import Inputs
from ..predicting.answers import Answer
from ..predicting.predict import make_work
from ..predicting.request import Request
from .answer_log import AnswerLog

JOURNAL_SUFFIX = ".wsnet-journal"
LOCK_SUFFIX = ".wsnet-lock"

_LONGEST_STEM = 200  # bytes; systems allow names of some 255


def journal_path(anchor: Path, in_folder: bool) -> Path:
    """Where the journal of a run lies: hidden, in the folder that it fills or beside its file."""
    if in_folder:
        return anchor / JOURNAL_SUFFIX
    stem = anchor.name
    if len(os.fsencode(stem)) > _LONGEST_STEM:
        stem = hashlib.sha256(os.fsencode(stem)).hexdigest()
    return anchor.with_name(f".{stem}{JOURNAL_SUFFIX}")


@contextlib.contextmanager
def open_log(
    path: Path,
    request: Mapping[str, Any],
    names: Sequence[str],
    *,
    start_over: bool = False,
) -> Iterator[AnswerLog]:
    """The log of a run, not yet begun, held by this process alone; see `AnswerLog`.

    Args:
        path: of the journal.
        request: as `AnswerLog` takes it.
        names: the inputs.
        start_over: the user wants nothing of an earlier run, and existing outputs replaced.

    Raises: FileError: another process holds it, or the system refuses.
    """
    with (
        _alone(path),
        AnswerLog(path, request, names, start_over=start_over, may_replace=start_over) as log,
    ):
        yield log


def answer_all(
    classifier: Classifier, inputs: Inputs, request: Request, workers: int, log: AnswerLog
) -> Generator[tuple[Answer, bool], None, None]:
    """The answer of each input, in order, and whether it was known from an earlier run.

    What is new is in the log before it is told. Segments are read from the log when asked for.
    """
    work = make_work(classifier, request, inputs.refusals)

    def todo() -> Iterator[tuple[int, bool]]:
        for index in range(len(inputs.names)):
            yield index, log.is_known(index)

    def answer(item: tuple[int, bool], check: Check) -> tuple[int, Answer | None]:
        index, is_known = item
        return index, None if is_known else work(inputs.names[index], check)

    with closing(map_in_order(answer, todo(), workers)) as outcomes:
        for index, new in outcomes:
            if new is not None:
                log.add(index, new)
            yield log.read(index), new is None


def logged_answers(log: AnswerLog, n_inputs: int) -> Iterable[Answer]:
    """All answers of a run that is complete, in order."""
    return (log.read(index) for index in range(n_inputs))


def _alone(journal: Path) -> AbstractContextManager[None]:
    """Hold the lock of a journal."""
    stem = journal.name.removesuffix(JOURNAL_SUFFIX)
    path = journal.with_name(stem + LOCK_SUFFIX)
    with explain_os_errors("lock", path):
        path.parent.mkdir(parents=True, exist_ok=True)
    refusal = FileError(
        f"{journal.with_name(stem[1:]) if stem else journal.parent}: another wsnet predict is "
        "writing it; wait until that ends, or give another name"
    )
    return hold(path, refusal=refusal, remove=True)
