"""What a call needs in memory beside x, w and y, in units of x: each in a process of its own.

    python benchmarks/memory.py [--quick] [--json FILE]

Linux only: the high-water mark of the process is set back right before the call, which is its
second: what a bound kernel keeps is not counted.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from timing import Options, Row, Spread, run

BARS = {"tf conv": 0.05, "tf bind": 0.05, "mlx conv": 0.05, "mlx bind": 0.05}
BATCH = {False: 16, True: 4}


def cases() -> dict[str, object]:
    from networks import problem

    return {
        "3x3 64→64, 112x112": problem((112, 112), 3, 64, 64),
        "3x3 s2 64→64, 112x112, SAME": problem((112, 112), 3, 64, 64, 2, "same"),
        "depthwise 3x3 s2 64, 112x112, SAME": problem((112, 112), 3, 64, 64, 2, "same", groups=64),
        "transposed 2x2 s2 64→32, 112x112": problem((112, 112), 2, 64, 32, 2, 0, transposed=True),
        "k3 64→64, 12544": problem((12544,), 3, 64, 64),
    }


VARIANTS = tuple(
    f"{dialect} {how}"
    for dialect in ("tf", "pytorch", "knet", "mlx", "onnx")
    for how in ("by hand", "conv", "bind")
)


def measure(options: Options) -> Iterator[Row]:
    if not Path("/proc/self/clear_refs").exists():
        raise SystemExit("memory.py reads Linux's /proc")
    names = VARIANTS[:3] if options.quick else VARIANTS
    for case in list(cases())[: 2 if options.quick else None]:
        if not options.wants(case):
            continue
        found, absent = {}, {}
        for name in names:
            told = json.loads(_fresh(case, name, BATCH[options.quick]))
            if told is None:
                absent[name] = "has no words for it"
            else:
                found[name] = Spread.of([told])
        bars = {k: v for k, v in BARS.items() if k in found and "s2" not in case}
        yield Row("beside x, w and y", case, found, "tf by hand", "of x", bars, absent)


def _fresh(case: str, name: str, batch: int) -> str:
    """What ``_alone`` prints, in a new process."""
    line = [sys.executable, __file__, "--alone", case, name, str(batch)]
    return subprocess.run(line, capture_output=True, text=True, check=True).stdout


def _alone(case: str, name: str, batch: int) -> float | None:
    """The high-water mark of one call, less what was there and y, in units of x."""
    import layouts
    import torch

    torch.set_num_threads(1)
    problem = cases()[case]
    dialect, _, how = name.partition(" ")
    told = layouts.words(problem, dialect)  # type: ignore[arg-type]
    if told is None:
        return None
    given = layouts.arrays(problem, batch)  # type: ignore[arg-type]
    x, w = (layouts.native(told, role, a) for role, a in (("x", given.x), ("w", given.w)))
    del given
    with torch.no_grad():
        make = {"by hand": layouts.by_hand, "conv": layouts.functional, "bind": layouts.bound}[how]
        if how == "by hand":
            hand = make(told, problem)  # type: ignore[call-arg,arg-type]
            call = lambda: hand(x, w)  # noqa: E731
        else:
            call = make(told, problem, x, w)  # type: ignore[assignment,call-arg,arg-type]
        call()  # libraries load their code; a bound kernel is packed
        before = _settled()
        y = call()
        most = status("VmHWM")
    own = y.untyped_storage().nbytes()
    return max(most - before - own, 0) / x.untyped_storage().nbytes()


def _settled() -> int:
    """What the process holds, with its high-water mark set back to that."""
    import ctypes
    import gc

    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)
    Path("/proc/self/clear_refs").write_text("5")
    return status("VmRSS")


def status(field: str) -> int:
    """Bytes, as Linux tells them."""
    try:
        lines = Path("/proc/self/status").read_text("utf-8").splitlines()
    except OSError:
        return 0
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(f"{field}:"))


if __name__ == "__main__":
    if "--alone" in sys.argv:
        at = sys.argv.index("--alone")
        print(json.dumps(_alone(sys.argv[at + 1], sys.argv[at + 2], int(sys.argv[at + 3]))))
    else:
        run(measure, __doc__ or "")
