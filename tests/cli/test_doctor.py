from __future__ import annotations

import platform
import sys
from importlib.metadata import version
from pathlib import Path

import pytest

from wsnet_cli import __version__
from wsnet_cli.cli import doctor

KEYS = {
    *("wsnet", "python", "platform", "packages", "engine", "codecs", "device", "cache", "problems"),
}


def without(monkeypatch: pytest.MonkeyPatch, *hidden: str) -> None:
    monkeypatch.setattr(doctor, "_version", lambda name: None if name in hidden else version(name))


def test_what_is_installed(wsnet):
    outcome = wsnet("doctor", "--json")
    assert outcome.code == 0
    document = outcome.document
    assert set(document) == KEYS
    assert document["wsnet"] == __version__
    assert document["python"] == platform.python_version()
    assert document["packages"]["numpy"] == version("numpy")
    assert {"WAV", "FLAC", "OGG"} <= set(document["codecs"])
    assert document["device"].startswith("cuda: ") or " threads, by " in document["device"]
    assert document["engine"].startswith(("native (", "numpy (the compiled engine was not built"))
    assert document["problems"] == []


def test_what_people_see(wsnet):
    outcome = wsnet("doctor")
    assert outcome.code == 0
    for text in (__version__, f"numpy {version('numpy')}", "packages numpy"):
        assert text.split()[-1] in outcome.stdout
    assert outcome.stderr == ""


def test_a_light_install(wsnet, monkeypatch: pytest.MonkeyPatch):
    without(monkeypatch, "torch", "scikit-learn")
    monkeypatch.setattr(doctor, "_device", lambda: pytest.fail("torch was asked for all the same"))
    document = wsnet("doctor", "--json").document
    assert document["packages"]["torch"] == "missing"
    assert document["device"] == "no torch"
    assert document["problems"] == [
        "torch is missing: predict, info and compress work, train does not",
        "scikit-learn is missing: evaluate does not work",
    ]
    people = wsnet("doctor")
    assert "warning: torch is missing: predict" in people.stderr
    assert people.code == 0


def test_a_broken_install(wsnet, monkeypatch: pytest.MonkeyPatch):
    without(monkeypatch, "soxr")
    assert wsnet("doctor", "--json").document["problems"] == ["soxr is missing: reinstall wsnet"]


@pytest.mark.parametrize("package", ["platformdirs", "filelock"])
def test_every_light_package_is_looked_for(wsnet, monkeypatch: pytest.MonkeyPatch, package: str):
    without(monkeypatch, package)
    document = wsnet("doctor", "--json").document
    assert document["problems"] == [f"{package} is missing: reinstall wsnet"]


def test_no_soundfile(wsnet, monkeypatch: pytest.MonkeyPatch):
    without(monkeypatch, "soundfile")
    monkeypatch.setitem(sys.modules, "soundfile", None)
    outcome = wsnet("doctor", "--json")
    assert (outcome.code, outcome.document["codecs"]) == (0, [])
    missing, codecs = outcome.document["problems"]
    assert missing == "soundfile is missing: reinstall wsnet"
    assert codecs.startswith("codecs: cannot be told: ")
    assert "warning: codecs: cannot be told: " in wsnet("doctor").stderr


def test_an_engine_that_is_none(wsnet, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("WSNET_ENGINE", "nump")
    outcome = wsnet("doctor", "--json")
    assert (outcome.code, outcome.document["engine"]) == (0, "unknown")
    (problem,) = outcome.document["problems"]
    assert problem.startswith("engine: cannot be told: engine nump; expected one of auto, native")


def test_no_libsndfile(wsnet, monkeypatch: pytest.MonkeyPatch):
    def fail() -> list[str]:
        raise OSError("sndfile library not found")

    monkeypatch.setattr(doctor, "_codecs", fail)
    outcome = wsnet("doctor", "--json")
    assert (outcome.code, outcome.document["codecs"]) == (0, [])
    assert outcome.document["problems"] == ["codecs: cannot be told: sndfile library not found"]


def test_no_platformdirs(wsnet, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("WSNET_CACHE", raising=False)
    monkeypatch.setitem(sys.modules, "platformdirs", None)
    outcome = wsnet("doctor", "--json")
    assert (outcome.code, outcome.document["cache"]) == (0, {"folder": "unknown", "bytes": 0})
    (problem,) = outcome.document["problems"]
    assert problem.startswith("cache: cannot be told: ")


def test_a_package_that_is_not_there_has_no_version():
    assert doctor._version("no-such-package") is None


# --------------------------------------------------------------------------------- wsnet cache


def test_the_cache_is_shown_and_cleared(wsnet, data: Path, tiny_options, tmp_path: Path):
    empty = wsnet("cache", "--json").document
    assert set(empty) == {"folder", "bytes", "freed", "limit"}
    assert (empty["folder"], empty["bytes"]) == (str(tmp_path / "own-cache"), 0)
    assert wsnet("train", data, *tiny_options(), "--epochs", 1, "-q").code == 0
    full = wsnet("cache", "--json").document
    assert full["bytes"] > 18 * 8_000 * 2
    assert full["freed"] == 0
    assert f"{full['bytes'] / 1e6:,.1f} MB of at most" in wsnet("cache").stdout
    cleared = wsnet("cache", "--clear", "--json").document
    assert (cleared["bytes"], cleared["freed"]) == (0, full["bytes"])
    assert "freed 0.0 MB" in wsnet("cache", "--clear").stdout
    assert data.is_dir()
