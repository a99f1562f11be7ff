"""Damaged configurations: read, or refused in one line that names the file.

python benchmarks/fuzz_configs.py [N] [--seed S] [--seconds T] [--save DIR]: N (5,000) damages of
the presets as they stand and as they are written, by scraps of YAML and words that other readers
take for something else. What ends in any other way is saved; exit code 1 if anything did.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

from wsnet_cli.core.configuration.config_file import (
    dump_config,
    find_config,
    load_config,
    parse_config,
)
from wsnet_cli.core.configuration.presets import preset_names as presets
from wsnet_cli.core.configuration.settings import audio_settings
from wsnet_cli.core.errors import ConfigError, UsageError
from wsnet_cli.core.networks.architectures import build_network

READ, REFUSED, BAD = "read", "refused", "bad"
MOST_SECONDS = 10
SCRAPS = (
    *(
        "{",
        "}",
        "[",
        "]",
        ":",
        ": ",
        "- ",
        "? ",
        "&a ",
        "*a",
        "!!x ",
        "!!python/object/apply:os.system ",
    ),
    *(
        '"',
        "'",
        "\\U",
        "\\x",
        "\t",
        "\n",
        "\n  ",
        "\0",
        "\x85",
        "\ufeff",
        "\u2028",
        "%",
        "%YAML 1.1\n",
    ),
    *(
        "---\n",
        "...",
        "#",
        "|",
        ">",
        "~",
        "null",
        "no",
        "on",
        "0123",
        "1.10",
        "1e-3",
        "1e999",
        ".nan",
    ),
    *(".inf", "-1", "0", "9" * 30, "12:30:45", "<<: ", "a" * 5_000, "[" * 300, "{a: " * 300, "é"),
)


def damage(text: str, dice: random.Random) -> str:
    """Between one and four places where a scrap is put in, or takes the place of what was there."""
    for _ in range(dice.randint(1, 4)):
        at, end = sorted(dice.randrange(len(text) + 1) for _ in range(2))
        scrap = dice.choice([*SCRAPS, chr(dice.randrange(0x300)), text[at:end][:20]])
        kept = dice.choice([at, min(at + 1, len(text)), min(at + 12, len(text)), end])
        text = text[:at] + scrap + text[kept:]
    return text


def judge(text: str) -> tuple[str, str]:
    """What becomes of a configuration, and why."""
    signal.alarm(MOST_SECONDS)
    try:
        config = parse_config(text, "x.yaml")
        build_network(config.network, 10, audio_settings(config.audio).window_samples)
        if parse_config(dump_config(config), "y.yaml") != config:
            return BAD, "what is written reads back as another"
    except (ConfigError, UsageError) as error:
        told = str(error)
        good = "\n" not in told and len(told) < 2_000
        return (REFUSED, told) if good else (BAD, f"not one short line: {told[:300]!r}")
    except Exception as error:  # a traceback is what is looked for
        return BAD, f"{type(error).__name__}: {error}"
    finally:
        signal.alarm(0)
    return READ, ""


def _give_up(*_: object) -> None:
    raise TimeoutError(f"more than {MOST_SECONDS} s")


def main() -> None:
    """Damage, judge, print; exit code 1 where anything was neither read nor refused."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("n", nargs="?", type=int, default=5_000)
    parser.add_argument("--seed", type=int, default=0, help="-1: another one each time")
    parser.add_argument("--seconds", type=float, default=1e9)
    parser.add_argument("--save", type=Path, help="where texts that fail go")
    options = parser.parse_args()
    seed = random.SystemRandom().randrange(10**9) if options.seed < 0 else options.seed
    folder = options.save or Path(tempfile.mkdtemp(prefix="wsnet-fuzz-"))
    folder.mkdir(parents=True, exist_ok=True)
    print(f"seed {seed}, texts that fail go to {folder}", flush=True)
    signal.signal(signal.SIGALRM, _give_up)
    texts = [dump_config(load_config(name)) for name in presets()]
    texts += [find_config(name).read_text(encoding="utf-8") for name in presets()]
    counts: Counter[str] = Counter()
    until = time.time() + options.seconds
    for number in range(options.n):
        if time.time() > until:
            break
        dice = random.Random(f"{seed}:{number}")  # noqa: S311 - to be made again
        text = damage(dice.choice(texts), dice)
        outcome, why = judge(text)
        counts[outcome] += 1
        if outcome == BAD:
            (folder / f"{seed}-{number}.yaml").write_text(text, encoding="utf-8", newline="")
            print(f"{seed}-{number}: {why[:300]}", file=sys.stderr, flush=True)
    print(", ".join(f"{name} {counts[name]:,}" for name in (READ, REFUSED, BAD)))
    sys.exit(counts[BAD] > 0)


if __name__ == "__main__":
    main()
