from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from wsnet_cli.core.errors import EngineError, ParameterError, UsageError
from wsnet_cli.core.model import Model
from wsnet_cli.engine import library
from wsnet_cli.engine.engines import ENGINE_VARIABLE, make_engine, missing_reason
from wsnet_cli.engine.library import LIBRARY_VARIABLE, Library, load_library
from wsnet_cli.engine.native_engine import NativeEngine
from wsnet_cli.engine.report import engine_report, engine_words


@pytest.fixture
def not_built(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """As after an install without a C compiler."""
    monkeypatch.delenv(LIBRARY_VARIABLE, raising=False)
    monkeypatch.setattr(library, "_built", lambda: None)
    load_library.cache_clear()
    yield
    load_library.cache_clear()


@pytest.fixture
def other_library(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    load_library.cache_clear()
    yield monkeypatch
    load_library.cache_clear()


def test_the_fastest_engine_is_taken(small_model: Model, isa: str):
    engine = make_engine(small_model)
    assert isinstance(engine, NativeEngine)
    assert engine.isa == load_library().isas[0]
    assert missing_reason() is None


def test_an_engine_may_be_named(small_model: Model, isa: str, monkeypatch: pytest.MonkeyPatch):
    assert make_engine(small_model, "numpy").name == "numpy"
    chosen = make_engine(small_model, f"native-{isa}")
    assert isinstance(chosen, NativeEngine)
    assert chosen.isa == isa
    monkeypatch.setenv(ENGINE_VARIABLE, "numpy")
    assert make_engine(small_model).name == "numpy"
    assert make_engine(small_model, "native").name == "native"


@pytest.mark.parametrize("name", ["nump", "numpy-avx2", "auto-avx2", "-"])
def test_other_names_are_refused(name: str, small_model: Model):
    with pytest.raises(UsageError, match=f"engine {name}; expected one of auto, native, numpy"):
        make_engine(small_model, name)


def test_no_threads_are_refused(small_model: Model):
    with pytest.raises(ParameterError, match="threads = 0"):
        make_engine(small_model, "numpy", threads=0)


def test_an_instruction_set_that_is_none_is_a_usage_error(small_model: Model, isa: str):
    for name in ("native-avx3", "native-"):
        message = f"^engine {name}; expected one of auto, native, numpy, .*, native-baseline, which"
        with pytest.raises(UsageError, match=message):
            make_engine(small_model, name)


def test_without_a_compiler_numpy_serves(not_built: None, small_model: Model):
    assert make_engine(small_model).name == "numpy"
    assert missing_reason() == library.NO_LIBRARY
    with pytest.raises(EngineError, match=r"not built.*pip install"):
        make_engine(small_model, "native")
    assert engine_words() == f"numpy ({library.NO_LIBRARY})"
    report = engine_report(small_model.network, 800)
    assert (report.name, report.layers) == ("numpy", ())
    assert library.NO_LIBRARY in report.note


def test_a_library_that_is_none_is_refused(tmp_path: Path, other_library: pytest.MonkeyPatch):
    path = tmp_path / "broken.so"
    path.write_bytes(b"no library")
    other_library.setenv(LIBRARY_VARIABLE, str(path))
    with pytest.raises(EngineError, match=r"broken\.so: the compiled engine cannot be loaded: "):
        load_library()
    assert "broken.so" in (missing_reason() or "")


def test_a_library_of_another_version_is_refused(isa: str, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(library, "ABI", 99)
    with pytest.raises(EngineError, match=r"has interface \d+; expected 99: install .* again"):
        Library(load_library().path)


def test_the_header_and_the_binding_state_one_version():
    header = Path(library.__file__).parent / "kernels" / "wsnet.h"
    assert f"#define WSNET_ABI {library.ABI}\n" in header.read_text("utf-8")


def test_the_fields_of_a_layer_are_those_of_the_header():
    text = (Path(library.__file__).parent / "kernels" / "wsnet.h").read_text("utf-8")
    body = text.split("typedef struct wsnet_layer {")[1].split("}")[0]
    lines = [
        line.split(";")[0].split()[-1].lstrip("*") for line in body.splitlines() if ";" in line
    ]
    assert [name for name, *_ in library.Layer._fields_] == lines


def test_panels_by_hand(isa: str):
    """5 filters of 2 taps, 3 apart, in vectors of 2: a panel of 4, then one of 2 with a gap."""
    flat = np.arange(14, dtype=np.float32)
    packed = load_library().pack(flat, 5, 3, 2, 2)
    assert packed.tolist() == [0, 3, 6, 9, 1, 4, 7, 10, 12, 0, 13, 0]


def test_too_few_weights_to_pack_are_refused(isa: str):
    with pytest.raises(ParameterError, match="13 weights for 5 filters"):
        load_library().pack(np.zeros(13, np.float32), 5, 3, 2, 2)


def test_a_workspace_is_aligned_and_zero(small_model: Model, isa: str):
    engine = NativeEngine(small_model, isa=isa)
    workspace = load_library().workspace(engine._layers, load_library().isas.index(isa))
    assert workspace.ctypes.data % library.ALIGNMENT == 0
    assert not workspace.any()


def test_the_report_names_engine_and_plan(small_model: Model, isa: str):
    report = engine_report(small_model.network, 800)
    assert report.name == f"native-{load_library().isas[0]}"
    assert [layer.name for layer in report.layers] == ["conv1", "conv2"]
    assert report.as_json()["layers"][0]["nanoseconds"].keys() == {
        *("filter-lanes", "time-lanes", "recurrence", "fast-fir")
    }
    assert engine_words().startswith(f"native ({load_library().isas[0]}; also ")


@pytest.mark.parametrize("choice", ["numpy", "native", "auto", ""])
def test_the_report_is_of_the_engine_that_is_chosen(
    choice: str, small_model: Model, isa: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv(ENGINE_VARIABLE, choice if choice != "native" else f"native-{isa}")
    engine = make_engine(small_model)
    report = engine_report(small_model.network, 800)
    if isinstance(engine, NativeEngine):
        assert report.name == f"native-{engine.isa}"
        assert report.lanes == load_library().lanes(load_library().isas.index(engine.isa))
        assert engine_words().startswith(f"native ({engine.isa}; also ")
        assert engine_words().count(engine.isa) == 1
    else:
        assert (report.name, report.lanes, report.layers) == ("numpy", 1, ())
        assert report.note.endswith("; as WSNET_ENGINE says")
        assert engine_words() == "numpy (as WSNET_ENGINE says)"


def test_a_report_of_no_such_engine_is_refused(small_model: Model, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv(ENGINE_VARIABLE, "nump")
    for ask in (lambda: engine_report(small_model.network, 800), engine_words):
        with pytest.raises(UsageError, match=r"^engine nump; expected one of auto, native, numpy"):
            ask()


_CHILD = """
import sys, threading, time
from pathlib import Path
import numpy as np
from wsnet_cli.engine.session import Classifier
classifier = Classifier.load(Path(sys.argv[1]), "native")
clip = np.random.default_rng(0).standard_normal(3_000_000).astype(np.float32)
windows = clip.reshape(30, -1)
ticks = []
done = threading.Event()
def tick():
    while not done.is_set():
        ticks.append(time.perf_counter())
        time.sleep(0.0005)
threading.Thread(target=tick).start()
most = 0
for _ in range(50):  # on a busy machine the other thread may not get a processor in time
    started = time.perf_counter()
    classifier.engine.logits(windows)
    ended = time.perf_counter()
    most = max(most, sum(started < t < ended for t in list(ticks)))
    if most >= 3:
        break
done.set()
print(most)
"""


def test_other_threads_run_while_the_kernels_do(small_model_file: Path, isa: str):
    """One call that computes for milliseconds: with the GIL held no other thread would tick."""
    command = [sys.executable, "-c", _CHILD, str(small_model_file)]
    found = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert int(found.stdout) >= 3
