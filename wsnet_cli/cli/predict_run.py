"""Many files through a model: shown as they come, or written by a run that can be gone on with."""

from __future__ import annotations

import hashlib
import signal
import threading
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from types import FrameType
from typing import TYPE_CHECKING

from .. import __version__
from ..bulk.answers import FAILED, Answer, predictions_of
from ..bulk.pace import Pace
from ..bulk.writers.writer import Counts, Facts, Writer
from ..core.errors import Interrupted, UsageError
from ..core.files import exists
from . import console
from .exits import EXIT_INTERRUPTED, EXIT_TERMINATED
from .predict_show import ROWS_AT_ONCE, screen_writer

if TYPE_CHECKING:
    from ..bulk.answer_log import AnswerLog
    from ..bulk.outputs import Output
    from ..bulk.request import Request
    from ..bulk.sources import Inputs
    from ..engine.session import Classifier
    from .predict_options import Delivery

NOTE_EVERY_S = 60.0
"""How often a long run says how far it is, where no bar can be drawn."""
N_WARNINGS = 20
"""Failed inputs that are named on stderr, where no output has a place for them."""


class Terminated(KeyboardInterrupt):
    """SIGTERM came."""


def run_shown(
    classifier: Classifier,
    inputs: Inputs,
    request: Request,
    delivery: Delivery,
    facts: Facts,
    workers: int,
) -> Counts:
    """Classify and put the results on stdout, while they come."""
    from ..bulk.predict import predict_files

    (format_,) = delivery.formats
    writer = screen_writer(format_, facts, request.view)
    meter = _Meter(len(inputs.names), format_ if not delivery.out else None)
    with meter.drawn():
        answers = predict_files(classifier, inputs.names, request, workers, inputs.refusals)
        with closing(answers):
            for answer in answers:
                _show(answer, facts, writer)
                meter.add(answer)
    writer.end(meter.counts)
    meter.sum_up()
    return meter.counts


def run_durable(
    classifier: Classifier,
    inputs: Inputs,
    request: Request,
    delivery: Delivery,
    facts: Facts,
    workers: int,
    model: Path,
) -> Counts:
    """Classify and write files; a run that is stopped is gone on with by the same command.

    Raises:
        Interrupted: SIGINT or SIGTERM came; what was done is kept.
        UsageError: an output exists.
        FileError: the system refuses.
    """
    from ..bulk.outputs import plan_outputs, remove_leftovers
    from ..bulk.resumable import open_log

    outputs = (
        plan_outputs(delivery.formats, delivery.out, len(inputs.names)) if delivery.out else []
    )
    path = _journal(delivery, outputs)
    if not delivery.force and not exists(path):
        _check_free(outputs, delivery)
    asked = {
        "wsnet": __version__,
        "model": hashlib.sha256(model.read_bytes()).hexdigest(),
        "engine": classifier.engine.name,
        **request.as_json(),
    }
    with open_log(path, asked, inputs.names, start_over=delivery.force) as log:
        if not log.may_replace:
            _check_free(outputs, delivery)
        _tell_start(log, len(inputs.names), delivery)
        log.begin()
        remove_leftovers(outputs)
        n_done = 0

        def answers() -> Generator[tuple[Answer, bool], None, None]:
            nonlocal n_done
            from ..bulk.resumable import answer_all

            for answer, is_known in answer_all(classifier, inputs, request, workers, log):
                n_done += 1
                yield answer, is_known

        with _stoppable(log, lambda: f"{n_done:,} of {len(inputs.names):,} inputs are done"):
            counts = _go_through(answers(), inputs, request, delivery, facts)
            log.mark_complete()
            _deliver(log, inputs, delivery, outputs, facts, counts, classifier)
        log.remove()
    return counts


def _go_through(
    answers: Generator[tuple[Answer, bool], None, None],
    inputs: Inputs,
    request: Request,
    delivery: Delivery,
    facts: Facts,
) -> Counts:
    writer = None if delivery.out else screen_writer(delivery.formats[0], facts, request.view)
    meter = _Meter(len(inputs.names), None if delivery.out else delivery.formats[0])
    with meter.drawn(), closing(answers):
        for answer, is_known in answers:
            if writer:
                writer = writer if _shown(answer, facts, writer) else None
            meter.add(answer, is_known)
    if writer:
        writer.end(meter.counts)
    meter.sum_up()
    return meter.counts


def _deliver(
    log: AnswerLog,
    inputs: Inputs,
    delivery: Delivery,
    outputs: list[Output],
    facts: Facts,
    counts: Counts,
    classifier: Classifier,
) -> None:
    """Put everything into its place."""
    from ..bulk.outputs import write_outputs
    from ..bulk.resumable import logged_answers
    from ..bulk.writers.formats import FORMATS

    def answers() -> Iterable[Answer]:
        return logged_answers(log, len(inputs.names))

    if delivery.sort_into:
        from ..bulk.sort_into import Sorter

        n = Sorter(delivery.sort_into, facts.labels, delivery.link).sort(answers())
        what = "links" if delivery.link else "copies"
        console.note(f"sorted: {n:,} {what} in {delivery.sort_into.absolute()}")
    if delivery.embeddings:
        from ..bulk.writers.embeddings import embedding_files, write_embeddings

        write_embeddings(delivery.embeddings, answers, classifier.model.network.n_features)
        for path in embedding_files(delivery.embeddings):
            console.note(f"written: {path.absolute()}")
    write_outputs(outputs, answers, inputs.names, facts, counts)
    for output in outputs:
        console.note(f"written: {output.path.absolute()}")
    if outputs and all(FORMATS[output.format].per_recording for output in outputs):
        _warn_of_failures(answers())


def _show(answer: Answer, facts: Facts, writer: Writer) -> None:
    for prediction in predictions_of(answer, facts.labels):
        writer.add(prediction)


def _shown(answer: Answer, facts: Facts, writer: Writer) -> bool:
    """Show it; False where nobody reads any more, which is no reason to write no files."""
    try:
        _show(answer, facts, writer)
    except BrokenPipeError:
        console.silence_stdout()
        return False
    return True


def _warn_of_failures(answers: Iterable[Answer]) -> None:
    failed = (answer for answer in answers if answer.status == FAILED)
    for _, answer in zip(range(N_WARNINGS), failed, strict=False):
        console.warn(answer.error)


def _journal(delivery: Delivery, outputs: list[Output]) -> Path:
    from ..bulk.resumable import journal_path

    if delivery.out:
        return journal_path(delivery.out, len(outputs) > 1 or outputs[0].is_folder)
    if delivery.embeddings:
        return journal_path(delivery.embeddings, False)
    assert delivery.sort_into is not None
    return journal_path(delivery.sort_into, True)


def _check_free(outputs: list[Output], delivery: Delivery) -> None:
    """Raise UsageError if an output exists."""
    from ..bulk.outputs import check_replaceable

    check_replaceable(outputs)
    if delivery.embeddings:
        from ..bulk.writers.embeddings import embedding_files

        for path in embedding_files(delivery.embeddings):
            if exists(path):
                raise UsageError(
                    f"--embeddings {path}: exists; give another name, or --force to write over it"
                )


def _tell_start(log: AnswerLog, n_inputs: int, delivery: Delivery) -> None:
    if log.of_another_request:
        console.note(
            "an earlier run was stopped, but of another model, version or options: starting over"
        )
    elif log.n_known and not delivery.force:
        console.note(
            f"going on where an earlier run stopped: {log.n_known:,} of {n_inputs:,} inputs are "
            "done (--force starts over)"
        )


@contextmanager
def _stoppable(log: AnswerLog, how_far: Callable[[], str]) -> Iterator[None]:
    """Turn a signal into one line that says how to go on, with all that was done on the disk."""
    with terminable():
        try:
            yield
        except KeyboardInterrupt as error:
            log.sync()
            is_term = isinstance(error, Terminated)
            raise Interrupted(
                f"{'terminated' if is_term else 'interrupted'}: {how_far()} and kept; "
                "to go on, run the same command again, without --force",
                EXIT_TERMINATED if is_term else EXIT_INTERRUPTED,
            ) from error


@contextmanager
def terminable() -> Iterator[None]:
    """Within the block SIGTERM raises `Terminated`; outside the main thread it cannot."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, frame: FrameType | None) -> None:
        raise Terminated

    former = signal.signal(signal.SIGTERM, stop)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, former)


class _Meter:
    """Counts answers, and tells how far a run is.

    Args:
        n_inputs: that there are.
        on_screen: the format that stdout is getting meanwhile, or None.
    """

    def __init__(self, n_inputs: int, on_screen: str | None) -> None:
        self.counts = Counts()
        self.pace = Pace()
        self._n_inputs = n_inputs
        # A bar and rows that come meanwhile would get into each other's way.
        held = on_screen is None or on_screen == "json"
        few = on_screen == "table" and n_inputs <= ROWS_AT_ONCE
        self._may_draw = held or few or not console.stdout_is_terminal()
        self._noted_at = time.monotonic()
        self._advance: console.Advance = lambda share, words: None

    @contextmanager
    def drawn(self) -> Iterator[None]:
        """Draw a bar meanwhile, where there is a terminal for it."""
        if not self._may_draw:
            yield
            return
        with console.progress("predicting") as self._advance:
            yield

    def add(self, answer: Answer, is_known: bool = False) -> None:
        """Count one more."""
        self.counts.add(answer)
        if not is_known:
            self.pace.add(answer.duration_s)
        share = self.counts.inputs / self._n_inputs
        name = answer.name.rpartition("/")[2]
        self._advance(share, f"{self.counts.inputs:,}/{self._n_inputs:,}  {self.pace}  {name}")
        if not console.draws_progress() and time.monotonic() - self._noted_at >= NOTE_EVERY_S:
            self._noted_at = time.monotonic()
            console.note(f"{self.counts.inputs:,} of {self._n_inputs:,}; {self._left()}{self.pace}")

    def sum_up(self) -> None:
        """Say at the end what became of the inputs."""
        counts = self.counts
        if counts.inputs > 1 or counts.failed or counts.skipped:
            skipped = f", {counts.skipped:,} skipped" if counts.skipped else ""
            speed = f"; {self.pace}" if self.pace.n_files > 1 else ""
            console.note(f"{counts.ok:,} classified, {counts.failed:,} failed{skipped}{speed}")

    def _left(self) -> str:
        n_left = self._n_inputs - self.counts.inputs
        if not self.pace.n_files:
            return ""
        return f"about {self.pace.seconds_for(n_left) / 60:,.0f} min left; "
