"""From a path to clips in memory, split into train and held-out, ready to be fed."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ...core.configuration.config import Config
from ...core.configuration.settings import audio_settings
from ...core.errors import DataError
from ...core.parallel import count_workers
from ...data.dataset import DataSet
from ...data.dividing.again import split_again
from ...data.dividing.splits import Split
from ...data.layouts.known import load_dataset
from ...data.layouts.prepared import TITLE, open_prepared
from ...data.packing.cache import default_cache_root
from ...data.packing.content import file_digest
from ...data.packing.pack_job import Progress
from ...data.packing.packed import PackedSet, check_classes, pack
from ...data.prepared_folder import is_prepared
from ..feeding.backgrounds import Backgrounds, find_backgrounds, load_backgrounds
from ..feeding.balance import warn_few_clips
from ..feeding.batches import Feed
from ..feeding.variants import Variants, make_variants, wants_variants
from .divided import Pairs, count_leaks, divide, find_copies


@dataclass(frozen=True)
class PreparedData:
    """A data set, its decoded audio and its split; `fingerprint` changes with any of them.

    `together` are pairs of clips that sound alike. `n_leaks` held-out clips are copies of clips
    that are trained on: only where the data set's own split divides them. `variants` and
    `backgrounds` are there where the configuration asks for them, and then `fingerprint` changes
    with them too.
    """

    dataset: DataSet
    packed: PackedSet
    split: Split
    fingerprint: str
    together: Pairs = field(default_factory=list)
    n_leaks: int = 0
    variants: Variants | None = None
    backgrounds: Backgrounds | None = None

    @property
    def train(self) -> list[int]:
        """Readable training clips."""
        return [i for i in self.split.train if self.packed.has(i)]

    @property
    def test(self) -> list[int]:
        """Readable held-out clips."""
        return [i for i in self.split.test if self.packed.has(i)]

    @property
    def validation(self) -> list[int]:
        """Readable validation clips."""
        return [i for i in self.split.validation if self.packed.has(i)]

    def content(self, clips: Iterable[int]) -> list[str]:
        """The content key of each clip."""
        return [self.packed.content_keys[i] for i in clips]

    def classes(self, clips: list[int]) -> list[int]:
        """The class index of each clip; of a multi-label set, its row of `members`."""
        if self.dataset.multi_label:
            numbers = self.dataset.clips.label_numbers
            return [numbers[i] for i in clips]
        return [int(self.dataset.classes[i]) for i in clips]

    @property
    def members(self) -> npt.NDArray[np.bool_] | None:
        """Which classes each label of a multi-label set names; else None."""
        return self.dataset.members if self.dataset.multi_label else None

    def feed(self, config: Config) -> Feed:
        """The training part as augmented batches."""
        return Feed(
            packed=self.packed,
            clips=self.train,
            classes=self.classes(self.train),
            n_classes=len(self.dataset.labels),
            audio=audio_settings(config.audio),
            augment=config.augment,
            batch_size=config.train.batch_size,
            repeats=config.train.repeats,
            n_mixed_epochs=round(config.augment.mixing_until * config.train.epochs),
            seed=config.train.seed,
            balance=config.train.balance,
            variants=self.variants.sets if self.variants else (),
            backgrounds=self.backgrounds,
            members=self.members,
        )

    def remarks(self, feed: Feed) -> list[str]:
        """Lines for people about what is fed: balance, backgrounds, versions of clips."""
        lines = [feed.balance_line]
        if self.dataset.multi_label:
            lines.insert(0, "loss: binary cross-entropy of each class, as the set is multi-label")
        if self.backgrounds:
            lines.append(self.backgrounds.line)
        if self.variants:
            lines += self.variants.lines
        return lines

    def warnings(self, feed: Feed) -> list[str]:
        """Lines of warning about classes with few training clips, and files that were cut off."""
        return [*warn_few_clips(self.dataset.labels, feed.class_counts), *self._cut_off()]

    def _cut_off(self) -> list[str]:
        """Counts clips whose files end before their headers say, in one line; none if none do."""
        is_cut_off = self.packed.store.health()["cut_off"]
        used = (*self.train, *self.test, *self.validation)
        cut = [i for i in used if is_cut_off[self.packed.rows[i]]]
        if not cut:
            return []
        name = self.dataset.clips.names[min(cut)]
        return [
            f"cut-off: {len(cut):,} of {len(used):,} clips, such as {name}: the file ends before "
            "its header says; used as far as it goes (wsnet prepare lists them)"
        ]


@dataclass(frozen=True)
class Found:
    """A data set whose clips are known, and their audio where it is prepared already."""

    source: Path
    dataset: DataSet
    packed: PackedSet | None


def find_data(source: Path, layout: str | None = None, pattern: str | None = None) -> Found:
    """Find the clips and their labels.

    Args:
        source: a data folder, a manifest or a prepared folder.
        layout: the layout to read the data by, or None to find out.
        pattern: the naming scheme of its files, or None.

    Raises:
        DataError: the data cannot be used.
        UsageError: there is no such layout, or the pattern makes no sense.
    """
    if is_prepared(source) and (layout, pattern) in ((None, None), (TITLE, None)):
        return Found(source, *open_prepared(source))
    return Found(source, load_dataset(source, layout, pattern), None)


def layout_now(source: Path, layout: str | None) -> str | None:
    """The layout to read the data of a run by, when it goes on.

    A prepared folder is read as one, though the run may have begun with the data that it was made
    of, and the other way round.

    Args:
        source: the data, perhaps at another place than before.
        layout: as the run noted it.
    """
    return None if is_prepared(source) or layout == TITLE else layout


def prepare_data(
    found: Found,
    config: Config,
    fold: str | None,
    on_decoded: Progress | None = None,
    parts: Mapping[str, str] | None = None,
) -> PreparedData:
    """Decode the clips through the cache, and split them.

    Args:
        found: the clips.
        config: `audio.sample_rate`, `train.validation` and `augment` are used.
        fold: the fold to hold out, "none" to hold out nothing, or None for the data's own choice.
        on_decoded: told the stage, clips done, clips in all.
        parts: by content key, how an earlier run divided the clips: they are divided so again where
            `split_again` can.

    Raises:
        DataError: the data cannot be used, or no background recording can.
        ConfigError: there are no background recordings.
        UsageError: there is no such fold.
    """
    behind = find_backgrounds(config.augment.background) if config.augment.background else None
    rate = config.audio.sample_rate
    dataset, packed = found.dataset, found.packed
    if packed is None:
        workers = count_workers(None, len(dataset.clips))
        packed = pack(dataset, rate, default_cache_root(), on_decoded, workers)
    elif packed.sample_rate != rate:
        dataset, packed = open_prepared(found.source, rate)  # which refuses it in its own words
    check_classes(dataset, packed)
    together = find_copies(packed, on_decoded)
    split = split_again(dataset, packed, parts) if parts else None
    if split is None:
        split = divide(dataset, packed, fold, config.train.validation, together)
    fingerprint = _fingerprint(dataset, packed, split)
    n_leaks = count_leaks(split, together)
    data = PreparedData(dataset, packed, split, fingerprint, together, n_leaks)
    trained = set(dataset.class_pairs(np.array(data.train, np.int64))[1].tolist())
    missing = [label for i, label in enumerate(dataset.labels) if i not in trained]
    if missing:
        raise DataError(
            f"{found.source}: class {missing[0]!r} has no readable training clip; add some"
        )
    return _with_sounds(data, config, behind, on_decoded)


def _with_sounds(
    data: PreparedData, config: Config, behind: DataSet | None, progress: Progress | None
) -> PreparedData:
    """The same with the background recordings and the versions of clips that are asked for."""
    if behind is not None:
        measured_on = (*data.split.test, *data.split.validation)
        keys = {file_digest(data.packed.content_keys[i]) for i in measured_on}
        rate, in_use = data.packed.sample_rate, _folders_of(data)
        backgrounds = load_backgrounds(behind, rate, keys, progress, in_use)
        data = replace(data, backgrounds=backgrounds)
    if wants_variants(config.augment):
        clips = _clips_to_vary(data)
        dataset, in_use = data.dataset, _folders_of(data)
        variants = make_variants(dataset, data.packed, clips, config.augment, progress, in_use)
        data = replace(data, variants=variants)
    parts = [part.fingerprint for part in (data.backgrounds, data.variants) if part is not None]
    if not parts:
        return data
    digest = hashlib.sha256(" ".join((data.fingerprint, *parts)).encode())
    return replace(data, fingerprint=digest.hexdigest()[:16])


def _folders_of(data: PreparedData) -> list[Path]:
    """Where the packed sets lie that it reads from."""
    sets = [data.packed, *([data.backgrounds.packed] if data.backgrounds else [])]
    return [one.store.folder for one in sets if one.store.folder is not None]


def _clips_to_vary(data: PreparedData) -> list[int]:
    """Whatever some fold trains on, so that all folds find the same versions in the cache."""
    clips, train = data.dataset.clips, set(data.split.train)
    test = clips.split_words.index("test") if "test" in clips.split_words else None
    return [
        i
        for i, part in enumerate(clips.split_numbers)
        if data.packed.has(i) and (part != test or i in train)
    ]


def _fingerprint(dataset: DataSet, packed: PackedSet, split: Split) -> str:
    """Names do not enter, but the order of clips that follows from them does: it is fed by it."""
    digest = hashlib.sha256()
    if dataset.multi_label:
        digest.update(b"multi-label\n")
    parts = [("train", split.train), ("test", split.test)]
    if split.validation:
        parts.append(("validation", split.validation))
    for part, clips in parts:
        lines = [f"{part} {packed.content_keys[i]} {dataset.clips[i].label}" for i in clips]
        digest.update("\n".join(lines).encode())
    return digest.hexdigest()[:16]
