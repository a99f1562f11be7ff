"""The light install predicts, prepares, compresses and informs, without the heavy packages.

python light_check.py ENGINE: the engine that doctor must name.
"""

from __future__ import annotations

import importlib.util
import json
import math
import struct
import subprocess
import sys
import wave
from pathlib import Path

HEAVY = ("torch", "librosa", "sklearn", "scipy", "numba", "matplotlib")


def wsnet(*arguments: str) -> str:
    """Run a command and return its stdout; a failure ends the check."""
    command = [str(Path(sys.executable).with_name("wsnet")), *arguments]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout  # noqa: S603


def main() -> None:
    """Run the commands that need no torch."""
    found = [name for name in HEAVY if importlib.util.find_spec(name)]
    if found:
        sys.exit(f"the light install holds {', '.join(found)}")
    engine = json.loads(wsnet("doctor", "--json"))["engine"]
    assert engine.startswith(sys.argv[1]), engine
    clip = Path("light.wav")
    tone = (round(8000 * math.sin(0.3 * i)) for i in range(44_100))
    with wave.open(str(clip), "wb") as stream:
        stream.setparams((1, 2, 22_050, 0, "NONE", ""))
        stream.writeframes(b"".join(struct.pack("<h", value) for value in tone))
    document = json.loads(wsnet("predict", str(clip), "--json", "-q"))
    summary = document["summary"]
    assert (summary["inputs"], summary["ok"], summary["failed"]) == (1, 1, 0), document
    for label in "ab":
        Path("light-set", label).mkdir(parents=True, exist_ok=True)
        Path("light-set", label, "1.wav").write_bytes(clip.read_bytes())
    prepared = json.loads(wsnet("prepare", "light-set", "-o", "light-prepared", "--json", "-q"))
    assert prepared["report"]["clips"]["used"] == 2, prepared
    again = Path("again.wsnet")
    wsnet("compress", "esc10", "-o", str(again), "-q", "--force")
    assert json.loads(wsnet("info", str(again), "--json"))["weights"] > 0
    refused = subprocess.run(  # noqa: S603
        [str(Path(sys.executable).with_name("wsnet")), "train", "."], capture_output=True, text=True
    )
    assert refused.returncode == 1, refused
    assert "torch" in refused.stderr, refused.stderr
    assert "Traceback" not in refused.stderr, refused.stderr
    print(
        f"light install, engine {engine}: predict, prepare, info and compress work; train does not"
    )


if __name__ == "__main__":
    main()
