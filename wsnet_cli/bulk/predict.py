"""One prediction per input, whatever the input: a clip that cannot be read gets a row too."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from ..core.audio import Samples
from ..core.errors import AudioError
from ..core.parallel import Check, map_in_order
from ..core.sniff import shown
from ..engine.session import Classifier, Heard

OK, FAILED = "ok", "error"


@dataclass(frozen=True)
class Score:
    """A label and its share of the softmax, in [0, 1]."""

    label: str
    score: float


@dataclass(frozen=True)
class Prediction:
    """What is said of one input.

    Args:
        file: as the user named it; bytes that are no UTF-8 stand as backslash escapes.
        status: "ok" or "error".
        end_s: length of the clip in seconds; 0 where it could not be read.
        scores: the best labels, best first; empty where it could not be read.
        error: one line, or "" where all is well.
    """

    file: str
    status: str
    end_s: float
    scores: tuple[Score, ...]
    error: str = ""


def predict_files(
    classifier: Classifier, files: Iterable[Path], top_k: int, workers: int = 1
) -> Generator[Prediction, None, None]:
    """Classify files, and tell of them in their order, the same whatever the number of workers.

    A file that cannot be read gets a prediction that says why and stops no other. Close what is
    returned where it is not used up, as `parallel.map_in_order` says.

    Args:
        classifier: the model.
        files: what to classify; with one worker asked for one by one, else a few ahead.
        top_k: labels per clip, >= 1; more than there are gives all.
        workers: files that are read and classified at once, >= 1.
    """

    def work(file: Path, check: Check) -> Prediction:
        try:
            heard = hear_file(classifier, file, check=check)
        except AudioError as error:
            return Prediction(_readable(file), FAILED, 0.0, (), str(error))
        best = tuple(Score(*pair) for pair in classifier.top(heard.scores, top_k))
        return Prediction(_readable(file), OK, heard.duration_s, best)

    return map_in_order(work, files, workers)


def hear_file(
    classifier: Classifier,
    file: Path,
    start_s: float | None = None,
    end_s: float | None = None,
    *,
    check: Check,
) -> Heard:
    """Classify a file, or a part of it in seconds, calling `check` between the blocks of it.

    Raises:
        AudioError: it cannot be read. And what `check` raises.
    """
    open_blocks = classifier.open_file(file, start_s, end_s)

    def blocks() -> Iterator[Samples]:
        for block in open_blocks():
            check()
            yield block

    return classifier.hear(blocks, shown(str(file)))


def _readable(file: Path) -> str:
    return str(file).encode("utf-8", "backslashreplace").decode("utf-8")
