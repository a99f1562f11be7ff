"""`wsnet demo`: the whole job in under a minute, on sounds it makes itself."""

from __future__ import annotations

from pathlib import Path
from time import monotonic
from typing import TYPE_CHECKING, Annotated

import typer

from ..core.errors import UsageError
from .shared import options
from .shared.light import require
from .shared.waiting import let_threads_sleep
from .showing import console
from .showing.ledger_table import show_ledger
from .showing.metrics_tables import show_metrics

if TYPE_CHECKING:
    from ..bulk.evaluating.evaluate import Evaluation
    from ..bulk.predicting.answers import Prediction
    from ..core.sizes.ledger import Ledger
    from ..learn.run.run import Result

PRESET = "demo"
CLIPS_PER_KIND = 60
UNHEARD_PER_KIND = 20
SEED = 0


def demo(
    folder: Annotated[
        Path, typer.Option("--folder", help="Made for the sounds and the run.")
    ] = Path("wsnet-demo"),
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Make sounds, train on them, compress, evaluate and predict, in under a minute.

    Example: wsnet demo
    """
    require("torch", "sklearn")
    let_threads_sleep()
    started = monotonic()
    if folder.exists():
        raise UsageError(f"{folder}: exists; delete it, or name another with --folder")
    sounds, unheard = folder / "sounds", folder / "unheard"
    _make_sounds(sounds, unheard)
    result = _train(sounds, folder / "runs")
    model, ledger = _compress(result)
    outcome = _evaluate(model, unheard)
    prediction = _predict(model, unheard)
    seconds = monotonic() - started
    if json:
        document = {
            "seconds": round(seconds, 1),
            "model": str(model),
            "bytes": ledger.n_file_bytes,
            "dense_bytes": ledger.rows[0].n_bytes,
            "evaluation": outcome.as_json(),
            "prediction": {"file": prediction.file, "label": prediction.scores[0].label},
        }
        console.print_json(document)
        return
    show_ledger(ledger)
    show_metrics(outcome.metrics)
    best = prediction.scores[0]
    console.result(f"{prediction.file} is taken for: {best.label} ({100 * best.score:.0f} %)")
    _show_commands(seconds)


def _make_sounds(sounds: Path, unheard: Path) -> None:
    """Clips to train on, and clips of the same kinds that training never sees."""
    from ..data.synthetic import KINDS, write_sound_folder

    console.note(
        f"1. making {CLIPS_PER_KIND} clips to train on and {UNHEARD_PER_KIND} to test with "
        f"of each of {len(KINDS)} kinds: {', '.join(KINDS)}"
    )
    write_sound_folder(sounds, CLIPS_PER_KIND, SEED)
    write_sound_folder(unheard, UNHEARD_PER_KIND, SEED + 1)


def _train(sounds: Path, runs: Path) -> Result:
    from ..core.configuration.config_file import load_config
    from ..learn.run.request import Request
    from ..learn.run.run import start_run
    from .showing.training import ConsoleListener

    console.note(f"2. training on {sounds}")
    with ConsoleListener() as listener:
        return start_run(
            Request(sounds, load_config(PRESET), PRESET, PRESET, fold="none", runs=runs), listener
        )


def _compress(result: Result) -> tuple[Path, Ledger]:
    from ..core.model import compress
    from ..core.model_file.artifact import save_model
    from ..core.sizes.ledger import make_ledger

    target = result.folder.path / "model.q8.wsnet"
    console.note(f"3. compressing {result.folder.model} to 8-bit weights")
    small = compress(result.model)
    save_model(target, small)
    return target, make_ledger(small, target.read_bytes())


def _evaluate(model: Path, unheard: Path) -> Evaluation:
    from ..bulk.clips.labelled import clips_of_data
    from ..bulk.evaluating.evaluate import evaluate_clips
    from ..engine.session import Classifier

    console.note(f"4. evaluating {model} on {unheard}")
    return evaluate_clips(Classifier.load(model), clips_of_data(unheard, None))


def _predict(model: Path, unheard: Path) -> Prediction:
    from ..bulk.inputs.sources import list_inputs
    from ..bulk.predicting.answers import predictions_of
    from ..bulk.predicting.predict import predict_files
    from ..bulk.predicting.request import Request
    from ..engine.session import Classifier

    clip = list_inputs([str(unheard)]).names[-1]
    console.note(f"5. predicting {clip}")
    classifier = Classifier.load(model)
    answer = next(predict_files(classifier, [clip], Request()))
    return next(predictions_of(answer, classifier.labels))


def _show_commands(seconds: float) -> None:
    console.result("")
    console.result(f"done in {seconds:.0f} s; the same on a folder of your own sounds:")
    console.result("")
    for command in (
        "wsnet train sounds/ --name mine",
        "wsnet compress runs/mine",
        "wsnet evaluate runs/mine/model.q8.wsnet",
        "wsnet predict clip.wav -m runs/mine/model.q8.wsnet",
    ):
        console.result(f"  {command}")
