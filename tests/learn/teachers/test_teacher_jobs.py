"""Which runs of a job may teach a run, and jobs that cannot be teachers."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wsnet_cli.core.errors import ArtifactError, UsageError
from wsnet_cli.core.split_file import SplitRow, write_split
from wsnet_cli.learn.teachers.split_parts import Parts
from wsnet_cli.learn.teachers.teacher_jobs import (
    TeacherJob,
    TeacherRun,
    is_teacher_job,
    open_teacher_job,
)


def run_of(name: str, train: str, test: str, validation: str = "") -> TeacherRun:
    """A run whose clips are letters."""
    return TeacherRun(Path(name), Parts(*(frozenset(part) for part in (train, validation, test))))


JOB = TeacherJob(
    "large",
    (run_of("1", "cdef", "ab"), run_of("1b", "cdef", "ab"), run_of("2", "abe", "cd", "f")),
    n_seeds=1,
)


def names(held_out: str, trained: str = "", fold: str | None = "2") -> list[str]:
    return [run.path.name for run in JOB.teachers_of(held_out, trained, fold)]


def test_those_that_held_out_the_same_clips() -> None:
    assert names("ab", "cdef") == ["1", "1b"]
    assert names("dc", "abef") == ["2"]


def test_a_clip_that_the_job_never_had_is_no_reason_against_it() -> None:
    assert names("abz") == ["1", "1b"]


def test_a_copy_that_the_run_is_trained_on_itself_is_no_reason_against_it() -> None:
    assert names("abc", "cdef") == ["1", "1b"]


@pytest.mark.parametrize("held_out", ["abc", "ef", "f", "z"])
def test_none_that_heard_what_is_held_out(held_out: str) -> None:
    """Not even by a validation part, which chose an epoch: f."""
    with pytest.raises(UsageError) as told:
        names(held_out)
    assert str(told.value) == (
        "teacher large: none of its 3 runs held out what fold 2 holds out; expected a job over the "
        "same folds of the same data"
    )


def test_a_run_that_holds_out_nothing_learns_from_those_that_did_so_too() -> None:
    everything = run_of("none", "abcdef", "")
    job = TeacherJob("large", (*JOB.runs, everything), 1)
    assert job.teachers_of([], "abcdef", "none") == (everything,)
    with pytest.raises(UsageError, match="each of its runs held something out, and this run holds"):
        names("", "abcdef", "none")


def test_without_a_name_of_the_fold_the_message_has_none() -> None:
    with pytest.raises(UsageError, match="held out what is held out; expected"):
        names("z", fold=None)


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 20)), min_size=1), st.integers(1, 3))
def test_over_the_same_folds_they_are_those_of_the_fold(
    clips: Sequence[tuple[int, int]], n_seeds: int
) -> None:
    """Whatever copies stand in several folds: nobody heard a clip that the run has not heard."""
    folds = sorted({fold for fold, _ in clips})

    def divide(held: int) -> tuple[frozenset[str], frozenset[str]]:
        train = frozenset(str(content) for fold, content in clips if fold != held)
        return train, frozenset(str(content) for fold, content in clips if fold == held)

    runs = []
    for fold in folds:
        train, test = divide(fold)
        runs += [TeacherRun(Path(str(fold)), Parts(train, frozenset(), test))] * n_seeds
    job = TeacherJob("job", tuple(runs), n_seeds)
    for fold in folds:
        train, test = divide(fold)
        if not test - train:
            continue  # copies alone: nothing here is held out from anyone
        found = job.teachers_of(test, train, str(fold))
        assert [run.path for run in found] == [Path(str(fold))] * n_seeds
        assert all(run.parts.train.isdisjoint(test - train) for run in found)


# --------------------------------------------------------------------------------- folders


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A job of two folds and two seeds."""
    job = tmp_path / "job"
    for fold in "12":
        for seed in "70":
            run = job / f"fold-{fold}-seed-{seed}"
            run.mkdir(parents=True)
            (run / "model.wsnet").write_text(run.name)
            other = "21"[int(fold) - 1]
            rows = [("a.wav", "train", other), ("b.wav", "test", fold)]
            write_split(run, [SplitRow(c, "x", p, "", "", "", "", str(key)) for c, p, key in rows])
    (job / "job.json").write_text(json.dumps({"folds": ["2", "1"], "seeds": [7, 0]}))
    return job


def test_a_folder_of_runs_is_read_in_its_order(folder: Path) -> None:
    job = open_teacher_job(str(folder))
    assert (job.name, job.n_seeds) == (str(folder), 2)
    assert [run.path.name for run in job.runs] == [
        *("fold-2-seed-7", "fold-2-seed-0", "fold-1-seed-7", "fold-1-seed-0")
    ]
    assert [run.path for run in job.teachers_of("1", "2", "1")] == [
        *(folder / "fold-1-seed-7", folder / "fold-1-seed-0")
    ]


def test_its_digest_changes_with_any_model(folder: Path) -> None:
    before = open_teacher_job(str(folder)).digest
    assert open_teacher_job(str(folder)).digest == before
    (folder / "fold-1-seed-0" / "model.wsnet").write_text("other")
    assert open_teacher_job(str(folder)).digest != before


def test_what_is_a_job(folder: Path, tmp_path: Path) -> None:
    assert is_teacher_job(str(folder))
    assert not is_teacher_job(str(folder / "fold-1-seed-0"))
    assert not is_teacher_job(str(tmp_path))
    assert not is_teacher_job("esc10")


def test_runs_that_are_missing_are_told(folder: Path) -> None:
    (folder / "fold-1-seed-0" / "model.wsnet").unlink()
    with pytest.raises(UsageError, match=r"1 of its 4 runs have no model yet.* --resume .*job$"):
        open_teacher_job(str(folder))


@pytest.mark.parametrize(
    "text", ["", "[]", "{}", '{"folds": [], "seeds": [0]}', '{"folds": ["1"], "seeds": [1e999]}']
)
def test_a_damaged_job_is_told(text: str, folder: Path) -> None:
    (folder / "job.json").write_text(text)
    with pytest.raises(ArtifactError, match=r"job\.json: is damaged; expected what wsnet train"):
        open_teacher_job(str(folder))


def test_a_run_that_does_not_tell_what_it_heard_is_no_teacher(folder: Path) -> None:
    (folder / "fold-2-seed-7" / "split.csv").unlink()
    with pytest.raises(ArtifactError, match=r"split\.csv: does not tell what the run was trained"):
        open_teacher_job(str(folder))
