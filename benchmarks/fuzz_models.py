"""Damaged model files of every kind: refused, harmless, or read as the page of the format says.

python benchmarks/fuzz_models.py [N] [--seed S] [--seconds T] [--save DIR]: N (10,000) blind
damages, after which the digest is wrong, and N lies with a right one, half of them in the header.

Each outcome is one of:

refused        one line, no model
harmless       a model, equal to the undamaged one to the last bit
other model    a model that is not the undamaged one, which the package and the reader of
               docs/format.md read alike: labels, settings, layers, every number, and scores. With
               a right digest a changed weight IS another model; what must not be is a misreading.
other, not run the same, but its scores overflow float32, which is told in one line, or it is too
               large to be run here
silent         the two readers differ; or a blind damage gave a model
traceback      any other exception, a warning, or more than one short line
memory         reading it allocated more than three times the file and 32 MB
time-out       10 seconds
signal         the process died

The last five may not be. Files that come to such an end are saved, to be judged again with
--again FILE. A child process does the work, so that a crash counts as what it is.
"""

from __future__ import annotations

import argparse
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from fuzz_judge import FAULTS, HARMLESS, OUTCOMES, REFUSED, SILENT, Judge
from fuzz_mutations import damage, lie
from fuzz_seeds import seed_files

SIGNAL = "signal"
KINDS = {"blind": damage, "signed": lie}
COLUMNS = (*OUTCOMES, SIGNAL)


def changed(kind: str, seed: int, number: int, files: dict[str, bytes]) -> tuple[str, bytes]:
    """The file that is damaged, by its name, and the damaged content."""
    dice = random.Random(f"{seed}:{kind}:{number}")  # noqa: S311 - to be made again
    name = dice.choice(list(files))
    return name, KINDS[kind](files[name], dice)


def work(kind: str, seed: int, first: int, n: int, until: float, folder: Path) -> None:
    """In the child: print the outcome of each damage from `first` on."""
    files, judge = seed_files(), Judge()
    current = folder / f"{kind}-{seed}-current.wsnet"
    for number in range(first, n):
        if time.time() > until:
            break
        name, content = changed(kind, seed, number, files)
        current.write_bytes(content)  # what is left of it if this process dies
        outcome, why = judge(files[name], content)
        if kind == "blind" and content != files[name] and outcome not in (REFUSED, *FAULTS):
            outcome, why = SILENT, f"a blind damage that {outcome}"
        if outcome in FAULTS:
            (folder / f"{kind}-{seed}-{number}.wsnet").write_bytes(content)
            print(f"{kind}-{seed}-{number}: {outcome}: {name}: {why}", file=sys.stderr, flush=True)
        print(COLUMNS.index(outcome), flush=True)
    current.unlink(missing_ok=True)


def fuzz(kind: str, seed: int, n: int, seconds: float, folder: Path) -> Counter[str]:
    """The outcomes; a child that dies is followed by another."""
    outcomes: list[str] = []
    until = time.time() + seconds
    while len(outcomes) < n and time.time() < until:
        request = ("--child", kind, str(seed), str(len(outcomes)), str(n), str(until), str(folder))
        child = subprocess.run([sys.executable, __file__, *request], stdout=subprocess.PIPE)
        outcomes += [COLUMNS[int(line)] for line in child.stdout.split()]
        if child.returncode == 0:
            break
        number = len(outcomes)
        left = folder / f"{kind}-{seed}-current.wsnet"
        left.replace(folder / f"{kind}-{seed}-{number}.wsnet")
        print(f"{kind}-{seed}-{number}: {SIGNAL} {child.returncode}", file=sys.stderr)
        outcomes.append(SIGNAL)
    return Counter(outcomes)


def judge_again(path: Path) -> None:
    """Judge one saved file, which is no harmless change of anything."""
    content = path.read_bytes()
    print(*Judge()(next(iter(seed_files().values())), content), sep=": ")


def main() -> None:
    """Damage, judge, print; exit code 1 where anything was silent or worse."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n", nargs="?", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0, help="-1: another one each time")
    parser.add_argument("--seconds", type=float, default=1e9, help="for both kinds together")
    parser.add_argument("--save", type=Path, help="where files that fail go")
    parser.add_argument("--again", type=Path, metavar="FILE")
    options = parser.parse_args()
    if options.again:
        return judge_again(options.again)
    seed = random.SystemRandom().randrange(10**9) if options.seed < 0 else options.seed
    folder = options.save or Path(tempfile.mkdtemp(prefix="wsnet-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}, files that fail go to {folder}", flush=True)
    judge = Judge(run=False)
    for name, content in seed_files().items():
        found, why = judge(content, content)
        if found != HARMLESS:
            sys.exit(f"undamaged: {name}: {found}: {why}")
    total: Counter[str] = Counter()
    print(f"{'':8}" + "".join(f"{name:>15}" for name in COLUMNS))
    for kind in KINDS:
        counts = fuzz(kind, seed, options.n, options.seconds / len(KINDS), folder)
        total += counts
        print(f"{kind:8}" + "".join(f"{counts[name]:15,}" for name in COLUMNS), flush=True)
    n_bad = sum(total[name] for name in (*FAULTS, SIGNAL))
    n_good = total[REFUSED] + total[HARMLESS]
    print(
        f"{sum(total.values()):,} damages, {n_good:,} refused or harmless, "
        f"{n_bad} that may not be: {'held' if n_bad == 0 else 'NOT HELD'}"
    )
    sys.exit(n_bad > 0)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--child"]:
        kind, seed, first, n, until, folder = sys.argv[2:]
        work(kind, int(seed), int(first), int(n), float(until), Path(folder))
    else:
        main()
