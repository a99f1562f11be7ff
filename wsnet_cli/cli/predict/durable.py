"""Many files through a model and into files, by a run that can be gone on with."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from ... import __version__
from ...bulk.outputs.outputs import (
    Output,
    check_replaceable,
    files_of_others,
    plan_outputs,
    remove_leftovers,
    write_outputs,
)
from ...bulk.predicting.answers import Answer
from ...bulk.running.resumable import answer_all, journal_path, logged_answers, open_log
from ...bulk.writers.embeddings import embedding_files, write_embeddings
from ...bulk.writers.formats import name_no_failures
from ...bulk.writers.writer import Counts, Facts, Writer
from ...core.counting import plural
from ...core.errors import FileError, UsageError
from ...core.files import exists
from ..shared.stopping import stopped, terminable
from ..showing import console
from .meter import Meter, warn_of_failures
from .run import show
from .show import screen_writer

if TYPE_CHECKING:
    from ...bulk.inputs.sources import Inputs
    from ...bulk.predicting.request import Request
    from ...bulk.running.answer_log import AnswerLog
    from ...engine.session import Classifier
    from .checks import Delivery

Known = Generator[tuple[Answer, bool], None, None]
"""Answers, and whether each is known from an earlier run."""


@dataclass(frozen=True)
class Targets:
    """What a run writes.

    Args:
        delivery: as the user asked for it.
        outputs: files and folders of `-o`.
        journal: what the run keeps until all is done.
    """

    delivery: Delivery
    outputs: list[Output]
    journal: Path


def plan_targets(delivery: Delivery, names: Sequence[str]) -> Targets:
    """Say what is written.

    Args:
        delivery: as the user asked for it.
        names: the inputs.

    Raises: UsageError: two outputs are one file, or one is an input; or something is there
        already, and no run that was stopped has to do with it.
    """
    out, embeddings, sort_into = delivery.out, delivery.embeddings, delivery.sort_into
    outputs = plan_outputs(delivery.formats, out, len(names)) if out else []
    if out:
        journal = journal_path(out, len(outputs) > 1 or outputs[0].is_folder)
    elif embeddings:
        journal = journal_path(embeddings, False)
    else:
        assert sort_into is not None
        journal = journal_path(sort_into, True)
    targets = Targets(delivery, outputs, journal)
    _check_apart(targets, names)
    if not delivery.force and not exists(journal):
        _check_free(targets)
    return targets


def run_durable(
    classifier: Classifier,
    inputs: Inputs,
    request: Request,
    targets: Targets,
    facts: Facts,
    workers: int,
    model: Path,
) -> Counts:
    """Classify and write files.

    Raises:
        Interrupted: SIGINT or SIGTERM came; what was done is kept.
        UsageError: an output exists.
        FileError: the system refuses; what was done is kept.
    """
    asked = {
        "wsnet": __version__,
        "model": hashlib.sha256(model.read_bytes()).hexdigest(),
        "engine": classifier.engine.name,
        **request.as_json(),
    }
    force = targets.delivery.force
    with open_log(targets.journal, asked, inputs.names, start_over=force) as log:
        if not log.may_replace:
            _check_free(targets)
        _tell_start(log, len(inputs.names), force)
        log.begin()
        meter = Meter(len(inputs.names), None if targets.outputs else targets.delivery.formats[0])
        with _keeping(log, meter):
            remove_leftovers(targets.outputs, _embedding_files(targets.delivery))
            answers = answer_all(classifier, inputs, request, workers, log)
            _go_through(answers, request, targets, facts, meter)
            log.mark_complete()
            _deliver(log, inputs, targets, facts, meter.counts, classifier)
        log.remove()
    return meter.counts


def _go_through(
    answers: Known, request: Request, targets: Targets, facts: Facts, meter: Meter
) -> None:
    """Have everything answered, and shown where no output holds it."""
    with _shown_beside(request, targets, facts) as writer:
        with meter.drawn(), closing(answers):
            for answer, is_known in answers:
                if writer and not _is_read(partial(show, answer, facts, writer)):
                    writer = None
                meter.add(answer, is_known)
        if writer:
            _is_read(partial(writer.end, meter.counts))
    meter.sum_up()


@contextmanager
def _shown_beside(request: Request, targets: Targets, facts: Facts) -> Iterator[Writer | None]:
    if targets.outputs:
        yield None
        return
    with screen_writer(targets.delivery.formats[0], facts, request.view) as writer:
        yield writer


def _is_read(write: Callable[[], object]) -> bool:
    """Write to stdout; False where nobody reads any more, which is no reason to write no files."""
    try:
        write()
    except BrokenPipeError:
        console.silence_stdout()
        return False
    return True


def _deliver(
    log: AnswerLog,
    inputs: Inputs,
    targets: Targets,
    facts: Facts,
    counts: Counts,
    classifier: Classifier,
) -> None:
    """Put everything into its place."""
    delivery = targets.delivery

    def answers() -> Iterable[Answer]:
        return logged_answers(log, len(inputs.names))

    if delivery.sort_into:
        from ...bulk.outputs.sort_into import Sorter

        n = Sorter(delivery.sort_into, facts.labels, delivery.link, facts.hit).sort(answers())
        made = plural(n, "link") if delivery.link else plural(n, "copy", "copies")
        console.note(f"sorted: {made} in {delivery.sort_into.absolute()}")
    if delivery.embeddings:
        write_embeddings(delivery.embeddings, answers, classifier.model.network.n_features)
        for path in _embedding_files(delivery):
            console.note(f"written: {path.absolute()}")
    for output in write_outputs(targets.outputs, answers, inputs.names, facts, counts):
        console.note(f"written: {output.path.absolute()}")
        if output.is_folder and log.may_replace:
            _warn_of_others(output, files_of_others(output, answers(), inputs.names))
    if name_no_failures(delivery.formats):
        warn_of_failures(answers())


def _warn_of_others(output: Output, files: Sequence[Path]) -> None:
    """They are not deleted, as another program may have put them there."""
    if files:
        what = "1 other file stays" if len(files) == 1 else f"{len(files):,} other files stay"
        console.warn(
            f"{output.path}: {what} in it, such as {files[0].relative_to(output.path)}, which this "
            "run has not written; delete what is not wanted, or give another folder"
        )


def _embedding_files(delivery: Delivery) -> list[Path]:
    return embedding_files(delivery.embeddings) if delivery.embeddings else []


def _check_apart(targets: Targets, names: Iterable[str]) -> None:
    """Raise UsageError if two outputs are one file, or an input would be written over."""
    embeddings = targets.delivery.embeddings
    results = {os.path.realpath(output.path) for output in targets.outputs}
    features = {os.path.realpath(path) for path in _embedding_files(targets.delivery)}
    if results & features:
        raise UsageError(
            f"--embeddings {embeddings}: writes {(results & features).pop()}, as -o does; "
            "give another name"
        )
    present = [path for path in results | features if Path(path).is_file()]
    if present and targets.delivery.force:
        for name in names:
            if os.path.realpath(name) in present:
                raise UsageError(
                    f"{name}: is an input, and would be written over; give another name to write to"
                )


def _check_free(targets: Targets) -> None:
    """Raise UsageError if an output exists."""
    check_replaceable(targets.outputs)
    for path in _embedding_files(targets.delivery):
        if exists(path):
            raise UsageError(
                f"--embeddings {path}: exists; give another name, or --force to write over it"
            )


def _tell_start(log: AnswerLog, n_inputs: int, force: bool) -> None:
    if log.of_another_request:
        console.note(
            "an earlier run was stopped, but of another model, version or options: starting over"
        )
    elif log.n_known and not force:
        console.note(
            f"going on where an earlier run stopped: {log.n_known:,} of {n_inputs:,} inputs are "
            "done (--force starts over)"
        )


@contextmanager
def _keeping(log: AnswerLog, meter: Meter) -> Iterator[None]:
    """Turn what stops a run into one line that says how to go on, with all that was done kept."""
    how = "to go on, run the same command again, without --force"
    try:
        with terminable():
            yield
    except KeyboardInterrupt as error:
        log.sync()
        raise stopped(error, f"{meter.how_far()} done and kept; {how}") from error
    except FileError as error:
        raise FileError(f"{error}; {meter.how_far()} done and kept; {how}") from error
