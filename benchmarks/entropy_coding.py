"""What the standard library's coders make of the codes of models, in bytes.

python benchmarks/entropy_coding.py [MODEL...] [--scheme min-max] prints a table for each number of
bits, by default of the model that ships: the sizes of all codes together as each way of coding
leaves them, summed over the models, and their share of the tightly packed codes. `order-0 entropy`
is what an ideal coder of single codes would need that knew each part's histogram (a part: the
condensed filter or the 1x1 of a layer), without the bytes that tell it. A last table does the same
for the 16-bit constants.

Models of fewer bits than a table's are left out of it; float32 models are rounded without
fine-tuning, which moves codes, but hardly their histogram.
"""

from __future__ import annotations

import argparse
import bz2
import lzma
import zlib
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from wsnet_cli.core.locate import find_model
from wsnet_cli.core.model import Model, compress
from wsnet_cli.core.model_file.artifact import load_model
from wsnet_cli.core.quant import BITS, SCHEMES, QuantizedTensor, to_half

Parts = Sequence[npt.NDArray[np.int8]]


def entropy_bytes(parts: Parts) -> int:
    """The order-0 entropy of each part by itself, together."""
    bits = 0.0
    for part in parts:
        counts = np.unique(part, return_counts=True)[1]
        bits -= float(np.sum(counts * np.log2(counts / part.size)))
    return round(bits / 8)


def huffman(content: bytes) -> bytes:
    """Deflate with literals only."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    return coder.compress(content) + coder.flush()


def huffman_blocks(parts: Parts) -> bytes:
    """The same with a new block, so a new code, for each part."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9, zlib.Z_HUFFMAN_ONLY)
    content = b""
    for part in parts:
        content += coder.compress(part.tobytes()) + coder.flush(zlib.Z_BLOCK)
    return content + coder.flush()


def deflate(content: bytes) -> bytes:
    """Deflate with matches."""
    coder = zlib.compressobj(9, zlib.DEFLATED, -15, 9)
    return coder.compress(content) + coder.flush()


def lzma_raw(content: bytes, kind: int) -> bytes:
    """LZMA without a container; context of neither position nor the code before."""
    one = {"id": kind, "lc": 0, "lp": 0, "pb": 0, "dict_size": 1 << 16, "preset": 9}
    return lzma.compress(content, lzma.FORMAT_RAW, filters=[one])


def pack(parts: Parts, bits: int) -> bytes:
    """Codes of so many bits, tightly."""
    planes = np.unpackbits(np.concatenate(parts).view(np.uint8)[:, np.newaxis], axis=1)
    return np.packbits(planes[:, 8 - bits :]).tobytes()


def ways(parts: Parts, bits: int) -> dict[str, int]:
    """Bytes by way of coding."""
    whole = np.concatenate(parts).tobytes()
    packed = pack(parts, bits)
    return {
        "packed": len(packed),
        "order-0 entropy": entropy_bytes(parts),
        "Huffman, whole": len(huffman(whole)),
        "Huffman, block a part": len(huffman_blocks(parts)),
        "Huffman, stream a part": sum(len(huffman(part.tobytes())) for part in parts),
        "Huffman of packed": len(huffman(packed)),
        "deflate": len(deflate(whole)),
        "deflate of packed": len(deflate(packed)),
        "LZMA1, whole": len(lzma_raw(whole, lzma.FILTER_LZMA1)),
        "LZMA1, stream a part": sum(
            len(lzma_raw(part.tobytes(), lzma.FILTER_LZMA1)) for part in parts
        ),
        "LZMA2, whole": len(lzma_raw(whole, lzma.FILTER_LZMA2)),
        "bzip2": len(bz2.compress(whole)),
    }


def ways_of_constants(model: Model) -> dict[str, int]:
    """Bytes of the 16-bit constants by way of coding."""
    halves = [
        to_half(array)[0]
        for own in model.weights
        for array in (own.multiplier, own.bias)
        if array is not None
    ]
    whole = np.concatenate(halves)
    planes = whole.view(np.uint8).reshape(-1, 2)
    low, high = planes[:, 0].tobytes(), planes[:, 1].tobytes()
    return {
        "16-bit floats": whole.nbytes,
        "deflate": len(deflate(whole.tobytes())),
        "byte planes, deflate": len(deflate(low + high)),
        "byte planes, Huffman": len(huffman(low + high)),
        "low bytes as they are, high Huffman": len(low) + len(huffman(high)),
        "byte planes, LZMA1": len(lzma_raw(low + high, lzma.FILTER_LZMA1)),
    }


def codes_of(model: Model) -> list[npt.NDArray[np.int8]]:
    """The codes of every part, in the order of the file."""
    parts = (part for own in model.weights for part in own.parts)
    return [part.codes.ravel() for part in parts if isinstance(part, QuantizedTensor)]


def show(title: str, rows: Sequence[dict[str, int]], base: str) -> None:
    """One table: the sums over models, and their share of the first way."""
    print(f"\n{title}, {len(rows)} models\n")
    print(f"{'way':36} {'bytes':>10} {'of ' + base:>16}")
    totals = {way: sum(row[way] for row in rows) for way in rows[0]}
    for way, n_bytes in totals.items():
        print(f"{way:36} {n_bytes:>10,} {n_bytes / totals[base]:>15.2%}")


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("models", nargs="*", default=["esc10"])
    parser.add_argument("--scheme", choices=SCHEMES, default="symmetric")
    arguments = parser.parse_args()
    models = [load_model(find_model(name)) for name in arguments.models]
    for bits in BITS:
        fitting = [model for model in models if model.bits >= bits]
        rows = [ways(codes_of(compress(m, bits, arguments.scheme)), bits) for m in fitting]
        if rows:
            show(f"codes of {bits} bits, {arguments.scheme}", rows, "packed")
    show("constants", [ways_of_constants(model) for model in models], "16-bit floats")


if __name__ == "__main__":
    main()
