"""Write docs/reference/, docs/functions.md and the README's list of families from the specs.

Run ``python docs/make_reference.py`` after changing a spec; a test compares the committed text.
"""

import textwrap
from pathlib import Path

from uniconv._describe import (
    example,
    flip,
    meanings,
    options,
    padding_words,
    reads_backwards,
    refused,
    summary,
)
from uniconv.spec.framework import Framework
from uniconv.spec.op import Op
from uniconv.spec.registry import frameworks

ROOT = Path(__file__).parent.parent
START, END = "<!-- functions: made by docs/make_reference.py -->", "<!-- end of functions -->"


def pages() -> dict[Path, str]:
    """Every generated file and its text."""
    reference = ROOT / "docs" / "reference"
    made = {reference / f"{name}.md": family_page(d) for name, d in frameworks().items()}
    made[ROOT / "docs" / "functions.md"] = functions_page()
    readme = ROOT / "README.md"
    before, _, rest = readme.read_text("utf-8").partition(START)
    after = rest.partition(END)[2]
    return made | {readme: f"{before}{START}\n{families_list()}\n{END}{after}"}


def families_list() -> str:
    """The families with their frameworks, each a link to its page."""
    links = [f"[{name}](docs/reference/{name}.md) ({d.title})" for name, d in frameworks().items()]
    count = sum(len(d.functions) for d in frameworks().values())
    text = f"{count} functions of {len(links)} frameworks: {', '.join(links)}."
    return textwrap.fill(text, 110, break_long_words=False, break_on_hyphens=False)


def functions_page() -> str:
    """The functions of every family, those that flip the kernel in bold."""
    rows = []
    for name, dialect in frameworks().items():
        codes = [
            f"**`{op.name}`**" if reads_backwards(op) else f"`{op.name}`"
            for op in dialect.functions
        ]
        page = f"[{name}](reference/{name}.md)"
        rows.append(f"| {page} | {dialect.title} {dialect.version} | {', '.join(codes)} |")
    head = (
        "# Functions",
        "",
        "Each family links to a page with layouts, options, padding words, refusals and a worked "
        "number.",
        "Those in bold flip the kernel unless an option says otherwise. How each was proved is in "
        "[conformance.md](conformance.md).",
        "",
    )
    return "\n".join([*head, "| family | framework | functions |", "|---|---|---|", *rows, ""])


def family_page(dialect: Framework) -> str:
    """The reference page of one family."""
    names = [f"- [{op.name}](#{op.name.replace('.', '').lower()})" for op in dialect.functions]
    also = f" Other names: {', '.join(dialect.aliases)}." if dialect.aliases else ""
    mains = [
        f'- `{kind}(..., dialect="{dialect.name}")` means {m}' for kind, m in meanings(dialect)
    ]
    parts = [
        f"# {dialect.name}: {dialect.title} {dialect.version}",
        "Made from the specs by `docs/make_reference.py`; the numbers are computed by running them."
        + also,
        "Letters: `n` batch, `c` input channels, `o` output channels, `i` input channels of one "
        "group, `m` output channels of one group, `...` the spatial axes.",
        "\n".join(names),
        "\n".join(mains),
        *(function_section(op) for op in dialect.functions),
    ]
    return "\n\n".join(parts) + "\n"


def function_section(op: Op) -> str:
    """One function: what it is, what it takes, what it refuses, one worked number."""
    parts = [f"## {op.name}", f"A {op.kind}: {flip(op)}.", code(summary(op)), "Options:"]
    parts.append(rows("option", "default", "takes", entries=options(op)))
    if padding_words(op):
        parts += ["Padding words:", rows("word", "pixels", entries=padding_words(op))]
    if op.refusals:
        parts += ["Refused, though each is valid alone:", bullets(refused(op))]
    if op.notes:
        parts += ["Notes:", bullets(op.notes)]
    parts += ["Example:", code(example(op)), f"Source: {op.source}"]
    return "\n\n".join(parts)


def rows(*heads: str, entries: list[tuple[str, ...]]) -> str:
    """A table; its first columns are code."""
    lines = [heads, ("---",) * len(heads)]
    lines += [(*(f"`{cell}`" for cell in entry[:-1]), entry[-1]) for entry in entries]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def bullets(entries: list[str] | tuple[str, ...]) -> str:
    return "\n".join(f"- {entry}" for entry in entries)


def code(lines: list[str]) -> str:
    return "\n".join(["```text", *lines, "```"])


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
