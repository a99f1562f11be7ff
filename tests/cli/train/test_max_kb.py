"""`wsnet train --max-kb` by its command: what is promised before training is what comes out."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.model_file.artifact import load_model, plain_bytes
from wsnet_cli.learn.run import ready as learn_ready

SIZES_KB = (16, 32, 64, 128)
SOUND = (
    "audio.sample_rate=8000",
    "audio.window_s=0.5",
    "network.pooling=every-layer",
    "train.warmup_epochs=0",
    "train.batch_size=64",
    "augment.mixing=none",
)


def options(*more: str) -> list[str]:
    settings = [word for setting in (*SOUND, *more) for word in ("--set", setting)]
    return [*settings, "--threads", "1"]


@pytest.fixture
def set_of(tmp_path: Path) -> Callable[..., Path]:
    """A folder of two short clips of noise for each of so many labels."""

    def make(n_labels: int, label: str = "class {}") -> Path:
        rng = np.random.default_rng(n_labels)
        root = tmp_path / f"set-{n_labels}"
        for i in range(n_labels):
            folder = root / label.format(i)
            folder.mkdir(parents=True)
            for clip in range(2):
                samples = rng.standard_normal(4_000) * 0.1
                soundfile.write(folder / f"{clip}.wav", samples, 8_000)
        return root

    return make


@pytest.fixture
def no_decoding(monkeypatch: pytest.MonkeyPatch) -> None:
    def decoded(*_: object, **__: object) -> None:
        pytest.fail("clips were decoded all the same")

    monkeypatch.setattr(learn_ready, "prepare_data", decoded)


def promised(stderr: str) -> int:
    (line,) = [line for line in stderr.splitlines() if line.startswith("8-bit file: at most ")]
    return int(line.removeprefix("8-bit file: at most ").split(" ")[0].replace(",", ""))


@pytest.mark.parametrize(
    ("n_labels", "label", "kilobytes"),
    [
        (2, "class {}", SIZES_KB),
        (10, "class {}", (16, 128)),
        (
            10,
            "ein sehr langer Name für eine Klasse, mit 'Zeichen' und 音 " + "x" * 120 + "{}",
            (64,),
        ),
        (50, "class {}", (16, 64)),
    ],
)
def test_the_real_file_keeps_the_promise(
    wsnet, set_of: Callable[..., Path], n_labels: int, label: str, kilobytes: tuple[int, ...]
):
    data = set_of(n_labels, label)
    for kb in kilobytes:
        name = f"kb-{kb}"
        trained = wsnet(
            "train", data, *options(), "--epochs", 1, "--max-kb", kb, "--name", name, "--json"
        )
        assert trained.code == 0, trained.stderr
        compressed = wsnet("compress", f"runs/{name}", "--json")
        small = Path(compressed.document["out"])
        uncoded = plain_bytes(load_model(small))
        assert 900 * kb <= uncoded <= promised(trained.stderr) <= 1000 * kb
        assert small.stat().st_size <= uncoded


def test_a_plain_network_is_only_narrowed(wsnet, set_of: Callable[..., Path]):
    data = set_of(2)
    arguments = ("train", data, "-c", "esc10-dense", *options(), "--epochs", 1, "--max-kb", 16)
    trained = wsnet(*arguments, "--fold", "none")
    assert trained.code == 0, trained.stderr
    config = load_config("runs/esc10-dense/config.yaml")
    assert config.network.sampling is None
    assert config.network.width < 0.1
    assert wsnet("compress", "runs/esc10-dense").code == 0
    assert 14_400 <= plain_bytes(load_model(Path("runs/esc10-dense/model.q8.wsnet"))) <= 16_000
    assert "S 2" not in trained.stderr


def test_what_was_chosen_is_told_and_kept(wsnet, set_of: Callable[..., Path]):
    data = set_of(2)
    preset = ("-c", "esc10-wsnet", "--name", "default")
    trained = wsnet(
        *("train", data, *preset, *options(), "--epochs", 1, "--max-kb", 16, "--fold", "none")
    )
    width, before = re.findall(r"bytes; width ([\d.]+) instead of ([\d.]+)", trained.stderr)[0]
    (layers,) = [line for line in trained.stderr.splitlines() if line.startswith("layers: conv1 ")]
    assert re.search(r"conv7 \d+ S 2 C \d+ [\d,]+ B, linear 2 dense \d+ B$", layers), layers
    config = load_config("runs/default/config.yaml")
    assert (f"{config.network.width:g}", before) == (width, "1")
    assert config.network.sampling is not None
    assert f"conv1 {round(16 * config.network.width)} dense" in layers
    told = wsnet("info", "runs/default", "--json")
    assert [row["name"] for row in told.document["layers"]][-1] == "linear"


def test_a_run_of_a_size_is_resumed_without_it(wsnet, set_of: Callable[..., Path]):
    data = set_of(2)
    arguments = ("train", data, *options(), "--fold", "none", "--max-kb", 16)
    assert wsnet(*arguments, "--epochs", 2, "--name", "whole").code == 0
    assert wsnet(*arguments, "--epochs", 1, "--name", "raised").code == 0
    more = wsnet("train", "--resume", "runs/raised", "--epochs", 2)
    assert more.code == 0, more.stderr
    networks = [load_config(f"runs/{name}/config.yaml").network for name in ("whole", "raised")]
    assert networks[0] == networks[1]
    assert wsnet("compress", "runs/raised").code == 0
    assert Path("runs/raised/model.q8.wsnet").stat().st_size <= 16_000


def test_more_than_the_network_can_use_is_said(wsnet, set_of: Callable[..., Path]):
    trained = wsnet(
        *("train", set_of(2), *options("network.width=0.125"), "--set", "network.sampling=null"),
        *("--epochs", 1, "--fold", "none", "--max-kb", 500),
    )
    assert trained.code == 0, trained.stderr
    assert "it cannot use more bytes" in trained.stderr
    assert "width 0.125\n" in trained.stderr


# ------------------------------------------------------------------------------------ refusals


@pytest.mark.usefixtures("no_decoding")
def test_too_few_bytes_are_refused_before_decoding(wsnet, set_of: Callable[..., Path]):
    outcome = wsnet("train", set_of(3), *options(), "--max-kb", 1)
    assert outcome.code == 2
    assert re.fullmatch(
        r"1,000 bytes are too few: the smallest 8-bit file that can be made of this configuration "
        r"for these 3 labels is 4,[\d]{3} bytes; expected at least 5 KB",
        outcome.error,
    )
    assert not Path("runs").exists()


@pytest.mark.usefixtures("no_decoding")
def test_long_labels_can_take_all_the_bytes(wsnet, set_of: Callable[..., Path]):
    data = set_of(50, "音" * 60 + "{}")
    outcome = wsnet("train", data, *options(), "--max-kb", 8)
    assert (outcome.code, outcome.error[:22]) == (2, "8,000 bytes are too fe")


@pytest.mark.usefixtures("no_decoding")
@pytest.mark.parametrize("kb", ["0", "-3", "nan", "1e9"])
def test_what_is_no_size_is_refused(wsnet, data: Path, kb: str):
    outcome = wsnet("train", data, "--max-kb", kb)
    assert outcome.code == 2
    assert outcome.error == f"--max-kb {float(kb):g}; expected more than 0 KB, at most 1,000,000"


@pytest.mark.usefixtures("no_decoding")
def test_a_network_that_is_given_is_not_chosen(wsnet, data: Path):
    outcome = wsnet("train", data, "--from", "esc10", "--max-kb", 16)
    assert outcome.code == 2
    assert outcome.error == (
        "training starts from esc10, whose network stays as it is; expected no size of a file, "
        "or no model to start from"
    )


def test_a_run_that_is_resumed_keeps_its_size(wsnet, trained):
    outcome = wsnet("train", "--resume", trained.run, "--max-kb", 16)
    assert outcome.code == 2
    assert "--max-kb cannot change in the middle of a run" in outcome.error
