"""What the scripts of this folder answer where they are asked for help, or given too little."""

from __future__ import annotations

import sys


def answer_help(doc: str | None, n_needed: int = 0) -> None:
    """End a script, before it does anything, where its docstring is the answer.

    Args:
        doc: the script's docstring, which says what to type.
        n_needed: arguments that it cannot do without.

    Raises: SystemExit: code 0 if -h or --help is among the arguments, 2 if there are too few.
    """
    words = sys.argv[1:]
    answer = (doc or "").strip()
    if {"-h", "--help"} & set(words):
        print(answer)
        raise SystemExit(0)
    if len(words) < n_needed:
        print(f"{answer}\n\nerror: expected {n_needed} or more arguments", file=sys.stderr)
        raise SystemExit(2)
