"""Files as Keras and TensorFlow themselves write them."""

import importlib

import numpy as np
import pytest

from tests.files.make_golden import FOLDER, SPARSE
from uniconv import files


def same(path, expected):
    found = files.load(path)
    assert set(found) == set(expected)
    for name, value in expected.items():
        np.testing.assert_array_equal(found[name].array, np.asarray(value))


@pytest.fixture(scope="module")
def model(tf):
    layers = tf.keras.layers
    inner = tf.keras.Sequential([layers.Dense(5, name="dense")], name="inner")
    model = tf.keras.Sequential(
        [
            tf.keras.Input((9, 10, 3)),
            layers.Conv2D(4, (2, 3), name="zebra"),
            layers.BatchNormalization(scale=False, name="norm"),
            layers.DepthwiseConv2D(3, name="depthwise"),
            layers.Conv2D(2, 3, use_bias=False, name="ant"),
            layers.SeparableConv2D(3, 2, name="separable"),
            layers.Flatten(),
            inner,
        ]
    )
    rng = np.random.default_rng(2)
    model.set_weights([rng.normal(size=w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


def variables(model, number=False):
    """Every variable as layer/variable, or by its number in the layer."""
    named = {}
    for layer in model.layers:
        if layer.name == "inner":
            inner = variables(layer, number)
            named |= {f"inner/{name}": v for name, v in inner.items()}
            continue
        for k, v in enumerate(layer.weights):
            named[f"{layer.name}/{k if number else v.name}"] = v
    return named


@pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy keyword")
@pytest.mark.filterwarnings("ignore:You are saving your model as an HDF5 file")
@pytest.mark.live
def test_keras_files(model, tmp_path):
    model.save(tmp_path / "m.keras")
    same(tmp_path / "m.keras", variables(model))
    model.save_weights(tmp_path / "m.weights.h5")
    same(tmp_path / "m.weights.h5", variables(model, number=True))
    model.save(tmp_path / "m.h5")
    expected = variables(model)
    found = files.load(tmp_path / "m.h5")
    assert [n for n in found if not n.startswith("inner")] == [
        n for n in expected if not n.startswith("inner")
    ]
    np.testing.assert_array_equal(found["zebra/kernel"].array, expected["zebra/kernel"])
    inner = [f.array for name, f in found.items() if name.startswith("inner/")]
    np.testing.assert_array_equal(inner[0], expected["inner/dense/kernel"])


@pytest.mark.live
def test_tensorflow_checkpoints(tf, tmp_path):
    w, b = np.arange(6.0).reshape(2, 3), np.array([1.5, -2])
    module = tf.Module()
    module.w = tf.Variable(w)
    module.layers = [tf.Variable(b), tf.Variable(tf.cast(b, tf.bfloat16))]
    checkpoint = tf.train.Checkpoint(net=module)
    prefix = checkpoint.save(str(tmp_path / "c" / "ckpt"))
    expected = {"net/w": w, "net/layers/0": b, "net/layers/1": b, "save_counter": 1}
    for path in (prefix, prefix + ".index", tmp_path / "c"):
        same(path, expected)
    assert files.load(prefix)["net/layers/1"].dtype.name == "bfloat16"
    tf.saved_model.save(module, str(tmp_path / "saved"))
    np.testing.assert_array_equal(files.load(tmp_path / "saved")["w"].array, w)


@pytest.mark.parametrize("version", [1, 2])
def test_checkpoints_are_what_tensorflow_reads(tf, version):
    prefix = FOLDER / f"tensorflow_{version}" / "model.ckpt-3"
    reader = tf.train.load_checkpoint(str(prefix))
    found = files.load(prefix)
    assert set(found) == set(reader.get_variable_to_shape_map())
    compared = 0
    for name, array in found.items():
        try:
            value = reader.get_tensor(name)
        except tf.errors.UnimplementedError:  # TensorFlow's own reader has not all dtypes
            continue
        compared += 1
        assert (array.dtype, array.shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(array.array, value)
    assert compared >= 4


def test_slices_in_many_places_are_put_together(tf, tmp_path):
    """Starts and lengths of one, two and three bytes in the keys, names with odd signs."""
    v1 = tf.compat.v1
    for version in (1, 2):
        prefix = str(tmp_path / f"v{version}")
        with v1.Graph().as_default(), v1.Session() as session:
            parts = v1.fixed_size_partitioner(9)
            divided = v1.get_variable("a.b/c-d", (20000, 1), partitioner=parts, use_resource=False)
            session.run(v1.global_variables_initializer())
            v1.train.Saver(write_version=version).save(session, prefix, write_meta_graph=False)
            value = np.concatenate(session.run(list(divided)))
        same(prefix, {"a.b/c-d": value})


def test_a_frozen_graph_is_what_tensorflow_reads(tf):
    graph = tf.compat.v1.GraphDef.FromString((FOLDER / "frozen.pb").read_bytes())
    found = files.load(FOLDER / "frozen.pb")
    assert len(found) == 9
    for node in graph.node:
        if node.name in found:
            value = tf.make_ndarray(node.attr["value"].tensor)
            assert (found[node.name].dtype, found[node.name].shape) == (value.dtype, value.shape)
            np.testing.assert_array_equal(found[node.name].array, value)


def keras_norm(tf, ones, variance):
    layer = tf.keras.layers.BatchNormalization(epsilon=0.375)
    layer.build((1, 4, 5, 3))
    layer.moving_variance.assign(variance)
    return lambda x: layer(x, training=False)


def plain_norm(tf, ones, variance):
    return lambda x: tf.nn.batch_normalization(x, ones, variance, ones, ones, 0.375)


def fused_norm(tf, ones, variance):
    function = tf.compat.v1.nn.fused_batch_norm
    known = {"mean": ones, "variance": variance, "epsilon": 0.375, "is_training": False}
    return lambda x: function(x, ones, ones, **known)[0]


@pytest.mark.parametrize("norm", [keras_norm, plain_norm, fused_norm])
def test_a_frozen_batch_norm_tells_its_eps(tf, tmp_path, norm):
    values = [1.0, 2.0, 4.0]
    function = tf.function(norm(tf, tf.Variable([3.0] * 3), tf.Variable(values)))
    concrete = function.get_concrete_function(tf.TensorSpec((1, 4, 5, 3), tf.float32))
    freezing = importlib.import_module("tensorflow.python.framework.convert_to_constants")
    graph = freezing.convert_variables_to_constants_v2(concrete).graph.as_graph_def()
    operations = {node.op for node in graph.node}
    assert ("FusedBatchNormV3" in operations) == (norm is fused_norm)
    (tmp_path / "m.pb").write_bytes(graph.SerializeToString())
    arrays = files.load(tmp_path / "m.pb").values()
    (variance,) = (array for array in arrays if array.eps is not None)
    assert variance.eps == 0.375
    np.testing.assert_array_equal(variance.array, values)


@pytest.mark.parametrize("name", ["float", "quantized"])
def test_tensorflow_lite_is_what_its_interpreter_reads(name):
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    interpreter = litert.Interpreter(str(FOLDER / f"{name}.tflite"))
    interpreter.allocate_tensors()
    found = files.load(FOLDER / f"{name}.tflite")
    compared = 0
    for detail in interpreter.get_tensor_details():
        if detail["name"] not in found:
            continue
        array, value = found[detail["name"]], interpreter.get_tensor(detail["index"])
        assert (array.dtype, array.shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(array.array, value)
        told = detail["quantization_parameters"]
        if array.quantization is not None:
            np.testing.assert_array_equal(array.quantization.scale, told["scales"])
            np.testing.assert_array_equal(array.quantization.zero_point, told["zero_points"])
            if array.quantization.axis is not None:
                assert array.quantization.axis == told["quantized_dimension"]
        compared += 1
    assert compared == len(found)


def test_sparse_tensors_are_what_tensorflow_lite_makes_dense():
    litert = pytest.importorskip("ai_edge_litert.interpreter")
    plain = litert.OpResolverType.BUILTIN_WITHOUT_DEFAULT_DELEGATES
    path = str(FOLDER / "sparse.tflite")
    interpreter = litert.Interpreter(path, experimental_op_resolver_type=plain)
    interpreter.allocate_tensors()
    interpreter.invoke()
    values = [interpreter.get_tensor(d["index"]) for d in interpreter.get_output_details()]
    arrays = files.load(path)
    assert list(arrays) == list(SPARSE)
    for array, value in zip(arrays.values(), values):
        assert (array.dtype, array.shape) == (value.dtype, value.shape)
        np.testing.assert_array_equal(array.array, value)


@pytest.mark.parametrize("ending", ["npz", "safetensors", "gguf"])
def test_mlx_files_are_what_mlx_reads(ending):
    mx = pytest.importorskip("mlx.core")
    expected = mx.load(str(FOLDER / f"mlx.{ending}"))
    found = files.load(FOLDER / f"mlx.{ending}")
    assert set(found) == set(expected)
    for name, value in expected.items():
        assert found[name].dtype.name == str(value.dtype).rpartition(".")[2]
        wide = np.array(value.astype(mx.float32))
        np.testing.assert_array_equal(found[name].array.astype(np.float32), wide)


@pytest.mark.filterwarnings("ignore:`torch.jit.load` is deprecated")
def test_torchscript_is_what_torch_reads():
    torch = pytest.importorskip("torch")
    module = torch.jit.load(str(FOLDER / "scripted.pt"))
    found = files.load(FOLDER / "scripted.pt")
    state = module.state_dict()
    assert len(state) == 8
    for name, value in state.items():
        np.testing.assert_array_equal(found[name].array, value.numpy())
    np.testing.assert_array_equal(found["parts.0"].array, module.parts[0].numpy())
    np.testing.assert_array_equal(found["table.half"].array, module.table["half"].numpy())


def test_onnx_is_what_onnx_reads():
    onnx = pytest.importorskip("onnx")
    model = onnx.load(FOLDER / "model.onnx")
    found = files.load(FOLDER / "model.onnx")
    assert len(model.graph.initializer) == 14
    for tensor in model.graph.initializer:
        value = onnx.numpy_helper.to_array(tensor)
        np.testing.assert_array_equal(
            found[tensor.name].array, value.astype(found[tensor.name].dtype)
        )
    external = onnx.load(FOLDER / "external.onnx")
    found = files.load(FOLDER / "external.onnx")
    for tensor in external.graph.initializer:
        np.testing.assert_array_equal(found[tensor.name].array, onnx.numpy_helper.to_array(tensor))


PARAM = """7767517
4 4
Input                 in0 0 1 x
Convolution           one 1 1 x a 0=4 1=3 11=2 5=1 6=72
ConvolutionDepthWise  two 1 1 a b 0=4 1=2 5=1 6=32 7=2
Deconvolution         thr 1 1 b y 0=5 1=3 11=2 5=1 6=120
"""


@pytest.mark.parametrize("half", [False, True])
def test_ncnn_files_are_what_ncnn_computes_with(tmp_path, monkeypatch, half):
    ncnn, torch = pytest.importorskip("ncnn"), pytest.importorskip("torch")
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    sizes = (72, 4, 32, 4, 120, 5)
    with open("m.bin", "wb") as file:
        for k, size in enumerate(sizes):
            flag = (0x01306B47 if half else 0) if k % 2 == 0 else None
            if flag is not None:
                file.write(flag.to_bytes(4, "little"))
            file.write(rng.integers(-2, 3, size).astype("f2" if flag else "f4").tobytes())
    (tmp_path / "m.param").write_text(PARAM)
    w = {n: torch.from_numpy(a.array.astype("f4")) for n, a in files.load("m.param").items()}
    x = rng.integers(-2, 3, (3, 7, 6)).astype("f4")
    net = ncnn.Net()
    net.opt.use_fp16_packed = net.opt.use_fp16_storage = net.opt.use_fp16_arithmetic = False
    net.opt.use_bf16_storage = False
    assert (net.load_param("m.param"), net.load_model("m.bin")) == (0, 0)
    extractor = net.create_extractor()
    extractor.input("x", ncnn.Mat(x).clone())
    y = np.array(extractor.extract("y")[1])
    z = torch.conv2d(torch.from_numpy(x)[None], w["one.weight"], w["one.bias"])
    z = torch.conv2d(z, w["two.weight"], w["two.bias"], groups=2)
    kernel = w["thr.weight"].transpose(0, 1)  # ncnn keeps it out, in
    z = torch.nn.functional.conv_transpose2d(z, kernel, w["thr.bias"])
    assert np.abs(y).max() > 100
    np.testing.assert_array_equal(y, z[0].numpy())


@pytest.mark.live
def test_what_tensorflow_prints(tf):
    w = np.arange(6, dtype=np.float32).reshape(2, 3) / 7
    for tensor in (tf.constant(w), tf.Variable(w, name="conv/kernel")):
        for show in (repr, lambda t: f"{t.numpy()!r}", str):
            (found,) = files.loads(f"the result is\n{show(tensor)}\n").values()
            np.testing.assert_allclose(found.array, w, rtol=0, atol=5e-8)
            assert found.dtype == np.float32
    assert files.loads(repr(tf.Variable(w, name="conv/kernel")))["conv/kernel:0"].shape == (2, 3)
    (scalar,) = files.loads(repr(tf.constant(0.5))).values()
    assert (scalar.shape, scalar.array) == ((), 0.5)
