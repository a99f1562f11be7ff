"""Errors that a user can mend: one line that says where, what was found, what was expected.

Every one of them ends a command with `exit_code` and its message on stderr, without a traceback.
Exit codes: 1 the run failed; 2 wrong usage, a bad configuration, or data or a model that is not
there; 4 a gate was not met.
"""

from __future__ import annotations


class WsnetError(Exception):
    """The root of all errors that are told to a user in one line."""

    exit_code = 1


class ConfigError(WsnetError):
    """A configuration holds an unknown key, a wrong type or an impossible combination."""

    exit_code = 2


class ShortWindowError(ConfigError):
    """Windows are too short for the network that the configuration describes.

    Args:
        message: one line for people.
        least: samples that the network needs.
    """

    def __init__(self, message: str, least: int = 0) -> None:
        super().__init__(message)
        self.least = least


class UsageError(WsnetError):
    """The command cannot do what was asked: an argument, a path or a name that is not there."""

    exit_code = 2


class DataError(WsnetError):
    """A data set cannot be used: its folder, its manifest, or what is left of its classes."""

    exit_code = 2


AUDIO_FAULTS = {
    "unreadable": "not there, not a regular file, or the system refuses to read it",
    "not-audio": "holds something else, or a format that is not decoded here",
    "damaged": "an impossible header, or decoding stops before the promised end",
    "empty": "no bytes or no samples",
    "not-finite": "samples that are not numbers, or far beyond any recording",
    "out-of-range": "the segment lies outside the file",
    "changed": "the file changed while it was read",
}
"""Why an audio input is refused, in kinds that reports count."""


class AudioError(WsnetError):
    """One audio input cannot be read or holds nothing that can be classified.

    Args:
        message: one line for people.
        kind: one of AUDIO_FAULTS.
    """

    def __init__(self, message: str, kind: str = "unreadable") -> None:
        super().__init__(message)
        self.kind = kind


class ArtifactError(WsnetError):
    """A model or resume file is missing, cut, altered, too new, of another kind, or useless."""

    exit_code = 2


class FileError(WsnetError):
    """The system refused to read or write a file (permissions, a full disk, ...)."""


class ParameterError(WsnetError, ValueError):
    """A function was called with a value outside its stated range."""


class EngineError(WsnetError):
    """The engine that was asked for is not there, or does not fit this version."""

    exit_code = 2


class GateError(WsnetError):
    """A stated limit (accuracy, size) was not met, so nothing was handed over."""

    exit_code = 4


class TrainingError(WsnetError):
    """Training cannot go on: the loss is not finite, or what a run resumes from does not fit."""


class Interrupted(WsnetError):
    """The user or the system asked the process to stop, and it did after saving.

    Args:
        message: what was saved and how to go on.
        exit_code: 130 after Ctrl-C (SIGINT), 143 after SIGTERM.
    """

    def __init__(self, message: str, exit_code: int) -> None:
        super().__init__(message)
        self.exit_code = exit_code
