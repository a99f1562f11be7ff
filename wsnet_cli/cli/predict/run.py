"""Many files through a model, shown while they come."""

from __future__ import annotations

from contextlib import closing
from typing import TYPE_CHECKING

from ...bulk.predicting.answers import FAILED, Answer, predictions_of
from ...bulk.writers.formats import name_no_failures
from ...bulk.writers.writer import Counts, Facts, Writer
from ..shared.stopping import stopped, terminable
from ..showing.left_out import MOST_SHOWN
from .meter import Meter, warn_of_failures
from .show import screen_writer

if TYPE_CHECKING:
    from ...bulk.inputs.sources import Inputs
    from ...bulk.predicting.request import Request
    from ...engine.session import Classifier


def run_shown(
    classifier: Classifier,
    inputs: Inputs,
    request: Request,
    format_: str,
    facts: Facts,
    workers: int,
) -> Counts:
    """Classify and put the results on stdout; failures that these have no place for, on stderr.

    Raises: Interrupted: SIGINT or SIGTERM came.
    """
    from ...bulk.predicting.predict import predict_files

    meter = Meter(len(inputs.names), format_)
    has_no_place = name_no_failures([format_])
    unnamed: list[Answer] = []
    try:
        with terminable(), screen_writer(format_, facts, request.view) as writer:
            answers = predict_files(classifier, inputs.names, request, workers, inputs.refusals)
            with meter.drawn(), closing(answers):
                for answer in answers:
                    show(answer, facts, writer)
                    meter.add(answer)
                    if has_no_place and answer.status == FAILED and len(unnamed) < MOST_SHOWN:
                        unnamed.append(answer)
            writer.end(meter.counts)
    except KeyboardInterrupt as error:
        raise stopped(error, "with -o, a run can go on where it was stopped") from error
    meter.sum_up()
    warn_of_failures(unnamed)
    return meter.counts


def show(answer: Answer, facts: Facts, writer: Writer) -> None:
    """Write all that is said of an answer."""
    for prediction in predictions_of(answer, facts.labels, facts.hit):
        writer.add(prediction)
