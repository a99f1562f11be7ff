"""Time the networks of `wsnet bench` in every peer, and keep what was seen.

python benchmarks/speed.py [ROUNDS] writes docs/results/speed.json (about two minutes, of which
torch.compile takes most; needs the extra `bench`). Nothing else should run meanwhile.
benchmarks/speed_table.py and benchmarks/speed_figure.py show what the file holds.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

from usage import answer_help

from wsnet_cli.bench.child import measure
from wsnet_cli.bench.peers import PEERS
from wsnet_cli.bench.run import Request
from wsnet_cli.core.files import write_text_atomic

TARGET = Path(__file__).resolve().parents[1] / "docs" / "results" / "speed.json"
N_ROUNDS = 100


def main() -> None:
    """Measure and write."""
    n_rounds = int(sys.argv[1]) if len(sys.argv) > 1 else N_ROUNDS
    request = Request(peers=tuple(PEERS), rounds=n_rounds, layers=True)
    document = measure(
        request, lambda share, words: print(f"{share:6.1%} {words}", file=sys.stderr)
    )
    if document["left_out"]:
        row = document["left_out"][0]
        sys.exit(f"{row['subject']}: {row['peer']}: {row['reason']}; nothing was written")
    write_text_atomic(TARGET, json.dumps(document, indent=1, ensure_ascii=False) + "\n")
    print(f"written: {TARGET}", file=sys.stderr)


if __name__ == "__main__":
    answer_help(__doc__)
    main()
