"""Write the stubs that type checkers and editors read.

Run ``python docs/make_stubs.py`` after a change of a public name, a signature or a spec; a test
compares the committed text.

``__init__.pyi`` has every public name.  A function that gives an array of the kind it takes stands
there with overloads; any other is imported from its module.  ``typing.pyi`` has the names of
dialects, ``_signatures.pyi`` (a stub alone) the signature of each ``native`` function.
"""

import ast
import inspect
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import uniconv
from uniconv import typing as types
from uniconv.spec.framework import Framework
from uniconv.spec.loading import built_in, files
from uniconv.spec.op import KINDS, Op
from uniconv.spec.rules import REQUIRED

PACKAGE = Path(__file__).parent.parent / "uniconv"
HEAD = "# Made by docs/make_stubs.py.\n"

# An array in, the same kind out.  Whatever else supports DLPack stays what it is.
KINDS_OF_ARRAYS = {"Tensor": "Tensor", "np.ndarray[Any, Any]": "NDArray[Any]", "A": "A"}
# These only move numbers: the dtype stays, too.
SAME_DTYPE = {"Tensor": "Tensor", "np.ndarray[Any, np.dtype[D]]": "NDArray[D]", "A": "A"}
PAIR = {"tuple[Array, Array]": "Any"}
BY_NAME = {
    "Mapping[str, Tensor]": "dict[str, Tensor]",
    "Mapping[str, NDArray[D]]": "dict[str, NDArray[D]]",
    "Weights": "dict[str, Any]",
}
OVERLOADS = {
    "conv": KINDS_OF_ARRAYS,
    "conv_transpose": KINDS_OF_ARRAYS,
    "depthwise_conv": KINDS_OF_ARRAYS,
    "separable_conv": KINDS_OF_ARRAYS,
    "convert_bias": SAME_DTYPE,
    "convert_dense": SAME_DTYPE,
    "convert_kernel": SAME_DTYPE | PAIR,
    "convert_state_dict": BY_NAME,
}
IMPORTS = """
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, overload

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from uniconv._functional import Device
from uniconv._weights.kernel import Options
from uniconv._weights.name_map import NameMap
from uniconv._weights.network import Weights
"""
VARIABLES = """
A = TypeVar("A", bound=Array)
D = TypeVar("D", bound=np.generic)
"""


def stubs() -> dict[Path, str]:
    """Every generated file and its text."""
    return {
        PACKAGE / "__init__.pyi": public_names(),
        PACKAGE / "typing.pyi": names_of_dialects(),
        PACKAGE / "_signatures.pyi": signatures(),
    }


def public_names() -> str:
    homes = sorted(uniconv._HOMES.items(), key=lambda pair: (pair[1], pair[0]))
    homes = [(name, {"native": "uniconv._signatures"}.get(name, home)) for name, home in homes]
    lines = [f"from uniconv import {name} as {name}" for name in uniconv._MODULES]
    imports = [f"from {home} import {name} as {name}" for name, home in homes]
    lines += [line for line in imports if line.split()[-1] not in OVERLOADS]
    lines.append(f"from uniconv.typing import {', '.join(types.__all__)}")
    written = [overloads(name, OVERLOADS[name]) for name, _ in homes if name in OVERLOADS]
    return "\n".join([HEAD + IMPORTS, *lines, VARIABLES, "__version__: str", "", *written])


def overloads(name: str, kinds: dict[str, str]) -> str:
    """A function once for every kind of array that it takes first; its documentation once."""
    function = getattr(uniconv, name)
    first, *rest = inspect.signature(function).parameters.values()
    words = [parameter(p, name) for p in rest]
    for at, p in enumerate(rest):
        if p.kind is p.KEYWORD_ONLY:
            words.insert(at, "*")
            break
    text = ""
    for at, (array, result) in enumerate(kinds.items()):
        signature = f"def {name}({', '.join([f'{first.name}: {array}', *words])}) -> {result}:"
        body = f'\n    r"""{function.__doc__}"""\n' if at == 0 else " ...\n"
        text += f"@overload\n{signature}{body}"
    return text


def parameter(p: inspect.Parameter, function: str) -> str:
    """A parameter as text, its type made narrower where its name tells more."""
    annotation = str(p.annotation)
    if p.name in ("w", "bias", "pointwise"):
        annotation = "Array" if p.default is p.empty else "Array | None"
    elif p.name == "dialect":
        annotation = f"{camel(function)}Dialect"
    elif p.name in ("src", "dst", "kind"):
        annotation = "Kind" if p.name == "kind" else "Dialect"
    stars = "**" if p.kind is p.VAR_KEYWORD else ""
    default = "" if p.default is p.empty else f" = {p.default!r}"
    return f"{stars}{p.name}: {annotation}{default}"


def camel(kind: str) -> str:
    return "".join(map(str.capitalize, kind.split("_")))


def names_of_dialects() -> str:
    """Literals of every name: all, and those that each operation takes."""
    lines = [HEAD, "from typing import Any, Literal, Protocol", "", f"Kind = {literal(KINDS)}"]
    for kind in KINDS:
        takes = {kind} if kind != "conv" else {*KINDS} - {"separable_conv"}
        lines.append(f"{camel(kind)}Dialect = {literal(names_for({kind}, takes))}")
    lines.append(f"Dialect = {literal(names_for({*KINDS}, {*KINDS}))}")
    return "\n".join([*lines, "", inspect.getsource(types.Array)])


def names_for(mains: set[str], kinds: set[str]) -> Iterator[str]:
    """The families with a main function of one of these kinds; the functions of some kinds."""
    for d in families():
        if mains & {*d.main}:
            yield from (d.name, *d.aliases)
    for d, op in functions():
        if op.kind in kinds:
            yield from spellings(d, op)


def families() -> list[Framework]:
    """Those of this package: what a plug-in adds is not written down."""
    made = (outcome for file in files() for outcome in built_in(file))
    return [d for d in made if isinstance(d, Framework)]


def functions() -> list[tuple[Framework, Op]]:
    return [(d, op) for d in families() for op in d.functions]


def literal(names: Iterable[str]) -> str:
    listed = "".join(f'    "{name}",\n' for name in dict.fromkeys(names))
    return f"Literal[\n{listed}]"


def spellings(d: Framework, op: Op) -> Iterator[str]:
    """The full name of a function, and every shorter or other one."""
    yield op.name
    own = op.name.removeprefix(f"{d.name}.")
    others = [f"{alias}.{own}" for alias in d.aliases]
    others += [
        short + op.name.removeprefix(long)
        for short, long in d.prefixes.items()
        if op.name.startswith(long)
    ]
    yield from (name for name in others if d.function(name) is op)


def signatures() -> str:
    """A class for each function of a framework, and native, which gives it for its names."""
    classes = [one_class(op) for _, op in functions()]
    gives = []
    for at, (d, op) in enumerate(functions()):
        names = ", ".join(map(quoted, spellings(d, op)))
        body = f'\n    r"""{uniconv.native.__doc__}"""' if at == 0 else " ..."
        result = class_name(op)
        gives.append(f"@overload\ndef native(dialect: Literal[{names}]) -> {result}:{body}")
    head = (
        "from typing import Any, Literal, TypeVar, final, overload\n\nimport numpy as np\n"
        "from numpy.typing import NDArray\nfrom torch import Tensor\n\n"
        "from uniconv.typing import Array\n"
    )
    return "\n".join([HEAD, head, 'A = TypeVar("A", bound=Array)', "", *classes, *gives, ""])


def quoted(name: str) -> str:
    return f'"{name}"'


def class_name(op: Op) -> str:
    return "_" + re.sub(r"\W", "_", op.name)


def one_class(op: Op) -> str:
    """The signature of a function, once for every kind of array.

    It is no Protocol: checkers compare what any two overloads of ``native`` give, and to compare
    167 protocols by their parts takes mypy five times as long as all the rest of the package.
    """
    parameters = inspect.signature(uniconv.native(op.name)).parameters.values()
    calls = ""
    for array, result in KINDS_OF_ARRAYS.items():
        words = ", ".join(native_parameters(op, parameters, array))
        calls += f"    @overload\n    def __call__(_, {words}) -> {result}: ...\n"
    return f"@final\nclass {class_name(op)}:\n    __name__: str\n{calls}"


def native_parameters(op: Op, parameters: Iterable[inspect.Parameter], array: str) -> Iterator[str]:
    inputs = op.array_names("x")
    arrays = [name for role in ("w", "p", "bias") for name in op.array_names(role)]
    keywords = False
    for p in parameters:
        if p.kind is p.KEYWORD_ONLY and not keywords:
            keywords = True
            yield "*"
        needed = p.default is p.empty or (keywords and p.default is REQUIRED)
        if p.name in inputs:
            annotation = array if needed else f"{array} | None"
        elif p.name in arrays:
            annotation = "Array" if needed else "Array | None"
        else:
            annotation = "Any"
        yield f"{p.name}: {annotation}{'' if needed else f' = {default(p.default)}'}"


def default(value: Any) -> str:
    """A default as text; ... where only uniconv has a word for it."""
    try:
        ast.literal_eval(repr(value))
    except (SyntaxError, ValueError):
        return "..."
    return repr(value)


if __name__ == "__main__":
    for path, text in stubs().items():
        path.write_text(text, "utf-8")
