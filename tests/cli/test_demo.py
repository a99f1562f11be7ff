from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest

from wsnet_cli.cli import demo
from wsnet_cli.core.configuration import config_file
from wsnet_cli.core.configuration.config import Config
from wsnet_cli.data.synthetic import KINDS

TINY = ("train.epochs=1", "train.warmup_epochs=0", "network.width=0.125", "network.sampling=null")


@pytest.fixture
def tiny_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo on few clips with a small network for one epoch."""
    real = config_file.load_config

    def load_tiny(name: str, settings: Iterable[str] = (), *more: Any) -> Config:
        return real(name, (*TINY, *settings), *more)

    monkeypatch.setattr(config_file, "load_config", load_tiny)
    monkeypatch.setattr(demo, "CLIPS_PER_KIND", 4)
    monkeypatch.setattr(demo, "UNHEARD_PER_KIND", 2)


def test_the_whole_job(wsnet, tiny_demo: None):
    outcome = wsnet("demo", "--folder", "d", "--json")
    assert outcome.code == 0, outcome.stderr
    document = outcome.document
    assert set(document) == {
        *("seconds", "model", "bytes", "dense_bytes", "evaluation", "prediction"),
    }
    model = Path(document["model"])
    assert model == Path("d/runs/demo/model.q8.wsnet")
    assert model.stat().st_size == document["bytes"] < document["dense_bytes"]
    steps = [line[:2] for line in outcome.stderr.splitlines() if line[:1].isdigit()]
    assert steps == ["1.", "2.", "3.", "4.", "5."]
    assert "making 4 clips to train on and 2 to test with" in outcome.stderr
    assert len(list(Path("d/sounds").rglob("*.wav"))) == 4 * len(KINDS)
    heard = {path.read_bytes() for path in Path("d/sounds").rglob("*.wav")}
    unheard = {path.read_bytes() for path in Path("d/unheard").rglob("*.wav")}
    assert len(unheard) == 2 * len(KINDS)
    assert not heard & unheard
    # What it tells is what its commands tell.
    evaluated = wsnet("evaluate", model, "d/unheard", "--json").document
    del evaluated["model"], evaluated["hop_s"]
    assert evaluated == document["evaluation"]
    predicted = wsnet("predict", document["prediction"]["file"], "-m", model, "--json").document
    best = predicted["results"][0]["predictions"][0]["label"]
    assert best == document["prediction"]["label"]

    again = wsnet("demo", "--folder", "d", "--json")
    assert (again.code, again.stdout) == (2, "")
    assert again.error == "d: exists; delete it, or name another with --folder"


def test_what_people_see(wsnet, tiny_demo: None):
    outcome = wsnet("demo")
    assert outcome.code == 0
    assert Path("wsnet-demo").is_dir()
    for text in ("model file on disk", "accuracy ", "is taken for: ", "done in "):
        assert text in outcome.stdout
    commands = [line.split() for line in outcome.stdout.splitlines() if "  wsnet " in line]
    assert [words[1] for words in commands] == ["train", "compress", "evaluate", "predict"]
    # The commands that it shows work, on the sounds that it made.
    shutil.copytree("wsnet-demo/sounds", "sounds")
    shutil.copy(next(Path("sounds").rglob("*.wav")), "clip.wav")
    for _, command, *arguments in commands:
        more = ["-c", "demo"] if command == "train" else []
        assert wsnet(command, *arguments, *more).code == 0
