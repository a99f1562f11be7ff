"""The table "Measured sizes" of docs/format.md: the parts of a model's file in every form.

python benchmarks/file_sizes.py [MODEL] prints it for a model of 8 bits or more; by default for the
one that ships. Weights are rounded, not fine-tuned.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace

from usage import answer_help

from wsnet_cli.core.locate import find_model
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model, model_to_bytes, plain_bytes

FORMS = ("32 bits", "8 bits", "6 bits", "5 bits", "4 bits", "4 bits, `min-max`")
PARTS = ("length", "header", "`scales`", "`constants`", "`weights` or `codes`", "`~sha256`")


def columns(model: Model) -> dict[str, list[int]]:
    """For each form the bytes of each part, of the file, and of the file with nothing coded."""
    found = {}
    for form in FORMS:
        bits = int(form.split()[0])
        scheme = "min-max" if "min-max" in form else "symmetric"
        small = replace(model, bits=32) if bits == 32 else compress(model, bits, scheme)
        content = model_to_bytes(small)
        found[form] = [*parts_of(content), len(content), plain_bytes(small)]
    return found


def parts_of(content: bytes) -> list[int]:
    """Bytes of each of PARTS."""
    n_header = int.from_bytes(content[:8], "little")
    table = json.loads(content[8 : 8 + n_header])
    del table["__metadata__"]
    sizes = {n: t["data_offsets"][1] - t["data_offsets"][0] for n, t in table.items()}
    weights = sizes.get("weights", 0) or sizes["codes"]
    rest = (sizes["constants"], weights, sizes["~sha256"])
    return [8, n_header, sizes.get("scales", 0), *rest]


def main() -> None:
    """Print the table."""
    found = columns(load_model(find_model(sys.argv[1] if sys.argv[1:] else "esc10")))
    print(f"| part | {' | '.join(found)} |")
    print("|---" * (len(found) + 1) + "|")
    for i, part in enumerate((*PARTS, "**file**", "nothing coded")):
        mark = "**" if part == "**file**" else ""
        cells = (f"{mark}{column[i]:,}{mark}" for column in found.values())
        print(f"| {part} | {' | '.join(cells)} |")


if __name__ == "__main__":
    answer_help(__doc__)
    main()
