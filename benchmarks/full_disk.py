"""Run `wsnet prepare` and `wsnet predict` on disks that are too small, and go on with space.

python benchmarks/full_disk.py [--steps 12] [--per-kind 6]: needs Linux and the right to mount a
tmpfs in a namespace of its own (`unshare -rm`). Made sounds, and three jobs: preparing into a new
folder, preparing into a folder that holds half of the set, and predicting into tables and
embeddings. Each job is run on disks of so many sizes, evenly spaced, until one is large enough.
Where it is not, the command must end with exit code 1 and one line that says so; a prepared folder
must load, or say that prepare has to be run again; an output that has its final name must be whole.
Then the disk is enlarged and the same command given again: it must end well, with the bytes of a
run that had space.

Exit code 1 if anything is otherwise.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wsnet_cli.core.errors import DataError
from wsnet_cli.data.layouts.prepared import open_prepared
from wsnet_cli.data.prepared_folder import is_prepared
from wsnet_cli.data.synthetic import write_sound_folder

SAID = "No space left on device"
LEFT = "run wsnet prepare again"


@dataclass(frozen=True)
class Job:
    """A command, what lies on the disk before, and what must hold after it failed."""

    name: str
    arguments: Callable[[Path], list[str]]
    prepare_disk: Callable[[Path], None]
    fault: Callable[[Path, dict[str, bytes]], str | None]


def run(job: Job, disk: Path) -> tuple[int, str]:
    """The exit code of a job's command on a disk, and its stderr."""
    command = [sys.executable, "-m", "wsnet_cli", *job.arguments(disk)]
    result = subprocess.run(command, capture_output=True, text=True, check=False)
    return result.returncode, result.stderr


def mount(disk: Path, n_bytes: int, *, again: bool = False) -> None:
    """Give a folder so much space, or change how much it has."""
    disk.mkdir(exist_ok=True)
    options = f"{'remount,' if again else ''}size={n_bytes}"
    subprocess.run(["/bin/mount", "-t", "tmpfs", "-o", options, "tmpfs", str(disk)], check=True)


def contents(folder: Path) -> dict[str, bytes]:
    """Every file below a folder, but for locks, which are empty and hold nobody."""
    return {
        path.relative_to(folder).as_posix(): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.stat().st_size
    }


def prepared_fault(disk: Path, expected: dict[str, bytes]) -> str | None:
    """What is wrong with a prepared folder after a full disk, if anything."""
    if not is_prepared(disk / "out"):
        return None
    try:
        open_prepared(disk / "out")
    except DataError as error:
        return None if LEFT in str(error) else str(error)
    return None


def outputs_fault(disk: Path, expected: dict[str, bytes]) -> str | None:
    """The names of outputs that are there and not whole."""
    there = contents(disk)
    partial = [name for name in expected if there.get(name, expected[name]) != expected[name]]
    return ", ".join(partial) or None


def jobs(work: Path) -> list[Job]:
    """The three jobs."""

    def prepare(disk: Path) -> list[str]:
        return ["prepare", str(work / "all"), "-o", str(disk / "out"), "-q", "--json", "--report"]

    def predict(disk: Path) -> list[str]:
        tables = ("--format", "csv,json", "-o", str(disk / "tables"))
        return ["predict", str(work / "all"), *tables, "--embeddings", str(disk / "e.npy"), "-q"]

    def copy_half(disk: Path) -> None:
        shutil.copytree(work / "half prepared", disk / "out")

    def nothing(disk: Path) -> None:
        return

    return [
        Job("prepare", prepare, nothing, prepared_fault),
        Job("prepare more", prepare, copy_half, prepared_fault),
        Job("predict", predict, nothing, outputs_fault),
    ]


def play(job: Job, work: Path, n_steps: int) -> int:
    """All sizes of disk for one job; how many were not as they should be."""
    roomy = work / "roomy"
    mount(roomy, 1 << 30)
    job.prepare_disk(roomy)
    n_before = sum(map(len, contents(roomy).values()))
    code, stderr = run(job, roomy)
    if code:
        sys.exit(f"{job.name}: exit code {code} with space: {stderr}")
    expected = contents(roomy)
    n_after = sum(map(len, expected.values())) + n_before
    n_full, n_wrong, step = 0, 0, 0
    while True:
        disk = work / f"disk {step}"
        # The files that are there may need some more than their sizes: pages are whole.
        mount(disk, n_before + (64 << 10) + step * (n_after - n_before) // n_steps)
        job.prepare_disk(disk)
        code, stderr = run(job, disk)
        if code == 0:
            break
        n_full += 1
        errors = [line for line in stderr.splitlines() if not line.startswith("warning: ")]
        faults = [job.fault(disk, expected)]
        if code != 1 or len(errors) != 1 or SAID not in errors[0]:
            faults.append(f"exit code {code}: {stderr}")
        mount(disk, 1 << 30, again=True)
        code, stderr = run(job, disk)
        if code:
            faults.append(f"exit code {code} with space: {stderr}")
        elif contents(disk) != expected:
            faults.append("other bytes")
        for fault in filter(None, faults):
            print(f"{job.name}, step {step}: {fault}", flush=True)
        n_wrong += any(faults)
        step += 1
    equal = contents(disk) == expected
    print(f"{job.name}: {n_full} disks were too small, {n_wrong} faults; then equal: {equal}")
    return n_wrong + (not equal)


def main() -> None:
    """All jobs, in a namespace whose mounts end with it."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--steps", type=int, default=12)
    parser.add_argument("--per-kind", type=int, default=6)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    asked = parser.parse_args()
    if not asked.inside:
        command = ["/usr/bin/unshare", "-rm", sys.executable, *sys.argv, "--inside"]
        sys.exit(subprocess.run(command, check=False).returncode)
    n_wrong = 0
    with tempfile.TemporaryDirectory() as name:
        for job in jobs(Path(name)):
            work = Path(name)
            if not (work / "all").exists():
                write_sound_folder(work / "all", asked.per_kind, seed=0)
                write_sound_folder(work / "half", max(1, asked.per_kind // 2), seed=0)
                half = ["prepare", str(work / "half"), "-o", str(work / "half prepared"), "-q"]
                subprocess.run(
                    [sys.executable, "-m", "wsnet_cli", *half],
                    check=True,
                    capture_output=True,
                )
            n_wrong += play(job, work, asked.steps)
            for disk in [work / "roomy", *work.glob("disk *")]:
                subprocess.run(["/bin/umount", str(disk)], check=True)
    sys.exit(bool(n_wrong))


if __name__ == "__main__":
    main()
