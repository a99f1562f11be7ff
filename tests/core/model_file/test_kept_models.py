"""Files of every format that was ever written stay readable, and score a clip as they did.

`kept_models/make.py` made them; `kept_models/scores.json` says what they gave then.
"""

from __future__ import annotations

import json
import re
import runpy
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from wsnet_cli.core.model import Model, real
from wsnet_cli.core.model_file.artifact import (
    FORMAT_VERSION,
    load_model,
    model_from_bytes,
    model_to_bytes,
    plain_bytes,
)
from wsnet_cli.core.model_file.container import unpack
from wsnet_cli.engine.engines import missing_reason
from wsnet_cli.engine.session import Classifier

FOLDER = Path(__file__).parent / "kept_models"
KEPT: dict[str, Any] = json.loads((FOLDER / "scores.json").read_text("utf-8"))
PAGE = Path(__file__).parents[3] / "docs" / "format.md"
ENGINES = ["numpy"] if missing_reason() else ["numpy", "native"]

make = runpy.run_path(str(FOLDER / "make.py"))


def file_of(name: str) -> Path:
    return FOLDER / f"{name}.wsnet"


def test_every_file_is_compared_and_every_format_is_there() -> None:
    assert {path.stem for path in FOLDER.glob("*.wsnet")} == set(KEPT) == set(make["MADE"])
    assert {kept["format"] for kept in KEPT.values()} == set(range(1, FORMAT_VERSION + 1))
    assert sum(path.stat().st_size for path in FOLDER.glob("*.wsnet")) < 50_000


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("name", KEPT)
def test_it_is_read_and_gives_the_scores_it_gave(name: str, engine: str) -> None:
    kept = KEPT[name]
    assert unpack(file_of(name).read_bytes(), name)[1]["format"] == kept["format"]
    model = load_model(file_of(name))
    assert list(model.layer_bits) == kept["bits"]
    assert model.multi_label == kept["multi_label"]
    found = {k: v for k, v in asdict(model.calibration).items() if v is not None}
    assert json.loads(json.dumps(found)) == kept["calibration"]
    scores = Classifier(model, engine=engine).classify(make["clip"](), make["RATE"])
    assert list(kept["scores"]) == list(model.labels)
    np.testing.assert_allclose(scores, list(kept["scores"].values()), atol=1e-4)


@pytest.mark.parametrize("name", KEPT)
def test_the_reader_of_the_page_gives_the_same(name: str) -> None:
    block = re.search(r"## A reader\n.*?```python\n(.*?)```", PAGE.read_text("utf-8"), re.S)
    assert block
    names: dict[str, Any] = {}
    exec(block[1], names)
    found = names["scores"](file_of(name).read_bytes(), make["clip"]().astype(np.float64))
    assert found == pytest.approx(KEPT[name]["scores"], abs=1e-4)


@pytest.mark.parametrize("name", KEPT)
def test_written_again_it_is_the_same_model_and_no_larger(name: str) -> None:
    content = file_of(name).read_bytes()
    model = model_from_bytes(content, name)
    again = model_to_bytes(model)
    assert len(again) <= len(content)
    assert bits_of(model_from_bytes(again, name)) == bits_of(model)
    assert model_to_bytes(model_from_bytes(again, name)) == again
    if KEPT[name]["format"] < 3:
        assert plain_bytes(model) == len(content)


def bits_of(model: Model) -> list[bytes]:
    """Every number of a model."""
    arrays = [
        array
        for own in model.weights
        for array in (*map(real, own.parts), own.multiplier, own.bias, own.offsets)
        if array is not None
    ]
    return [array.tobytes() for array in arrays]
