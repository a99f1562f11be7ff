from __future__ import annotations

from functools import partial

import numpy as np

from wsnet_cli.bulk.excerpts import decisive_excerpt
from wsnet_cli.core.resampling import resample
from wsnet_cli.engine.session import Classifier


def test_the_piece_is_around_the_window_that_scores_highest() -> None:
    esc10 = Classifier.load("esc10")
    rate = esc10.model.audio.sample_rate
    noise = np.random.default_rng(0).normal(0, 0.1, 12 * rate).astype(np.float32)
    noise[: 6 * rate] *= np.linspace(0.01, 1, 6 * rate, dtype=np.float32)
    open_blocks = partial(iter, [noise[i : i + 4_000] for i in range(0, len(noise), 4_000)])
    for label in esc10.labels[:3]:
        found = decisive_excerpt(esc10, open_blocks, "noise", label, 4.0)
        parts = list(esc10.hear_windows(open_blocks))
        scores = np.concatenate([part.scores for part in parts])[:, esc10.labels.index(label)]
        starts = np.concatenate([part.starts_s for part in parts])
        assert found.moment[0] == starts[scores.argmax()]
        assert found.start_s <= found.moment[0] <= found.moment[1] <= found.end_s
        first = round(found.start_s * rate)
        assert np.array_equal(found.samples, noise[first : first + 4 * rate])
    assert len(resample(found.samples, rate, 8_000)) == 32_000
