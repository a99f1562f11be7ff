"""The clips that are kept from training to choose an epoch by; never those that are held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from ...core.errors import DataError
from ..dataset import DataSet
from ..packing.packed import PackedSet
from .splits import Split, check_trainable, held_out_units
from .units import join_units


def take_validation(
    dataset: DataSet,
    packed: PackedSet,
    split: Split,
    share: float,
    together: Sequence[tuple[int, int]] = (),
) -> Split:
    """Move a share of the training clips into the validation part.

    They are chosen as `choose_split` chooses: by content, of every label, and clips that belong
    together stay together; but by another hash, so that the choice does not follow the held-out
    part's.

    Args:
        dataset: the clips.
        packed: their content.
        split: what is trained on and what is held out; the latter stays as it is.
        share: of the training clips, in [0, 1); 0 leaves the split as it is.
        together: pairs of clips that must not be divided.

    Raises:
        DataError: nothing can be spared, or a label is left without a clip to train on.
    """
    if share == 0:
        return split
    keys, audio = packed.content_keys, packed.audio_keys
    units = join_units(dataset, split.train, keys, audio, together, purpose="validation")
    chosen, _ = held_out_units(units, share)
    validation = tuple(units.clips_of(chosen))
    if not validation:
        raise DataError(
            f"train.validation = {share}: no clip can be spared for validation; expected classes "
            "of two clips or more that are not copies of one another"
        )
    kept = frozenset(validation)
    train = tuple(clip for clip in split.train if clip not in kept)
    how = f"{split.how}; {len(validation)} clips kept for validation"
    check_trainable(dataset, np.array(train, np.int64), how)
    return replace(split, train=train, how=how, validation=validation)
