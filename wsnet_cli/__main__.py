"""`python -m wsnet_cli` is the command `wsnet`."""

from __future__ import annotations

from .cli.app import main

if __name__ == "__main__":
    main()
