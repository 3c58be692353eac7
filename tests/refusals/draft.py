"""Draft the table of a family: bad calls made from its specs, with what uniconv says of them.

    python -m tests.refusals.draft keras

A call is kept where the running framework refuses it, too; one that it computes goes to stderr, for
somebody to decide who is right.  Read the table before you commit it.
"""

from __future__ import annotations

import json
import sys
from collections import Counter
from dataclasses import replace
from typing import Any

from tests.refusals import HERE, Table, entry_of, write
from tests.refusals.bad_call import BadCall, Call
from uniconv.conformance.bad_calls import kind_of, refused_calls, well_called
from uniconv.conformance.compare import refuses_elsewhere
from uniconv.conformance.oracles import has_oracle, runs
from uniconv.spec.registry import framework

MOST_PER_FUNCTION = 9


def main(name: str) -> None:
    dialect = framework(name)
    assert dialect is not None
    live = has_oracle(name)
    if live and not runs(name):
        raise SystemExit(f"{name} does not run here")
    good: list[Call] = []
    bad: list[BadCall] = []
    for op in dialect.functions:
        good.append(well_called(op))
        kinds: Counter[Any] = Counter()
        for call, error in refused_calls(op):
            if kinds[kind_of(error)] or len(kinds) > MOST_PER_FUNCTION:
                continue
            fields = {n: getattr(call, n) for n in call.__dataclass_fields__}
            refused = BadCall(**fields, error=type(error), message=str(error))
            if not live:
                refused = replace(refused, live="it cannot run here")
            elif not refuses_elsewhere(call):
                print(f"computed: {json.dumps(entry_of(refused))}", file=sys.stderr)
                continue
            kinds[kind_of(error)] += 1
            bad.append(refused)
    about = f"Calls that {dialect.title} {dialect.version} takes and refuses"
    write(HERE / f"{name}.jsonl", Table(about, tuple(good), tuple(bad)))
    print(f"{name}.jsonl: {len(good)} good calls, {len(bad)} bad ones")


if __name__ == "__main__":
    main(sys.argv[1])
