"""Every script, one after the other: benchmarks/results/*.json, and the page that is made of them.

    python benchmarks/everything.py [--quick] [what the scripts take]

--quick takes minutes, all of it hours; on a machine that does nothing else.  A script that fails is
told at the end, and has no numbers on the page: none of an earlier commit stand beside new ones.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

HERE = Path(__file__).resolve().parent
RESULTS = HERE / "results"
PAGE = HERE.parent / "docs" / "make_performance.py"

# The page's first last: what is cheap is there should the rest be cut short.
SCRIPTS = (
    *("overhead", "modules", "weights", "padding", "scale", "memory", "start", "fidelity"),
    *("layers", "diagnose_faults"),
)
OWN_WORDS = ("--quick",)  # all that diagnose_faults.py takes of what the others do


def measured(script: str, words: Sequence[str], folder: Path = RESULTS) -> bool:
    """Run one script; whether it has written its JSON."""
    path = folder / f"{script}{'_cuda' * ('--cuda' in words)}.json"
    path.unlink(missing_ok=True)
    taken = [w for w in words if script != "diagnose_faults" or w in OWN_WORDS]
    line = [sys.executable, str(HERE / f"{script}.py"), *taken, "--json", str(path)]
    print(f"\n== {script}", flush=True)
    start = time.monotonic()
    there = [str(HERE.parent), os.environ.get("PYTHONPATH", "")]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, there))}
    code = subprocess.run(line, env=environment).returncode
    print(f"== {script}: {time.monotonic() - start:.0f} s", flush=True)
    # 1 is also a bar that diagnose_faults.py missed, which the page tells.
    return path.exists() and code in (0, 1)


def main(words: Sequence[str]) -> int:
    RESULTS.mkdir(exist_ok=True)
    start = time.monotonic()
    failed = [script for script in SCRIPTS if not measured(script, words)]
    print(f"\n== all: {time.monotonic() - start:.0f} s")
    if failed:
        print(f"without a result: {', '.join(failed)}")
    return subprocess.run([sys.executable, str(PAGE)]).returncode or bool(failed)


if __name__ == "__main__":
    if {"-h", "--help"} & set(sys.argv):
        raise SystemExit(__doc__)
    raise SystemExit(main(sys.argv[1:]))
