"""Keep what the finished jobs of a row showed, as docs/results/ROW.json.

python benchmarks/record_job.py JOB [JOB ...] ROW [--more] [--data FOLDER] [--rows FILE] [-o
FOLDER]: several jobs are those of other seeds, and with `--more` their runs are added to those that
the row's file has. Every run's model is compressed to 8 bits, and both forms say by the native
engine what they hear in the held-out clips of the run. Written are the command, the configuration,
costs, bytes of both files, these predictions, the loss of the last epochs, the best look at the
held-out part while training, and what it was trained with. A job that was begun with other settings
than the row has, or did not hold out every fold, is refused. `--data` says where the data set is,
where it is not where the job had it. Models are measured with the hop of the row, whatever that of
the job.
"""

from __future__ import annotations

import argparse
import csv
import statistics
import sys
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from row_files import (
    FORMS,
    RESULTS,
    ClipList,
    clips_path,
    read_clips,
    read_row_file,
    write_json,
)
from row_jobs import check_job, row_command
from rows_file import ROWS_FILE, Row, read_rows

from wsnet_cli.bulk.clips.clip_audio import FileAudio
from wsnet_cli.bulk.clips.labelled import held_out_identities, identity_of
from wsnet_cli.bulk.evaluating.evaluate import evaluate_clips
from wsnet_cli.bulk.jobs.job_runs import JobRun, runs_of_job
from wsnet_cli.core.configuration.config_file import load_config
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import DataError, UsageError, WsnetError
from wsnet_cli.core.measures.predictions import Prediction, read_predictions
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes
from wsnet_cli.core.run_files import MODEL
from wsnet_cli.data.dataset import Clip
from wsnet_cli.data.layouts.known import load_dataset
from wsnet_cli.engine.session import Classifier
from wsnet_cli.learn.jobs.experiment_folder import Experiment, open_experiment
from wsnet_cli.learn.run.run_folder import RunFolder

LATE = 0.05
"""Share of the epochs, the last ones, whose mean loss is kept: a single epoch is noise. No row
mixes windows in these."""
MOST_OTHER = 0.05
"""Share of predictions that may differ from those in the run's folder: other machines round
otherwise."""


def record(
    jobs: Sequence[Path], name: str, row: Row, data: Path | None, folder: Path
) -> dict[str, Any]:
    """Measure the runs of a row's jobs; write the clips, and return the row's document."""
    experiments = [open_experiment(job) for job in jobs]
    for job, experiment in zip(jobs, experiments, strict=True):
        check_job(name, row, job, experiment)
    clips = _clips_of(experiments[0], data, row)
    runs = [(job, run) for job in jobs for run in runs_of_job(job)]
    audio = row.read_config().audio
    hop_s = audio_settings(audio).hop_s
    models = [with_hop(load_model(job / run.name / MODEL), hop_s) for job, run in runs]
    _check_runs([run for _, run in runs], models, row, clips)
    known = keep_clips(row, models[0].labels, clips, folder)
    seeds = sorted({run.seed for _, run in runs})
    config = load_config(str(jobs[0] / runs[0][1].name / "config.yaml")).model_dump(mode="json")
    config["audio"]["hop_s"] = audio.hop_s
    return {
        "row": name,
        "data": row.data,
        "command": row_command(name, row, seeds),
        "config": config,
        **costs_of(models[0]),
        "runs": [
            measure_run(job / run.name, run, model, row, clips, known)
            for (job, run), model in zip(runs, models, strict=True)
        ],
    }


def add_to_file(document: dict[str, Any], row: Row, folder: Path) -> dict[str, Any]:
    """A row's document with the runs, of other seeds, that its file has.

    Raises: UsageError: there is none, or it has one of the seeds, or is of other settings.
    """
    name = document["row"]
    place = folder / f"{name}.json"
    found = read_row_file(name, row.data, folder)
    if found is None:
        raise UsageError(f"{place}: is not there; expected runs to add to, or no --more")
    earlier = found.document
    for key in ("config", "parameters", "dense_parameters", "multiply_adds"):
        if _without_seed(earlier[key]) != _without_seed(document[key]):
            raise UsageError(f"{place}: has another {key} than the jobs; expected the same")
    runs = [*earlier["runs"], *document["runs"]]
    seeds = sorted({run["seed"] for run in runs})
    if len(runs) != len(seeds) * len(found.folds):
        raise UsageError(f"{place}: has a seed of the jobs; expected jobs of other seeds")
    runs.sort(key=lambda run: run["seed"])
    return {**earlier, "command": row_command(name, row, seeds), "runs": runs}


def _without_seed(value: Any) -> Any:
    if not isinstance(value, dict):
        return value
    return {**value, "train": {**value["train"], "seed": None}}


def with_hop(model: Model, hop_s: float) -> Model:
    """Cut into windows every so many seconds, which is no part of training."""
    return replace(model, audio=replace(model.audio, hop_s=hop_s))


def costs_of(model: Model) -> dict[str, int]:
    """Numbers of the network, and the arithmetic of one window, channels folded."""
    network = model.network
    costs = network.costs(model.audio.window_samples, "folded")
    return {
        "parameters": network.n_parameters,
        "dense_parameters": network.n_dense_parameters,
        "multiply_adds": sum(cost.multiply_adds for cost in costs),
    }


def measure_run(
    folder: Path, run: JobRun, model: Model, row: Row, clips: Sequence[Clip], known: ClipList
) -> dict[str, Any]:
    """Bytes and predictions of a run's model in both forms, and what its log says.

    Raises: DataError: it did not train to the last epoch, or said something else then.
    """
    small = compress(model)
    said = read_predictions(folder).rows
    held_out = _held_out(folder, run, clips, known, said)
    values: dict[str, Any] = {"fold": run.fold, "seed": run.seed}
    sizes = (len(model_to_bytes(form)) for form in (model, small))
    values["bytes"] = dict(zip(FORMS, sizes, strict=True))
    environment = RunFolder(folder).read_environment()
    values["device"] = environment["device"]
    values["wsnet"] = environment["wsnet"]
    values["torch"] = environment["packages"]["torch"]
    values |= log_of(folder / "metrics.csv")
    if values["epochs"] != (epochs := row.read_config().train.epochs):
        raise DataError(f"{folder}: trained {values['epochs']} epochs, and the row has {epochs}")
    for form, one in zip(FORMS, (model, small), strict=True):
        outcome = evaluate_clips(Classifier(one, "native"), held_out)
        if outcome.failures:
            raise DataError(f"{outcome.failures[0].name}: {outcome.failures[0].reason}")
        values[form] = [known.labels.index(clip.predicted) for clip in outcome.clips]
    then = {row.key.clip: row.predicted for row in said}
    n_other = sum(
        then[clip.name] != known.labels[found]
        for clip, found in zip(held_out, values["float32"], strict=True)
    )
    print(f"{folder.name}: {n_other} predictions other than when it was trained", file=sys.stderr)
    same_hop = load_model(folder / MODEL).audio == model.audio
    if same_hop and n_other > MOST_OTHER * len(held_out):
        raise DataError(f"{folder}: its model is not the one whose predictions lie beside it")
    return values


def log_of(path: Path) -> dict[str, Any]:
    """How many epochs, the loss of the last ones, and the best look at the held-out part.

    That is read off the held-out clips, so it says more than the model can be relied on for.
    """
    with path.open(encoding="utf-8") as stream:
        epochs = list(csv.DictReader(stream))
    late = epochs[-max(1, round(LATE * len(epochs))) :]
    looks = [
        (float(e["held_out_accuracy"]), int(e["epoch"])) for e in epochs if e["held_out_accuracy"]
    ]
    best = max(looks, key=lambda look: look[0], default=None)
    return {
        "epochs": int(epochs[-1]["epoch"]),
        "late_loss": round(statistics.fmean(float(epoch["loss"]) for epoch in late), 6),
        "best_look": None if best is None else {"epoch": best[1], "accuracy": best[0]},
    }


def keep_clips(row: Row, labels: Sequence[str], clips: Sequence[Clip], folder: Path) -> ClipList:
    """Write which clips a data set has, or check that they are those of before.

    Raises: DataError: they are others.
    """
    made = ClipList(
        tuple(labels),
        tuple(clip.name for clip in clips),
        tuple(labels.index(clip.label) for clip in clips),
        tuple(clip.fold for clip in clips),
        tuple(unit_of(clip, row) for clip in clips),
    )
    path = clips_path(row.data, folder)
    if not path.is_file():
        write_json(path, made.as_json())
    elif read_clips(row.data, folder) != made:
        raise DataError(f"{path}: holds other clips than the data; expected the data of before")
    return made


def unit_of(clip: Clip, row: Row) -> str:
    """What a clip is drawn again with: its recording, or where speakers are folds its speaker.

    In a test part of voices that were heard, it is a clip: it speaks of no other voices.
    """
    if row.place.unit == "clip":
        return clip.name
    speaker = clip.fold if row.place.unit == "speaker" else None
    return clip.group or speaker or clip.name


def _clips_of(experiment: Experiment, data: Path | None, row: Row) -> list[Clip]:
    """All clips that some run of the row holds out."""
    request = experiment.request
    source = data or request.source
    if not source.exists():
        raise UsageError(f"{source}: the data is not there; say where it is with --data")
    dataset = load_dataset(source, request.layout, request.pattern)
    return [clip for clip in dataset.clips if row.place.has_folds or clip.split == "test"]


def _check_runs(
    runs: Sequence[JobRun], models: Sequence[Model], row: Row, clips: Sequence[Clip]
) -> None:
    """Refuse runs that cannot stand in one row."""
    places = [(run.seed, run.fold) for run in runs]
    seeds, folds = {seed for seed, _ in places}, {fold for _, fold in places}
    if len(set(places)) != len(places) or len(places) != len(seeds) * len(folds):
        raise UsageError("the jobs' runs are not every fold once for each seed")
    wanted = {clip.fold for clip in clips} if row.place.has_folds else {None}
    if folds != wanted:
        other = ", ".join(sorted(str(fold) for fold in wanted ^ folds))
        raise UsageError(f"the jobs do not hold out every fold of the data; they lack {other}")
    first = models[0]
    if any((m.network, m.labels) != (first.network, first.labels) for m in models):
        raise UsageError("the jobs' models are not of the same network and labels")


def _held_out(
    folder: Path,
    run: JobRun,
    clips: Sequence[Clip],
    known: ClipList,
    said: Sequence[Prediction],
) -> list[Clip]:
    """The clips that a run held out, which must be those of its fold, unchanged."""
    held_out = [clips[i] for i in known.of_fold(run.fold)]
    if {identity_of(clip) for clip in held_out} != held_out_identities(folder):
        raise DataError(f"{folder}: held out other clips than its fold of the data has")
    contents = {row.key.clip: row.key.content for row in said}
    for clip, digest in zip(held_out, FileAudio().digests(held_out), strict=True):
        if not contents[clip.name].startswith(digest) or not digest:
            raise DataError(f"{clip.path}: is gone or has changed since training")
    return held_out


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("jobs", nargs="+", type=Path, metavar="JOB")
    parser.add_argument("row", metavar="ROW")
    parser.add_argument("--more", action="store_true", help="add to the runs of the row's file")
    parser.add_argument("--data", type=Path)
    parser.add_argument("--rows", type=Path, default=ROWS_FILE)
    parser.add_argument("-o", "--output", type=Path, default=RESULTS)
    asked = parser.parse_args()
    rows = read_rows(asked.rows)
    rows.choose([asked.row])
    row = rows.rows[asked.row]
    document = record(asked.jobs, asked.row, row, asked.data, asked.output)
    if asked.more:
        document = add_to_file(document, row, asked.output)
    target = asked.output / f"{asked.row}.json"
    write_json(target, document)
    print(f"written: {target}", file=sys.stderr)


if __name__ == "__main__":
    try:
        main()
    except WsnetError as error:
        sys.exit(f"error: {error}")
