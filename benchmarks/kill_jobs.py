"""Stop `wsnet train --fold 1,2,3 --jobs 2` at random moments, go on, and compare with runs alone.

python benchmarks/kill_jobs.py [--stops 20] [--epochs 60] [--seed 0]: made sounds and a small
network. At a moment drawn uniformly from all that the job still has to do, one of these happens in
turn: the command is killed, one of its processes is killed, SIGINT goes to all of them as from a
terminal, SIGTERM to the command. Within 10 s nothing of it may be left; a signal must give exit
code 130 or 143, a killed process 1, with one line. Then the same command goes on. At the end every
file of every run must be, byte for byte, that of a run alone with one thread. Exit code 1 if
anything is otherwise. Linux alone.
"""

from __future__ import annotations

import argparse
import os
import random
import signal
import subprocess
import sys
import tempfile
from itertools import cycle
from pathlib import Path
from time import perf_counter, sleep

from wsnet_cli.data.synthetic import write_sound_folder

FOLDS = ("1", "2", "3")
FILES = ("model.wsnet", "metrics.csv", "metrics.json", "predictions.csv", "split.csv")
SETTINGS = ("audio.window_s=0.5", "network.width=0.25", "train.batch_size=8")
GONE_WITHIN_S = 10.0
WAYS = ("SIGKILL to the command", "SIGKILL to a process", "SIGINT to all", "SIGTERM")
CODES = {WAYS[0]: -9, WAYS[1]: 1, WAYS[2]: 130, WAYS[3]: 143}


def command(work: Path, epochs: int, *more: str) -> list[str]:
    """Train in one way or the other."""
    settings = [word for setting in SETTINGS for word in ("-s", setting)]
    options = ["-c", "demo", "--epochs", str(epochs), "--device", "cpu", "-q", *settings]
    return [sys.executable, "-m", "wsnet_cli", "train", str(work / "sounds"), *options, *more]


def members(group: int) -> list[int]:
    """The living processes of a group."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            fields = (entry / "stat").read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if entry.name.isdecimal() and fields[0] != "Z" and int(fields[2]) == group:
            found.append(int(entry.name))
    return found


def hit(process: subprocess.Popen[bytes], way: str, rng: random.Random) -> None:
    """Do to the job what the way says."""
    children = [pid for pid in members(process.pid) if pid != process.pid]
    if way == WAYS[2]:
        os.killpg(process.pid, signal.SIGINT)
    elif way == WAYS[3]:
        process.terminate()
    elif way == WAYS[1] and children:
        os.kill(rng.choice(children), signal.SIGKILL)
    else:
        process.kill()


def play(asked: list[str], work: Path, after_s: float, way: str, rng: random.Random) -> str:
    """Start the job and stop it; what came of it, with a first word of `wrong` if it is so."""
    process = subprocess.Popen(
        asked,
        cwd=work,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        process.wait(after_s)
        return f"ended by itself: {process.returncode}"
    except subprocess.TimeoutExpired:
        hit(process, way, rng)
    started = perf_counter()
    while members(process.pid) and perf_counter() - started < GONE_WITHIN_S:
        sleep(0.02)
    gone_s = perf_counter() - started
    left = members(process.pid)
    for pid in left:
        os.kill(pid, signal.SIGKILL)
    lines = (process.stderr.read() if process.stderr else b"").decode().splitlines()
    code = process.wait()
    # A process that is hit after its last word, or before there is any, need not end the job.
    # SIGTERM while Python is still importing ends it as it ends any program.
    late = {WAYS[1]: -9, WAYS[3]: -15}.get(way, 0)
    expected = (CODES[way], late, 0)
    fine = not left and code in expected and len(lines) <= 1
    said = f": {lines[-1][:90]}" if lines else ""
    return f"{'' if fine else 'wrong: '}exit code {code}, gone after {gone_s:.1f} s{said}"


def main() -> None:
    """Train each fold alone, then all as a job that is stopped again and again."""
    parser = argparse.ArgumentParser(description="Stop and go on with several runs.")
    parser.add_argument("--stops", type=int, default=20)
    parser.add_argument("--epochs", type=int, default=60)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    rng = random.Random(asked.seed)  # noqa: S311 - no secret
    n_wrong = 0
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        os.environ |= {"WSNET_CACHE": str(work / "cache"), "WSNET_SAVE_EVERY_S": "0.5"}
        write_sound_folder(work / "sounds", 7, 0)
        for fold in FOLDS:
            alone = ("--fold", fold, "--threads", "1", "--name", f"alone-{fold}", "--json")
            subprocess.run(
                command(work, asked.epochs, *alone),
                cwd=work,
                check=True,
                stdout=subprocess.DEVNULL,
            )
        job = command(
            work, asked.epochs, "--fold", ",".join(FOLDS), "--jobs", "2", "--name", "job", "--json"
        )
        started = perf_counter()
        subprocess.run([*job, "--force"], cwd=work, check=True, stdout=subprocess.DEVNULL)
        whole_s = perf_counter() - started
        ways, force, left_s = cycle(WAYS), ["--force"], whole_s
        for number in range(1, asked.stops + 1):
            way, after_s = next(ways), rng.uniform(0.1, 0.8) * left_s
            said = play([*job, *force], work, after_s, way, rng)
            n_wrong += said.startswith("wrong")
            print(f"{number}: {way} after {after_s:.1f} s: {said}", flush=True)
            force, left_s = [], left_s - after_s
            if said.startswith("ended") or number % 3 == 0 or number == asked.stops:
                n_wrong += not finish(job, work)
                force, left_s = ["--force"], whole_s
    print(f"{asked.stops} stops of a job of {whole_s:.1f} s; {n_wrong} wrong")
    sys.exit(bool(n_wrong))


def finish(job: list[str], work: Path) -> bool:
    """Let the job end, and compare its runs with those alone."""
    done = subprocess.run(job, cwd=work, stdout=subprocess.DEVNULL)
    wrong = [
        f"{fold}/{file}"
        for fold in FOLDS
        for file in FILES
        if (work / "runs" / "job" / f"fold-{fold}-seed-0" / file).read_bytes()
        != (work / "runs" / f"alone-{fold}" / file).read_bytes()
    ]
    print(
        f"went on to the end: {'differs in ' + ', '.join(wrong) if wrong else 'equal'}", flush=True
    )
    return done.returncode == 0 and not wrong


if __name__ == "__main__":
    main()
