"""What it costs to begin: importing, the first call of each kind, the command line.

    python benchmarks/start.py [--quick] [--json FILE]

Every sample is a process of its own, in interleaved rounds (--quick: 3); milliseconds.  The
baseline is ``import torch`` alone.
"""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator

from timing import Options, Row, Spread, run

TORCH = "import torch"
LINES = {
    TORCH: TORCH,
    "import uniconv": "import uniconv",
    "first conv": "import torch, uniconv\n"
    "uniconv.conv(torch.zeros(1, 8, 8, 3), torch.zeros(3, 3, 3, 4), dialect='tf', "
    "strides=1, padding='SAME')",
    "first conv, knet": "import torch, uniconv\n"
    "uniconv.conv(torch.zeros(8, 8, 3, 1), torch.zeros(3, 3, 3, 4), dialect='knet')",
    "first bound kernel": "import torch, uniconv\n"
    "uniconv.bind(torch.zeros(3, 3, 3, 4), dialect='keras')(torch.zeros(1, 8, 8, 3))",
    "first layer": "import torch\nfrom uniconv import nn\n"
    "nn.Conv(3, 4, 3, dialect='keras')(torch.zeros(1, 8, 8, 3))",
}
COMMANDS = {"--version": ["--version"], "show knet.conv4": ["show", "knet.conv4"], "demo": ["demo"]}


def measure(options: Options) -> Iterator[Row]:
    lines = {name: ["-c", code] for name, code in LINES.items() if options.wants("python", name)}
    if lines:
        yield Row("in Python", "a new process", fresh(lines, options), next(iter(lines)), "ms")
    commands = {
        f"uniconv {name}": ["-m", "uniconv", *words]
        for name, words in COMMANDS.items()
        if options.wants("command line", name)
    }
    if commands:
        lines = {TORCH: ["-c", TORCH], **commands}
        yield Row("command line", "a new process", fresh(lines, options), TORCH, "ms")


def fresh(lines: dict[str, list[str]], options: Options) -> dict[str, Spread]:
    """Milliseconds of a Python process with these arguments, from start to end."""

    def once(words: list[str]) -> float:
        start = time.perf_counter()
        subprocess.run([sys.executable, *words], check=True, capture_output=True)
        return (time.perf_counter() - start) * 1e3

    samples: dict[str, list[float]] = {name: [] for name in lines}
    for words in lines.values():
        once(words)
    for turn in range(options.rounds or (3 if options.quick else 15)):
        for name in sorted(lines, reverse=turn % 2 == 1):
            samples[name].append(once(lines[name]))
    return {name: Spread.of(s) for name, s in samples.items()}


if __name__ == "__main__":
    run(measure, __doc__ or "")
