"""`python -m wsnet_cli` is the command `wsnet`."""

from __future__ import annotations

import sys


def main() -> None:
    """Run the command; an interruption while it is still being loaded ends in one line too."""
    try:
        from .cli.app import main as run
    except KeyboardInterrupt:
        print("interrupted", file=sys.stderr)
        sys.exit(130)
    run()


if __name__ == "__main__":
    main()
