"""Files a second of `wsnet predict`, beside reading alone, and with two workers beside one.

python benchmarks/bulk.py DATA [ROUNDS]: whole processes in turn, medians of the paired ratios.

The first table: `wsnet predict` over the clips of DATA; the package's own reading of them (decode,
mix, resample, block by block); and soundfile and soxr called by hand, on whole files without any
check. All with a worker per processor. The second table: 10 times as many files, as links.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter

from wsnet_cli.bulk.parallel import Check, count_workers, map_in_order
from wsnet_cli.bulk.sources import expand_inputs

MODEL = "esc10"
N_COPIES = 10
Commands = dict[str, list[str]]


def read_by_wsnet(path: Path, sample_rate: int) -> int:
    """Samples of a file, read as `wsnet predict` reads them."""
    from wsnet_cli.core.audio import read_blocks

    return sum(len(block) for block in read_blocks(path, sample_rate=sample_rate))


def read_by_hand(path: Path, sample_rate: int) -> int:
    """Samples of a file, read by the shortest program."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return len(soxr.resample(samples.mean(axis=1), rate, sample_rate, quality="HQ"))


READERS = {"wsnet's reader": read_by_wsnet, "soundfile + soxr": read_by_hand}


def read_all(reader: str, folder: str, sample_rate: str, workers: str) -> None:
    """What a child process of this script does: read every clip of a folder."""

    def work(path: Path, check: Check) -> int:
        return READERS[reader](path, int(sample_rate))

    total = sum(map_in_order(work, expand_inputs([folder]), int(workers)))
    assert total > 0


def predict_command(folder: Path, workers: int) -> list[str]:
    """`wsnet predict` of a folder."""
    arguments = ["predict", str(folder), "-m", MODEL, "-q", "--format", "csv", "-j", str(workers)]
    return [sys.executable, "-m", "wsnet_cli", *arguments]


def seconds(command: list[str]) -> float:
    """Wall-clock time of a child process that must succeed."""
    started = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    return perf_counter() - started


def compare(title: str, commands: Commands, n_files: int, n_rounds: int) -> None:
    """Run each command once a round; print its rate, and that over the first one's."""
    rounds = [{name: seconds(c) for name, c in commands.items()} for _ in range(n_rounds)]
    print(f"\n{title}: {n_files} files, {n_rounds} rounds")
    print(f"{'':18} {'s':>7} {'files/s':>8} {'share':>6}  of {next(iter(commands))}'s rate")
    for name in commands:
        times = [times[name] for times in rounds]
        shares = [next(iter(times.values())) / times[name] for times in rounds]
        median = statistics.median(times)
        share = statistics.median(shares)
        print(f"{name:18} {median:7.2f} {n_files / median:8.1f} {share:6.2f}")


def main() -> None:
    """Measure and print."""
    from wsnet_cli import Classifier

    folder = Path(sys.argv[1])
    n_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    rate = str(Classifier.load(MODEL).model.audio.sample_rate)
    files = expand_inputs([str(folder)])
    workers = count_workers(None, len(files))
    here = [sys.executable, __file__, "--read"]
    reading = {name: [*here, name, str(folder), rate, str(workers)] for name in READERS}
    compare(
        f"with {workers} workers",
        {**reading, "wsnet predict": predict_command(folder, workers)},
        len(files),
        n_rounds,
    )
    with tempfile.TemporaryDirectory() as name:
        many = Path(name)
        for copy in range(N_COPIES):
            for file in files:
                (many / f"{copy}-{file.name}").symlink_to(file.resolve())
        by_workers = {f"{n} worker(s)": predict_command(many, n) for n in (1, 2)}
        compare("by workers", by_workers, N_COPIES * len(files), max(1, n_rounds // 2))


if __name__ == "__main__":
    if sys.argv[1] == "--read":
        read_all(*sys.argv[2:])
    else:
        main()
