"""Both sides of a translation, run on numbers that show every difference."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv._call import Call
from uniconv._functional import run_op
from uniconv._native import native
from uniconv._probe.numbers import numbered
from uniconv._translate.beside import Rewriting
from uniconv._translate.code import PLAIN, Code, written
from uniconv.spec.op import Op
from uniconv.spec.registry import framework_of

Array = NDArray[Any]


@dataclass(frozen=True)
class Proof:
    """What both sides gave on integers.

    holds: whether all elements of y are equal.
    source, target: where each side ran: "uniconv", or the framework and its version.
    elements: how many numbers were compared; different: how many of them differ.
    """

    holds: bool
    source: str
    target: str
    elements: int
    different: int

    def as_dict(self) -> dict[str, Any]:
        """The proof for tools, as JSON takes it."""
        return asdict(self)

    def __str__(self) -> str:
        verdict = "the same" if self.holds else f"{self.different} differ"
        return f"{self.elements} elements, {verdict} (call: {self.source}; code: {self.target})"


def prove(call: Call, rewriting: Rewriting) -> Proof:
    """Run the call and the code of its rewriting on a probe."""
    arrays = arrays_of(call)
    expected, source = original(call, arrays)
    got, target = _rewritten(rewriting, arrays)
    if got.shape != expected.shape:
        return Proof(False, source, target, expected.size, expected.size)
    different = int((got != expected).sum())
    return Proof(different == 0, source, target, expected.size, different)


def arrays_of(call: Call) -> dict[str, Array]:
    """Integers in x, w and whatever other arrays the call has."""
    op, shapes = call.function, call.shapes
    dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
    roles = {"x": "x", "w": "w", "pointwise": "p"}
    arrays = {
        name: numbered(shapes[role], role, 0, dtype)
        for role, name in roles.items()
        if role in shapes
    }
    if call.bias is not None:
        lowered = call.lowered
        shape = (lowered.o,) if op.bias == "o" else _bias_like(call)
        arrays["bias"] = numbered(shape, "w", 5, dtype)
    return arrays


def _bias_like(call: Call) -> tuple[int, ...]:
    shape = call.bias if isinstance(call.bias, tuple) else call.bias.shape
    return tuple(shape)


def original(call: Call, arrays: Mapping[str, Array]) -> tuple[Array, str]:
    """y of the call itself, as uniconv computes it."""
    op = call.function
    options = {n: v for n, v in call.options.items() if n not in (op.addend or ())[:1]}
    more = [arrays[name] for name in ("p",) if name in arrays]
    x, w, bias = arrays["x"], arrays["w"], arrays.get("bias")
    y = run_op(op, ("proof", op.name), x, w, bias, None, dict(options), *more)
    return np.asarray(y), "uniconv"


def _rewritten(rewriting: Rewriting, arrays: Mapping[str, Array]) -> tuple[Array, str]:
    """y of the code: in its framework where that is installed, else around uniconv's function."""
    op = rewriting.lifted.call.op
    if is_installed(op):
        code = written(rewriting, {}, inline=True)
        return executed(code, op, arrays), framework_of(op).title
    return in_uniconv(rewriting, arrays), "uniconv"


def in_uniconv(rewriting: Rewriting, arrays: Mapping[str, Array]) -> Array:
    """y of the same steps in NumPy's words, around the function as uniconv computes it."""
    op = rewriting.lifted.call.op
    code = written(rewriting, {}, inline=True, spelling=PLAIN)
    scope: dict[str, Any] = {"np": np, "native": native, **arrays}
    text = "\n".join(code.statements)
    ops = {op.name, *([rewriting.then.lifted.call.op.name] if rewriting.then else [])}
    for name in ops:
        text = re.sub(rf"(?<![\w.\"]){re.escape(name)}\(", f'native("{name}")(', text)
    exec(text, scope)
    return np.asarray(scope["y"])


def is_installed(op: Op) -> bool:
    """Whether the framework of a function can be imported here, and its code needs no more."""
    spelling = framework_of(op).spelling
    if spelling is None or spelling.language != "python":
        return False
    imports = re.findall(r"^(?:import|from) (\w+)", spelling.top(op), re.M)
    return all(find_spec(module) for module in imports)


def executed(code: Code, op: Op, arrays: Mapping[str, Array]) -> Array:
    """y of the code, run in its framework."""
    spelling = framework_of(op).spelling
    assert spelling is not None
    idiom = spelling.idiom
    array, result = idiom.array or spelling.array, idiom.result or spelling.result
    scope: dict[str, Any] = {"np": np, **arrays}
    exec("\n".join((spelling.top(op), idiom.imports)), scope)
    for name in arrays:
        exec(f"{name} = {array.format(name)}", scope)
    exec("\n".join((*code.kernel, *code.lines, idiom.run)), scope)
    return np.asarray(eval(result.format("y"), scope))
