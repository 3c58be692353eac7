"""Write docs/conformance.md: what was compared with what, and what can be said in whose words.

    make live           # compares, in environments of their own, and leaves .conformance/
    make conformance    # writes the page; functions that were not compared now keep their rows

``--check`` writes nothing: it fails where the page says anything else than was found now.
"""

from __future__ import annotations

import json
import re
import sys
import warnings
from collections import Counter
from pathlib import Path
from typing import Any

from uniconv.conformance.compare import Record
from uniconv.conformance.crossing import Crossing, crossings
from uniconv.conformance.oracles import has_oracle
from uniconv.conformance.report import HEADS, row
from uniconv.conformance.suite import OUTCOMES
from uniconv.errors import UniconvWarning
from uniconv.spec.registry import frameworks

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "conformance.md"
FOUND = ROOT / ".conformance"
SUITES = ROOT / "tests" / "suites" / "results.json"
PUBLISHED = ROOT / "tests" / "golden" / "published"
BY_HAND = ("lasagne",)  # in no package index: make live-all
CROSSED = (
    ("conv", 1),
    ("conv", 2),
    ("conv", 3),
    ("conv_transpose", 2),
    ("depthwise_conv", 2),
)
CALLS = 10  # of each main function

INTRODUCTION = """\
# Conformance

Made by `make live` and `make conformance`; CI compares it with what it finds.

## Against the running frameworks

Every function is called with a systematic grid of options that covers all pairs of what its calls
can differ in, then with random ones: by the framework, by `uniconv.conv` and by `uniconv.native`.
The numbers are integers that float32 holds exactly and that no flip, shift or transposition leaves
as they are; y, dx and dw must be equal to the last bit, with shape and dtype.

- *rounding / bound*: on ordinary float32 numbers, how far the framework's own result is from the
  exact one, at most, in units of 2 sqrt(K) u conv(|x|, |w|). Above 1 are sums by FFT
  and the like.
- *refusals agreed*: of the calls that uniconv refuses, one for each reason, those that the
  framework refuses, too. The others are what it computes beyond its contract, such as arrays of two
  dtypes; `uniconv conformance --against NAME --html page.html` lists them.
"""


def live() -> dict[str, tuple[str, ...]]:
    """The rows of what was compared just now, by function."""
    records = [Record(**json.loads(f.read_text())) for f in sorted(FOUND.glob("*.json"))]
    return {record.function: row(record) for record in records}


def kept() -> dict[str, tuple[str, ...]]:
    """The rows of the page as it is."""
    lines = PAGE.read_text("utf-8").splitlines() if PAGE.exists() else []
    cells = [tuple(c.strip() for c in line.strip("|").split("|")) for line in lines]
    return {c[0].strip("`"): (c[0].strip("`"), *c[1:]) for c in cells if len(c) == len(HEADS)}


def page(rows: dict[str, tuple[str, ...]]) -> str:
    """The whole text."""
    parts = [INTRODUCTION]
    ordered = [
        rows[op.name]
        for name, dialect in frameworks().items()
        if has_oracle(name)
        for op in dialect.functions
        if op.name in rows
    ]
    parts.append(table(HEADS, [(f"`{name}`", *rest) for name, *rest in ordered]))
    calls = sum(int(cells[HEADS.index("calls")]) for cells in ordered)
    parts.append(f"{len(ordered)} functions, {calls:,} calls.\n")
    parts.append(PUBLISHED_TEXT)
    parts.append(table(("function", "calls", "of"), published()))
    parts.append(SUITES_TEXT)
    parts.append(table(("tests of", "part", *OUTCOMES), suites()))
    parts.append("What did not pass:\n")
    parts.append(table(("tests of", "cases", "went", "why"), losses()))
    parts.append(CROSSED_TEXT)
    for kind, rank in CROSSED:
        axes = "axis" if rank == 1 else "axes"
        parts.append(f"### {kind}, {rank} {axes}\n")
        parts.append(crossed(crossings(kind, rank, CALLS)))
    return "\n".join(parts)


PUBLISHED_TEXT = """\
## Against published numbers

What cannot run here rests on its source and on every usable number of its own tests and documents,
in `tests/golden/published/`.
"""


def published() -> list[tuple[str, ...]]:
    """How many calls with published numbers each function has, and whose they are."""
    rows = []
    for file in sorted(PUBLISHED.glob("*.json")):
        told = json.loads(file.read_text("utf-8"))
        count = Counter(call["function"] for call in told["calls"])
        made_by = ", ".join(f"{k} {v}" for k, v in told["made by"].items())
        rows += [(f"`{name}`", str(n), made_by) for name, n in count.items()]
    return rows


SUITES_TEXT = """\
## Against other people's tests

The convolutions among the tests of frameworks, read from checkouts by `make suites FOLDER=...`;
that of onnx is `uniconv conformance --suite onnx`. *Refused* and *wrong* are losses: a call that
the framework takes, another number, or a call computed that it refuses. *Not modelled* is what no
function here says, such as quantized numbers, and what the reader does not read. OpenVINO's tests
are not read yet.
"""


def _results() -> dict[str, dict[str, Any]]:
    told: dict[str, dict[str, Any]] = json.loads(SUITES.read_text("utf-8"))
    return told


def suites() -> list[tuple[str, ...]]:
    """How the cases of every part of every suite went."""
    return [
        (_source(told["source"], told["at"]), part, *(str(found[o]) for o in OUTCOMES))
        for told in _results().values()
        for part, found in told["parts"].items()
    ]


def _source(name: str, at: str) -> str:
    """A repository at a commit; an export says itself which one it is of."""
    return at if " @ " in at else f"{name} @ {at[:8]}"


def losses() -> list[tuple[str, ...]]:
    """Every reason, with how often it was met: losses first."""
    met: Counter[tuple[str, str, str]] = Counter()
    for told in _results().values():
        for found in told["parts"].values():
            for outcome, reason, n in found["losses"]:
                text = " ".join(reason.replace("|", "\\|").split())
                met[told["source"], outcome, text[:160] + "..." * (len(text) > 160)] += n
    order = ("wrong", "refused", "not modelled")
    ordered = sorted(met.items(), key=lambda one: order.index(one[0][1]))
    return [(source, str(n), outcome, reason) for (source, outcome, reason), n in ordered]


CROSSED_TEXT = f"""\
## In each other's words

Of {CALLS} random calls of the main function of each family (a row), how many another family's main
function (a column) can make: `lift` says the call in its options, the arrays are brought into its
layouts, the kernel reversed where it has no switch. All of them give equal numbers; the rest cannot
be expressed.
"""


def crossed(found: dict[tuple[str, str], Crossing]) -> str:
    """Rows and columns are families; an empty cell is none."""
    short = {op.name: name for name, d in frameworks().items() for op in d.functions}
    names = list(dict.fromkeys(a for a, _ in found))
    rows = []
    for a in names:
        cells = [f"**{short[a]}**"]
        for b in names:
            crossing = found[a, b]
            assert not crossing.different, (a, b)
            cells.append(str(crossing.equal or ""))
        rows.append(tuple(cells))
    return table(("", *(short[b] for b in names)), rows)


def table(heads: tuple[str, ...], rows: list[tuple[str, ...]]) -> str:
    lines = [heads, ("---",) + ("--:",) * (len(heads) - 1), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines) + "\n"


def problems(rows: dict[str, tuple[str, ...]]) -> list[str]:
    """Where the page is not what was found just now."""
    told = kept()
    found = []
    for name, dialect in frameworks().items():
        for op in dialect.functions if has_oracle(name) else ():
            if op.name not in rows:
                if name not in BY_HAND:
                    found.append(f"{op.name} was not compared: is {dialect.title} installed?")
            elif op.name not in told or not alike(rows[op.name], told[op.name]):
                found.append(f"{rows[op.name]} is {told.get(op.name)} on the page")
    now, before = (re.sub(r"\| \d+\.\d+ \|", "|", t) for t in (page(told), PAGE.read_text("utf-8")))
    if now != before:
        found.append("the page's other tables differ: run make conformance")
    return found


def alike(now: tuple[str, ...], before: tuple[str, ...]) -> bool:
    """Whether two rows say the same, but for what differs from one processor to another.

    Rounding does; and whether a framework has a kernel or a gradient for a call, or crashes instead
    of refusing.
    """
    exact = [HEADS.index(h) for h in ("function", "version", "mismatches")]
    least = [HEADS.index(h) for h in ("calls", "with gradients", "refusals agreed")]
    rounding = HEADS.index("rounding / bound")
    return (
        all(now[i] == before[i] for i in exact)
        and all(int(now[i].split()[0]) >= 0.8 * int(before[i].split()[0]) for i in least)
        and float(now[rounding]) <= max(1, 2 * float(before[rounding]))
    )


if __name__ == "__main__":
    warnings.simplefilter("ignore", UniconvWarning)  # of what is computed as wrongly as it is
    if "--check" in sys.argv:
        wrong = problems(live())
        print("\n".join(wrong) or f"{PAGE.name} is what was found: {len(live())} functions")
        sys.exit(bool(wrong))
    PAGE.write_text(page(kept() | live()), "utf-8")
