"""Draft the table of a family: bad calls made from its specs, with what uniconv says of them.

    python -m tests.refusals.draft keras

A call is kept where the running framework refuses it, too; one that it computes goes to stderr, for
somebody to decide who is right.  Read the table before you commit it.
"""

from __future__ import annotations

import sys
from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.refusals.bad_call import BadCall, Call
from uniconv.conformance.bad_calls import kind_of, refused_calls, well_called
from uniconv.conformance.compare import refuses_elsewhere
from uniconv.conformance.oracles import has_oracle, runs
from uniconv.spec.registry import framework

MOST_PER_FUNCTION = 9


def text_of(call: Call) -> str:
    """The call as Python."""
    shown = [repr(call.function), repr(dict(call.options)), repr(call.x_shape), repr(call.w_shape)]
    if isinstance(call, BadCall):
        shown += [call.error.__name__, repr(call.message)]
    defaults = {"p_shape": None, "bias_shape": None, "dtypes": ("float32",) * 3, "live": True}
    for name, default in defaults.items():
        if getattr(call, name, default) != default:
            shown.append(f"{name}={getattr(call, name)!r}")
    return f"{type(call).__name__}({', '.join(shown)}),"


def main(name: str) -> None:
    dialect = framework(name)
    assert dialect is not None
    live = has_oracle(name)
    if live and not runs(name):
        raise SystemExit(f"{name} does not run here")
    well, badly = [], []
    for op in dialect.functions:
        well.append(text_of(well_called(op)))
        kinds: Counter[Any] = Counter()
        for call, error in refused_calls(op):
            if kinds[kind_of(error)] or len(kinds) > MOST_PER_FUNCTION:
                continue
            fields = {n: getattr(call, n) for n in call.__dataclass_fields__}
            told = BadCall(**fields, error=type(error), message=str(error))
            if not live:
                told = replace(told, live="it cannot run here")
            elif not refuses_elsewhere(call):
                print(f"computed: {text_of(told)}", file=sys.stderr)
                continue
            kinds[kind_of(error)] += 1
            badly.append(text_of(told))
    errors = sorted(
        {e for e in ("BadArray", "BadOption", "BadShape", "Refused") if e in str(badly)}
    )
    lines = [
        f'"""Calls that {dialect.title} {dialect.version} takes and refuses; made by draft.py."""',
        "",
        "from tests.refusals.bad_call import BadCall, Call",
        f"from uniconv.errors import {', '.join(errors)}",
        *("", "GOOD = [", *well, "]", "", "BAD = [", *badly, "]", ""),
    ]
    file = Path(__file__).parent / f"{name}.py"
    file.write_text("\n".join(lines))
    print(f"{file.name}: {len(well)} good calls, {len(badly)} bad ones; now run ruff format on it")


if __name__ == "__main__":
    main(sys.argv[1])
