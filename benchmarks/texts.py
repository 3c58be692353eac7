"""How long texts take that are made to take long: printed arrays, threads, what looks like them.

Each text is one pattern repeated; time must grow as its length does, or end in a limit that the
message names.  The bar is 10 s for 10 MB: of the processor's time, as what else a machine does says
nothing of a text.

    python benchmarks/texts.py [--megabytes 10] [--quick] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from uniconv import Thread, files
from uniconv.errors import UniconvError

BAR = 10.0  # seconds of the processor for 10 MB
READERS = {"loads": files.loads, "Thread": Thread.parse}


def texts(size: int) -> Iterator[tuple[str, str]]:
    """The texts, each of so many characters."""

    def repeated(pattern: str) -> str:
        return (pattern * (size // len(pattern) + 1))[:size]

    yield "digits", "[" + "1" * (size - 3) + "z]"
    yield "arrays under keys", repeated("'a': array([1, 2]), ")
    yield "tensors that are not closed", repeated("<tf.Tensor ")
    yield "comments in a list", repeated("[1, #")
    yield "brackets", repeated("[")
    yield "rows", repeated("1.5 2.5 3.5\n")
    yield "Julia's headers", repeated("3×3 Matrix{Float64}:\n")
    yield "MATLAB's matrices", repeated("y =\n\n 1 2\n 3 4\n\n")
    yield "slices", repeated("[:, :, 1] =\n 1 2\n")
    yield "prompts", repeated(">>> x = 1\n")
    yield "calls", repeated("f(x, [1, 2], y)\n")
    yield "calls in calls", repeated("f(")
    yield "assignments", repeated("a=\n")
    yield "one word", repeated("e")
    yield "prose", repeated("This is what I see, and not what I want.\n")
    yield "empty lines", repeated("\n")


def measure(options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """A row for each text and reader."""
    size = int(options.megabytes * 1e6)
    for name, text in texts(size):
        for reader, function in READERS.items():
            start = time.process_time()
            try:
                function(text)
                end = "read"
            except UniconvError as error:
                end = str(error).partition("\n")[0][:70]
            seconds = time.process_time() - start
            yield {"text": name, "reader": reader, "MB": size / 1e6, "s": seconds, "end": end}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--megabytes", type=float, default=10)
    parser.add_argument("--quick", action="store_true", help="0.1 MB")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    if options.quick:
        options.megabytes = 0.1
    rows, slow = [], 0
    for row in measure(options):
        late = row["s"] > BAR * max(row["MB"] / 10, 0.1)
        slow += late
        mark = "over the bar" if late else ""
        print(
            f"{row['text']:28} {row['reader']:7} {row['s']:7.2f} s  {row['end']} {mark}", flush=True
        )
        rows.append(row)
    if options.json:
        options.json.write_text(json.dumps(rows, indent=2))
    return 1 if slow else 0


if __name__ == "__main__":
    raise SystemExit(main())
