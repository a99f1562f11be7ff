"""The Typer application: its commands and the one place where errors become exit codes."""

from __future__ import annotations

import importlib
import io
import os
import sys
import traceback
from collections.abc import Iterator, MutableMapping
from typing import Annotated, Any, cast, get_type_hints

import typer
import typer.main
from typer.core import TyperGroup

from .. import __version__
from ..core.errors import UsageError, WsnetError
from ..core.quoting import shown
from .shared.exits import EXIT_FAILED, EXIT_INTERRUPTED
from .shared.light import HEAVY_PACKAGES, explain_missing
from .shared.quick import skip_conversions
from .showing.console import say, silence_stdout, verbosity

CONTEXT_SETTINGS = {"help_option_names": ["-h", "--help"]}
COMMANDS = {
    "train": "Train a classifier on labelled recordings.",
    "sweep": "Train networks of several sizes and compare them.",
    "prepare": "Decode, check and divide a data set once.",
    "predict": "Classify audio files.",
    "compress": "Write a smaller model file, and say what that costs.",
    "calibrate": "Make scores honest; let a model say `unknown`.",
    "evaluate": "Measure a model on labelled clips.",
    "info": "Show the layers of a model, or list all models.",
    "bench": "Time models against torch and ONNX Runtime.",
    "demo": "Do the whole job on made sounds.",
    "doctor": "Show what is installed, and what works here.",
    "cache": "Show or clear the decoded audio that is kept.",
}
"""In the order of the help, with what it says of each in one line; each is the function of its name
in the module of its name, or in `command` of the folder of its name."""
_UsageError: Any = typer.BadParameter.__base__
"""Of all that typer says of a command line; typer itself names only this child of it."""


class _Commands(MutableMapping[str, Any]):
    """Commands by name, each imported and prepared when it is first asked for.

    typer prepares every option of every command at the start, which takes longer than a short
    prediction; most of that is for commands that nobody named.
    """

    def __init__(self) -> None:
        self._ready: dict[str, Any] = {}

    def __getitem__(self, name: str) -> Any:
        if name not in COMMANDS:
            raise KeyError(name)
        if name not in self._ready:
            module = importlib.import_module(f".{name}", __package__)
            if hasattr(module, "__path__"):  # a folder
                module = importlib.import_module(f".{name}.command", __package__)
            alone = typer.Typer(
                add_completion=False, rich_markup_mode=None, context_settings=CONTEXT_SETTINGS
            )
            function = getattr(module, name)
            alone.command(name, short_help=COMMANDS[name])(function)
            self._ready[name] = typer.main.get_command(alone)
            skip_conversions(self._ready[name], get_type_hints(function, include_extras=True))
        return self._ready[name]

    def __iter__(self) -> Iterator[str]:
        return iter(COMMANDS)

    def __len__(self) -> int:
        return len(COMMANDS)

    def __setitem__(self, name: str, command: Any) -> None:
        self._ready[name] = command

    def __delitem__(self, name: str) -> None:
        del self._ready[name]


class _Boundary(TyperGroup):
    """Turns errors that a user can mend into one line on stderr and an exit code."""

    def __init__(self, **settings: Any) -> None:
        super().__init__(**settings)
        self.commands = _Commands()
        skip_conversions(self, {})

    def make_context(self, info_name: Any, args: list[str], *more: Any, **settings: Any) -> Any:
        _refuse_empty(args)
        try:
            return super().make_context(info_name, args, *more, **settings)
        except _UsageError as error:
            raise _tell_usage(error) from error

    def invoke(self, ctx: Any) -> Any:
        verbosity.level, verbosity.debug = 0, False
        try:
            return super().invoke(ctx)
        except _UsageError as error:
            raise _tell_usage(error) from error
        except WsnetError as error:
            raise _tell(error, str(error), error.exit_code) from error
        except ModuleNotFoundError as error:
            if error.name not in HEAVY_PACKAGES:
                raise
            raise _tell(error, explain_missing(error.name), EXIT_FAILED) from error
        except MemoryError as error:
            text = f"out of memory: {str(error) or 'an allocation failed'}"
            raise _tell(error, text, EXIT_FAILED) from error
        except KeyboardInterrupt as error:
            say("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from error
        except BrokenPipeError as error:
            # Whoever read our output has seen enough; Python must not flush into the closed pipe.
            silence_stdout()
            raise typer.Exit(0) from error
        except OSError as error:
            raise _tell(error, f"the system refused: {error}", EXIT_FAILED) from error


def _refuse_empty(args: list[str]) -> None:
    """Refuse an empty argument: as a path it would be the current folder, which nobody meant."""
    if "" in args:
        before = args[: args.index("")]
        place = f" (after {shown(before[-1])})" if before else ""
        say(f"error: an argument is empty{place}; expected text: is a variable not set?")
        raise typer.Exit(UsageError.exit_code)


def _tell_usage(error: Any) -> Exception:
    """Show one line on what cannot be made out of the command line; a help is left to typer."""
    text: str = error.format_message()
    if "\n" in text:
        return cast("Exception", error)
    command = "wsnet" if error.ctx is None else error.ctx.command_path
    text = f"{text[:1].lower()}{text[1:]}".removesuffix(".").replace(". Did you", "; did you")
    say(f"error: {text}" if text.endswith("?") else f"error: {text}; see {command} --help")
    return typer.Exit(error.exit_code)


def _tell(error: Exception, text: str, code: int) -> typer.Exit:
    """Show one line, free of the control characters that a file's name may hold."""
    if verbosity.debug:
        traceback.print_exception(error)
    say(f"error: {text}")
    return typer.Exit(code)


app = typer.Typer(
    name="wsnet",
    cls=_Boundary,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings=CONTEXT_SETTINGS,
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


def _prepare_streams() -> None:
    """Make stdout and stderr take any text: what goes into a pipe or a file is UTF-8."""
    if sys.stdout is None:  # closed by whoever started us
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - stays open
    if sys.stderr is None:
        sys.stderr = open(os.devnull, "w", encoding="utf-8")  # noqa: PTH123, SIM115 - stays open
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
        text = shown(" ".join(str(error).split())) or "no message"
        say(
            f"error: this is a bug in wsnet: {type(error).__name__}: {text}; "
            "run the command again with --debug and report what it shows"
        )
        sys.exit(EXIT_FAILED)
