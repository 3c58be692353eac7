"""Write the stubs that type checkers and editors read.

Run ``python docs/make_stubs.py`` after a change of a public name; a test compares the committed
text.
"""

from pathlib import Path

import uniconv

PACKAGE = Path(__file__).parent.parent / "uniconv"
HEAD = "# Made by docs/make_stubs.py.\n"


def stubs() -> dict[Path, str]:
    """Every generated file and its text."""
    return {PACKAGE / "__init__.pyi": public_names()}


def public_names() -> str:
    """The public names, each from the module that defines it."""
    lines = [f"from uniconv import {name} as {name}" for name in uniconv._MODULES]
    lines += [
        f"from {home} import {name} as {name}"
        for name, home in sorted(uniconv._HOMES.items(), key=lambda pair: (pair[1], pair[0]))
    ]
    return "\n".join([HEAD, *lines, "", "__version__: str", ""])


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, "utf-8")
