"""A table between two lines of a page, written or checked by the script that makes it."""

from __future__ import annotations

import sys
from pathlib import Path

from wsnet_cli.core.errors import ConfigError
from wsnet_cli.core.files import write_text_atomic


def write_or_check(page: Path, name: str, table: str) -> int:
    """Put a table in its place, or with --check say whether it stands there; the exit code.

    Args:
        page: the page.
        name: the table stands between the lines `<!-- name: begin -->` and `<!-- name: end -->`.
        table: as it is to be.

    Raises: ConfigError: the page has no such place, or several.
    """
    begin, end = (f"<!-- {name}: {word} -->" for word in ("begin", "end"))
    text = page.read_text(encoding="utf-8")
    if text.count(f"{begin}\n") != 1 or text.count(end) != 1 or text.index(end) < text.index(begin):
        raise ConfigError(f"{page}: has no place for a table; add the lines {begin} {end}")
    before, rest = text.split(f"{begin}\n")
    after = rest.split(end)[1]
    made = f"{before}{begin}\n{table}\n{end}{after}"
    if "--check" in sys.argv[1:]:
        if made != text:
            print(f"{page}: its table of {name} is another one; run python {sys.argv[0]}")
        return int(made != text)
    write_text_atomic(page, made)
    return 0
