"""Files of tones and one classifier."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.model import Model
from wsnet_cli.engine.session import Classifier


@pytest.fixture
def classifier(small_model: Model) -> Classifier:
    return Classifier(small_model)


@pytest.fixture
def make_tone(tmp_path: Path) -> Callable[..., Path]:
    """Write a tone below `tmp_path`: `make_tone("a/b.wav", hz=700.0)`; its suffix is its format."""

    def make(name: str, hz: float = 700.0) -> Path:
        import soundfile

        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, 0.3 * np.sin(2 * np.pi * hz * np.arange(4_000) / 8_000), 8_000)
        return path

    return make
