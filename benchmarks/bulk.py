"""Files a second of `wsnet predict`, beside reading alone, and with two workers beside one.

python benchmarks/bulk.py DATA [ROUNDS [ROUNDS [PRESET]]]: whole processes in turn; medians of
paired ratios. With a preset, its network with random weights takes the place of the model that
ships.

The first table: `wsnet predict` over the clips of DATA; the package's own reading of them (decode,
mix, resample, block by block); and soundfile and soxr called by hand, on whole files without any
check. All with a worker per processor. The second table: 10 times as many files, as links. What a
process takes for one file counts as its start; shares are given with it and without.
"""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from time import perf_counter

from compiled import compiled_environment
from usage import answer_help

from wsnet_cli.bulk.inputs.sources import list_inputs
from wsnet_cli.core.parallel import Check, count_workers, map_in_order

MODEL = "esc10"
N_COPIES = 10
Commands = dict[str, Callable[[Path], list[str]]]
"""By its name, the command for a folder."""


def read_by_wsnet(path: Path, sample_rate: int) -> int:
    """Samples of a file, read as `wsnet predict` reads them."""
    from wsnet_cli.core.sound.audio import read_blocks

    return sum(len(block) for block in read_blocks(path, sample_rate=sample_rate))


def read_by_hand(path: Path, sample_rate: int) -> int:
    """Samples of a file, read by the shortest program."""
    import soundfile
    import soxr

    samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    return len(soxr.resample(samples.mean(axis=1), rate, sample_rate, quality="HQ"))


READERS = {"wsnet's reader": read_by_wsnet, "soundfile + soxr": read_by_hand}


def read_all(reader: str, sample_rate: str, workers: str, folder: str) -> None:
    """What a child process of this script does: read every clip of a folder."""

    def work(path: Path, check: Check) -> int:
        return READERS[reader](path, int(sample_rate))

    total = sum(map_in_order(work, map(Path, list_inputs([folder]).names), int(workers)))
    assert total > 0


def predict_command(workers: int, model: str) -> Callable[[Path], list[str]]:
    """`wsnet predict` of a folder."""
    command = [sys.executable, "-m", "wsnet_cli", "predict", "-m", model, "-q", "--format", "csv"]
    return lambda folder: [*command, "-j", str(workers), str(folder)]


def read_command(reader: str, workers: int, model: str) -> Callable[[Path], list[str]]:
    """This script, reading a folder at the model's rate."""
    from wsnet_cli import Classifier

    rate = str(Classifier.load(model).model.audio.sample_rate)
    command = [sys.executable, __file__, "--read", reader, rate, str(workers)]
    return lambda folder: [*command, str(folder)]


def random_model(preset: str, folder: Path) -> str:
    """A model file of a preset's network, with random weights."""
    from wsnet_cli.bench.subjects import random_model_of_preset
    from wsnet_cli.core.model_file.artifact import save_model

    path = folder / "random.wsnet"
    save_model(path, random_model_of_preset(preset, None, 0))
    return str(path)


def link(files: list[Path], folder: Path, n_copies: int = 1) -> Path:
    """Make a folder of links to files, each so many times."""
    folder.mkdir()
    for copy in range(n_copies):
        for file in files:
            (folder / f"{copy}-{file.name}").symlink_to(file.resolve())
    return folder


def seconds(command: list[str], environment: dict[str, str]) -> float:
    """Wall-clock time of a child process that must succeed."""
    started = perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
    return perf_counter() - started


def compare(
    title: str,
    commands: Commands,
    folder: Path,
    one: Path,
    n_rounds: int,
    environment: dict[str, str],
) -> None:
    """Run each command on both folders once a round; print rates, and shares of the first one's."""
    for command in commands.values():
        seconds(command(one), environment)  # compiles byte code
    n_files = len(list_inputs([str(folder)]).names)
    whole: dict[str, list[float]] = {name: [] for name in commands}
    start: dict[str, list[float]] = {name: [] for name in commands}
    for _ in range(n_rounds):
        for name, command in commands.items():
            start[name].append(seconds(command(one), environment))
            whole[name].append(seconds(command(folder), environment))
    first = next(iter(commands))
    starts = {name: statistics.median(start[name]) for name in commands}
    print(f"\n{title}: {n_files} files, {n_rounds} rounds; shares are of {first}'s rate")
    print(f"{'':18} {'s':>7} {'start s':>8} {'files/s':>8} {'share':>6} {'without start':>14}")
    for name in commands:
        pairs = list(zip(whole[first], whole[name], strict=True))
        share = statistics.median(a / b for a, b in pairs)
        without = statistics.median((a - starts[first]) / (b - starts[name]) for a, b in pairs)
        time_s = statistics.median(whole[name])
        print(
            f"{name:18} {time_s:7.2f} {starts[name]:8.2f} {n_files / time_s:8.1f} "
            f"{share:6.2f} {without:14.2f}"
        )


def main() -> None:
    """Measure and print."""
    folder = Path(sys.argv[1])
    n_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 5
    files = [Path(name) for name in list_inputs([str(folder)]).names]
    workers = count_workers(None, len(files))
    with tempfile.TemporaryDirectory() as name, compiled_environment() as environment:
        one = link(files[:1], Path(name) / "one")
        many = link(files, Path(name) / "many", N_COPIES)
        model = random_model(sys.argv[4], Path(name)) if len(sys.argv) > 4 else MODEL
        reading = {reader: read_command(reader, workers, model) for reader in READERS}
        predicting = {"wsnet predict": predict_command(workers, model)}
        title = f"with {workers} workers"
        compare(title, {**reading, **predicting}, folder, one, n_rounds, environment)
        by_workers = {f"{n} worker(s)": predict_command(n, model) for n in (1, 2)}
        n_rounds = int(sys.argv[3]) if len(sys.argv) > 3 else max(1, n_rounds // 2)
        if n_rounds:
            compare("by workers", by_workers, many, one, n_rounds, environment)


if __name__ == "__main__":
    answer_help(__doc__, n_needed=1)
    if sys.argv[1] == "--read":
        read_all(*sys.argv[2:])
    else:
        main()
