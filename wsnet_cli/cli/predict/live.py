"""`wsnet predict -`: standard input, told while it comes."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from io import BufferedIOBase
from typing import TYPE_CHECKING, cast

from ...bulk.inputs.sources import STDIN
from ...bulk.outputs.outputs import check_replaceable, plan_outputs
from ...bulk.predicting.answers import FAILED, OK, Answer, Prediction
from ...bulk.writers.formats import name_no_failures
from ...bulk.writers.writer import Counts, Facts, Writer
from ...core.errors import AudioError, UsageError
from ...core.sound.pipe import STANDARD_INPUT
from ..shared.stopping import stopped, terminable, uninterrupted
from ..showing import console
from .meter import warn_doubt, warn_of_failures
from .show import screen_writer

if TYPE_CHECKING:
    from ...bulk.predicting.request import Request
    from ...core.sound.pcm import PcmFormat
    from ...engine.session import Classifier
    from .checks import Delivery


def check_live(delivery: Delivery) -> None:
    """Raise UsageError where an output exists or needs files, or where nothing can come in."""
    if sys.stdin is None:
        raise UsageError("- (standard input): is closed; expected sound")
    if delivery.embeddings or delivery.sort_into:
        raise UsageError(
            "- (standard input): --embeddings and --sort-into need files; expected neither"
        )
    if delivery.out and not delivery.force:
        check_replaceable(plan_outputs(delivery.formats, delivery.out, n_inputs=1))


def run_live(
    classifier: Classifier,
    request: Request,
    delivery: Delivery,
    facts: Facts,
    raw: PcmFormat | None,
) -> Counts:
    """Classify standard input; when it is interrupted, what was heard until then is the result.

    A failure that the results have no place for is named on stderr.

    Raises:
        Interrupted: SIGINT or SIGTERM came; all that was heard is written.
        FileError: the system refuses.
    """
    stop: KeyboardInterrupt | None = None
    counts, doubts = Counts(), list[str]()
    told: dict[str, str] = {}  # each status that there was, with its error

    def is_read() -> bool:
        return list(told) != [FAILED]

    with terminable(), _writers(delivery, request, facts, is_read) as writers:
        try:
            for prediction in _predictions(classifier, request, raw, doubts.append):
                with uninterrupted():
                    told[prediction.status] = prediction.error
                    for writer in writers:
                        writer.add(prediction)
        except KeyboardInterrupt as error:
            stop = error
        status = FAILED if FAILED in told else OK
        answer = Answer(STDIN, status, error=told.get(FAILED, ""), doubts=tuple(doubts))
        counts.add(answer)
        for writer in writers:
            writer.end(counts)
    unnamed = name_no_failures(delivery.formats)
    if delivery.out and (is_read() or not unnamed):
        console.note(f"written: {delivery.out.absolute()}")
    if unnamed:
        warn_of_failures([answer])
    for doubt in doubts:
        warn_doubt(doubt, STANDARD_INPUT)
    if stop is not None:
        raise stopped(stop, "what was heard until then is told")
    return counts


def _predictions(
    classifier: Classifier, request: Request, raw: PcmFormat | None, doubt: Callable[[str], None]
) -> Iterator[Prediction]:
    from ...bulk.running.listen import listen
    from ...core.sound.pipe import open_pipe

    stream = cast(BufferedIOBase, sys.stdin.buffer)
    try:
        with open_pipe(stream, raw) as sound:
            yield from listen(classifier, request, sound, doubt)
    except AudioError as error:
        yield Prediction(STDIN, FAILED, 0.0, 0.0, (), str(error))


@contextmanager
def _writers(
    delivery: Delivery, request: Request, facts: Facts, is_read: Callable[[], bool]
) -> Iterator[list[Writer]]:
    if not delivery.out:
        with screen_writer(delivery.formats[0], facts, request.view, live=True) as writer:
            yield [writer]
        return
    from ...bulk.running.listen import open_writers

    outputs = plan_outputs(delivery.formats, delivery.out, n_inputs=1)
    with open_writers(outputs, facts, is_read) as writers:
        yield writers
