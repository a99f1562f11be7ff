"""The piece of a clip that made a model say what it said, wherever its audio is."""

from __future__ import annotations

import bisect
import itertools
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ...core.errors import WsnetError
from ...core.locate import find_model
from ...core.measures.evaluation import ClipResult
from ...core.quoting import shown
from ...core.sound.excerpt import Excerpt, cut_excerpt
from ...core.sound.stream import OpenBlocks
from ...data.clips import Clip
from ...engine.session import Classifier
from ..clips.clip_audio import ClipAudio
from ..clips.labelled import held_out_clips


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


class ModelSounds:
    """Excerpts of clips that a model was measured on.

    Args:
        classifier: the model.
        audio: where the clips' audio comes from.
    """

    def __init__(self, classifier: Classifier, audio: ClipAudio) -> None:
        self._classifier = classifier
        self._audio = audio

    def excerpt(self, heard: ClipResult, label: str, most_s: float) -> Excerpt:
        """Cut a clip around the window in which a label scores highest.

        Raises: WsnetError: its audio cannot be had, or has changed; the message says why.
        """
        clip = Clip(heard.path, heard.file, heard.label, start_s=heard.start_s, end_s=heard.end_s)
        open_blocks = self._audio.open(self._classifier, clip)
        return decisive_excerpt(self._classifier, open_blocks, shown(clip.name), label, most_s)


class JobSounds:
    """Excerpts of clips that runs held out, by the models that these runs made.

    A run's model and data are looked for when the first of its clips is asked for; where they are
    gone, all its clips are told so.

    Args:
        folders: the run that each clip was held out by, as consecutive clips: its folder, and how
            many they are.
    """

    def __init__(self, folders: Sequence[tuple[Path, int]]) -> None:
        self._folders = [folder for folder, _ in folders]
        self._ends = list(itertools.accumulate(n for _, n in folders))
        self._runs: dict[Path, _RunSounds | WsnetError] = {}

    def excerpt(self, index: int, heard: ClipResult, label: str, most_s: float) -> Excerpt:
        """As `ModelSounds.excerpt`, of the clip with this place among all."""
        folder = self._folders[bisect.bisect_right(self._ends, index)]
        if folder not in self._runs:
            self._runs[folder] = _open_run(folder)
        run = self._runs[folder]
        if isinstance(run, WsnetError):
            raise run
        return run.sounds.excerpt(run.with_path(heard), label, most_s)


@dataclass(frozen=True)
class _RunSounds:
    """A run's model, and the files of what it held out."""

    sounds: ModelSounds
    paths: Mapping[str, Path]

    def with_path(self, heard: ClipResult) -> ClipResult:
        return replace(heard, path=self.paths.get(heard.file, Path(heard.file)))


def _open_run(folder: Path) -> _RunSounds | WsnetError:
    try:
        model = find_model(os.fspath(folder))
        clips, audio = held_out_clips(model)
        return _RunSounds(
            ModelSounds(Classifier.load(model), audio), {clip.name: clip.path for clip in clips}
        )
    except WsnetError as error:
        return error
