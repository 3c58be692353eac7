"""TensorFlow's frozen graphs, .pb: the constants of a GraphDef.

https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/core/framework/graph.proto ,
node_def.proto and function.proto have the fields and their numbers.

A graph is a list of nodes. Freezing replaced each variable by a node of the operation Const, whose
attribute ``value`` is a TensorProto; the numbers lie in it, or in the graph's library of functions,
for which Keras and ``tf.function`` leave the nodes.

A node FusedBatchNorm has the variance as its fifth input, by the name of a Const or of the Identity
that freezing leaves behind it, and ``epsilon`` as an attribute, 1e-4 where it is left out:
https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/core/ops/nn_ops.cc .
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
    epsilons = _epsilons(graph.messages(field))
    for node in graph.messages(field):
        limits.step()
        if bytes(node.bytes(2)) != b"Const":
            continue
        for attribute in node.messages(5):
            tensor = attribute.message(2).message(8)
            code = tensor.integer(1)
            if bytes(attribute.bytes(1)) == b"value" and code not in tensor_proto.NO_NUMBERS:
                own = node.text(1)
                array = tensor_proto.array(tensor, prefix + own, limits)
                yield NamedArray(prefix + own, array, eps=epsilons.get(own))


def _epsilons(nodes: Iterator[Message]) -> dict[str, float]:
    """What is added to a variance, by the name of its Const; nothing where two nodes differ."""
    sources: dict[str, str] = {}
    uses: list[tuple[str, float]] = []
    for node in nodes:
        operation = bytes(node.bytes(2))
        if operation == b"Identity" or operation in _NORMS:
            # name:0 in a graph, name:output:0 in a function
            inputs = [name.partition(":")[0] for name in node.texts(3)]
            if operation in _NORMS and len(inputs) > 4:
                uses.append((inputs[4], _epsilon(node)))
            elif operation == b"Identity" and inputs:
                sources[node.text(1)] = inputs[0]
    by_name: dict[str, set[float]] = {}
    for name, eps in uses:
        by_name.setdefault(sources.get(name, name), set()).add(eps)
    return {name: own.pop() for name, own in by_name.items() if len(own) == 1}


def _epsilon(node: Message) -> float:
    """The attribute of a node FusedBatchNorm."""
    values = [a.message(2) for a in node.messages(5) if bytes(a.bytes(1)) == b"epsilon"]
    return values[-1].fixed(4, "f4") if values else _EPS
