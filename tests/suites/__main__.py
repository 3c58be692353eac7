"""Run the suites of a folder of checkouts, and keep what was found.

python -m tests.suites FOLDER [NAMES...]
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from importlib import import_module
from pathlib import Path
from typing import Any

from uniconv.conformance.suite import Verdict, counted, judge, suite_table

NAMES = ("onnx", "stablehlo", "onnxruntime", "litert", "tensorflow")
RESULTS = Path(__file__).parent / "results.json"


def commit(checkout: Path) -> str:
    """The commit of a checkout, or of an export that says it."""
    told = checkout / "COMMIT"
    if told.exists():
        return told.read_text("utf-8").strip()
    command = ["git", "-C", str(checkout), "rev-parse", "HEAD"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout.strip()


def found(source: str, at: str, parts: dict[str, list[Verdict]]) -> dict[str, Any]:
    """What is kept of a suite: counts, and how often each reason was met."""
    told: dict[str, Any] = {"source": source, "at": at, "parts": {}}
    for part, verdicts in parts.items():
        losses = Counter((v.outcome, v.reason) for v in verdicts if v.outcome != "passed")
        told["parts"][part] = counted(verdicts) | {
            "losses": [[outcome, reason, n] for (outcome, reason), n in sorted(losses.items())]
        }
    return told


def run(name: str, folder: Path) -> dict[str, Any] | None:
    """Run a suite and print how it went; None where its checkout or package is not there."""
    module = import_module(f"tests.suites.{name}")
    checkout = folder / module.SOURCE.rpartition("/")[2]
    try:
        at = module.at(folder) if hasattr(module, "at") else commit(checkout)
        cases = module.suites(checkout)
    except (ImportError, OSError, subprocess.CalledProcessError) as error:
        print(f"{name} is not run: {error}\n")
        return None
    parts = {
        part: [case if isinstance(case, Verdict) else judge(case) for case in told]
        for part, told in cases.items()
    }
    print(f"{module.SOURCE} @ {at}\n{suite_table(parts)}\n")
    return found(module.SOURCE, at, parts)


def main(folder: Path, names: list[str]) -> None:
    kept = json.loads(RESULTS.read_text("utf-8")) if RESULTS.exists() else {}
    for name in names or NAMES:
        kept[name] = run(name, folder) or kept.get(name)
    ordered = {name: kept[name] for name in NAMES if kept.get(name)}
    RESULTS.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", "utf-8")


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
