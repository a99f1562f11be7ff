"""What the health report finds in a data set, and what measuring it costs beside decoding.

python benchmarks/health.py DATA [PATTERN]: prints for each finding how many clips have it, the
extremes of what is measured, and the processor time that `HealthMeter` adds to decoding alone (the
least of three rounds of each).
"""

from __future__ import annotations

import sys
from pathlib import Path
from time import process_time

import numpy as np
from numpy.typing import NDArray
from usage import answer_help

from wsnet_cli.core.errors import AudioError
from wsnet_cli.core.sound.decode import open_audio
from wsnet_cli.data.dataset import DataSet
from wsnet_cli.data.health.findings import FINDINGS, judge
from wsnet_cli.data.health.meter import HEALTH, HealthMeter
from wsnet_cli.data.layouts.known import load_dataset

ROUNDS = 3
SHOWN = ("duration_s", "peak", "rms", "dc", "flat", "over", "padding")


def measure(dataset: DataSet) -> NDArray[np.void]:
    """The records of all clips that can be read."""
    records = []
    for clip in dataset.clips:
        meter = HealthMeter()
        try:
            with open_audio(clip.path) as decoder:
                for _block in decoder.blocks(clip.start_s, clip.end_s, observe=meter.add):
                    pass
                records.append(meter.record(decoder.sample_rate, decoder.n_channels))
        except AudioError as error:
            print(f"refused ({error.kind}): {error}")
    return np.array(records, HEALTH)


def decode(dataset: DataSet) -> None:
    """Decode all clips and do nothing with them."""
    for clip in dataset.clips:
        try:
            with open_audio(clip.path) as decoder:
                for _block in decoder.blocks(clip.start_s, clip.end_s):
                    pass
        except AudioError:
            continue


def main(source: str, pattern: str | None = None) -> None:
    """Measure a data set and print what was found."""
    dataset = load_dataset(Path(source), pattern=pattern)
    alone, measured = [], []
    for _ in range(ROUNDS):
        started = process_time()
        decode(dataset)
        alone.append(process_time() - started)
        started = process_time()
        records = measure(dataset)
        measured.append(process_time() - started)
    print(f"{Path(source).name}: {len(records)} clips")
    masks = judge(records)
    for bit, finding in enumerate(FINDINGS):
        print(f"  {finding.name:16} {int((masks >> bit & 1).sum()):6}")
    for field in SHOWN:
        values = np.abs(records[field])
        low, middle, high = values.min(), np.median(values), values.max()
        print(f"  |{field}| from {low:.4g} over {middle:.4g} (median) to {high:.4g}")
    decoding, more = (
        1e6 * s / len(dataset.clips) for s in (min(alone), min(measured) - min(alone))
    )
    print(f"  {decoding:.0f} us a clip to decode, {more:.0f} more ({100 * more / decoding:.0f} %)")


if __name__ == "__main__":
    answer_help(__doc__, n_needed=1)
    main(*sys.argv[1:])
