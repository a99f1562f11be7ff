"""A process that counts as one with one thread everywhere, and subjects to run."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from wsnet_cli.bench.child import ONE_THREAD
from wsnet_cli.bench.subjects import Subject
from wsnet_cli.core.model import Model
from wsnet_cli.core.model_file.artifact import save_model


@pytest.fixture(autouse=True)
def steady_threads() -> Iterator[None]:
    """Peers set torch's threads for the whole process; other tests must not see it."""
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture
def in_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Measure in this process, without a child."""
    for name, value in ONE_THREAD.items():
        monkeypatch.setenv(name, value)


@pytest.fixture
def small_subject(small_model: Model) -> Subject:
    noise = np.random.default_rng(0).standard_normal((1, 800)).astype(np.float32)
    return Subject("small", small_model, noise)


@pytest.fixture
def model_file(small_model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A model file in the current folder, by its name."""
    monkeypatch.chdir(tmp_path)
    save_model(tmp_path / "small.wsnet", small_model)
    return "small.wsnet"


@pytest.fixture
def native() -> None:
    """Skip where the kernels were not built."""
    from wsnet_cli.engine.engines import missing_reason

    if missing_reason():
        pytest.skip("the compiled engine was not built: no C compiler")
