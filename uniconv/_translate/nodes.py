"""Steps and a call as nodes of a graph, each with names for what goes in and what comes out."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any

from uniconv._canonical import steps as s
from uniconv._canonical.layout import order
from uniconv._canonical.steps_source import tokens
from uniconv._translate.layout_of_code import WIDTH, formatted
from uniconv.errors import CannotExpress
from uniconv.spec.idiom import Idiom

END = 2**31 - 1  # where a slice ends that goes to the end


class Graph:
    """The nodes so far, as code; names: what holds each array now, ndims: their numbers of axes."""

    def __init__(self, idiom: Idiom, ndims: dict[str, int], function: str) -> None:
        self.idiom, self.ndims, self.function = idiom, ndims, function
        self.nodes: list[str] = []
        self.names: dict[str, str] = {}
        self._count = 0

    def step(self, step: s.Step) -> None:
        """Add the nodes of a step."""
        if type(step) not in _NODES:
            raise self.cannot(_FIELDS.get(type(step), "result"), "no node here does it")
        _NODES[type(step)](self, step)

    def node(self, kind: str, on: str, *numbers: float, **values: Any) -> None:
        """Add a node that makes the array ``on`` anew; lists among the values are constants.

        numbers: attributes of the node, by their place.
        """
        template = self.idiom.nodes.get(kind)
        if template is None:
            raise self.cannot("boundary", f"nothing here is {kind}")
        named = {}
        for key, value in values.items():
            held = f'"{{{key}}}"' in template  # as an input of the node
            named[key] = self.constant(value) if held and not isinstance(value, str) else value
        self._count += 1
        name = f"{on}_{self._count}"
        self.nodes.append(template.format(*numbers, x=self.names.get(on, on), y=name, **named))
        self.names[on] = name

    def constant(self, value: Any) -> str:
        """Add a node that holds a number or a list of integers; its name."""
        self._count += 1
        name = f"constant_{self._count}"
        if isinstance(value, list):
            node = self.idiom.nodes["integers"].format(y=name, value=value)
        else:
            node = self.idiom.nodes["number"].format(y=name, value=float(value))
        self.nodes.append(node)
        return name

    def call(self, line: str) -> None:
        """Add the call's own node, which makes y."""
        for role, name in self.names.items():
            line = line.replace(f'"{role}"', f'"{name}"')
        self._count += 1
        self.names["y"] = f"y_{self._count}"
        self.nodes.append(line.replace('["y"]', f'["{self.names["y"]}"]'))

    def second(self, ndims: dict[str, int]) -> None:
        """Take y for the x of a second call, whose arrays have these numbers of axes."""
        self.names = {"x": self.names["y"]}
        self.ndims = ndims

    def finished(self) -> list[str]:
        """The nodes, the last of which makes "y"."""
        last = f'"{self.names["y"]}"'
        return [node.replace(last, '"y"') for node in self.nodes]

    def cannot(self, field: str, reason: str) -> CannotExpress:
        return CannotExpress(self.function, field, reason)


def _numbers(graph: Graph, pairs: Sequence[Sequence[Any]]) -> None:
    """CannotExpress where a number depends on x's size, which a node has in numbers only."""
    if any(type(n) is not int for pair in pairs for n in pair):
        raise graph.cannot("sizes", "its nodes hold numbers, for one size of x")


def _permute(graph: Graph, step: s.Permute) -> None:
    graph.node("transpose", step.on, axes=list(step.order))


def _add_axes(graph: Graph, step: s.AddAxes) -> None:
    ndim = graph.ndims[step.on]
    graph.node("unsqueeze", step.on, axes=list(range(ndim, ndim + step.count)))
    graph.ndims[step.on] = ndim + step.count


def _drop_axis(graph: Graph, step: s.DropAxis) -> None:
    graph.node("squeeze", step.on, axes=[-1])
    graph.ndims[step.on] -= 1


def _regroup(graph: Graph, step: s.Regroup) -> None:
    left, right = (tokens(side) for side in step.pattern.split(" -> "))
    known = dict(step.sizes) | {"1": 1}
    split, merged = ([a for token in side for a in token if a != "1"] for side in (left, right))
    graph.node("reshape", step.on, shape=[known[a] for a in split])
    graph.node("transpose", step.on, axes=list(order(split, merged)))
    whole = [1] * len(right)
    for i, token in enumerate(right):
        for a in token:
            whole[i] *= known[a]
    graph.node("reshape", step.on, shape=whole)
    graph.ndims[step.on] = len(right)


def _slice(graph: Graph, on: str, parts: dict[int, tuple[int, int, int]]) -> None:
    """Slices (start, end, step) along axes."""
    starts, ends, steps = map(list, zip(*parts.values()))
    graph.node("slice", on, starts=starts, ends=ends, axes=list(parts), steps=steps)


def _flip(graph: Graph, step: s.Flip) -> None:
    _slice(graph, step.on, dict.fromkeys(step.axes, (-1, -END, -1)))


def _surround(graph: Graph, step: s.Surround | s.Gather) -> None:
    """Pixels around the array; negative numbers cut off, in a pad's node as in a step."""
    _numbers(graph, step.pad)
    idle = [(0, 0)] * (graph.ndims[step.on] - len(step.pad))
    lows, highs = zip(*idle, *step.pad)
    fill = getattr(step, "fill", 0.0)
    if step.boundary == "constant":
        graph.node("constant", step.on, pads=[*lows, *highs], fill=fill)
    else:
        graph.node(step.boundary, step.on, pads=[*lows, *highs])


def _gather(graph: Graph, step: s.Gather) -> None:
    most = {"reflect": -1, "circular": 0, "symmetric": 0}[step.boundary]
    if any(max(pair) > n + most for pair, n in zip(step.pad, step.size) if any(pair)):
        raise graph.cannot("boundary", "its border is wider than x")
    _surround(graph, step)


def _cut(graph: Graph, step: s.Cut) -> None:
    _numbers(graph, step.cut)
    axes = range(-len(step.cut), 0)
    parts = {a: (lo, -hi or END, 1) for a, (lo, hi) in zip(axes, step.cut) if lo or hi}
    _slice(graph, step.on, parts)


def _every(graph: Graph, step: s.Every) -> None:
    axes = range(-len(step.stride), 0)
    _slice(graph, step.on, {a: (0, END, n) for a, n in zip(axes, step.stride) if n > 1})


def _bias(graph: Graph, step: s.Bias) -> None:
    if step.after:
        graph.node("reshape", "bias", shape=[-1, *[1] * step.after])
    graph.node("add", step.on, b=graph.names.get("bias", "bias"))


def _activate(graph: Graph, step: s.Activate) -> None:
    activation = step.activation
    if activation.name == "clip":
        low, high = activation.numbers
        graph.node("clip", step.on, low=low, high=high)
    elif activation.name not in graph.idiom.nodes:
        raise graph.cannot("activation", f"nothing here is {activation}")
    else:
        graph.node(activation.name, step.on, *activation.numbers)


_NODES: dict[type[s.Step], Callable[[Graph, Any], None]] = {
    s.Permute: _permute,
    s.AddAxes: _add_axes,
    s.DropAxis: _drop_axis,
    s.Regroup: _regroup,
    s.Flip: _flip,
    s.Surround: _surround,
    s.Gather: _gather,
    s.Cut: _cut,
    s.Every: _every,
    s.Scale: lambda graph, step: graph.node("multiply", step.on, b=float(step.factor)),
    s.Shift: lambda graph, step: graph.node("add", step.on, b=float(step.term)),
    s.Bias: _bias,
    s.Activate: _activate,
}


# What a step that has no nodes would have done.
_FIELDS: dict[type[s.Step], str] = {
    s.Merge: "batch",
    s.Split: "batch",
    s.Spread: "lhs_dilation",
    s.Addend: "addend",
}


def in_a_list(nodes: Sequence[str], name: str = "nodes") -> list[str]:
    """The nodes as one statement, formatted."""
    rows = []
    for node in nodes:
        *most, last = formatted(node, WIDTH - 5)  # four spaces before, a comma after
        rows += [*most, f"{last},"]
    return [f"{name} = [", *(f"    {row}" for row in rows), "]"]


def renamed(nodes: Sequence[str], names: dict[str, str]) -> list[str]:
    """The nodes with other names for the graph's inputs."""
    lines = list(nodes)
    for role, name in names.items():
        lines = [re.sub(rf'"{role}"', f'"{name}"', line) for line in lines]
    return lines
