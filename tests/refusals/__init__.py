"""Calls that each framework takes and refuses: FAMILY.jsonl, what it is about, then a call a line.

A call has its function, options (tuples tagged), the shapes of x, w, p and bias, and what differs
from the defaults of ``Call``; a bad one has uniconv's error and its full text besides, and in
``live`` why the running framework does not refuse it, where it does not.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.refusals.bad_call import BadCall, Call
from tests.tagged import tagged, untagged
from uniconv import errors

HERE = Path(__file__).parent
SHAPES = {"x": "x_shape", "w": "w_shape", "p": "pointwise_shape", "bias": "bias_shape"}


@dataclass(frozen=True)
class Table:
    """The calls of one family."""

    about: str
    good: tuple[Call, ...]
    bad: tuple[BadCall, ...]


def read(path: Path) -> Table:
    """The table in a file."""
    about, *lines = map(json.loads, path.read_text("utf-8").splitlines())
    calls = [call_of(line) for line in lines]
    bad = tuple(call for call in calls if isinstance(call, BadCall))
    return Table(about["about"], tuple(c for c in calls if not isinstance(c, BadCall)), bad)


def write(path: Path, table: Table) -> None:
    """Write a table, a call a line."""
    entries = [{"about": table.about}, *map(entry_of, (*table.good, *table.bad))]
    lines = (json.dumps(entry, ensure_ascii=False) for entry in entries)
    path.write_text("\n".join(lines) + "\n", "utf-8")


def call_of(entry: dict[str, Any]) -> Call:
    """The call of a line."""
    fields = {SHAPES.get(name, name): value for name, value in entry.items()}
    fields = {name: tuple(v) if isinstance(v, list) else v for name, v in fields.items()}
    fields["options"] = untagged(entry["options"])
    if "error" not in entry:
        return Call(**fields)
    return BadCall(**fields | {"error": getattr(errors, entry["error"])})


def entry_of(call: Call) -> dict[str, Any]:
    """The line of a call."""
    defaults = Call("", {}, (), ())
    names = {field: name for name, field in SHAPES.items()}
    entry = {"function": call.function, "options": tagged(dict(call.options))}
    entry |= {"x": call.x_shape, "w": call.w_shape}
    for field in ("pointwise_shape", "bias_shape", "dtypes", "devices", "again"):
        if getattr(call, field) != getattr(defaults, field):
            entry[names.get(field, field)] = getattr(call, field)
    if isinstance(call, BadCall):
        entry |= {"error": call.error.__name__, "message": call.message}
        entry |= {} if call.live is True else {"live": call.live}
    return entry


TABLES = {path.stem: read(path) for path in sorted(HERE.glob("*.jsonl"))}
