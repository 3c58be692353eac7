"""Write the files in tests/files/golden, each by the framework whose format it is.

    .venv-live/bin/python tests/files/make_golden.py tensorflow tflite onnx mlx torchscript
    python tests/files/make_golden.py coreml        # where coremltools is installed
    python tests/files/make_golden.py gguf          # where gguf is installed

The arrays are whole numbers, which ``probe`` makes of shape and dtype, so that the tests know them
without the torch.
"""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

FOLDER = Path(__file__).parent / "golden"


def probe(*shape: int, dtype: Any = np.float32) -> NDArray[Any]:
    """Numbers that no two places share; of one bit, as they come."""
    return (np.arange(np.prod(shape, dtype=int)) - 5).reshape(shape).astype(dtype)


VARIABLES = {
    "conv/weights": probe(3, 2, 4, 5),
    "conv/biases": probe(5, dtype=np.float64),
    "step": np.array(7, np.int64),
    "bytes": probe(5, dtype=np.uint8),
    "flags": np.array([True, False, True]),
    "complex": np.array([1 + 2j, 3], np.complex64),
    "half": probe(5, dtype=np.float16),
}
SOME_ZEROS = probe(8, 9) * (np.add.outer(np.arange(8) // 2, np.arange(9) // 3) % 3 == 1)
DIVIDED = probe(200, 3)  # over three slices, which begin at bytes of one and of two places


def tensorflow() -> None:
    import tensorflow as tf

    v1 = tf.compat.v1
    with v1.Graph().as_default():
        for name, value in VARIABLES.items():
            v1.get_variable(name, initializer=value, use_resource=False)
        divided = v1.get_variable(
            "divided",
            shape=DIVIDED.shape,
            initializer=v1.zeros_initializer(),
            partitioner=v1.fixed_size_partitioner(3),
            use_resource=False,
        )
        with v1.Session() as session:
            session.run(v1.global_variables_initializer())
            at = 0
            for part in divided:
                size = part.shape[0]
                part.load(DIVIDED[at : at + size], session)
                at += size
            for version in (1, 2):
                folder = FOLDER / f"tensorflow_{version}"
                folder.mkdir(exist_ok=True)
                saver = v1.train.Saver(write_version=version, save_relative_paths=True)
                saver.save(session, str(folder / "model.ckpt"), 3, write_meta_graph=False)
    with v1.Graph().as_default() as graph:
        for name, value in VARIABLES.items():
            v1.constant(value, name=name)
        v1.constant(2.5, shape=(2, 3), name="filled")
        v1.constant(tf.bfloat16.as_numpy_dtype(1.5), name="brain")
        v1.constant(["a word"], name="words")
    data = graph.as_graph_def().SerializeToString()
    (FOLDER / "frozen.pb").write_bytes(data)
    module = tf.Module()
    module.layers = [tf.Variable(probe(3, 2)), tf.Variable(probe(2, dtype=np.float64))]
    tf.saved_model.save(module, str(FOLDER / "saved_model"))
    for name in ("fingerprint.pb", "saved_model.pb"):  # which hold no variables
        (FOLDER / "saved_model" / name).unlink()


def onnx() -> None:
    import onnx

    helper, numpy_helper = onnx.helper, onnx.numpy_helper

    def constant(name: str, **value: Any) -> Any:
        return helper.make_node("Constant", [], [name], **value)

    def branch(name: str, number: int) -> Any:
        output = helper.make_tensor_value_info("out", 1, None)
        weights = [numpy_helper.from_array(probe(2, 3) * number, "inner")]
        nodes = [constant("own", value=numpy_helper.from_array(probe(3) * number))]
        return helper.make_graph(nodes, name, [], [output], weights)

    typed = [
        helper.make_tensor("typed_half", 10, (3,), [1.5, -2, 3]),
        helper.make_tensor("typed_ints", 3, (3,), [1, -2, 3]),
        helper.make_tensor("typed_long", 7, (2,), [-(2**40), 3]),
        helper.make_tensor("typed_double", 11, (2,), [0.1, 3]),
        helper.make_tensor("typed_unsigned", 13, (2,), [2**63, 3]),
        helper.make_tensor("typed_complex", 14, (2,), [1 + 2j, 3]),
        helper.make_tensor("nibbles", 22, (3,), [-8, 7, -1]),
    ]
    initializers = [numpy_helper.from_array(np.asarray(a), n) for n, a in VARIABLES.items()]
    sparse = helper.make_sparse_tensor(
        helper.make_tensor("sparse", 1, (2,), [5.0, 6.0]),
        helper.make_tensor("places", 7, (2, 2), [0, 1, 1, 2]),
        (2, 3),
    )
    nodes = [
        constant("kernel", value=numpy_helper.from_array(probe(4, 2, 3, 1))),
        constant("floats", value_floats=[1.5, 2.5]),
        constant("ints", value_ints=[3, -4]),
        constant("float", value_float=0.5),
        constant("word", value_string="a word"),
        helper.make_node(
            "If",
            ["flag"],
            ["y"],
            "choose",
            then_branch=branch("then", 1),
            else_branch=branch("else", 2),
        ),
    ]
    graph = helper.make_graph(
        nodes, "g", [], [], [*initializers, *typed], sparse_initializer=[sparse]
    )
    function = helper.make_function(
        "own",
        "Scaled",
        [],
        ["scale"],
        [constant("scale", value=numpy_helper.from_array(probe(2)))],
        [helper.make_opsetid("", 18)],
    )
    model = helper.make_model(graph, functions=[function])
    (FOLDER / "model.onnx").write_bytes(model.SerializeToString())
    small = helper.make_graph([], "g", [], [], initializers[:2])
    onnx.save(
        helper.make_model(small),
        FOLDER / "external.onnx",
        save_as_external_data=True,
        location="external.data",
        size_threshold=0,
    )


def tflite() -> None:
    """A float network and a quantized one, by TensorFlow's converter."""
    import tensorflow as tf

    layers = tf.keras.layers
    model = tf.keras.Sequential(
        [
            tf.keras.Input((6, 5, 3)),
            layers.Conv2D(4, (3, 2), name="conv"),
            layers.DepthwiseConv2D(2, name="depthwise"),
        ]
    )
    model.set_weights([probe(*w.shape) for w in model.get_weights()])
    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    (FOLDER / "float.tflite").write_bytes(converter.convert())
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    examples = np.random.default_rng(0).normal(size=(4, 1, 6, 5, 3)).astype(np.float32)
    converter.representative_dataset = lambda: ([x] for x in examples)
    (FOLDER / "quantized.tflite").write_bytes(converter.convert())


# Sparse tensors: which axis each level is, how large the blocks of an axis are, which levels are
# sparse, and the kind of vector that has their indices: of 4 bytes, 2 and 1 (1, 2 and 3).
SPARSE = {
    "rows": (SOME_ZEROS, [0, 1], {}, {1}, 1),
    "columns": (SOME_ZEROS.astype(np.float16), [1, 0], {}, {0, 1}, 2),
    "blocks": (SOME_ZEROS.astype(np.int8), [1, 0, 3, 2], {0: 2, 1: 3}, {1}, 3),
    "kernel": (SOME_ZEROS.reshape(2, 4, 3, 3), [2, 0, 3, 1, 4], {3: 3}, {0, 2}, 3),
}


def sparse() -> None:
    """Sparse tensors that are made dense first, and MediaPipe's own transposed convolution."""
    from ai_edge_litert import schema_py_generated as s

    made = [_sparse_tensor(s, k, name) for k, name in enumerate(SPARSE)]
    _save_tflite(s, "sparse", made, [[k] for k in range(len(made))], s.OperatorCodeT(124))
    empty = np.empty(0, np.float32)
    arrays = {"x": empty, "segment/Kernel": probe(4, 2, 3, 5), "segment/Bias": probe(4)}
    made = [_dense_tensor(s, k, name, array) for k, (name, array) in enumerate(arrays.items())]
    code = s.OperatorCodeT(32, customCode="Convolution2DTransposeBias")
    _save_tflite(s, "custom", made, [[0, 1, 2]], code)


def _dense_tensor(s: Any, k: int, name: str, array: NDArray[Any]) -> Any:
    """A tensor and the bytes of its buffer."""
    codes = {"float32": 0, "float16": 1, "int8": 9}
    tensor = s.TensorT(list(array.shape), codes[array.dtype.name], k + 1, name)
    return tensor, array.tobytes()


def _sparse_tensor(s: Any, k: int, name: str) -> Any:
    """The same of a sparse one, whose tree of levels is gone through from the top."""
    dense, order, blocks, sparse, kind = SPARSE[name]
    outer = [[n // blocks.get(axis, 1), blocks.get(axis, 1)] for axis, n in enumerate(dense.shape)]
    split = dense.reshape([n for pair in outer for n in pair])
    axes = [2 * axis for axis in range(dense.ndim)] + [2 * axis + 1 for axis in blocks]
    rest = [axis for axis in range(split.ndim) if axis not in axes]  # of one entry
    split = split.transpose([axes[k] for k in order] + rest)
    vector = (None, s.Int32VectorT, s.Uint16VectorT, s.Uint8VectorT)[kind]
    nodes, levels = [split], []
    for k_level in range(len(order)):
        size = len(nodes[0])
        if k_level in sparse:
            kept = [[i for i in range(size) if node[i].any()] for node in nodes]
            ends = np.cumsum([0, *map(len, kept)])
            children = np.concatenate(kept).astype(int)
            nodes = [node[i] for node, indices in zip(nodes, kept) for i in indices]
            parts = [vector(values.tolist()) for values in (ends, children)]
            levels.append(s.DimensionMetadataT(1, 0, kind, parts[0], kind, parts[1]))
        else:
            nodes = [node[i] for node in nodes for i in range(size)]
            levels.append(s.DimensionMetadataT(0, size))
    tensor, _ = _dense_tensor(s, k, name, dense)
    tensor.sparsity = s.SparsityParametersT(order, list(blocks), levels)
    return tensor, np.stack(nodes).tobytes()


def _save_tflite(s: Any, name: str, made: list[Any], inputs: list[list[int]], code: Any) -> None:
    """A file of one operator, with some inputs each time, whose results are tensors behind all."""
    import flatbuffers

    tensors, operators = [tensor for tensor, _ in made], []
    for parts in inputs:
        operators.append(s.OperatorT(0, parts, [len(tensors)]))
        like = tensors[parts[-1]]
        tensors.append(s.TensorT(like.shape, like.type, 0, f"{like.name}_result"))
    outputs = [operator.outputs[0] for operator in operators]
    graph = s.SubGraphT(tensors, [], outputs, operators)
    buffers = [s.BufferT(), *(s.BufferT(list(data)) for _, data in made)]
    model = s.ModelT(3, [code], [graph], "", buffers)
    builder = flatbuffers.Builder()
    builder.Finish(model.Pack(builder), b"TFL3")
    (FOLDER / f"{name}.tflite").write_bytes(bytes(builder.Output()))


def mlx() -> None:
    import mlx.core as mx

    arrays = {
        "conv.weight": mx.array(probe(4, 3, 2, 3)),
        "conv.bias": mx.array(probe(4)).astype(mx.bfloat16),
        "half": mx.array(probe(4)).astype(mx.float16),
    }
    mx.savez(str(FOLDER / "mlx.npz"), **arrays)
    mx.save_safetensors(str(FOLDER / "mlx.safetensors"), arrays)
    del arrays["conv.bias"]  # MLX's GGUF has no bfloat16
    mx.save_gguf(str(FOLDER / "mlx.gguf"), arrays, {"general.name": "probe"})


def torchscript() -> None:
    import torch
    from torch import Tensor, nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.body = nn.Sequential(nn.Conv2d(3, 4, (2, 3)), nn.BatchNorm2d(4))
            self.register_buffer("turned", torch.from_numpy(probe(3, 2)).t())
            self.parts = [torch.from_numpy(probe(2, dtype=np.int64))]
            self.table = {"half": torch.from_numpy(probe(3)).half()}

        def forward(self, x: Tensor) -> Tensor:
            return self.body(x) * self.parts[0].sum()

    network = Network().eval()
    for tensor in network.body.state_dict().values():
        tensor.copy_(torch.from_numpy(probe(*tensor.shape)))
    torch.jit.script(network).save(str(FOLDER / "scripted.pt"))


def gguf() -> None:
    """Every kind of block that uniconv reads, by llama.cpp's own package."""
    import gguf as package

    values = np.random.default_rng(1).normal(size=(3, 64)).astype(np.float32)
    kinds = package.GGMLQuantizationType
    expected = {}
    writer = package.GGUFWriter(FOLDER / "blocks.gguf", "probe")
    writer.add_array("words", ["a", "b"])
    writer.add_tensor("plain", probe(4, 3, 2))
    for kind in (kinds.Q4_0, kinds.Q4_1, kinds.Q5_0, kinds.Q5_1, kinds.Q8_0, kinds.BF16):
        data = package.quants.quantize(values, kind)
        writer.add_tensor(kind.name, data, raw_dtype=kind)
        expected[kind.name] = package.quants.dequantize(data, kind)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    np.savez_compressed(FOLDER / "blocks.npz", **expected)


def coreml() -> None:
    import os

    os.environ["PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION"] = "python"
    import coremltools as ct
    from coremltools.converters import mil
    from coremltools.models import datatypes
    from coremltools.models.neural_network import NeuralNetworkBuilder
    from coremltools.models.neural_network.quantization_utils import quantize_weights

    build = mil.Builder
    builder = NeuralNetworkBuilder(
        [("x", datatypes.Array(3, 6, 5))], [("y", None)], disable_rank5_shape_mapping=True
    )
    builder.add_convolution(
        "conv",
        3,
        4,
        2,
        3,
        1,
        1,
        "valid",
        1,
        probe(2, 3, 3, 4),
        probe(4),
        True,
        input_name="x",
        output_name="a",
    )
    builder.add_batchnorm("norm", 4, probe(4), probe(4) + 1, probe(4) + 2, probe(4) + 9, "a", "b")
    builder.add_inner_product("dense", probe(2, 4), probe(2), 4, 2, True, "b", "y")
    specification = builder.spec
    (FOLDER / "network.mlmodel").write_bytes(specification.SerializeToString())
    model = ct.models.MLModel(specification, skip_model_load=True)
    smaller = quantize_weights(model, 16)
    specification = getattr(smaller, "get_spec", lambda: smaller)()
    (FOLDER / "half.mlmodel").write_bytes(specification.SerializeToString())

    @build.program(input_specs=[build.TensorSpec(shape=(1, 3, 6, 5))])
    def program(x: Any) -> Any:
        y = build.conv(x=x, weight=probe(4, 3, 2, 3), bias=probe(4), name="conv")
        return build.mul(x=y, y=np.float32(3), name="scaled")

    converted = ct.convert(
        program,
        convert_to="mlprogram",
        compute_precision=ct.precision.FLOAT32,
        skip_model_load=True,
    )
    converted.save(str(FOLDER / "program.mlpackage"))


if __name__ == "__main__":
    FOLDER.mkdir(exist_ok=True)
    for name in sys.argv[1:]:
        globals()[name]()
