"""Whole networks: what every array is taken for, maps, files, memory, failures."""

from __future__ import annotations

import io
import json
import os
import re
import subprocess
import sys
import warnings

import numpy as np
import pytest
import torch
from typer.testing import CliRunner

import uniconv
from uniconv import _cli as cli
from uniconv import files
from uniconv._calls.lift import lift
from uniconv._calls.lower import lower
from uniconv._weights import plan as conversion
from uniconv._weights.kernel import convert_kernel
from uniconv._weights.name_map import rule
from uniconv._weights.network import convert_file, convert_state_dict, plan_steps
from uniconv.conformance.crossing import moved
from uniconv.errors import BadArray, BadFile, BadOption, UniconvError, UniconvWarning
from uniconv.spec.registry import find, frameworks


def numbered(shape, dtype="float32"):
    return np.arange(np.prod(shape)).reshape(shape).astype(dtype)


NETWORK = {
    "conv2d/kernel": numbered((3, 2, 4, 5)),
    "conv2d/bias": numbered((5,)),
    "attention/factors": numbered((5,), "float64"),
    "conv2d_transpose/kernel": numbered((2, 3, 6, 5)),
    "depthwise/depthwise_kernel": numbered((3, 1, 6, 2)),
    "separable/pointwise_kernel": numbered((1, 1, 12, 7), "float16"),
    "dense/kernel": numbered((7, 3)),
    "temperature": np.array(3),
}


def test_every_kernel_is_converted_and_the_rest_is_untouched():
    y = convert_state_dict(NETWORK, "keras", "pytorch")
    assert list(y) == list(NETWORK)
    for name, order in (
        ("conv2d/kernel", (3, 2, 0, 1)),
        ("conv2d_transpose/kernel", (3, 2, 0, 1)),
        ("separable/pointwise_kernel", (3, 2, 0, 1)),
        ("dense/kernel", (1, 0)),
    ):
        np.testing.assert_array_equal(y[name], NETWORK[name].transpose(order))
        assert y[name].dtype == NETWORK[name].dtype
        assert np.shares_memory(y[name], NETWORK[name])
    depthwise = NETWORK["depthwise/depthwise_kernel"].reshape(3, 1, 12).transpose(2, 0, 1)
    np.testing.assert_array_equal(y["depthwise/depthwise_kernel"][:, 0], depthwise)
    for name in ("conv2d/bias", "attention/factors", "temperature"):
        assert y[name] is NETWORK[name]


def test_there_and_back_is_bit_identical_for_every_pair_of_families():
    several = ("tf", "keras", "pytorch", "jax", "flax", "mlx", "paddle", "mxnet", "chainer", "knet")
    kernels = {"conv/kernel": NETWORK["conv2d/kernel"] / 7, "dense/kernel": numbered((7, 3)) / 3}
    start = convert_state_dict(kernels, "keras", "tf")
    for src in several:
        given = convert_state_dict(start, "tf", src)
        for dst in several:
            again = convert_state_dict(convert_state_dict(given, src, dst), dst, src)
            for name in given:
                assert again[name].tobytes() == given[name].tobytes(), (src, dst)


RULES = [
    ("features.0.weight", 4, "conv"),
    ("up.deconv.weight", 4, "conv_transpose"),
    ("params/ConvTranspose_0/kernel", 4, "conv_transpose"),
    ("params/Dense_0/kernel", 2, "dense"),
    ("params/attention/query/kernel", 3, None),
    ("params/Conv_0/kernel", 3, "conv"),
    ("lstm/lstm_cell/kernel:0", 2, None),
    ("conv2d/conv2d/kernel:0", 4, "conv"),
    ("model/layer-1/kernel/.ATTRIBUTES/VARIABLE_VALUE", 4, "conv"),
    ("fc1.weight", 2, "dense"),
    ("wte.weight", 2, None),
    ("embedding/embeddings", 2, "keep"),
    ("conv2d_3/0", 4, "conv"),
    ("conv2d_3/1", 1, "keep"),
    ("layers/conv1d_transpose/vars/0", 3, "conv_transpose"),
    ("depthwise_conv2d/0", 4, "depthwise_conv"),
    ("separable_conv2d/0", 4, "depthwise_conv"),
    ("separable_conv2d/1", 4, "conv"),
    ("separable_conv2d/2", 4, None),
    ("dense_2/0", 2, "dense"),
    ("my_layer/0", 4, None),
    ("optimizer/3", 4, None),
    ("pos_embed", 3, None),
    ("block/depthwise/weight", 4, "depthwise_conv"),
    ("w", 6, None),
    ("anything", 1, "keep"),
]


@pytest.mark.parametrize(("name", "ndim", "kind"), RULES)
def test_the_rules(name, ndim, kind):
    entry = rule(name, ndim)
    assert (entry.kind if entry else None) == kind


def test_a_map_says_what_the_names_do_not(tmp_path):
    network = {
        "stem.w": numbered((6, 1, 3, 2)),
        "up.weight": numbered((4, 5, 3, 2)),
        "head.fc.weight": numbered((3, 8)),
        "emb.weight": numbered((9, 4)),
        "opt.m": numbered((6, 1, 3, 2)),
        "a.weight": numbered((5, 4, 3, 2)),
        "a.bias": numbered((5,)),
    }
    names = {
        "opt.*": "skip",
        "emb.weight": "keep",
        "stem.w": {"kind": "depthwise_conv", "groups": 3, "rename": "stem/depthwise_kernel"},
        "up.weight": "conv_transpose",
        "head.fc.weight": {"kind": "dense", "image": [2, 1, 4]},
        "*.weight": {"rename": "*/kernel"},
        "*.bias": {"rename": "*/bias"},
    }
    path = tmp_path / "names.json"
    path.write_text(json.dumps(names))
    for told in (names, path, str(path)):
        y = convert_state_dict(network, "pytorch", "keras", names=told)
        assert list(y) == [
            "stem/depthwise_kernel",
            "up.weight",
            "head.fc.weight",
            "emb.weight",
            "a/kernel",
            "a/bias",
        ]
        stem = network["stem.w"].reshape(3, 2, 3, 2).transpose(2, 3, 0, 1)
        np.testing.assert_array_equal(y["stem/depthwise_kernel"], stem)
        np.testing.assert_array_equal(y["up.weight"], network["up.weight"].transpose(2, 3, 1, 0))
        assert y["head.fc.weight"][:, 0].tolist() == [0, 4, 1, 5, 2, 6, 3, 7]
        assert y["emb.weight"] is network["emb.weight"]


def test_options_in_a_map_reach_the_kernel():
    network = {"w": numbered((2, 3, 1, 1))}
    names = {"w": {"kind": "conv", "src_options": {"mode": 1}}}
    same = convert_state_dict(network, "knet", "tf", names=names)
    np.testing.assert_array_equal(same["w"], network["w"])
    turned = convert_state_dict(network, "knet", "tf")
    np.testing.assert_array_equal(turned["w"], network["w"][::-1, ::-1])


def test_the_plan_says_what_happens_to_every_array():
    steps = plan_steps(NETWORK, "keras", "knet.ops21.conv", names={"temperature": "skip"})
    told = [(s.name, s.kind, s.how, s.becomes, s.new_shape, s.why, s.problem) for s in steps]
    assert told[:3] == [
        (
            "conv2d/kernel",
            "conv",
            "... i o -> ... i o",
            "conv2d/kernel",
            (3, 2, 4, 5),
            "named kernel, 4 axes",
            "",
        ),
        ("conv2d/bias", "keep", "as it is", "conv2d/bias", (5,), "1 axis", ""),
        ("attention/factors", "keep", "as it is", "attention/factors", (5,), "1 axis", ""),
    ]
    assert told[-1] == ("temperature", "skip", "left out", None, (), "map: temperature", "")
    assert told[3][-1] == (
        "knet.ops21.conv cannot express kind: keras.ops.conv_transpose is a conv_transpose, "
        "knet.ops21.conv a conv"
    )
    assert told[6][2] == "in out -> out in"
    turned = plan_steps({"c/kernel": numbered((2, 3, 4, 5))}, "keras", "knet")
    assert turned[0].how == "... i o -> ... i o, reversed"


def test_unknown_arrays_are_refused_all_at_once_with_what_to_write():
    network = NETWORK | {"tokens": numbered((3, 4)), "mixer": numbered((2, 3, 4))}
    with pytest.raises(UniconvError) as caught:
        convert_state_dict(network, "keras", "pytorch")
    assert str(caught.value) == (
        "2 of 10 arrays cannot be converted:\n"
        '  tokens (3, 4): its name does not tell what it is: say {"tokens": ...} in the map, '
        '"keep" or "dense"\n'
        '  mixer (2, 3, 4): its name does not tell what it is: say {"mixer": ...} in the map, '
        '"keep" or "conv" or "conv_transpose" or "depthwise_conv"'
    )


def test_a_kernel_that_its_bias_does_not_fit_is_refused():
    """torch calls the kernel of a transposed convolution weight, too; its bias tells."""
    network = {"2.weight": numbered((8, 4, 2, 2)), "2.bias": numbered((4,))}
    (step, _) = plan_steps(network, "pytorch", "mlx")
    assert step.problem == (
        "named weight, 4 axes: taken for a conv it gives 8 channels, but 2.bias has 4: say what it "
        'is, {"2.weight": ...} in the map'
    )
    made = convert_state_dict(network, "pytorch", "mlx", names={"2.weight": "conv_transpose"})
    assert made["2.weight"].shape == (4, 2, 2, 8)
    dense = {"fc.weight": numbered((3, 8)), "fc.bias": numbered((4,))}
    assert "taken for a dense it gives 3" in plan_steps(dense, "pytorch", "keras")[0].problem
    grouped = {"up.deconv.weight": numbered((4, 3, 2, 2)), "up.deconv.bias": numbered((6,))}
    assert "it gives 3 channels" in plan_steps(grouped, "pytorch", "mlx")[0].problem
    fine = {"a.weight": network["2.weight"], "a.bias": numbered((8,))}
    assert not plan_steps(fine, "pytorch", "mlx")[0].problem


def test_a_dense_kernel_that_may_follow_a_flatten_is_pointed_out():
    network = {"conv2d/kernel": numbered((3, 2, 4, 5)), "dense/kernel": numbered((30, 3))}
    with pytest.warns(UniconvWarning) as caught:
        convert_state_dict(network, "keras", "pytorch")
    assert str(caught[0].message) == (
        "dense/kernel: it reads 30 = 5 * 6 features: after a Flatten, say "
        '{"dense/kernel": {"kind": "dense", "image": [5, H, W]}} in the map; else '
        '{"dense/kernel": "dense"}'
    )
    assert caught[0].filename == __file__
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        convert_state_dict(network, "keras", "pytorch", names={"dense/kernel": "dense"})
        convert_state_dict(network, "keras", "tf")  # both flatten alike
        pooled = network | {"dense/kernel": numbered((5, 3))}
        convert_state_dict(pooled, "keras", "pytorch")


BAD_MAPS = [
    ([], "the map must be an object from names to kinds"),
    (
        {"x": 3},
        'the map, "x": 3 is neither a kind nor an object',
    ),
    (
        {"x": "convolution"},
        'the map, "x": kind="convolution" is not one of conv, conv_transpose, '
        "depthwise_conv, dense, keep or skip",
    ),
    (
        {"x": {"kind": "conv", "group": 2}},
        'the map, "x": "group" is unknown: did you mean "groups"?',
    ),
    ({"x": {"kind": "conv", "groups": "2"}}, 'the map, "x": groups="2" is of the wrong type'),
    (
        {"x": {"kind": "conv", "image": [1, 2, 3]}},
        'the map, "x": image goes with the kind dense, not with conv',
    ),
    (
        {"x": {"rename": "y", "groups": 2}},
        'the map, "x": groups goes with the kind conv, conv_transpose or depthwise_conv: say it, '
        "too",
    ),
    (
        {"x": {"kind": "skip", "rename": "y"}},
        'the map, "x": rename goes with the kind conv, conv_transpose, depthwise_conv, dense or '
        "keep, not with skip",
    ),
    (
        {"x": {"op": "conv"}},
        'the map, "x": "op" is unknown; it may have kind, rename, groups, image, src_layout, '
        "dst_layout, src_options, dst_options",
    ),
    (
        {"conv2d/kernl": "conv"},
        'the map has "conv2d/kernl", which is no array\'s name: did you mean "conv2d/kernel"?',
    ),
]


@pytest.mark.parametrize(("names", "text"), BAD_MAPS, ids=range(len(BAD_MAPS)))
def test_a_map_that_is_none(names, text):
    with pytest.raises(BadOption) as caught:
        plan_steps({"conv2d/kernel": numbered((3, 2, 4, 5))}, "keras", "tf", names=names)
    assert str(caught.value) == text


def test_a_map_file_that_is_none(tmp_path):
    path = tmp_path / "names.json"
    for text, said in (
        ("{", "is no JSON object: Expecting property name enclosed in double quotes"),
        ('{"a": "keep", "a": "skip"}', 'is no JSON object: "a" is there twice'),
    ):
        path.write_text(text)
        with pytest.raises(BadOption, match=said):
            plan_steps({"a": numbered((1,))}, "keras", "tf", names=path)


def test_two_arrays_of_one_name_are_refused():
    network = {"a/kernel": numbered((1, 1, 1, 2)), "b/kernel": numbered((1, 1, 1, 2))}
    steps = plan_steps(network, "keras", "tf", names={"*/kernel": {"rename": "w"}})
    assert [s.problem for s in steps] == ["", 'it would be named "w", as "a/kernel" is']


# Files

ENDINGS = [".npz", ".pt", ".safetensors", ".h5"]


def needs(ending):
    package = {".safetensors": "safetensors", ".h5": "h5py"}.get(ending)
    if package:
        pytest.importorskip(package)


@pytest.mark.parametrize("before", ENDINGS)
@pytest.mark.parametrize("after", ENDINGS)
def test_from_file_to_file_and_back(tmp_path, before, after):
    needs(before)
    needs(after)
    given, made, back = (tmp_path / f"{i}{e}" for i, e in enumerate((before, after, before)))
    network = {name: a for name, a in NETWORK.items() if not name.startswith("depthwise")}
    files.save(given, network)
    convert_file(given, "keras", "pytorch", made)
    names = {"conv2d_transpose/kernel": "conv_transpose", "separable/pointwise_kernel": "conv"}
    steps = convert_file(made, "pytorch", "keras", back, names=names)
    assert {step.name for step in steps} == set(network)
    found = files.load(back)
    assert set(found) == set(network)
    for name, a in network.items():
        assert found[name].dtype == a.dtype
        np.testing.assert_array_equal(found[name].array, a)
    wanted = network["conv2d/kernel"].transpose(3, 2, 0, 1)
    np.testing.assert_array_equal(files.load(made)["conv2d/kernel"].array, wanted)


def test_a_state_dict_of_torch_goes_to_a_file(tmp_path):
    module = torch.nn.Conv2d(4, 5, (3, 2))
    path = tmp_path / "w.npz"
    torch.save(module.state_dict(), tmp_path / "w.pt")
    convert_file(tmp_path / "w.pt", "pytorch", "keras", path)
    found = files.load(path)
    wanted = module.weight.detach().permute(2, 3, 1, 0)
    np.testing.assert_array_equal(found["weight"].array, wanted)


@pytest.mark.parametrize("failing", ["the conversion", "the writer"])
def test_a_failure_leaves_the_old_file_as_it_was(tmp_path, monkeypatch, failing):
    source, target = tmp_path / "a.npz", tmp_path / "b.npz"
    files.save(source, NETWORK)
    files.save(target, {"old": numbered((3,))})
    before = target.read_bytes()
    real, calls = conversion.convert_kernel, []

    def converts_some(*args, **kwargs):  # in the middle of the second pass, when half is written
        calls.append(args)
        if isinstance(args[0], np.ndarray) and len(calls) > 6:
            raise OSError("no space left on device")
        return real(*args, **kwargs)

    def writes_some(path, arrays):
        path.write_bytes(next(iter(arrays))[1].tobytes())
        raise OSError("no space left on device")

    if failing == "the writer":
        monkeypatch.setitem(files.WRITERS, ".npz", writes_some)
    else:
        monkeypatch.setattr(conversion, "convert_kernel", converts_some)
    with pytest.raises(OSError, match="no space left"):
        convert_file(source, "keras", "pytorch", target)
    assert target.read_bytes() == before
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "b.npz"]


@pytest.mark.parametrize("terminal", [True, False])
def test_a_progress_bar_is_shown_on_a_terminal_only(tmp_path, monkeypatch, terminal):
    pytest.importorskip("rich")
    screen = io.StringIO()
    screen.isatty = lambda: terminal
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    files.save(tmp_path / "a.npz", NETWORK)
    convert_file(tmp_path / "a.npz", "keras", "pytorch", tmp_path / "b.npz", progress=True)
    assert ("arrays" in screen.getvalue()) is terminal
    assert ("100%" in screen.getvalue()) is terminal


PEAK = """
import resource, sys
import numpy as np
from uniconv import convert_file, files
def peak():
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
small = {"conv/kernel": np.ones((3, 3, 128, 128), "float32")}
files.save(sys.argv[2] + ".small.npz", small)
convert_file(sys.argv[2] + ".small.npz", sys.argv[3], "pytorch", sys.argv[2])
before = peak()
convert_file(sys.argv[1], sys.argv[3], "pytorch", sys.argv[2])
print(peak() - before)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="ru_maxrss is in KiB on Linux only")
@pytest.mark.parametrize(("src", "ending"), [("keras", ".npz"), ("knet", ".safetensors")])
def test_memory_holds_two_kernels_beside_the_one_that_is_read(tmp_path, src, ending):
    needs(ending)
    kernel = np.ones((3, 3, 512, 512), "float32")  # 9 MB
    source = tmp_path / "a.npz"  # a mapped .safetensors would count as memory, too
    files.save(source, {f"conv_{i}/kernel": kernel for i in range(5)})
    done = subprocess.run(
        [sys.executable, "-c", PEAK, source, tmp_path / f"b{ending}", src],
        capture_output=True,
        text=True,
        check=True,
        env=os.environ | {"MALLOC_MMAP_THRESHOLD_": "65536"},  # what is freed is given back
    )
    assert int(done.stdout) < 3.8 * kernel.nbytes  # blocks take less than one


# The command


def run(*args):
    return CliRunner().invoke(cli.app, ["convert", *map(str, args)])


def test_the_command_converts_a_file(tmp_path):
    source, target = tmp_path / "a.npz", tmp_path / "b.npz"
    files.save(source, NETWORK)
    done = run(source, "--from", "keras", "--to", "pytorch", "-o", target)
    assert (done.exit_code, done.exception) == (0, None)
    assert done.output == f"{target}: 8 arrays, 5 of them converted\n"
    assert files.load(target)["conv2d/kernel"].shape == (5, 4, 3, 2)


def test_a_dry_run_lists_every_array_and_writes_nothing(tmp_path):
    source = tmp_path / "a.npz"
    files.save(source, {n: NETWORK[n] for n in ("conv2d/kernel", "conv2d/bias", "dense/kernel")})
    names = tmp_path / "names.json"
    names.write_text('{"*/bias": {"rename": "*.b"}, "dense/*": "skip"}')
    done = run(source, "--from", "keras", "--to", "knet", "--dry-run", "--map", names)
    assert (done.exit_code, done.exception) == (0, None)
    lines = [re.split(r"  +", line) for line in done.output.splitlines()]
    assert lines == [
        ["array", "shape", "is", "axes", "becomes", "shape", "because"],
        [
            "conv2d/kernel",
            "(3, 2, 4, 5)",
            "conv",
            "... i o -> ... i o, reversed",
            "(3, 2, 4, 5)",
            "named kernel, 4 axes",
        ],
        ["conv2d/bias", "(5,)", "keep", "as it is", "conv2d.b", "(5,)", "1 axis"],
        ["dense/kernel", "(7, 3)", "skip", "left out", "map: dense/*"],
    ]
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.npz", "names.json"]


@pytest.mark.parametrize(
    ("args", "code", "text"),
    [
        (
            ("--from", "keras", "--to", "pytorch"),
            2,
            "error: say where to write them: --output FILE; or --dry-run",
        ),
        (
            ("--from", "keras", "--to", "pytorch", "-o", "c.txt"),
            1,
            "error: c.txt: known endings are .safetensors, .npz, .npy, .h5, .mat, .pt",
        ),
        (
            ("--from", "keras", "--to", "pytorch", "-o", "b.npz", "--map", "none.json"),
            2,
            "error: none.json: there is no such file",
        ),
        (
            ("--from", "kerras", "--to", "pytorch", "-o", "b.npz"),
            1,
            'error: no function is named "kerras": did you mean "keras"?',
        ),
    ],
)
def test_wrong_usage(tmp_path, monkeypatch, capsys, args, code, text):
    monkeypatch.chdir(tmp_path)
    files.save("a.npz", {"conv2d/kernel": numbered((3, 2, 4, 5))})
    with pytest.raises(SystemExit) as caught:
        cli.main(["convert", "a.npz", *args])
    assert caught.value.code == code
    assert capsys.readouterr().err.strip() == text
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


def test_an_array_that_cannot_be_converted_stops_all_and_is_shown(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    files.save("a.npz", {"tokens": numbered((3, 4)), "conv2d/kernel": numbered((3, 2, 4, 5))})
    with pytest.raises(SystemExit) as caught:
        cli.main(["convert", "a.npz", "--from", "keras", "--to", "pytorch", "-o", "b.npz"])
    assert caught.value.code == 1
    out, err = capsys.readouterr()
    assert err == "error: 1 of 2 arrays cannot be converted; nothing is written\n"
    assert out.splitlines()[1].split("  ")[0] == "tokens"
    assert out.splitlines()[1].endswith('say {"tokens": ...} in the map, "keep" or "dense"')
    assert [p.name for p in tmp_path.iterdir()] == ["a.npz"]


# Dense after Flatten


FLATTENING = [
    name
    for name, dialect in frameworks().items()
    if dialect.dense and 2 in dialect.main.get("conv", {})
]


@pytest.mark.parametrize("dst", FLATTENING)
def test_convolution_flatten_dense_gives_the_same_in_every_framework(dst):
    rng = np.random.default_rng(0)
    x = rng.integers(-8, 9, (2, 3, 5, 7)).astype("float32")
    kernel = rng.integers(-8, 9, (4, 3, 2, 2)).astype("float32")
    given = rng.integers(-8, 9, (6, 4 * 4 * 6)).astype("float32")
    wanted = uniconv.conv(x, kernel).reshape(2, -1) @ given.T

    op = find(frameworks()[dst].main["conv"][2])
    x, batch = (x, 1) if "n" in op.layouts[0].x.split() else (x[:1], 0)  # ncnn has no batch
    call = lower(find("F.conv2d"), {}, x.shape if batch else x.shape[1:], kernel.shape)
    lifted = lift(call, op, flip_kernel=True)
    reverse = {k: v for k, v in lifted.options.items() if k == getattr(op.reverse, "option", None)}
    kernel = convert_kernel(kernel, "pytorch", op.name, dst_options=reverse)
    dense = uniconv.convert_dense(given, "pytorch", dst, image=(4, 4, 6))
    layout = lifted.call.layout
    image = moved(x if batch else x[0], call.layout.x, layout.x, 2, batch)
    y = uniconv.conv(image, kernel, dialect=op.name, **lifted.options)
    if layout.column_major:  # Julia and MATLAB run through the first axis fastest
        features = y.reshape(-1, y.shape[-1], order="F").T
    else:
        features = y.reshape(len(x), -1)
    last = features @ dense if dense.shape[1] == 6 else features @ dense.T
    np.testing.assert_array_equal(last, wanted[: len(x)])
    back = uniconv.convert_dense(dense, dst, "pytorch", image=(4, 4, 6))
    assert back.tobytes() == given.tobytes()


def test_most_families_have_a_dense_layer():
    assert len(FLATTENING) > 15


def test_layouts_of_dense_features_can_be_said():
    w = np.arange(12).reshape(1, 12)  # one unit, an image of C=2, H=2, W=3
    c, h, ww = (
        np.arange(12).reshape(2, 2, 3).transpose(o).ravel()
        for o in ((0, 1, 2), (1, 2, 0), (2, 1, 0))
    )

    def convert(w, image, src, dst, **layouts):
        return uniconv.convert_dense(w, src, dst, image=image, **layouts)

    assert convert(w, (2, 2, 3), "pytorch", "pytorch").tolist() == [c.tolist()]
    nhwc = convert(w, (2, 2, 3), "pytorch", "pytorch", dst_layout="NHWC")
    assert nhwc.tolist() == [h.tolist()]
    nwhc = convert(w, (2, 2, 3), "pytorch", "pytorch", dst_layout="NWHC")
    assert nwhc.tolist() == [ww.tolist()]
    # Julia's memory runs backwards: its WHCN is PyTorch's NCHW.
    whcn = convert(w, (2, 2, 3), "pytorch", "knet", dst_layout="WHCN")
    assert whcn.tolist() == [c.tolist()]
    hwcn = convert(w, (2, 2, 3), "pytorch", "knet")
    assert hwcn.tolist() == [np.arange(12).reshape(2, 2, 3).transpose(0, 2, 1).ravel().tolist()]
    first = convert(w.T, (2, 2, 3), "keras", "pytorch", src_layout="NCHW")
    assert first.tolist() == [c.tolist()]
    assert convert(w, (2, 6), "pytorch", "tf.nn.conv1d").shape == (12, 1)


ROWS = np.zeros((12, 3))
BAD_DENSE = [
    (
        (ROWS, (2, 2, 4), "keras", "pytorch"),
        {},
        'keras: w (12, 3) read as "in out" has 12 features in; an image of shape (2, 2, 4) has '
        "2 * 2 * 4 = 16",
    ),
    (
        (ROWS, (2, 2, 3), "pytorch", "keras"),
        {},
        'pytorch: w (12, 3) read as "out in" has 3 features in; an image of shape (2, 2, 3) has '
        "2 * 2 * 3 = 12",
    ),
    (
        (ROWS[0], (2, 2, 3), "keras", "pytorch"),
        {},
        'keras: w (3,) has 1 axis; read as "in out" it has 2',
    ),
    (
        (ROWS, 12, "keras", "pytorch"),
        {},
        "image=12 must be (C, H, W): 2 to 4 integers of at least 1",
    ),
    (
        (ROWS, (2, 2, 3), "keras", "pytorch"),
        {"src_layout": "NHCC"},
        "layout='NHCC' must have the letters N, C, H, W",
    ),
    ((ROWS.tolist(), (2, 2, 3), "keras", "pytorch"), {}, "w is a builtins.list, no array"),
    (
        (ROWS, None, "keras", "pytorch"),
        {"dst_layout": "NCHW"},
        'dst_layout="NCHW" is how an image before a Flatten is laid out: give image=(C, H, W), too',
    ),
]


@pytest.mark.parametrize(("given", "more", "text"), BAD_DENSE, ids=range(len(BAD_DENSE)))
def test_dense_kernels_that_do_not_fit(given, more, text):
    w, image, src, dst = given
    with pytest.raises(UniconvError) as caught:
        uniconv.convert_dense(w, src, dst, image=image, **more)
    assert str(caught.value) == text


def test_a_family_without_dense_layers_is_named():
    with pytest.raises(UniconvError, match=r"^scipy has no Dense layer of its own: name a family"):
        uniconv.convert_dense(ROWS, "scipy", "pytorch")


def test_a_value_that_is_no_array_is_named():
    with pytest.raises(BadArray, match=r"^epoch is a builtins.int, no array$"):
        convert_state_dict({"epoch": 3}, "keras", "pytorch")


def test_reading_says_what_is_missing(tmp_path):
    with pytest.raises((BadFile, OSError)):
        convert_state_dict(tmp_path / "none.npz", "keras", "pytorch")
