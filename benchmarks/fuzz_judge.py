"""What became of a damaged model file: two readers that know nothing of each other, compared.

One is the package. The other is the reader of docs/format.md, taken from the page as it stands.
"""

from __future__ import annotations

import contextlib
import re
import signal
import tracemalloc
import warnings
from pathlib import Path
from typing import Any

import numpy as np
from fuzz_compare import Misread, check_document, check_layers, check_sizes, check_types

from wsnet_cli.core.errors import ArtifactError, WsnetError
from wsnet_cli.core.model import LayerWeights, Model, compress, real
from wsnet_cli.core.model_file.artifact import model_from_bytes, model_to_bytes
from wsnet_cli.engine.session import Classifier

PAGE = Path(__file__).parents[1] / "docs" / "format.md"
REFUSED, HARMLESS, OTHER, UNRUN = "refused", "harmless", "other model", "other, not run"
SILENT, TRACEBACK, MEMORY, TIMEOUT = "silent", "traceback", "memory", "time-out"
OUTCOMES = (REFUSED, HARMLESS, OTHER, UNRUN, SILENT, TRACEBACK, MEMORY, TIMEOUT)
FAULTS = (SILENT, TRACEBACK, MEMORY, TIMEOUT)

MOST_SECONDS = 10
MOST_LOAD_BYTES = 32_000_000
"""What reading a file of this size may allocate beside three times its bytes."""
MOST_RUN_WORK = 1 << 26
"""Multiply-adds of a window, and samples of it, up to which a model is run to compare scores."""
MOST_VALUE = 1e3
"""Numbers up to which the scores of float32 and float64 are comparable."""
TOLERANCE = 1e-3


def page_reader() -> dict[str, Any]:
    """What the reader of docs/format.md defines."""
    text = PAGE.read_text(encoding="utf-8").split("\n## A reader\n")[1]
    code = re.search(r"```python\n(.*?)```", text, re.S)
    assert code
    names: dict[str, Any] = {}
    exec(code[1], names)  # noqa: S102 - the page of this repository
    return names


class Judge:
    """Says of one content after the other what became of it.

    Args:
        run: whether models that are read are run too.
    """

    def __init__(self, *, run: bool = True) -> None:
        self._page = page_reader()
        self._run = run
        self._canonical: dict[bytes, bytes] = {}  # each undamaged file as it would be written today
        rng = np.random.default_rng(0)
        self._clip = np.concatenate([np.zeros(30), rng.uniform(-1, 1, 170)]).astype(np.float32)
        signal.signal(signal.SIGALRM, _give_up)

    def __call__(self, original: bytes, content: bytes) -> tuple[str, str]:
        """One of OUTCOMES, and a reason in a few words."""
        signal.alarm(MOST_SECONDS)
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("error")
                return self._judge(original, content)
        except Misread as error:
            return SILENT, str(error)
        except TimeoutError:
            return TIMEOUT, f"more than {MOST_SECONDS} s"
        except MemoryError as error:
            return MEMORY, str(error)
        except Exception as error:  # a traceback is what is looked for
            return TRACEBACK, f"{type(error).__name__}: {error}"
        finally:
            signal.alarm(0)

    def _judge(self, original: bytes, content: bytes) -> tuple[str, str]:
        model, told = _load(content)
        if model is None:
            return REFUSED, told
        how = self._compare(model, content)
        if original not in self._canonical:
            self._canonical[original] = model_to_bytes(model_from_bytes(original, "original"))
        same = model_to_bytes(model) == self._canonical[original]
        with contextlib.suppress(WsnetError):  # too large for a scale
            model_from_bytes(model_to_bytes(compress(model, 6)), "compressed")
        return (HARMLESS if same else how), ""

    def _compare(self, model: Model, content: bytes) -> str:
        if not _is_small(model):
            return UNRUN
        try:
            document, tensors = self._page["read_file"](content)
            with np.errstate(all="ignore"):
                layers = self._page["read_layers"](document, tensors)
        except Exception as error:
            raise Misread(f"the page's reader: {type(error).__name__}: {error}") from error
        check_types(document)
        check_document(model, document)
        check_sizes(model, document, tensors)
        check_layers(model, layers)
        if not self._run:
            return OTHER
        return OTHER if self._scores_agree(model, content) else UNRUN

    def _scores_agree(self, model: Model, content: bytes) -> bool:
        """Run it in every way; False where its numbers leave the range of float32."""
        rate = model.audio.sample_rate
        largest = max(
            float(np.max(np.abs(array), initial=0.0))
            for own in model.weights
            for array in _arrays(own)
        )
        with np.errstate(all="ignore"):
            expected = self._page["scores"](content, self._clip)
        for engine in ("numpy", None):
            try:
                found = Classifier(model, engine).classify(self._clip, rate)
            except WsnetError as error:
                _check_line(error)
                return False
            if not np.isfinite(found).all():
                raise Misread("scores that are no numbers")
            wanted = np.array([expected[label] for label in model.labels])
            worst = float(np.max(np.abs(found - wanted)))
            if largest <= MOST_VALUE and not worst <= TOLERANCE:
                raise Misread(f"scores differ by {worst:g}")
        return True


def _give_up(*_: object) -> None:
    raise TimeoutError


def _load(content: bytes) -> tuple[Model | None, str]:
    """The model, or None and the line that refuses it."""
    tracemalloc.start()
    try:
        return model_from_bytes(content, "x"), ""
    except ArtifactError as error:
        _check_line(error)
        return None, str(error)
    finally:
        _, peak = tracemalloc.get_traced_memory()
        tracemalloc.stop()
        if peak > 3 * len(content) + MOST_LOAD_BYTES:
            raise MemoryError(f"{peak} bytes to read {len(content)}")


def _check_line(error: Exception) -> None:
    text = str(error)
    if "\n" in text or len(text) > 1_000 or not text.isprintable():
        raise RuntimeError(f"not one short line: {text[:300]!r}")


def _is_small(model: Model) -> bool:
    n_samples = model.audio.window_samples
    work = sum(cost.multiply_adds for cost in model.network.costs(n_samples, "dense"))
    pooled = sum(c.pool.size for c in model.network.convolutions if c.pool) * n_samples
    filters = sum(layer.shape.n_dense_weights for layer in model.network.weighted)
    return max(work, pooled, filters, n_samples) <= MOST_RUN_WORK


def _arrays(own: LayerWeights) -> list[np.ndarray]:
    arrays = (real(own.phi), own.pointwise, own.multiplier, own.bias)
    return [a if isinstance(a, np.ndarray) else real(a) for a in arrays if a is not None]
