"""Model files fuzzed by atheris, which keeps those that reach lines of the reader not seen before.

python .ci/fuzz_guided.py SECONDS SEED FOLDER: with the mutations and the judge of
benchmarks/fuzz_models.py, and those of libFuzzer on header and numbers, with a right digest.
What fails is saved in FOLDER; the exit code is then not 0.
"""

from __future__ import annotations

import random
import sys
from pathlib import Path

import atheris

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks"))

with atheris.instrument_imports(include=["wsnet_cli.core"]):
    from fuzz_judge import FAULTS, Judge
    from fuzz_mutations import DIGEST, join, lie, split
    from fuzz_seeds import seed_files

    import wsnet_cli.core.model_file.artifact  # noqa: F401

FILES = seed_files()
ORIGINAL = next(iter(FILES.values()))
LEAST, MOST = 50, 20_000
judge = Judge(run=False)


def mutate(content: bytes, most: int, seed: int) -> bytes:
    """Another file with a right digest."""
    dice = random.Random(seed)  # noqa: S311 - to be made again
    try:
        header, data = split(content)
        kind = dice.random()
        if kind < 0.4:
            changed = lie(content, dice)
        elif kind < 0.7:
            changed = join(atheris.Mutate(header, len(header) + 50), data)
        else:
            numbers = atheris.Mutate(data[:-DIGEST], len(data) + 20)
            changed = join(header, numbers + bytes(DIGEST))
    except Exception:  # no file any more: what is thrown here would pass for a finding
        changed = dice.choice(list(FILES.values()))
    return changed[:most]


def fuzz_one(content: bytes) -> None:
    """What libFuzzer calls; an exception is a finding."""
    if len(content) < LEAST:
        return
    outcome, why = judge(ORIGINAL, bytes(content))
    if outcome in FAULTS:
        raise RuntimeError(f"{outcome}: {why}")


if __name__ == "__main__":
    seconds, seed, folder = sys.argv[1:]
    corpus = Path(folder) / "corpus"
    corpus.mkdir()
    for number, content in enumerate(FILES.values()):
        (corpus / str(number)).write_bytes(content)
    limits = [f"-max_total_time={seconds}", f"-seed={seed}", f"-max_len={MOST}"]
    shown = [f"-artifact_prefix={folder}/guided-", "-verbosity=0", "-print_final_stats=1"]
    atheris.Setup([sys.argv[0], str(corpus), *limits, *shown], fuzz_one, custom_mutator=mutate)
    atheris.Fuzz()
