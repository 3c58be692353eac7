"""Write the messages that uniconv has now into the tables, to be reviewed as a difference.

    python -m tests.refusals.update keras tf    # all, where none is named

A call that raises nothing any more is named, and stays as it is.
"""

from __future__ import annotations

import sys
from dataclasses import replace

from tests.refusals import HERE, TABLES, write
from tests.refusals.bad_call import BadCall
from uniconv.errors import UniconvError


def updated(call: BadCall) -> BadCall:
    """The call with the error that it raises now."""
    try:
        call.through_uniconv()
    except UniconvError as error:
        return replace(call, error=type(error), message=str(error))
    print(f"{call} is refused no more")
    return call


def main(names: list[str]) -> None:
    for name in names or TABLES:
        table = TABLES[name]
        bad = tuple(map(updated, table.bad))
        changed = sum(new != old for new, old in zip(bad, table.bad))
        if changed:
            write(HERE / f"{name}.jsonl", replace(table, bad=bad))
        print(f"{name}: {changed} of {len(bad)} messages changed")


if __name__ == "__main__":
    main(sys.argv[1:])
