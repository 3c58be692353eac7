"""Printed code, run before it is printed: whether the lines of a diagnosis give what they say.

A line is run as a reader would run it: its names are the user's arrays, in 64 bits and in their own
layout, and the function it calls is uniconv's of that name.  Functions of torch get tensors, all
others NumPy arrays.  Only code that this package has made is run, and a name from outside gets into
it only if it is an identifier (``run.names_of``).
"""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from uniconv._calls.lower import lower
from uniconv._diagnose.array_code import in_torch
from uniconv._diagnose.hypothesis import Hypothesis
from uniconv._diagnose.inputs import InputArray, problem
from uniconv.spec.op import Op
from uniconv.spec.registry import framework_of

Array = NDArray[Any]

_FUNCTION = "function_of_the_call"


def computed(
    op: Op,
    options: Mapping[str, Any],
    x: InputArray,
    w: InputArray,
    bias: InputArray | None = None,
    pointwise: InputArray | None = None,
) -> InputArray:
    """y as a call gives it, in float64, in its native layout."""
    shapes = [x.array.shape, w.array.shape]
    if pointwise is not None:
        shapes.append(pointwise.array.shape)
    # The hypothesis needs a y to be built; zeros of its shape stand for it until it is computed.
    output = lower(op, options, *shapes).output
    blank = InputArray(np.zeros(output, x.array.dtype), 0.0, "float64")
    target = problem(op, options, x, w, blank, pointwise)
    value = target.start(None if bias is None else bias.array.reshape(-1)).result()
    order = [("n", "o", *target.spatial).index(s) for s in target.y.letters]
    return InputArray(value.transpose(order).reshape(output), 0.0, "float64")


def takes_tensors(op: Op) -> bool:
    """Whether a function's arrays are tensors of torch, which are indexed in torch's own words."""
    spelling = framework_of(op).spelling
    return spelling is not None and spelling.idiom.of_torch


def value(op: Op, code: str, arrays: Mapping[str, Array]) -> Array:
    """y as some code gives it: one call of the function, or lines that end in y.

    arrays: by the names that they have in the code.  Raises whatever running the code raises.

    >>> from uniconv.spec.registry import find
    >>> x, w = np.arange(4.0).reshape(4, 1, 1), np.array([1, 10, 100.0]).reshape(3, 1, 1)
    >>> value(find("knet.conv4"), "knet.conv4(w[::-1], x)", {"x": x, "w": w}).ravel()
    array([210., 321.])
    """
    as_own = torch.as_tensor if takes_tensors(op) else np.asarray
    scope: dict[str, Any] = {}
    for n, (name, a) in enumerate(arrays.items()):
        variable = name
        if not name.isidentifier():  # an index is a part of the name, as in "table[..., None]"
            variable = f"array_{n}"
            for text in _spellings(name):
                code = code.replace(text, variable)
        scope[variable] = as_own(np.ascontiguousarray(a))
    scope |= {"numpy": np, "torch": torch, _FUNCTION: _function(op, as_own)}
    tree = _Renamed(op.name).visit(ast.parse(code))
    last = tree.body[-1]
    if isinstance(last, ast.Expr):
        tree.body[-1] = ast.copy_location(
            ast.Assign([ast.Name("y", ast.Store())], last.value), last
        )
    exec(compile(ast.fix_missing_locations(tree), "<code of a diagnosis>", "exec"), scope)
    return np.asarray(scope["y"])


def _spellings(name: str) -> list[str]:
    """How a name with an index stands in code: as it is, or written again by ``array_code``."""
    plain = ast.unparse(ast.parse(name))
    torch_words = in_torch(name, "x")
    return [name, in_torch(name, None), plain, torch_words]


class _Renamed(ast.NodeTransformer):
    """A function's dotted name as one name, since "torch.nn.Conv2d" is torch's own class, too."""

    def __init__(self, name: str) -> None:
        self.name = name

    def visit_Attribute(self, node: ast.Attribute) -> ast.expr:
        if ast.unparse(node) == self.name:
            return ast.Name(_FUNCTION, ast.Load())
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        return ast.Name(_FUNCTION, ast.Load()) if node.id == self.name else node


def _function(op: Op, as_own: Callable[[Any], Any]) -> Callable[..., Any]:
    """The function in 64 bits, with its own parameters, from and to arrays of its own kind."""
    # A parameter is "x:input", "w:filters" or an option's name; "*" ends what goes by position.
    # Arguments are sorted by these, the arrays computed in float64 whatever the framework has.
    params = op.params.split()
    names = [p.rpartition(":") for p in params]
    by_position = names[: params.index("*")] if "*" in params else names
    # Of two names for one array, code has the first only.
    by_position = [(r, c, n) for r, c, n in by_position if not r or n == op.array_names(r)[0]]
    roles = {name: role for role, colon, name in names if colon}

    def function(*args: Any, **kwargs: Any) -> Any:
        words = {name: a for (_, _, name), a in zip(by_position, args, strict=False)} | kwargs
        arrays: dict[str, InputArray | None] = {
            roles[name]: InputArray(np.asarray(a), 0.0, "float64")
            for name, a in words.items()
            if name in roles and a is not None
        }
        options = {name: a for name, a in words.items() if name not in roles}
        both = (arrays.get(role) for role in ("bias", "p"))
        x, w = arrays["x"], arrays["w"]
        assert x is not None
        assert w is not None
        return as_own(computed(op, options, x, w, *both).array)

    return function


def gives(model: Hypothesis, code: str, arrays: Mapping[str, Array], slack: float) -> bool:
    """Whether code, run on these arrays, gives the result of a hypothesis in its native layout.

    slack: what a number may be off by, beside rounding in the sixth digit of the largest.
    """
    # y is compared in the order of the axes that the function gives, in which the hypothesis' own
    # is brought.
    target, y = model.problem, model.y
    order = [("n", "o", *target.spatial).index(s) for s in target.y.letters]
    goal = y.transpose(order)
    try:
        result = value(target.call.op, code, arrays)
    except Exception:  # whatever it is: a line that cannot be run is not printed
        return False
    # Only batch axes may be merged in one of both, and axes of size 1 missing.
    if result.size != goal.size:
        return False
    off = np.abs(result.reshape(goal.shape) - goal).max(initial=0.0)
    return bool(off <= 1.01 * slack + 1e-6 * np.abs(goal).max(initial=0.0))


def equal(op: Op, code: str, own: str, arrays: Mapping[str, Array], slack: float) -> bool:
    """Whether code on the user's own y ("y[..., ::-1]") is what a call gives, shape and numbers."""
    try:
        a, b = value(op, code, arrays), value(op, own, arrays)
    except Exception:
        return False
    if a.shape != b.shape:
        return False
    off = np.abs(a - b).max(initial=0.0)
    return bool(off <= 1.01 * slack + 1e-6 * np.abs(b).max(initial=0.0))
