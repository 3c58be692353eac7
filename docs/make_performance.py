"""Write docs/performance.md, and its plot with matplotlib, from benchmarks/results/*.json.

make bench                        # measures, and writes the page; QUICK=--quick in minutes
python docs/make_performance.py   # writes it anew; --check only fails where page and JSON differ
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "benchmarks"))

from timing import Row, geometric_mean, means, read  # noqa: E402

RESULTS = ROOT / "benchmarks" / "results"
PAGE, PLOT = ROOT / "docs" / "performance.md", ROOT / "docs" / "performance.png"
ORDER = ("layers", "overhead", "modules", "weights", "padding", "scale", "memory", "fidelity")
OURS = ("conv", "bind", "layer")
Result = tuple[str, dict[str, Any], list[Row]]

HEAD = """\
# Performance

Made by `python docs/make_performance.py` from `benchmarks/results/*.json`; how they are measured
is in [benchmarks/README.md](../benchmarks/README.md). Every number is the median of interleaved
rounds; a ratio is to the baseline of its row, in the same run. **Bold** ratios miss their bar.
"""

PICTURE = """\
![Time beside the fastest peer's, layer by layer](performance.png)
"""


def results(folder: Path = RESULTS) -> list[Result]:
    """What was measured, in the page's order."""
    found = [read(path) for path in sorted(folder.glob("*.json"))]
    return sorted(found, key=lambda r: (r[0] not in ORDER, [*ORDER, r[0]].index(r[0]), r[0]))


def page(found: Sequence[Result]) -> str:
    """The whole text."""
    parts = [HEAD, "## Bars\n", verdict(found)]
    for script, about, rows in found:
        parts.append(f"## {script.replace('_', ', ')}\n")
        parts.append(", ".join(f"{k} {v}" for k, v in about.items()) + ".\n")
        if script.startswith("layers"):
            parts += summary(rows)
            parts += [PICTURE] * (script == "layers" and PLOT.exists())
        for group in dict.fromkeys(row.group for row in rows):
            members = [row for row in rows if row.group == group]
            parts += [f"### {script}: {group}\n", table(members)]
    return "\n".join(parts)


def verdict(found: Sequence[Result]) -> str:
    """How many bars each script has and misses, and the worst of these."""
    lines = []
    for script, _, rows in found:
        pairs = [(row, name) for row in rows for name in row.bars]
        missed = sorted(
            (asked(row, name) / row.bars[name], f"{name} {asked(row, name):.2f}, {row.case}")
            for row, name in pairs
            if is_missed(row, name)
        )[::-1]
        if pairs:
            worst = "; ".join(text for _, text in missed[:3])
            lines.append((script, worst, f"{len(pairs)}", f"{len(missed)}"))
    return markdown(("", "the worst of those missed", "bars", "missed"), lines)


def asked(row: Row, name: str) -> float:
    """What a variant's bar is for: its ratio where a time is measured, else the number itself."""
    ratio = row.ratio(name) if row.unit in ("us", "ms") else None
    return row.values[name].median if ratio is None else ratio


def is_missed(row: Row, name: str) -> bool:
    return name in row.bars and asked(row, name) > row.bars[name]


def is_peer(variant: str) -> bool:
    """Whether a variant of layers.py is no line of uniconv's, nor of torch in its layouts."""
    return variant.split(",")[0].split()[-1] not in (*OURS, "hand")


def fastest(row: Row) -> float:
    """The median of the row's fastest peer."""
    return min(value.median for name, value in row.values.items() if is_peer(name))


def beside_the_fastest(rows: Sequence[Row], variant: str) -> list[tuple[float, str]]:
    """How many times the fastest peer's median a variant takes, by case; the worst first."""
    cases = [row for row in rows if variant in row.values]
    return sorted(
        ((row.values[variant].median / fastest(row), row.case) for row in cases), reverse=True
    )


def summary(rows: Sequence[Row]) -> Iterator[str]:
    """Of all networks: every variant beside the fastest peer of each layer; wins and losses."""
    for way in ("forward", "forward + backward"):
        members = [row for row in rows if row.group.partition(": ")[2].split(",")[0] == way]
        names = list(dict.fromkeys(name for row in members for name in row.values))
        lines = []
        for name in names:
            ratios = beside_the_fastest(members, name)
            mean = geometric_mean(r for r, _ in ratios)
            behind = sum(r > 1.05 for r, _ in ratios)
            worst, case = ratios[0]
            lines.append((name, f"{mean:.2f}", f"{worst:.2f}", case, f"{behind} of {len(ratios)}"))
        if lines:
            yield f"### All networks: {way}, beside the fastest peer of each layer\n"
            heads = ("", "geometric mean", "worst", "there", "more than 5 % behind")
            yield markdown(heads, lines)


def table(rows: Sequence[Row]) -> str:
    """The rows of a group: medians and quartiles, ratios, bars."""
    lines = []
    for row in rows:
        case = row.case
        for name, value in row.values.items():
            ratio, bar = row.ratio(name), row.bars.get(name)
            told = "" if ratio is None else f"{ratio:.2f}"
            told = f"**{told}**" if is_missed(row, name) else told
            spread = f"{value.low:.4g} – {value.high:.4g}" if value.samples > 1 else ""
            median = f"{value.median:.4g} {row.unit}"
            lines.append((case, name, median, spread, told, "" if bar is None else f"{bar:.2f}"))
            case = ""
        lines += [("", name, why, "", "", "") for name, why in row.absent.items()]
    for name, mean in means(rows).items():
        lines.append(("*geometric mean*", name, "", "", f"{mean:.3f}", ""))
    return markdown(("", "", "median", "quartiles", "ratio", "bar"), lines)


def markdown(heads: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    rule = ("---", "---", *("--:",) * (len(heads) - 2))
    return "\n".join(f"| {' | '.join(cells)} |" for cells in (heads, rule, *lines)) + "\n"


def draw(rows: Sequence[Row], target: Path = PLOT) -> None:
    """Every layer's bound kernel, functional call and torch beside the fastest peer."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    forward = [row for row in rows if row.group.partition(": ")[2].split(",")[0] == "forward"]
    made, axes = plt.subplots(figsize=(7, 4))
    for name in ("tf bind", "tf conv", "tf by hand", "torch channels last", "ONNX Runtime"):
        ratios = [ratio for ratio, _ in beside_the_fastest(forward, name)]
        axes.plot(range(len(ratios)), ratios, label=name, lw=1.2, marker=".", ms=3)
    axes.axhline(1, color="grey", lw=0.6)
    axes.set_yscale("log")
    axes.set_xlabel("layers, each line from its worst to its best")
    axes.set_ylabel("time / fastest peer's")
    axes.legend(fontsize=7)
    axes.spines[["top", "right"]].set_visible(False)
    made.tight_layout()
    made.savefig(target, dpi=110, metadata={"Software": None})


def main() -> int:
    found = results()
    if not found:
        print("benchmarks/results has no JSON: make bench")
        return 1
    if "--check" in sys.argv:
        return int(not PAGE.exists() or PAGE.read_text("utf-8") != page(found))
    rows = next((rows for script, _, rows in found if script == "layers"), [])
    PLOT.unlink(missing_ok=True)
    try:
        draw(rows) if rows else None
    except ImportError:
        print("without matplotlib there is no plot: pip install matplotlib, and run this again")
    PAGE.write_text(page(found), "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
