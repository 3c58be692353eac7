"""What conformance found, as a table of text, of Markdown and as a page."""

from __future__ import annotations

import html

from uniconv.conformance.compare import Record

__all__ = ["HEADS", "html_page", "row", "text_table"]

HEADS = (
    "function",
    "version",
    "calls",
    "with gradients",
    "mismatches",
    "rounding / bound",
    "refusals agreed",
)


def row(record: Record) -> tuple[str, ...]:
    """The record in the columns of HEADS."""
    agreed = record.refused - len(record.computed)
    return (
        record.function,
        record.version,
        str(record.cases),
        str(record.gradients),
        str(len(record.mismatches)),
        f"{record.rounding:.2f}",
        f"{agreed} of {record.refused}",
    )


def text_table(records: list[Record]) -> str:
    """Columns as wide as their longest cell."""
    rows = [HEADS, *map(row, records)]
    widths = [max(map(len, column)) for column in zip(*rows)]
    return "\n".join("  ".join(map(str.ljust, r, widths)).rstrip() for r in rows)


def html_page(records: list[Record]) -> str:
    """The same table, with every difference and every refusal that the framework does not share."""
    cell = "<td>{}</td>".format
    lines = ["<tr>" + "".join(f"<th>{html.escape(h)}</th>" for h in HEADS) + "</tr>"]
    lines += ["<tr>" + "".join(cell(html.escape(c)) for c in row(r)) + "</tr>" for r in records]
    parts = [f"<table>{''.join(lines)}</table>"]
    for title, texts in (
        ("Differences", [t for r in records for t in r.mismatches]),
        ("Refused by uniconv alone", [t for r in records for t in r.computed]),
    ):
        if texts:
            listed = "".join(f"<li><code>{html.escape(t)}</code></li>" for t in texts)
            parts.append(f"<h2>{title}</h2><ul>{listed}</ul>")
    style = (
        "body{font:16px/1.5 system-ui,sans-serif;margin:2rem auto;max-width:80rem;padding:0 1rem}"
        "td,th{padding:.2rem .8rem;text-align:left;border-bottom:1px solid #ccc}"
        "code{font-size:.9em;overflow-wrap:anywhere}"
    )
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>uniconv conformance</title>'
        f"<style>{style}</style><h1>uniconv conformance</h1>{''.join(parts)}</html>\n"
    )
