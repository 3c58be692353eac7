"""Write the golden numbers of families by running the real frameworks on calls made from specs.

    python tests/golden/make.py tf pytorch    # all that run here, where none is named

FAMILY.json names the framework's versions and, for each call, the function, its options and the
shapes of its arrays; FAMILY.npz holds all numbers in that order, as one array of small integers.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from tests.tagged import tagged
from uniconv.conformance.oracles import CannotRun, differentiable, oracle, runs, versions
from uniconv.spec.op import COMPLEX, INTEGERS, Op
from uniconv.spec.registry import framework, frameworks
from uniconv.testing.cases import Case, asymmetric, grid, probe

HERE = Path(__file__).parent
PER_FUNCTION, PER_FAMILY = 9, 36  # at least
PER_OTHER_DTYPE = 2  # complex numbers and integers
MOST_NUMBERS = 1500  # in the largest array of a call, so that the files stay small


def usual(op: Op) -> str:
    return "float32" if "float32" in op.dtypes else op.dtypes[0]


def calls(
    op: Op, count: int, dtype: str, *, slopes: bool
) -> Iterator[tuple[Case, dict[str, np.ndarray]]]:
    """Calls with the framework's own results; every other one with its gradients."""
    run, made = oracle(op.name), 0
    for case in grid(op, most=20 * count):
        sizes = [np.prod(s) for s in (case.x_shape, case.w_shape, case.call.output)]
        if made == count or max(sizes) > MOST_NUMBERS or min(sizes) == 0:
            continue
        if dtype not in op.dtypes_of(case.call.rank):
            continue
        if dtype.startswith("u") and case.call.conv.fill < 0:
            continue
        arrays = dict(zip("xwp", probe(case, seed=made, dtype=dtype)))
        if made % 2 or not slopes:
            try:
                arrays["y"] = run(case, arrays["x"], arrays["w"], pointwise=arrays.get("p"))
            except CannotRun:
                continue
        else:
            rng = np.random.default_rng(made)
            arrays["dy"] = asymmetric(case.call.output, rng)
            given = (arrays[a] for a in ("x", "w", "dy", "p") if a in arrays)
            try:
                arrays |= dict(zip(("y", "dx", "dw"), run.gradients(case, *given)))
                if any(arrays[a].shape != arrays[f"d{a}"].shape for a in "xw"):
                    raise ValueError("it has another shape than the array")
            except Exception as error:
                print(f"{case}: the framework's own gradient fails: {error}")
                continue
        made += 1
        yield case, arrays


def main(name: str) -> None:
    dialect = framework(name)
    if dialect is None or not runs(name):
        raise SystemExit(f"{name} does not run here")
    entries: list[dict[str, Any]] = []
    numbers: list[np.ndarray] = []
    count = max(PER_FUNCTION, PER_FAMILY // len(dialect.functions))
    for op in dialect.functions:
        others = [d for d in op.dtypes if d in (*INTEGERS, *COMPLEX) and d != usual(op)]
        for dtype in (usual(op), *others):
            own = dtype == usual(op)
            most = count if own else PER_OTHER_DTYPE
            for case, arrays in calls(op, most, dtype, slopes=own and differentiable(name)):
                shapes = {role: a.shape for role, a in arrays.items()}
                told = {"options": tagged(case.options), "shapes": shapes}
                kind = {} if dtype == "float32" else {"dtype": dtype}
                if arrays["y"].dtype.name not in (dtype, op.result):
                    kind["result"] = arrays["y"].dtype.name
                entries.append({"function": op.name} | told | kind)
                for a in arrays.values():
                    wide = np.stack([a.real, a.imag], -1) if np.iscomplexobj(a) else a
                    small = wide.astype(np.int32)
                    assert np.array_equal(small, wide), f"{case} gives no small integers"
                    numbers.append(small.ravel())
    made_by = versions(name) | {"numpy": np.__version__}
    lines = ",\n".join(json.dumps(e) for e in entries)
    text = f'{{"made by": {json.dumps(made_by)}, "calls": [\n{lines}\n]}}\n'
    (HERE / f"{name}.json").write_text(text)
    np.savez_compressed(HERE / f"{name}.npz", numbers=np.concatenate(numbers))
    print(f"{name}: {len(entries)} calls of {len(dialect.functions)} functions, {made_by}")


if __name__ == "__main__":
    for name in sys.argv[1:] or filter(runs, frameworks()):
        main(name)
