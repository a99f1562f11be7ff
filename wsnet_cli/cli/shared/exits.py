"""Exit codes that belong to no error of `core/errors.py`."""

from __future__ import annotations

EXIT_FAILED = 1
EXIT_SOME_FAILED = 3
"""Some inputs failed, the rest are done."""
EXIT_INTERRUPTED = 130
"""128 + SIGINT, as shells count."""
EXIT_TERMINATED = 143
"""128 + SIGTERM."""
