"""What `wsnet predict CLIP` spends before it prints, and on what.

python benchmarks/cold_start.py CLIP [ROUNDS]: whole processes, interleaved with one that imports
numpy, soundfile and soxr alone and with an empty Typer command; medians, the median of the paired
ratios, peak memory; then the stages of a prediction inside one process, each in a fresh one.

Byte code is compiled beforehand, as an installer does.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
from time import perf_counter

from compiled import compiled_environment
from usage import answer_help

IMPORTS = "import numpy, soundfile, soxr"
TYPER = """
import typer
app = typer.Typer(add_completion=False, rich_markup_mode=None)
@app.command()
def main(name: str) -> None:
    pass
app()
"""
STAGES = """
import sys, json
from time import perf_counter
times, last = {}, perf_counter()
def done(stage):
    global last
    now = perf_counter()
    times[stage], last = 1000 * (now - last), perf_counter()
import numpy, soundfile, soxr
done("import numpy, soundfile, soxr")
import typer, typer.main
done("import typer")
from wsnet_cli.cli import app
import wsnet_cli.cli.predict.command
typer.main.get_command(app.app).commands["predict"]
done("import the command line, prepare the command")
import wsnet_cli.bulk.predicting.predict, wsnet_cli.bulk.inputs.sources, wsnet_cli.cli.predict.run
done("import the rest of wsnet")
from wsnet_cli.core.locate import find_shipped
from wsnet_cli.core.model_file.artifact import load_model
model = load_model(find_shipped("esc10"))
done("read the model")
from wsnet_cli.engine.engines import make_engine
engine = make_engine(model)
done("load the kernels, plan, pack the weights")
from wsnet_cli.core.sound.audio import read_audio
from wsnet_cli.core.sound.windows import clip_windows
samples, rate = read_audio(sys.argv[1], sample_rate=model.audio.sample_rate)
done("decode and resample")
windows = clip_windows(samples, model.audio)
done("cut and normalise windows")
engine.logits(windows)
done("run the network")
from rich.table import Table
done("import rich, which draws the table")
print(json.dumps(times))
"""


def run(command: list[str], environment: dict[str, str]) -> tuple[float, int]:
    """Seconds and peak resident bytes of a child process that must succeed."""
    started = perf_counter()
    with subprocess.Popen(command, env=environment, stdout=subprocess.DEVNULL) as child:
        _, status, usage = os.wait4(child.pid, 0)
        seconds = perf_counter() - started
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        sys.exit(f"{command}: exit code {child.returncode}")
    return seconds, usage.ru_maxrss * 1024


def show_processes(clip: str, n_rounds: int, environment: dict[str, str]) -> None:
    """Medians of whole processes and their ratio to the imports alone."""
    commands = {
        "wsnet predict": [sys.executable, "-m", "wsnet_cli", "predict", clip, "-q"],
        IMPORTS: [sys.executable, "-c", IMPORTS],
        "an empty Typer command": [sys.executable, "-c", TYPER, "x"],
        "nothing": [sys.executable, "-c", "pass"],
    }
    rounds = [
        {name: run(command, environment) for name, command in commands.items()}
        for _ in range(n_rounds + 1)
    ][1:]  # the first compiles byte code
    for name in commands:
        times = [results[name][0] for results in rounds]
        ratios = sorted(results[name][0] / results[IMPORTS][0] for results in rounds)
        memory = max(results[name][1] for results in rounds)
        print(
            f"{name:32} {1000 * statistics.median(times):6.0f} ms, "
            f"{statistics.median(ratios):.2f}x the imports "
            f"({ratios[0]:.2f} to {ratios[-1]:.2f}), {memory / 2**20:.0f} MiB"
        )


def show_stages(clip: str, n_rounds: int, environment: dict[str, str]) -> None:
    """Medians of the stages of one prediction, in the order in which they come."""
    command = [sys.executable, "-c", STAGES, clip]
    found = [
        json.loads(subprocess.run(command, env=environment, check=True, capture_output=True).stdout)
        for _ in range(n_rounds)
    ]
    for stage in found[0]:
        print(f"{statistics.median(times[stage] for times in found):8.1f} ms  {stage}")


def main() -> None:
    """Measure and print."""
    clip = sys.argv[1]
    n_rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 15
    with compiled_environment() as environment:
        show_processes(clip, n_rounds, environment)
        show_stages(clip, n_rounds, environment)


if __name__ == "__main__":
    answer_help(__doc__, n_needed=1)
    main()
