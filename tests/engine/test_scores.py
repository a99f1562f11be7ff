from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest

from wsnet_cli.core.errors import ParameterError
from wsnet_cli.core.model import Model
from wsnet_cli.engine.scores import aggregate_scores
from wsnet_cli.engine.session import Classifier


def test_aggregates_by_hand() -> None:
    blocks = [np.float32([[0.25, 0.75], [1.0, 0.0]]), np.float32([[0.25, 0.75]])]
    assert aggregate_scores(iter(blocks)).tolist() == [0.5, 0.5]
    assert aggregate_scores(iter(blocks), "max").tolist() == [1.0, 0.75]
    assert aggregate_scores(iter(blocks), "max").dtype == np.float32


def test_no_such_aggregate(small_model: Model) -> None:
    def blocks() -> Iterator[np.ndarray]:
        raise AssertionError("the clip was opened")

    with pytest.raises(ParameterError, match="aggregate = 'median'; expected one of mean, max"):
        Classifier(small_model).hear(blocks, aggregate="median")
    with pytest.raises(ParameterError, match="no windows; expected one or more"):
        aggregate_scores(iter([]))
