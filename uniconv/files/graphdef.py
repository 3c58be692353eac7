"""TensorFlow's frozen graphs, .pb: the constants of a GraphDef.

https://github.com/tensorflow/tensorflow/blob/v2.16.1/tensorflow/core/framework/graph.proto ,
node_def.proto and function.proto have the fields and their numbers.

A graph is a list of nodes. Freezing replaced each variable by a node of the operation Const, whose
attribute ``value`` is a TensorProto; the numbers lie in it, or in the graph's library of functions,
for which Keras and ``tf.function`` leave the nodes.
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
    yield from _constants(graph.messages(1), "", limits)
    for function in graph.message(2).messages(1):
        name = function.message(1).text(1)
        yield from _constants(function.messages(3), f"{name}/", limits)


def _constants(nodes: Iterator[Message], prefix: str, limits: Limits) -> Iterator[NamedArray]:
    """The arrays of the Const nodes among some nodes."""
    for node in nodes:
        limits.step()
        if bytes(node.bytes(2)) != b"Const":
            continue
        for attribute in node.messages(5):
            tensor = attribute.message(2).message(8)
            code = tensor.integer(1)
            if bytes(attribute.bytes(1)) == b"value" and code not in tensor_proto.NO_NUMBERS:
                name = prefix + node.text(1)
                yield NamedArray(name, tensor_proto.array(tensor, name, limits))
