"""The piece of a clip that made a model say what it said."""

from __future__ import annotations

from ..core.excerpt import Excerpt, cut_excerpt
from ..core.stream import OpenBlocks
from ..engine.session import Classifier


def decisive_excerpt(
    classifier: Classifier, open_blocks: OpenBlocks, name: str, label: str, most_s: float
) -> Excerpt:
    """Cut a clip around the window in which a label scores highest, the first of equals.

    Reads the clip twice, in bounded memory.

    Args:
        classifier: the model.
        open_blocks: of the clip, as `Classifier.hear` takes it.
        name: of the clip, for messages.
        label: one of the model's.
        most_s: longest piece in seconds; a clip that is no longer is taken whole.

    Raises: as `Classifier.hear`, reading the clip.
    """
    column = classifier.labels.index(label)
    best, moment = -1.0, (0.0, 0.0)
    timeline = classifier.hear_windows(open_blocks, name)
    for part in timeline:
        row = int(part.scores[:, column].argmax())
        if part.scores[row, column] > best:
            best = float(part.scores[row, column])
            moment = float(part.starts_s[row]), float(part.ends_s[row])
    rate = classifier.model.audio.sample_rate
    return cut_excerpt(open_blocks, rate, moment, timeline.duration_s, most_s)
