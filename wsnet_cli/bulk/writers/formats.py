"""The formats there are, by name."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import BinaryIO

from ...core.errors import ParameterError
from .writer import Facts, Write, Writer


@dataclass(frozen=True)
class Format:
    """One way of writing predictions.

    Args:
        suffix: of its files.
        per_recording: whether it has no place for the name of a file, or is used by programs that
            open one recording at a time, so that each recording gets a file of its own.
        is_binary: not to be shown on a terminal.
    """

    suffix: str
    per_recording: bool = False
    is_binary: bool = False


FORMATS = {
    "csv": Format(".csv"),
    "json": Format(".json"),
    "jsonl": Format(".jsonl"),
    "parquet": Format(".parquet", is_binary=True),
    "audacity": Format(".txt", per_recording=True),
    "raven": Format(".selections.txt", per_recording=True),
}
"""The formats that programs read; `table` is for people and belongs to the command line."""


def name_no_failures(formats: Iterable[str]) -> bool:
    """Whether all of these have no place for an input that failed; a table for people has one."""
    return all(name in FORMATS and FORMATS[name].per_recording for name in formats)


def make_text_writer(format_: str, write: Write, facts: Facts) -> Writer:
    """A writer of a format that is text.

    Raises: ParameterError: there is no such format.
    """
    if format_ == "csv":
        from .csv_rows import CsvWriter

        return CsvWriter(write)
    if format_ == "json":
        from .json_document import JsonWriter

        return JsonWriter(write, facts)
    if format_ == "jsonl":
        from .json_document import JsonLinesWriter

        return JsonLinesWriter(write)
    if format_ == "audacity":
        from .audacity import AudacityWriter

        return AudacityWriter(write)
    if format_ == "raven":
        from .raven import RavenWriter

        return RavenWriter(write, facts)
    raise ParameterError(f"format = {format_!r}; expected one of {', '.join(FORMATS)} that is text")


def make_writer(format_: str, stream: BinaryIO, facts: Facts) -> Writer:
    """A writer of any format to a file that is open for writing; text becomes UTF-8."""
    if FORMATS[format_].is_binary:
        from .parquet import ParquetWriter

        return ParquetWriter(stream)
    return make_text_writer(format_, lambda text: stream.write(text.encode("utf-8")), facts)
