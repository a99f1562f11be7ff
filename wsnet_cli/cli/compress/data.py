"""The clips that compressing is measured on, and those that it may learn from: never the same."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ...core.errors import DataError, UsageError
from ...core.files import exists
from ...core.run_files import CONFIG
from ..showing import console
from ..showing.left_out import warn_left_out

if TYPE_CHECKING:
    from ...bulk.clips.clip_audio import ClipAudio
    from ...bulk.clips.labelled import RunData
    from ...core.configuration.config import Config
    from ...core.model import Model
    from ...data.clips import Clip
    from ...data.packing.pack_job import Progress
    from ...learn.run.prepared import PreparedData


_SAYS_LITTLE = "what it had right before is too much"
_NO_EVIDENCE = "that is no evidence of what it keeps, so it is not refused by it"


@dataclass(frozen=True)
class DataOptions:
    """What was said of the data; None: the data and the split of the run that MODEL lies in."""

    source: Path | None = None
    layout: str | None = None
    pattern: str | None = None
    fold: str | None = None

    def check(self) -> None:
        """Refuse what makes no sense, before any work.

        Raises: UsageError.
        """
        if self.source is None:
            for flag in ("layout", "pattern", "fold"):
                if (value := getattr(self, flag)) is not None:
                    raise UsageError(f"--{flag} {value}: expected --data as well")
        elif not exists(self.source):
            raise UsageError(
                f"--data {self.source}: no such folder or manifest; expected labelled clips"
            )
        if self.fold == "all":
            raise UsageError("--fold all: one fold is held out; expected its name")


@dataclass(frozen=True)
class HeldOut:
    """Clips that nothing is learned from now, and where their audio comes from.

    Args:
        clips: one or more.
        audio: of them.
        n_trained_on: how many the run of the model was trained on.
        how: they were chosen.
    """

    clips: tuple[Clip, ...]
    audio: ClipAudio
    n_trained_on: int = 0
    how: str = ""

    @property
    def proves(self) -> bool:
        """Whether a model can be judged by them: it was not trained on most."""
        return 2 * self.n_trained_on <= len(self.clips)


class ModelData:
    """The data of a model: what was named with --data, else what its run was trained on.

    Args:
        path: of the model file.
        model: what it holds.
        options: what was said of the data.
    """

    def __init__(self, path: Path, model: Model, options: DataOptions) -> None:
        self._path, self._model, self._options = path, model, options
        self._prepared: PreparedData | None = None

    @property
    def is_there(self) -> bool:
        """Whether there is some, as far as can be told without reading it."""
        return self.is_named or self._in_run

    @property
    def is_named(self) -> bool:
        """Whether it was named with --data."""
        return self._options.source is not None

    @property
    def _in_run(self) -> bool:
        from ...bulk.clips.labelled import has_split

        return has_split(self._path.parent)

    def run_config(self) -> Config | None:
        """The configuration of the run that MODEL lies in, whatever the data; None without one.

        Raises: ConfigError: it cannot be read.
        """
        if not self._in_run:
            return None
        from ...core.configuration.config_file import load_config

        return load_config(str(self._path.parent / CONFIG))

    def plain_config(self) -> Config:
        """How to prepare the data where nothing is trained: neither versions nor backgrounds."""
        from ...core.configuration.config import AudioConfig, AugmentConfig, Config

        base = self.run_config() or Config()
        audio = AudioConfig(**asdict(self._model.audio))
        return base.model_copy(update={"audio": audio, "augment": AugmentConfig()})

    def prepare(self, config: Config) -> PreparedData:
        """Decode all clips through the cache and divide them, as `wsnet train` does; once.

        Data that was named, but no fold of it, is divided as the run of the model was where it has
        the clips that the run held out.

        Raises:
            DataError, UsageError: as `run.prepared`; or the run's held-out part is another now.
        """
        from ...bulk.clips.labelled import parts_by_content
        from ...learn.run.prepared import find_data, prepare_data

        if self._prepared is not None:
            return self._prepared
        options, parts = self._options, None
        if options.source is not None:
            found = find_data(options.source, options.layout, options.pattern)
            fold = options.fold
            if fold is None and self._in_run:
                parts = parts_by_content(self._path.parent)
        else:
            run = self._data_of_run()
            found, fold = find_data(run.source, run.layout, run.pattern), run.fold
        with _decoding() as on_decoded:
            data = prepare_data(found, config, fold, on_decoded, parts)
        if options.source is None:
            self._check_split(data)
        console.note(
            f"data: {len(data.dataset.clips)} clips; {data.split.how}; "
            f"{len(data.train)} to train on, {len(data.test)} held out"
        )
        warn_left_out(data.packed.failures.values())
        self._prepared = data
        return data

    def held_out(self) -> HeldOut | None:
        """The clips to measure on; None where nothing is held out.

        Raises:
            DataError: the data is gone, or has changed.
            WsnetError: as `prepare`.
        """
        from ...bulk.clips.clip_audio import audio_of
        from ...bulk.clips.labelled import held_out_clips, held_out_identities, n_trained_on

        source = self._options.source
        if source is None:
            if not held_out_identities(self._path.parent):
                return None
            self._data_of_run()
            return HeldOut(*held_out_clips(self._path))
        data = self._prepared or self.prepare(self.plain_config())
        clips, audio = tuple(data.dataset.clips[i] for i in data.test), audio_of(source)
        if not clips:
            return None
        held_out = HeldOut(clips, audio, n_trained_on(self._path, clips, audio), data.split.how)
        if held_out.n_trained_on:
            console.warn(
                f"the model was trained on {held_out.n_trained_on} of {len(clips)} held-out clips "
                f"({data.split.how}); {_SAYS_LITTLE if held_out.proves else _NO_EVIDENCE}"
            )
        return held_out

    def n_held_out_then(self) -> int:
        """How many of the clips to train on now the run of the model held out; after `prepare`."""
        from ...bulk.clips.clip_audio import audio_of
        from ...bulk.clips.labelled import n_trained_on

        data, source = self._prepared, self._options.source
        if data is None or source is None:
            return 0
        clips = [data.dataset.clips[i] for i in data.train]
        return n_trained_on(self._path, clips, audio_of(source), "test")

    def _data_of_run(self) -> RunData:
        """Where the data of the run is.

        Raises: DataError: env.json does not say so, or it is no longer there.
        """
        from ...bulk.clips.labelled import data_of_run

        run = data_of_run(self._path.parent)
        if not exists(run.source):
            raise DataError(
                f"{run.source}: the data of {self._path.parent} is no longer there; "
                "name it with --data"
            )
        return run

    def _check_split(self, data: PreparedData) -> None:
        """What was held out in the run must not be learned from now."""
        from ...bulk.clips.labelled import held_out_identities, identity_of

        then = held_out_identities(self._path.parent)
        now = {identity_of(data.dataset.clips[i]) for i in data.test}
        if then != now:
            raise DataError(
                f"{self._path.parent}: its data would be divided otherwise now ({len(now)} clips "
                f"held out, {len(now & then)} of them as then); expected the same clips, or --data"
            )


@contextmanager
def _decoding() -> Iterator[Progress]:
    with console.progress("decoding") as advance:
        yield lambda stage, done, n: advance(done / n, f"{stage}: {done} of {n} clips")
