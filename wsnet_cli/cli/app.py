"""The Typer application: its commands and the one place where errors become exit codes."""

from __future__ import annotations

import io
import os
import sys
import traceback
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from .. import __version__
from ..core.errors import WsnetError
from . import cache, compress, demo, doctor, evaluate, info, predict, train
from .console import verbosity

HEAVY_PACKAGES = ("torch", "sklearn")
"""What the light install leaves out, by the name of the import."""
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""


class _Boundary(TyperGroup):
    """Turns errors that a user can mend into one line on stderr and an exit code."""

    def invoke(self, ctx: Any) -> Any:
        verbosity.level, verbosity.debug = 0, False
        try:
            return super().invoke(ctx)
        except WsnetError as error:
            if verbosity.debug:
                traceback.print_exc()
            print(f"error: {_one_line(error)}", file=sys.stderr)
            raise typer.Exit(error.exit_code) from error
        except ModuleNotFoundError as error:
            if error.name not in HEAVY_PACKAGES:
                raise
            print(
                f"error: this command needs {error.name}, which the light install leaves out; "
                "install wsnet with its dependencies: pip install .",
                file=sys.stderr,
            )
            raise typer.Exit(1) from error
        except KeyboardInterrupt as error:
            print("interrupted", file=sys.stderr)
            raise typer.Exit(EXIT_INTERRUPTED) from error
        except BrokenPipeError as error:
            # Whoever read our output has seen enough; Python must not flush into the closed pipe.
            _silence_stdout()
            raise typer.Exit(0) from error
        except OSError as error:
            if verbosity.debug:
                traceback.print_exc()
            print(f"error: the system refused: {_one_line(error)}", file=sys.stderr)
            raise typer.Exit(1) from error


def _one_line(error: Exception) -> str:
    """The message, with the line ends that a file's name may hold made visible."""
    return str(error).replace("\r", "\\r").replace("\n", "\\n")


def _silence_stdout() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


app = typer.Typer(
    name="wsnet",
    cls=_Boundary,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(value: bool) -> None:
    if value:
        print(f"wsnet {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show it.")
    ] = False,
) -> None:
    """Train audio classifiers on raw waveforms, shrink them to kilobytes, run them fast.

    Start with: wsnet demo

    Exit codes: 0 done; 1 the run failed; 2 wrong usage, configuration, data or model;
    3 some inputs failed, the rest are done; 4 a limit was not met; 130 interrupted, 143 terminated.
    """


app.command("train")(train.train)
app.command("predict")(predict.predict)
app.command("compress")(compress.compress)
app.command("evaluate")(evaluate.evaluate)
app.command("info")(info.info)
app.command("demo")(demo.demo)
app.command("doctor")(doctor.doctor)
app.command("cache")(cache.cache)


def _prepare_streams() -> None:
    """Make stdout and stderr take any text: what goes into a pipe or a file is UTF-8."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            encoding = stream.encoding if stream.isatty() else "utf-8"
            stream.reconfigure(encoding=encoding, errors="backslashreplace")


def main() -> None:
    """Run the command line; a bug of ours shows one line, and its traceback with --debug."""
    _prepare_streams()
    try:
        app()
    except Exception as error:
        if verbosity.debug:
            raise
        text = " ".join(str(error).split()) or "no message"
        print(
            f"error: this is a bug in wsnet: {type(error).__name__}: {text}; "
            "run the command again with --debug and report what it shows",
            file=sys.stderr,
        )
        sys.exit(1)
