"""Write uniconv/nn/keras.py and its like: each framework's layers under their own names.

Run ``python docs/make_layer_stubs.py`` after a change of a spec's ``layers``; a test compares the
committed text.  A class is its framework's constructor, and one call of ``uniconv.nn``'s.
"""

from __future__ import annotations

from pathlib import Path

import uniconv.nn.modules
from uniconv.spec.constructor import Constructor
from uniconv.spec.framework import Framework
from uniconv.spec.registry import find, frameworks
from uniconv.spec.rules import REQUIRED

FOLDER = Path(uniconv.nn.modules.__file__).parent
BASES = {
    "conv": "Conv",
    "conv_transpose": "ConvTranspose",
    "depthwise_conv": "DepthwiseConv",
    "separable_conv": "SeparableConv",
}
# Of each role: the parameter as it is declared, the argument of uniconv.nn's layer, and its value.
ROLES = {
    "in": (": int | None", "in_channels", "{}"),
    "out": (": int", "out_channels", "{}"),
    "size": (": int | Sequence[int]", "kernel_size", "{}"),
    "multiplier": (": int = 1", "multiplier", "{}"),
    "bias": (": bool = True", "bias", "{}"),
    "nobias": (": bool = False", "bias", "not {}"),
    "bias_attr": (": Any = None", "bias", "{} is not False"),
    "device": (": torch.device | str | None = None", "device", "{}"),
    "dtype": (": torch.dtype | None = None", "dtype", "{}"),
    "precision": (": Any = None", "precision", "{}"),
}
HEAD = '''"""{title}'s convolution layers under their own names, as torch modules.

Made by docs/make_layer_stubs.py from uniconv/_dialects/{file}.py.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import torch

from uniconv.nn import modules

__all__ = [
{names}
]

if not TYPE_CHECKING:  # a checker refuses the name itself

    def __getattr__(name: str) -> Any:
        raise AttributeError(f"{{__name__}} has no layer {{name}}; it has {{', '.join(__all__)}}")
'''


def files() -> dict[Path, str]:
    """Every generated file and its text."""
    return {FOLDER / f"{d.name}.py": module(d) for d in frameworks().values() if d.layers}


def module(dialect: Framework) -> str:
    """The file of one framework's layers."""
    names = "\n".join(f'    "{name}",' for name in sorted(layer.short for layer in dialect.layers))
    head = HEAD.format(title=dialect.title, file=dialect.name, names=names)
    return "\n".join([head, *map(one_class, dialect.layers)])


def one_class(layer: Constructor) -> str:
    """The class of a layer: its framework's signature, then what uniconv.nn's layer is given."""
    # How to read this: ``params`` are the lines of the signature, ``values`` what each argument of
    # uniconv.nn's layer is made of, and ``spelled`` the layer's own names for those arguments, for
    # messages.  A role is either an option of the function, which is passed on with its default, or
    # one of ROLES: how it is declared, which argument it is, and how the value is written ("not {}"
    # for a flag that says the contrary).
    op = find(layer.function)
    words = list(layer.words())
    own = [(n, n) for n in ("device", "dtype", "precision") if n not in [w for _, w in words]]
    star = [] if ("*", "*") in words else [("*", "*")]
    params, values, spelled = ["self"], {"dialect": f'"{op.name}"'}, {}
    if layer.rank:
        values["rank"] = str(layer.rank)
    for role, word in [*words, *star, *own]:
        if role == "*":
            params.append("*")
        elif role == "in_out":
            params.append(f"{word}: tuple[int | None, int]")
            values |= {"in_channels": f"{word}[0]", "out_channels": f"{word}[1]"}
            spelled |= {"in_channels": f"{word}[0]", "out_channels": f"{word}[1]"}
        elif role in ROLES:
            declared, name, value = ROLES[role]
            if role == "multiplier" and params[-1].startswith("in_channels"):
                declared = ": int"  # the kernel's size follows, which has no default
            params.append(word + declared)
            beside = f"{values[name]} and " if name in values else ""
            values[name] = beside + value.format(word)
            if name != word and role not in ("nobias", "bias_attr"):
                spelled[name] = word
        else:
            default = op.default(role)
            params.append(f"{word}: Any" + ("" if default is REQUIRED else f" = {text(default)}"))
            values[role] = word
    values.setdefault("in_channels", "None")
    return CLASS.format(
        name=layer.short,
        full=layer.name,
        base=BASES[op.kind],
        params="\n".join(f"        {p}," for p in params),
        values="\n".join(f"            {name}={value}," for name, value in values.items()),
        words="".join(f'        "{name}": "{word}",\n' for name, word in spelled.items()),
        lazy="" if {"in", "in_out"} & {r for r, _ in words} else LAZY,
        function=op.name,
        source=layer.source,
    ).replace("    WORDS = {\n    }\n\n", "")


CLASS = '''
class {name}(modules.{base}):
    """``{full}``: ``uniconv.nn.{base}`` in its words.
{lazy}
    ``uniconv show {function}`` says what its options mean.

    Raises:
        the errors of ``uniconv.nn.{base}``, in these words.

    Source: {source}.
    """

    WORDS = {{
{words}    }}

    def __init__(
{params}
    ) -> None:
        super().__init__(
{values}
        )
'''
LAZY = "\n    The input channels come with the first input.\n"


def text(value: object) -> str:
    """A default as it is written in a signature."""
    return f'"{value}"' if isinstance(value, str) else repr(value)


if __name__ == "__main__":
    for path, source in files().items():
        path.write_text(source, "utf-8")
