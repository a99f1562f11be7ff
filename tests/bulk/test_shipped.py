"""The models that ship: readable, small, each with a card, and right on real recordings."""

from __future__ import annotations

from pathlib import Path

import pytest

from wsnet_cli.bulk.evaluate import evaluate_clips
from wsnet_cli.bulk.labelled import clips_of_data
from wsnet_cli.core.artifact import load_model
from wsnet_cli.core.locate import DEFAULT_MODEL, find_model, shipped_names
from wsnet_cli.engine.session import Classifier

ESC10 = Path(__file__).resolve().parents[3] / "shared" / "data" / "esc10"
DENSE_REFERENCE_BYTES = 11_530_152
"""SoundNet-8 with mean pooling and a 10-way linear layer in float32."""


def test_the_default_model_ships():
    assert DEFAULT_MODEL in shipped_names()


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_model_is_8_bit_and_has_a_card(name: str):
    path = find_model(name)
    model = load_model(path)
    assert model.bits == 8
    assert model.labels == tuple(sorted(model.labels))
    card = path.with_suffix(".md").read_text(encoding="utf-8").casefold()
    for word in (*model.labels, "licence", "accuracy", "limits", f"{path.stat().st_size:,} bytes"):
        assert word.casefold() in card, f"{word} is not in the card of {name}"


def test_esc10_is_a_58th_of_the_dense_reference():
    assert find_model("esc10").stat().st_size * 58 <= DENSE_REFERENCE_BYTES


@pytest.mark.shared
def test_esc10_knows_the_recordings_it_was_trained_on():
    if not ESC10.is_dir():
        pytest.skip("the recordings ../shared/data/esc10 are not beside this checkout")
    clips = clips_of_data(ESC10, None)[::10]
    outcome = evaluate_clips(Classifier.load(find_model("esc10")), clips)
    assert outcome.metrics.n_clips == 40
    assert outcome.metrics.n_right >= 34
