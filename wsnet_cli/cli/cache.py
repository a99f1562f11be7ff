"""`wsnet cache`: the decoded audio that is kept for the next run."""

from __future__ import annotations

from typing import Annotated

import typer

from .shared import options
from .showing import console


def cache(
    clear: Annotated[bool, typer.Option("--clear", help="Delete what is in it.")] = False,
    json: options.Json = False,
    quiet: options.Quiet = False,
    verbose: options.Verbose = False,
    debug: options.Debug = False,
) -> None:
    """Show where decoded audio is cached and how much of it, or clear it.

    Example: wsnet cache --clear
    """
    from ..data.packing.cache import (
        CACHE_LIMIT_BYTES,
        cache_size_bytes,
        clear_cache,
        default_cache_root,
    )

    root = default_cache_root()
    n_freed = clear_cache(root) if clear else 0
    n_bytes = cache_size_bytes(root)
    if json:
        document = {"folder": str(root), "bytes": n_bytes, "freed": n_freed}
        console.print_json({**document, "limit": CACHE_LIMIT_BYTES})
        return
    console.result(f"{root}: {n_bytes / 1e6:,.1f} MB of at most {CACHE_LIMIT_BYTES / 1e6:,.0f} MB")
    if clear:
        console.result(f"freed {n_freed / 1e6:,.1f} MB")
