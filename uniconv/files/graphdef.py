"""TensorFlow's frozen graphs, .pb: the constants of a GraphDef.

https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/core/framework/graph.proto ,
node_def.proto and function.proto have the fields and their numbers.

A graph is a list of nodes. Freezing replaced each variable by a node of the operation Const, whose
attribute ``value`` is a TensorProto; the numbers lie in it, or in the graph's library of functions,
for which Keras and ``tf.function`` leave the nodes.

A node FusedBatchNorm has the variance as its fifth input, by the name of a Const or of the Identity
that freezing leaves behind it, and ``epsilon`` as an attribute, 1e-4 where it is left out:
https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/core/ops/nn_ops.cc . Where it is
not fused, it is ``Rsqrt(Add(variance, eps))``, and eps a Const without axes: batch_normalization in
https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/python/ops/nn_impl.py .
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from uniconv.errors import BadFile
from uniconv.files import tensor_proto
from uniconv.files.bounded import Limits
from uniconv.files.named_array import NamedArray
from uniconv.files.protobuf import Message, looks_like

__all__ = ["is_graph", "read"]

_GRAPH = {1: 2, 2: 2, 3: 0, 4: 2, 5: 2}  # node, library, version, versions, debug_info
_NORMS = {b"FusedBatchNorm", b"FusedBatchNormV2", b"FusedBatchNormV3"}
_SUMS = {b"Add", b"AddV2"}
_BEFORE_A_ROOT = _SUMS | {b"Const", b"Identity"}
_EPS = 1e-4
_NODE = {1: 2, 2: 2, 3: 2, 4: 2, 5: 2, 6: 2, 7: 2}  # name, op, input, device, attr, ...


def is_graph(data: memoryview) -> bool:
    """Nodes that have an operation."""
    if not looks_like(data, _GRAPH):
        return False
    node = Message(data, "").message(1).data
    return looks_like(node, _NODE) and Message(node, "").has(2)


def read(path: Path, limits: Limits) -> Iterator[NamedArray]:
    """The arrays of the Const nodes under the nodes' names; a function's after its name."""
    data = limits.map(path)
    if not is_graph(data):
        raise BadFile(f"{path} is no .pb file of a frozen graph: it has no nodes")
    graph = Message(data, str(path))
    yield from _constants(graph, 1, "", limits)
    for function in graph.message(2).messages(1):
        name = function.message(1).text(1)
        yield from _constants(function, 3, f"{name}/", limits)


def _constants(graph: Message, field: int, prefix: str, limits: Limits) -> Iterator[NamedArray]:
    """The arrays of the Const nodes of a graph or function, whose nodes are in a field of it."""
    epsilons = _epsilons(graph.messages(field), limits)
    for node in graph.messages(field):
        limits.step()
        if bytes(node.bytes(2)) == b"Const" and (tensor := _value(node)) is not None:
            own = node.text(1)
            array = tensor_proto.array(tensor, prefix + own, limits)
            yield NamedArray(prefix + own, array, eps=epsilons.get(own))


def _attribute(node: Message, name: bytes) -> Message | None:
    """The value of an attribute of a node."""
    return next((a.message(2) for a in node.messages(5) if bytes(a.bytes(1)) == name), None)


def _value(node: Message) -> Message | None:
    """The tensor of a node Const, where it has numbers."""
    value = _attribute(node, b"value")
    tensor = None if value is None else value.message(8)
    return None if tensor is None or tensor.integer(1) in tensor_proto.NO_NUMBERS else tensor


def _epsilons(nodes: Iterator[Message], limits: Limits) -> dict[str, float]:
    """What is added to a variance, by the name of its Const; nothing where two nodes differ."""
    norms, roots, named = [], [], {}
    for node in nodes:
        operation = bytes(node.bytes(2))
        if operation in _NORMS:
            norms.append(node)
        elif operation == b"Rsqrt":
            roots.append(node)
        elif operation in _BEFORE_A_ROOT:
            named[node.text(1)] = node
    uses = [_of_norm(node, named) for node in norms]
    uses += [_of_root(node, named, limits) for node in roots]
    by_name: dict[str, set[float]] = {}
    for name, eps in filter(None, uses):
        by_name.setdefault(name, set()).add(eps)
    return {name: own.pop() for name, own in by_name.items() if len(own) == 1}


def _of_norm(node: Message, named: dict[str, Message]) -> tuple[str, float] | None:
    """The variance and eps of a node FusedBatchNorm."""
    inputs, epsilon = _inputs(node), _attribute(node, b"epsilon")
    if len(inputs) < 5:
        return None
    return _constant(inputs[4], named), _EPS if epsilon is None else epsilon.fixed(4, "f4")


def _of_root(node: Message, named: dict[str, Message], limits: Limits) -> tuple[str, float] | None:
    """The variance and eps of a node Rsqrt, which is that of their sum, in either order."""
    total = next((named[name] for name in _inputs(node) if name in named), None)
    if total is None or bytes(total.bytes(2)) not in _SUMS:
        return None
    parts = [_constant(name, named) for name in _inputs(total)]
    numbers = [_number(named.get(part), limits) for part in parts]
    known = [number for number in numbers if number is not None]
    return (parts[numbers.index(None)], known[0]) if len(known) == 1 < len(parts) else None


def _constant(name: str, named: dict[str, Message]) -> str:
    """The Const behind a name, to which freezing gives an Identity where it is read."""
    node = named.get(name)
    is_identity = node is not None and bytes(node.bytes(2)) == b"Identity"
    return next(iter(_inputs(node)), name) if node is not None and is_identity else name


def _inputs(node: Message) -> list[str]:
    """The nodes that a node reads, as name:0 in a graph, as name:output:0 in a function."""
    return [name.partition(":")[0] for name in node.texts(3)]


def _number(node: Message | None, limits: Limits) -> float | None:
    """The number of a node Const whose tensor has no axes; None for any other node."""
    tensor = None if node is None else _value(node)
    if node is None or tensor is None or tensor.message(2).has(2):
        return None  # or one of many: a variance
    return float(tensor_proto.array(tensor, node.text(1), limits).real)
