"""What the demo promises: its 8-bit model is right on at least 95 % of clips it never heard."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

LEAST_ACCURACY = 0.95


def main() -> None:
    """Evaluate the model that `wsnet demo` left in the folder."""
    folder = Path(sys.argv[1])
    model = folder / "runs" / "demo" / "model.q8.wsnet"
    wsnet = str(Path(sys.executable).with_name("wsnet"))
    command = [wsnet, "evaluate", str(model), str(folder / "unheard"), "--json"]
    done = subprocess.run(command, check=True, capture_output=True, text=True)  # noqa: S603
    accuracy = json.loads(done.stdout)["accuracy"]
    print(f"the demo's 8-bit model is right on {100 * accuracy:.1f} % of clips it never heard")
    if accuracy < LEAST_ACCURACY:
        sys.exit(f"expected at least {100 * LEAST_ACCURACY:.0f} %")


if __name__ == "__main__":
    main()
