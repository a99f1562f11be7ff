"""The rows of results and the tables that show them, as benchmarks/rows.yaml says.

A row is one recipe that is trained over folds and seeds, and has the name of its job folder and of
its file docs/results/NAME.json.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from wsnet_cli.core.configuration.config import Config
from wsnet_cli.core.configuration.config_file import known_path, load_config
from wsnet_cli.core.configuration.yamlfile import YamlDocument, load_yaml, parse_scalar
from wsnet_cli.core.errors import ConfigError, UsageError

ROWS_FILE = Path(__file__).with_name("rows.yaml")
RUNS = "runs"
"""The folder in which `wsnet train` puts what it trains, in the folder where it is started."""
_NAME = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


@dataclass(frozen=True)
class DataPlace:
    """A data set: its folder below the one of all data sets, and the options that read it.

    Args:
        folder: its name.
        options: of `wsnet train`.
        has_folds: whether every fold is held out in turn.
        clip_s: seconds of a clip, about.
        unit: what is drawn again for an interval: clips of one stay together.
    """

    folder: str
    options: tuple[str, ...]
    has_folds: bool
    clip_s: float
    unit: Literal["recording", "speaker", "clip"]


DATA_SETS = {
    "esc10": DataPlace("esc10", (), True, 5.0, "recording"),
    "fsdd": DataPlace(
        "fsdd", ("--pattern", "{label}_{group}_{index:test=0-4}"), False, 1.0, "clip"
    ),
    "fsdd-speakers": DataPlace(
        "fsdd", ("--pattern", "{label}_{fold}_{index}"), True, 1.0, "speaker"
    ),
}
"""By the name that a row gives. The folds of fsdd-speakers are its speakers: one is left out."""


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


Text = Annotated[str, Field(min_length=1)]
Value = bool | int | float | str | None | list[int] | list[float] | list[str]


class Row(_Section):
    """One recipe.

    Args:
        title: how tables call it.
        data: one of `DATA_SETS`.
        config: preset.
        set: keys and values that are laid over it.
        max_kb: what the 8-bit file may take; the network is chosen by it.
        teacher: another row, whose runs of the same fold are learned from.
        seeds: how many, from 0 on.
        tables: that show it.
        runs_of: another row, whose runs are measured with the hop of this one; nothing is trained.
        chosen_on: folds whose held-out clips it was chosen by, among others.
    """

    title: Text
    data: Literal["esc10", "fsdd", "fsdd-speakers"]
    config: Text
    set: dict[str, Value] = {}
    max_kb: Annotated[float, Field(gt=0)] | None = None
    teacher: str | None = None
    seeds: Annotated[int, Field(ge=1, le=1000)] = 3
    tables: Annotated[tuple[str, ...], Field(strict=False)] = ()
    runs_of: str | None = None
    chosen_on: Annotated[tuple[str, ...], Field(strict=False)] = ()

    @property
    def place(self) -> DataPlace:
        """Where its data is, and how it is read."""
        return DATA_SETS[self.data]

    @property
    def settings(self) -> list[str]:
        """What `--set` is given, in order."""
        return [f"{key}={_text(value)}" for key, value in self.set.items()]

    def read_config(self) -> Config:
        """Its configuration, before `max_kb` chooses a network.

        Raises: WsnetError: as `load_config`.
        """
        teachers = [f"{RUNS}/{self.teacher}"]
        values = {"train.distill.teachers": teachers} if self.teacher else {}
        return load_config(self.config, self.settings, values)


class Table(_Section):
    """A table of docs/results.md.

    Args:
        title: of the table.
        base: the row that docs/choosing.md compares all others of the table with.
        control: the row without sampling that it compares them with as well.
        compare: rows that are compared in pairs below the table.
    """

    title: Text
    base: str | None = None
    control: str | None = None
    compare: Annotated[
        tuple[Annotated[tuple[str, str], Field(strict=False)], ...], Field(strict=False)
    ] = ()


class Rows(_Section):
    """All of them, by name and in the order of the file."""

    tables: dict[str, Table] = {}
    rows: dict[str, Row]

    def choose(self, names: Sequence[str]) -> list[str]:
        """These rows, or all, each after its teacher, which comes along.

        Raises: UsageError: there is no such row.
        """
        for name in names:
            if name not in self.rows:
                raise UsageError(f"{name}: no such row; rows: {', '.join(self.rows)}")
        chosen: list[str] = []
        for name in self.rows:
            if not names or name in names:
                chosen += [n for n in self._with_teachers(name) if n not in chosen]
        return chosen

    def of_table(self, table: str) -> list[str]:
        """The rows that a table shows."""
        return [name for name, row in self.rows.items() if table in row.tables]

    def _with_teachers(self, name: str) -> list[str]:
        teacher = self.rows[name].teacher
        return [name] if teacher is None else [*self._with_teachers(teacher), name]


def read_rows(path: Path = ROWS_FILE) -> Rows:
    """Read and check a file of rows.

    Raises:
        ConfigError: it is no YAML, has an unknown key or a value out of range, or names rows or
            tables that are not there; one line, with the place.
    """
    return parse_rows(path.read_text(encoding="utf-8"), path.name)


def parse_rows(text: str, where: str) -> Rows:
    """Like `read_rows`, from text; `where` names it in messages."""
    document = load_yaml(text, where)
    try:
        rows = Rows.model_validate(document.value)
    except ValidationError as error:
        raise ConfigError(_explain(error, document, where)) from None
    for problem in _problems(rows):
        raise ConfigError(f"{where}: {problem}")
    return rows


def job_options(
    row: Row, name: str, seeds: Iterable[int], folds: str | None, teacher: str | None
) -> list[str]:
    """What `wsnet train DATA` is given for some seeds of a row.

    Args:
        row: to train.
        name: of the job folder.
        seeds: of the job.
        folds: as `--fold` takes them; None for all there are.
        teacher: folder of a job.
    """
    options = list(row.place.options)
    if row.place.has_folds:
        options += ["--fold", folds or "all"]
    options += ["-c", row.config]
    for setting in row.settings:
        options += ["--set", setting]
    if row.max_kb is not None:
        options += ["--max-kb", f"{row.max_kb:g}"]
    if teacher is not None:
        options += ["--teacher", teacher]
    listed = list(seeds)
    from_0 = listed == list(range(len(listed)))
    text = str(len(listed)) if from_0 else ",".join(map(str, listed)) + "," * (len(listed) == 1)
    return [*options, "--seeds", text, "--name", name]


def _text(value: object) -> str:
    """As `--set` reads it back."""
    if isinstance(value, list):
        return f"[{', '.join(map(_text, value))}]"
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    return str(value)


def _problems(rows: Rows) -> Iterable[str]:
    """What names something that is not there, or cannot be trained."""
    for name, row in rows.rows.items():
        if not _NAME.fullmatch(name) or name.startswith("clips-") or name in ("speed", "times"):
            yield f"rows.{name}: is no name for a row; expected words with hyphens, such as maps-64"
        for key, value in row.set.items():
            if isinstance(value, str) and parse_scalar(value) != value:
                yield f"rows.{name}.set.{key} = {value!r}: cannot be set as text; leave quotes out"
        for table in row.tables:
            if table not in rows.tables:
                yield f"rows.{name}.tables: no table {table}; tables: {', '.join(rows.tables)}"
        if row.runs_of is not None and row.runs_of not in rows.rows:
            yield f"rows.{name}.runs_of: no row {row.runs_of}"
        yield from _problems_of_teachers(rows, name)
    for table, found in rows.tables.items():
        for one in (one for pair in found.compare for one in pair):
            if one not in rows.rows:
                yield f"tables.{table}.compare: no row {one}"
        for key, one in (("base", found.base), ("control", found.control)):
            if one is not None and one not in rows.of_table(table):
                yield f"tables.{table}.{key}: {one} is no row of it"
        for first, second in found.compare:
            if rows.rows[first].data != rows.rows[second].data:
                yield f"tables.{table}.compare: {first} and {second} are of other data"


def _problems_of_teachers(rows: Rows, name: str) -> Iterable[str]:
    seen = [name]
    while (teacher := rows.rows[seen[-1]].teacher) is not None:
        if teacher not in rows.rows:
            yield f"rows.{seen[-1]}.teacher: no row {teacher}"
            return
        if teacher in seen:
            yield f"rows.{name}.teacher: {teacher} learns from itself"
            return
        if rows.rows[teacher].data != rows.rows[name].data:
            yield f"rows.{name}.teacher: {teacher} is of other data"
        seen.append(teacher)


def _explain(error: ValidationError, document: YamlDocument, where: str) -> str:
    """One line for the first thing that was refused."""
    first = error.errors()[0]
    path = known_path(first["loc"], document.value)
    key = ".".join(map(str, path)) or "the file"
    line = document.lines.get(path, 1)
    if first["type"] == "extra_forbidden":
        return f"{where}:{line}: {key}: unknown key; leave it out"
    if first["type"] == "missing":
        return f"{where}:{line}: {key}.{first['loc'][-1]} is missing; add it"
    words = first["msg"].removeprefix("Input should be ")
    if "set" in path[:-1]:
        words = "a number, text, null, true, false or a list of these"
    return f"{where}:{line}: {key} = {str(first['input'])[:60]!r}; expected {words}"
