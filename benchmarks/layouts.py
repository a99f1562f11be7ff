"""Time and memory of listing a data set: 1,000 clips and 100,000, by folders, table and names.

    python benchmarks/layouts.py [--clips 1000,100000]

Files are made empty in a temporary folder; nothing is decoded. Each case runs in a process of its
own. Memory is the largest resident set while the data set is read, beyond what the process had
when everything was imported (Linux only).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

N_CLASSES = 10
PATTERN = "{label}_{group}_{index}"
KINDS = ("folders", "csv", "jsonl", "pattern")


def make(root: Path, kind: str, n_clips: int) -> tuple[Path, str | None]:
    """Make a data set of a kind; return what to read, and the pattern to read it by."""
    names = [f"class{i % N_CLASSES}/recording-{i:06}.wav" for i in range(n_clips)]
    if kind == "csv":
        lines = [f"{name},class{i % N_CLASSES},s{i % 500},1,2.5" for i, name in enumerate(names)]
        (root / "list.csv").write_text("\n".join(["path,label,group,start,end", *lines]) + "\n")
        return root / "list.csv", None
    if kind == "jsonl":
        rows = [{"path": n, "label": n.split("/")[0], "start": 1, "end": 2.5} for n in names]
        (root / "list.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
        return root / "list.jsonl", None
    if kind == "pattern":
        names = [f"all/{i % N_CLASSES}_s{i % 50}_{i}.wav" for i in range(n_clips)]
    for folder in {name.split("/")[0] for name in names}:
        (root / folder).mkdir()
    for name in names:
        (root / name).touch()
    return root, PATTERN if kind == "pattern" else None


def measure(source: Path, pattern: str | None) -> dict[str, float]:
    """Read a data set here; return clips, seconds and MiB."""
    import wsnet_cli.core.sound.audio  # noqa: F401 - what is imported on the way is no memory of the list
    from wsnet_cli.data.layouts.known import load_dataset

    Path("/proc/self/clear_refs").write_text("5")
    before = _status("VmRSS")
    begun = time.perf_counter()
    dataset = load_dataset(source, pattern=pattern)
    seconds = time.perf_counter() - begun
    peak, kept = (_status(key) - before for key in ("VmHWM", "VmRSS"))
    n_clips = len(dataset.clips)
    return {"clips": n_clips, "seconds": seconds, "peak_mib": peak, "kept_mib": kept}


def _status(key: str) -> float:
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith(key)).split()[1]) / 1024


def main() -> None:
    """Measure all kinds at all sizes, or one where a child process is asked to."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--clips", default="1000,100000")
    parser.add_argument("--child", nargs=2, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.child:
        source, pattern = options.child
        print(json.dumps(measure(Path(source), pattern or None)))
        return
    print("kind      clips    seconds  us a clip  peak MiB  kept MiB")
    for kind in KINDS:
        for n_clips in map(int, options.clips.split(",")):
            with tempfile.TemporaryDirectory() as folder:
                source, pattern = make(Path(folder), kind, n_clips)
                command = [sys.executable, __file__, "--child", str(source), pattern or ""]
                done = subprocess.run(command, check=True, capture_output=True, text=True)
            found = json.loads(done.stdout)
            per_clip = 1e6 * found["seconds"] / found["clips"]
            print(
                f"{kind:8} {found['clips']:>7,} {found['seconds']:9.2f} {per_clip:10.1f} "
                f"{found['peak_mib']:9.1f} {found['kept_mib']:9.1f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
