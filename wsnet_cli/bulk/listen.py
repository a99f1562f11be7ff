"""Standard input through a model: predictions while a recorder is still running."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path

from ..core.files import atomic_stream
from ..core.pipe import PipedSound
from ..engine.session import Classifier
from .answers import OK, Answer, Prediction, Segment, predictions_of
from .outputs import Output
from .predict import Hearing
from .request import Request
from .sources import STDIN
from .writers.formats import FORMATS, make_writer
from .writers.writer import Facts, Writer

PLACE = "stdin"
"""Name of the recording in a folder of files for each recording."""


def listen(classifier: Classifier, request: Request, sound: PipedSound) -> Iterator[Prediction]:
    """What is heard, told as soon as it is sure: each window when its last sample has come.

    A request for the whole clip is answered at the end of the stream.

    Raises: AudioError: as `core.pipe.open_pipe`; what was told before stands.
    """
    open_blocks = sound.open(classifier.model.audio.sample_rate, request.channel)
    hearing = Hearing(classifier, request, open_blocks, sound.name, sound.live)
    n_told = 0
    for segments in hearing:
        for prediction in _told(segments, classifier.labels):
            n_told += 1
            yield prediction
    if n_told == 0:
        yield from predictions_of(Answer(STDIN, OK, hearing.duration_s), classifier.labels)


@contextmanager
def open_writers(outputs: Sequence[Output], facts: Facts) -> Iterator[list[Writer]]:
    """A writer for each output, all fed at once; the files get their names at the end.

    Raises: FileError: the system refuses.
    """
    with ExitStack() as stack:
        writers: list[Writer] = []
        for output in outputs:
            stream = stack.enter_context(atomic_stream(_file_of(output)))
            writers.append(make_writer(output.format, stream, facts))
        yield writers


def _file_of(output: Output) -> Path:
    if output.is_folder:
        return output.path / f"{PLACE}{FORMATS[output.format].suffix}"
    return output.path


def _told(segments: Iterable[Segment], labels: Sequence[str]) -> Iterator[Prediction]:
    for segment in segments:
        if segment.scores:
            answer = Answer(STDIN, OK, parts=([segment],))
            yield from predictions_of(answer, labels)
