"""The models that ship: readable, small, each with a card, and right on real recordings."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.bulk.clips.labelled import clips_of_data
from wsnet_cli.bulk.evaluating.evaluate import evaluate_clips
from wsnet_cli.core.locate import DEFAULT_MODEL, find_model, shipped_names
from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.engine.engines import missing_reason
from wsnet_cli.engine.session import Classifier

DATA = Path(__file__).resolve().parents[3] / "shared" / "data"
ESC10, FSDD = DATA / "esc10", DATA / "fsdd"
ENGINES = ["numpy"] if missing_reason() else ["numpy", "native"]


def test_these_models_ship():
    assert shipped_names() == ("digits", "esc10")
    assert DEFAULT_MODEL == "esc10"


@pytest.mark.parametrize("name", shipped_names())
def test_a_shipped_model_is_8_bit_and_has_a_card(name: str):
    path = find_model(name)
    model = load_model(path)
    assert model.bits == 8
    assert model.labels == tuple(sorted(model.labels))
    card = path.with_suffix(".md").read_text(encoding="utf-8").casefold()
    words = ("data, licence and credits", "accuracy", "recipe", "limits", "95 % interval")
    for word in (*model.labels, *words, f"{path.stat().st_size:,} bytes"):
        assert word.casefold() in card, f"{word} is not in the card of {name}"


@pytest.mark.parametrize("name", shipped_names())
def test_the_engines_agree_on_a_made_clip(name: str):
    rng = np.random.default_rng(0)
    samples = (0.1 * rng.standard_normal(24_000)).astype(np.float32)
    scores = [Classifier.load(name, engine).classify(samples, 16_000) for engine in ENGINES]
    for found in scores:
        assert found.shape == (len(load_model(find_model(name)).labels),)
        assert np.isfinite(found).all()
        np.testing.assert_allclose(found.sum(), 1, atol=1e-5)
        np.testing.assert_allclose(found, scores[0], atol=1e-4)


def test_digits_are_ten_in_at_most_16_kb():
    model = load_model(find_model("digits"))
    assert find_model("digits").stat().st_size <= 16_000
    assert model.labels == tuple("0123456789")
    assert model.audio.sample_rate == 8_000


def test_the_card_of_digits_names_its_data_and_the_licence():
    card = find_model("digits").with_suffix(".md").read_text(encoding="utf-8")
    for word in ("CC BY-SA 4.0", "free-spoken-digit-dataset", "creativecommons.org"):
        assert word in card


def test_esc10_has_at_most_131_kb():
    assert find_model("esc10").stat().st_size <= 131_000


@pytest.mark.shared
def test_esc10_knows_the_recordings_it_was_trained_on():
    if not ESC10.is_dir():
        pytest.skip("the recordings ../shared/data/esc10 are not beside this checkout")
    clips = clips_of_data(ESC10, None)[::10]
    outcome = evaluate_clips(Classifier.load(find_model("esc10")), clips)
    assert outcome.metrics.n_clips == 40
    assert outcome.metrics.n_right >= 34


@pytest.mark.shared
def test_digits_are_told_as_the_card_says():
    if not FSDD.is_dir():
        pytest.skip("the recordings ../shared/data/fsdd are not beside this checkout")
    clips = clips_of_data(FSDD, None, None, "{label}_{group}_{index:test=0-4}")
    measures = evaluate_clips(Classifier.load("digits"), clips).metrics
    card = find_model("digits").with_suffix(".md").read_text(encoding="utf-8")
    assert measures.n_clips == 300
    assert f"{measures.n_right} of 300" in " ".join(card.split())
