"""Kill `wsnet train` at random moments, resume, and compare what it writes, byte for byte.

python benchmarks/kill_train.py [--kills 50] [--per-round 1] [--seconds 15] [--seed 0]
[--processes 1]: 64 made clips and a small network. A run that nobody kills is the reference. Then
rounds: a run is started and killed with SIGKILL at a moment drawn uniformly from all that it still
has to do (imports, decoding, batches, looks, saves, measuring), and resumed, and so on, up to so
many times, and then left to end; a run that ends before its kill ends its round. It saves after
every half second. At the end model.wsnet, metrics.csv and every number of last.safetensors must be
those of the reference, and no temporary file may lie about.

With --processes 2 the same under torchrun: a kill then hits one of the processes, and the job must
end by itself. Its sums depend on the order of messages, so the losses are compared within 1e-3.

Exit code 1 if any differs.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from time import perf_counter, sleep

from wsnet_cli.core.model_file.container import read_container, unpack
from wsnet_cli.data.synthetic import write_sound_folder

LOSS_TOLERANCE = 1e-3
GIVE_UP_S = 60.0
SETTINGS = {
    "audio.window_s": "0.5",
    "network.width": "0.25",
    "train.batch_size": "8",
    "train.evaluate_every": "2",
    "train.validation": "0.2",
    "train.keep": "best",
}


class Player:
    """Starts, kills and resumes runs of one kind in one folder."""

    def __init__(self, work: Path, sounds: Path, epochs: int, processes: int) -> None:
        self._work, self._sounds, self._epochs = work, sounds, epochs
        self._processes = processes
        self._environment = {**os.environ, "WSNET_SAVE_EVERY_S": "0.5", "OMP_NUM_THREADS": "1"}

    def run(self, name: str, kill_after_s: float | None = None, victim: int = 0) -> bool:
        """Start or resume the run of a name; whether it ended by itself."""
        folder = self._work / "runs" / name
        resumes = (folder / "last.safetensors").is_file()
        arguments = ["--resume", str(folder)] if resumes else self._new(name)
        process = subprocess.Popen(
            [*self._launcher(), "train", *arguments, "--device", "cpu", "-q", "--json"],
            cwd=self._work,
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )
        try:
            _, said = process.communicate(timeout=kill_after_s)
        except subprocess.TimeoutExpired:
            self._kill(process, victim)
            return False
        if process.returncode:
            sys.exit(f"{arguments}: exit code {process.returncode}: {said.decode()[-500:]}")
        return True

    def _new(self, name: str) -> list[str]:
        settings = [f"{key}={value}" for key, value in SETTINGS.items()]
        flags = [flag for setting in settings for flag in ("--set", setting)]
        epochs = ["--epochs", str(self._epochs), "--threads", "1"]
        return [str(self._sounds), "-c", "demo", "--name", name, "--force", *epochs, *flags]

    def _launcher(self) -> list[str]:
        module = ["-m", "wsnet_cli"]
        if self._processes == 1:
            return [sys.executable, *module]
        torchrun = ["-m", "torch.distributed.run", "--nproc-per-node", str(self._processes)]
        return [sys.executable, *torchrun, *module]

    def _kill(self, process: subprocess.Popen[bytes], victim: int) -> None:
        """Kill the run, or under torchrun one of its processes, upon which all must end."""
        workers = _children(process.pid)
        if self._processes > 1 and workers:
            os.kill(workers[victim % len(workers)], 9)
            try:
                process.communicate(timeout=GIVE_UP_S)
            except subprocess.TimeoutExpired:
                process.kill()
                sys.exit(f"the job has not ended {GIVE_UP_S:.0f} s after one process was killed")
            if process.returncode == 0:
                sys.exit("the job ended with exit code 0 after one process was killed")
        else:
            process.kill()
            process.communicate()
        started = perf_counter()
        while any(map(_is_alive, workers)) and perf_counter() - started < GIVE_UP_S:
            sleep(0.05)
        if left := [worker for worker in workers if _is_alive(worker)]:
            sys.exit(f"processes {left} outlived their job")


def _children(parent: int) -> list[int]:
    """Processes that one has started, by Linux's /proc."""
    path = Path(f"/proc/{parent}/task/{parent}/children")
    return [int(word) for word in path.read_text().split()] if path.exists() else []


def _is_alive(process: int) -> bool:
    """Whether it runs; one that has ended and is not collected yet does not."""
    status = Path(f"/proc/{process}/stat")
    try:
        return status.read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def contents(folder: Path) -> dict[str, str]:
    """A digest of everything that must be equal."""
    arrays, values = unpack(read_container(folder / "last.safetensors", "a resume file"), "")
    found = {name: array.tobytes() for name, array in arrays.items()}
    found |= {"rows": repr(values["rows"]).encode(), "position": repr(values["position"]).encode()}
    for name in ("model.wsnet", "metrics.csv", "metrics.json", "split.csv", "config.yaml"):
        found[name] = (folder / name).read_bytes()
    stray = [path.name for path in folder.iterdir() if path.name.endswith(".tmp")]
    found["stray files"] = repr(stray).encode()
    return {name: hashlib.sha256(content).hexdigest() for name, content in found.items()}


def losses(folder: Path) -> list[float]:
    """The loss of each epoch."""
    with (folder / "metrics.csv").open(newline="") as file:
        return [float(row["loss"]) for row in csv.DictReader(file)]


def differences(folder: Path, reference: Path, processes: int) -> list[str]:
    """What differs, by name."""
    if processes > 1:
        pairs = list(zip(losses(folder), losses(reference), strict=True))
        return [f"loss {a} and {b}" for a, b in pairs if abs(a - b) > LOSS_TOLERANCE]
    seen, expected = contents(folder), contents(reference)
    return sorted(key for key in {*seen, *expected} if seen.get(key) != expected.get(key))


def main() -> None:
    """All rounds."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--kills", type=int, default=50)
    parser.add_argument("--per-round", type=int, default=1)
    parser.add_argument("--seconds", type=float, default=15)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--processes", type=int, default=1)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)  # noqa: S311 - no secret
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        os.environ["WSNET_CACHE"] = str(work / "cache")
        write_sound_folder(work / "sounds", 7, 0)
        player, whole_s = reference_run(work, asked.seconds, asked.processes)
        n_kills, n_wrong, n_rounds = 0, 0, 0
        while n_kills < asked.kills:
            shutil.rmtree(work / "runs" / "killed", ignore_errors=True)
            kills = min(asked.per_round, asked.kills - n_kills)
            n_kills += (hits := play_round(player, whole_s, kills, rng))
            n_rounds += 1
            runs = work / "runs"
            wrong = differences(runs / "killed", runs / "reference", asked.processes)
            n_wrong += bool(wrong)
            verdict = f"differs in {wrong[:5]}" if wrong else "equal"
            print(f"round {n_rounds}: {hits} kills, {verdict}", flush=True)
    print(f"{n_kills} kills in {n_rounds} rounds of {whole_s:.1f} s; {n_wrong} rounds differ")
    sys.exit(bool(n_wrong))


def reference_run(work: Path, seconds: float, processes: int) -> tuple[Player, float]:
    """A run of so many epochs that it takes at least so long, and how long it takes."""
    epochs = 8
    while True:
        shutil.rmtree(work / "runs", ignore_errors=True)
        player = Player(work, work / "sounds", epochs, processes)
        started = perf_counter()
        player.run("reference")
        whole_s = perf_counter() - started
        print(f"{epochs} epochs: {whole_s:.1f} s", flush=True)
        if whole_s >= seconds:
            return player, whole_s
        epochs = int(epochs * max(1.5, seconds / whole_s))


def play_round(player: Player, whole_s: float, kills: int, rng: random.Random) -> int:
    """Start and kill up to so many times, then let it end; how many kills hit."""
    left_s, hits = whole_s, 0
    for _ in range(kills):
        started = perf_counter()
        if player.run("killed", rng.uniform(0, left_s), rng.randrange(8)):
            return hits
        hits += 1
        left_s = max(4.0, left_s - (perf_counter() - started))
    player.run("killed")
    return hits


if __name__ == "__main__":
    main()
