"""Standard input through a model: predictions while a recorder is still running."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from ...core.errors import AudioError, ParameterError
from ...core.files import atomic_stream
from ...core.sound.pipe import PipedSound
from ...core.sound.samples import Samples
from ...core.sound.stream import OpenBlocks
from ...engine.session import Classifier
from ..inputs.sources import STDIN
from ..outputs.outputs import Output
from ..predicting.answers import OK, SILENT, Answer, Prediction, Segment, predictions_of
from ..predicting.predict import Hearing
from ..predicting.request import Request
from ..predicting.terms import terms_of
from ..writers.formats import FORMATS, make_writer
from ..writers.writer import Facts, Writer

PLACE = "stdin"
"""Name of the recording in a folder of files for each recording."""


def listen(
    classifier: Classifier, request: Request, sound: PipedSound, doubt: Callable[[str], None]
) -> Iterator[Prediction]:
    """What is heard, told as soon as it is sure: each window when its last sample has come.

    A request for the whole clip is answered at the end of the stream. A signal that comes while
    the stream is waited for ends it, and so does a stream that breaks off: either is raised when
    all that was heard until then is told.

    Args:
        classifier: the model, with the windows that `request` asks for.
        request: what is asked.
        sound: what is heard.
        doubt: is told at the end which of DOUBTS there are.

    Raises:
        AudioError: as `core.sound.pipe.open_pipe`; what was heard before is told.
        KeyboardInterrupt: SIGINT or SIGTERM came.
    """
    blocks = _Stoppable(sound.open(classifier.model.audio.sample_rate, request.channel))
    hearing = Hearing(classifier, request, blocks.open, sound.name, sound.live)
    hit = terms_of(classifier.model, request).hit
    n_told = 0
    try:
        for segments in hearing:
            for prediction in _told(segments, classifier.labels, hit):
                n_told += 1
                yield prediction
    except (AudioError, ParameterError):  # the latter where no sample had come
        if blocks.stopped_by is None:
            raise
    else:
        if n_told == 0 and not isinstance(blocks.stopped_by, AudioError):  # which has its own row
            yield from predictions_of(Answer(STDIN, OK, hearing.duration_s), classifier.labels)
        if hearing.is_silent:
            doubt(SILENT)
    if blocks.stopped_by is not None:
        raise blocks.stopped_by


class _Stoppable:
    """A recording that a signal or a fault in it ends just as its own end would.

    Attributes:
        stopped_by: what was raised, or None.
    """

    def __init__(self, open_blocks: OpenBlocks) -> None:
        self.stopped_by: KeyboardInterrupt | AudioError | None = None
        self._open = open_blocks

    def open(self) -> Iterator[Samples]:
        """As `OpenBlocks`."""
        try:
            yield from self._open()
        except (KeyboardInterrupt, AudioError) as error:
            self.stopped_by = error


@contextmanager
def open_writers(
    outputs: Sequence[Output], facts: Facts, is_read: Callable[[], bool]
) -> Iterator[list[Writer]]:
    """A writer for each output, all fed at once; the files get their names at the end.

    Args:
        outputs: where to.
        facts: as writers take them.
        is_read: is asked at the end whether any of the recording could be read; where not, the
            formats that have a file for each recording leave none.

    Raises: FileError: the system refuses.
    """
    with ExitStack() as stack:
        writers: list[Writer] = []
        for output in outputs:
            stream = stack.enter_context(_open(output, is_read))
            writers.append(make_writer(output.format, stream, facts))
        yield writers


class _UnreadError(Exception):
    """Takes back a file that is being written."""


@contextmanager
def _open(output: Output, is_read: Callable[[], bool]) -> Iterator[BinaryIO]:
    with suppress(_UnreadError), atomic_stream(_file_of(output)) as stream:
        yield stream
        if FORMATS[output.format].per_recording and not is_read():
            raise _UnreadError


def _file_of(output: Output) -> Path:
    if output.is_folder:
        return output.path / f"{PLACE}{FORMATS[output.format].suffix}"
    return output.path


def _told(
    segments: Iterable[Segment], labels: Sequence[str], hit: Sequence[float] | None
) -> Iterator[Prediction]:
    for segment in segments:
        if segment.scores:
            answer = Answer(STDIN, OK, parts=([segment],))
            yield from predictions_of(answer, labels, hit)
