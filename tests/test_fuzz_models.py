"""The fuzzer `benchmarks/fuzz_models.py`: a few of its damages, and that it finds faults."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from wsnet_cli.core.model_file import artifact_header, artifact_reading, coding, container
from wsnet_cli.core.quant import QuantizedTensor

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"
N = 150


@pytest.fixture(scope="module")
def fuzzer() -> Iterator[Any]:
    """The modules of the fuzzer, and the files that it damages."""
    before = signal.getsignal(signal.SIGALRM)
    sys.path.insert(0, str(BENCHMARKS))
    try:
        import fuzz_judge
        import fuzz_mutations
        import fuzz_seeds

        yield fuzz_judge, fuzz_mutations, fuzz_seeds.seed_files()
    finally:
        sys.path.remove(str(BENCHMARKS))
        signal.signal(signal.SIGALRM, before)


def judged(fuzzer: Any, kind: str, n: int, only: str = "") -> Counter[str]:
    """What became of `n` damages of the files whose names hold `only`."""
    judges, mutations, files = fuzzer
    judge, found = judges.Judge(run=kind != "none"), Counter[str]()
    names = [name for name in files if only in name]
    for number in range(n):
        dice = random.Random(number)
        original = files[dice.choice(names)]
        content = {"none": lambda c, _: c, "blind": mutations.damage, "signed": mutations.lie}[
            kind
        ](original, dice)
        found[judge(original, content)[0]] += 1
    return found


def test_damages_that_leave_the_digest_wrong_are_refused(fuzzer: Any) -> None:
    assert judged(fuzzer, "blind", N) == {"refused": N}


def test_lies_are_refused_or_read_as_the_page_says(fuzzer: Any) -> None:
    found = judged(fuzzer, "signed", N)
    assert not set(found) - {"refused", "harmless", "other model", "other, not run"}, found
    assert min(found["refused"], found["harmless"], found["other model"]) > 5


@settings(
    deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(dice=st.randoms(use_true_random=False))
def test_no_lie_that_is_drawn_is_misread(fuzzer: Any, dice: random.Random) -> None:
    """As above, by hypothesis, which makes what fails small."""
    judges, mutations, files = fuzzer
    original = files[dice.choice(sorted(files))]
    found, why = judges.Judge(run=False)(original, mutations.lie(original, dice))
    assert found not in judges.FAULTS, why


def test_files_of_every_kind_are_read_alike_by_both_readers(fuzzer: Any) -> None:
    judges, _, files = fuzzer
    judge = judges.Judge()
    assert {
        name: found for name, c in files.items() if (found := judge(c, c))[0] != "harmless"
    } == {}
    assert {name.rpartition(", ")[2].split()[0] for name in files} == {"plain", "packed", "huffman"}


def forget_signs(item: Any, key: str, kind: type, *default: Any) -> Any:
    return False if key == "signs" else plain_get_value(item, key, kind, *default)


plain_get_value = artifact_header.get_value


def wrong_scale(codes: Any, scale: float, bits: int = 8, offset: float = 0.0) -> QuantizedTensor:
    return QuantizedTensor(codes, offset or scale, bits, scale if offset else 0.0)


def unpacked_backwards(content: Any, n: int, width: int) -> Any:
    return np.ascontiguousarray(plain_unpack(content, n, width)[::-1])


plain_unpack = coding.unpack_codes


@pytest.mark.parametrize(
    ("where", "name", "wrong", "kind", "only"),
    [
        (artifact_reading, "QuantizedTensor", wrong_scale, "none", "min-max"),
        (artifact_reading, "unpack_codes", unpacked_backwards, "none", "4 bits"),
        (artifact_header, "get_value", forget_signs, "none", "signs"),
        (artifact_reading._Source, "finish", lambda self: None, "signed", "dense, min-max, packed"),
        (container, "hashlib", SimpleNamespace(sha256=lambda *_: Digest()), "blind", "dense"),
    ],
    ids=["scale and offset", "order of codes", "signs", "trailing numbers", "digest"],
)
def test_a_planted_misreading_is_found(
    fuzzer: Any,
    monkeypatch: pytest.MonkeyPatch,
    where: Any,
    name: str,
    wrong: Any,
    kind: str,
    only: str,
) -> None:
    monkeypatch.setattr(where, name, wrong)
    assert judged(fuzzer, kind, 10 if kind == "none" else 400, only)["silent"] > 0


class Digest:
    """Equal to whatever it is compared with."""

    def digest(self) -> Any:
        return self

    def __eq__(self, other: object) -> bool:
        return True

    def __ne__(self, other: object) -> bool:
        return False

    __hash__ = None  # type: ignore[assignment]


def test_the_script_says_what_it_found(tmp_path: Path) -> None:
    script = [sys.executable, str(BENCHMARKS / "fuzz_models.py"), "20", "--save", str(tmp_path)]
    done = subprocess.run(script, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines()[-1].endswith(", 0 that may not be: held")
    assert list(tmp_path.iterdir()) == []
