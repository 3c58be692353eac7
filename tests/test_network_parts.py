"""What a file of a network has beside kernels: BatchNorm, weight norm, what training left.

Folded and translated arrays are held against what torch's own layers compute with them.
"""

from __future__ import annotations

import itertools
import json
import re
import sys

import numpy as np
import pytest
import torch
from torch.nn.utils import parametrizations
from torch.nn.utils import weight_norm as old_weight_norm
from typer.testing import CliRunner

import uniconv
from uniconv import _cli as cli
from uniconv import files
from uniconv._weights import progress
from uniconv._weights.batch_norm import ROLES, WORDS
from uniconv._weights.network import convert_file, convert_state_dict, plan_steps
from uniconv.errors import BadOption, BadShape, UniconvError, UniconvWarning

RNG = np.random.default_rng(0)


def random(*shape):
    return RNG.uniform(0.5, 2, shape).astype("float32")


def by_layer(words, owner="net/bn", joint="/"):
    """Four vectors of three numbers, under a framework's words."""
    return {f"{owner}{joint}{word}": random(3) for word in words}


# What training left


LEFT = [
    ("conv/weights/Momentum", (3, 3, 4, 5), "optimizer slot of conv/weights"),
    ("conv/weights/Adam_1", (3, 3, 4, 5), "optimizer slot of conv/weights"),
    ("train/conv/weights/RMSProp_1", (3, 3, 4, 5), "optimizer slot of conv/weights"),
    ("conv/weights/adam_v", (3, 3, 4, 5), "optimizer slot of conv/weights"),
    ("conv/weights/ExponentialMovingAverage", (3, 3, 4, 5), "moving average of conv/weights"),
    ("conv/weights/.OPTIMIZER_SLOT/optimizer/m", (3, 3, 4, 5), "optimizer's state"),
    ("optimizer_weights/Adam/m/conv2d/kernel:0", (3, 3, 4, 5), "optimizer's state"),
    ("optimizer/3", (3, 3, 4, 5), "optimizer's state"),
    ("training/Adam/conv2d/kernel/m", (3, 3, 4, 5), "optimizer's state"),
    ("optimizer.state.0.exp_avg", (5, 4, 3, 3), "optimizer's state"),
    ("optimizer_states.0.state.1.exp_avg_sq", (5,), "optimizer's state"),
    ("opt_state/0/mu/params/Conv_0/kernel", (3, 3, 4, 5), "optimizer's state"),
    ("model_ema.conv.weight", (5, 4, 3, 3), "moving averages of the weights"),
    ("keras_api/metrics/0/total", (), "metric"),
    ("global_step", (), "counter"),
    ("beta1_power", (), "counter"),
    ("bn.num_batches_tracked", (), "counter"),
]


@pytest.mark.parametrize(("name", "shape", "why"), LEFT, ids=[name for name, _, _ in LEFT])
def test_what_training_left_is_left_out_and_listed_but_for_keep_all(name, shape, why):
    network = {"conv/weights": random(3, 3, 4, 5), name: random(*shape)}
    _, step = plan_steps(network, "tf", "keras")
    assert (step.kind, step.becomes, step.why, step.problem) == ("skip", None, why, "")
    assert list(convert_state_dict(network, "tf", "keras")) == ["conv/weights"]
    every = convert_state_dict(network, "tf", "pytorch", keep_all=True)
    assert len(every) == 2
    slot = list(every.values())[1]
    if "of conv/weights" in why:  # as its variable
        np.testing.assert_array_equal(slot, network[name].transpose(3, 2, 0, 1))
    else:
        np.testing.assert_array_equal(slot, network[name])


def test_names_like_those_of_training_are_weights_where_nothing_else_says_so():
    names = ["step", "ema.conv.weight", "other/weights/Momentum", "N", "adam/w"]
    shapes = [(5, 4), (5, 4, 3, 3), (4,), (), (3, 3, 4, 5)]
    network = dict(zip(names, map(np.zeros, shapes)))
    steps = plan_steps(network, "pytorch", "keras", names={"step": "keep"})
    assert [s.name for s in steps if s.kind == "skip"] == ["ema.conv.weight"]
    alone = {"ema.conv.weight": network["ema.conv.weight"]}
    assert plan_steps(alone, "pytorch", "keras")[0].kind == "conv"
    kept = plan_steps(
        {"w.Adam": np.zeros(3), "bn.num_batches_tracked": np.zeros(())}, "pytorch", "torch"
    )
    assert {s.kind for s in kept} == {"keep"}


def test_a_map_outranks_what_training_left():
    network = {"optimizer/w": random(5, 4, 3, 3), "w": random(5, 4, 3, 3)}
    names = {"optimizer/w": "conv"}
    assert convert_state_dict(network, "pytorch", "keras", names=names)["optimizer/w"].shape == (
        3,
        3,
        4,
        5,
    )


# BatchNorm


@pytest.mark.parametrize("dst", sorted(WORDS))
@pytest.mark.parametrize("src", sorted(WORDS))
def test_batch_norm_has_the_names_of_the_target(src, dst):
    network = by_layer(WORDS[src])
    new = convert_state_dict(network, src, dst)
    assert list(new) == [f"net/bn/{word}" for word in WORDS[dst]]
    for a, b in zip(network.values(), new.values()):
        np.testing.assert_array_equal(a, b)
    back = convert_state_dict(new, dst, src)
    assert list(back) == list(network)


def test_names_of_other_spellings():
    mxnet = by_layer(("gamma", "beta"), "arg:bn0", "_") | by_layer(
        ("moving_mean", "moving_var"), "aux:bn0", "_"
    )
    assert list(convert_state_dict(mxnet, "mxnet", "pytorch")) == [
        "arg:bn0_weight",
        "arg:bn0_bias",
        "arg:bn0_running_mean",
        "arg:bn0_running_var",
    ]
    flax = by_layer(("scale", "bias"), "params/BatchNorm_0") | by_layer(
        ("mean", "var"), "batch_stats/BatchNorm_0"
    )
    torch_names = [f"params/BatchNorm_0/{word}" for word in WORDS["pytorch"]]
    torch_arrays = convert_state_dict(flax, "flax", "pytorch")
    assert list(torch_arrays) == torch_names
    assert list(convert_state_dict(torch_arrays, "pytorch", "flax")) == list(flax)
    numbers = {f"layers/batch_normalization_2/{k}": random(3) for k in range(4)}
    expected = [f"layers/batch_normalization_2/{word}" for word in WORDS["pytorch"]]
    assert list(convert_state_dict(numbers, "keras", "pytorch")) == expected
    three = {name: numbers[name] for name in list(numbers)[:3]}  # which is missing?
    assert list(convert_state_dict(three, "keras", "pytorch")) == list(three)
    tf = {f"model/bn/bn/{word}:0": random(3) for word in WORDS["tf"]}
    tf["model/conv/conv/kernel:0"] = random(3, 3, 2, 5)
    assert list(convert_state_dict(tf, "keras", "keras")) == [
        *(f"model/bn/{word}" for word in WORDS["tf"]),
        "model/conv/kernel",
    ]
    layer_norm = {"ln/gamma": random(3), "ln/beta": random(3)}
    assert list(convert_state_dict(layer_norm, "keras", "pytorch")) == ["ln/weight", "ln/bias"]
    linear = {"fc.weight": random(3, 4), "fc.bias": random(3)}
    assert list(convert_state_dict(linear, "pytorch", "keras")) == list(linear)
    odd = {"a/mean": random(3), "a/var": random(4), "b/mean": random(3)}
    assert list(convert_state_dict(odd, "flax", "pytorch")) == list(odd)


def test_vectors_with_more_axes_become_vectors():
    columns = {f"bn/{word}": random(3, 1) for word in WORDS["tf"]}
    new = convert_state_dict(columns, "tf", "pytorch")
    for old, a in zip(columns.values(), new.values()):
        np.testing.assert_array_equal(a, old[:, 0])


def test_what_caffe_and_matconvnet_keep_instead_is_computed():
    factor = np.array([4.0], "float32")
    mean, variance, scale, bias = (random(3) for _ in range(4))
    caffe = {
        "bn1.mean": mean * 4,
        "bn1.variance": variance * 4,
        "bn1.scale_factor": factor,
        "scale1.scale": scale,
        "scale1.bias": bias,
        "next.scale": scale,
    }
    new = convert_state_dict(caffe, "caffe", "pytorch")
    order = ["bn1.running_mean", "bn1.running_var", "bn1.weight", "bn1.bias", "next.scale"]
    assert list(new) == order
    for name, expected in zip(order, (mean, variance, scale, bias, scale)):
        np.testing.assert_allclose(new[name], expected, rtol=1e-7)
    assert list(convert_state_dict(caffe, "caffe", "caffe")) == list(caffe)
    zero = convert_state_dict(caffe | {"bn1.scale_factor": factor * 0}, "caffe", "pytorch")
    assert zero["bn1.running_mean"].tolist() == [0, 0, 0]

    moments = np.stack([mean, np.sqrt(variance + 1e-4)], -1)
    matconvnet = {"bn.multipliers": scale, "bn.biases": bias, "bn.moments": moments}
    with pytest.raises(
        UniconvError, match="it holds sqrt\\(variance \\+ eps\\), and the file does"
    ):
        convert_state_dict(matconvnet, "matlab_dl", "pytorch")
    new = convert_state_dict(matconvnet, "matlab_dl", "pytorch", eps=1e-4)
    expected = {
        "bn.weight": scale,
        "bn.bias": bias,
        "bn.running_mean": mean,
        "bn.running_var": variance,
    }
    assert list(new) == list(expected)
    for name, a in expected.items():
        np.testing.assert_allclose(new[name], a, rtol=1e-5)
    lasagne = {"bn.mean": mean, "bn.inv_std": (variance + 1e-4) ** -0.5}
    new = convert_state_dict(lasagne, "lasagne", "pytorch", eps=1e-4)
    np.testing.assert_allclose(new["bn.running_var"], variance, rtol=1e-5)


def normed(channels, eps):
    """torch's BatchNorm with numbers of its own, in float64."""
    norm = torch.nn.BatchNorm2d(channels, eps).double().eval()
    for tensor in (norm.weight, norm.bias, norm.running_mean, norm.running_var):
        tensor.data = torch.tensor(RNG.uniform(0.5, 2, channels))
    return norm


LAYERS = {
    "plain": lambda: torch.nn.Conv2d(4, 6, (3, 2)),
    "without bias": lambda: torch.nn.Conv2d(4, 6, (3, 2), bias=False),
    "grouped": lambda: torch.nn.Conv2d(4, 6, (3, 2), groups=2),
    "transposed": lambda: torch.nn.ConvTranspose2d(4, 6, (3, 2)),
    "transposed in groups": lambda: torch.nn.ConvTranspose2d(4, 6, (3, 2), groups=2, bias=False),
    "weight norm": lambda: parametrizations.weight_norm(torch.nn.Conv2d(4, 6, (3, 2))),
}


@pytest.mark.parametrize("kind", LAYERS)
def test_a_folded_batch_norm_computes_the_same(kind):
    conv, norm, x = LAYERS[kind]().double(), normed(6, 0.01), torch.rand(2, 4, 7, 8).double()
    network = torch.nn.ModuleDict(
        {"up_transpose" if "transposed" in kind else "conv": conv, "bn": norm}
    )
    owner = next(iter(network))
    folded = convert_state_dict(
        network.state_dict(), "pytorch", "pytorch", fold_batchnorm={"bn": owner}, eps=0.01
    )
    assert sorted(folded) == [f"{owner}.bias", f"{owner}.weight"]
    alone = LAYERS["plain" if kind == "weight norm" else kind.replace("without bias", "plain")]()
    alone = alone.double()
    if alone.bias is None:
        alone.bias = torch.nn.Parameter(torch.zeros(6).double())
    alone.load_state_dict({name.partition(".")[2]: a for name, a in folded.items()})
    torch.testing.assert_close(alone(x), norm(conv(x)))


def test_kernels_of_tensorflow_fold_along_their_outputs():
    """slim keeps a BatchNorm in the scope of its convolution, and has no scale unless asked."""
    scale, mean, variance = (np.arange(1.0, 7) for _ in range(3))
    slim = {
        "Conv/depthwise_weights": np.ones((1, 1, 3, 2)),
        "Conv/BatchNorm/gamma": scale,
        "Conv/BatchNorm/moving_mean": mean,
        "Conv/BatchNorm/moving_variance": variance**2 - 0.5,
        "Point/weights": np.ones((1, 1, 2, 6)),
        "Point/BatchNorm/moving_mean": mean,
        "Point/BatchNorm/moving_variance": variance**2 - 0.5,
    }
    new = convert_state_dict(slim, "tf", "tf", fold_batchnorm=True, eps=0.5)
    assert list(new) == ["Conv/depthwise_weights", "Conv/biases", "Point/weights", "Point/biases"]
    np.testing.assert_allclose(new["Conv/depthwise_weights"].ravel(), np.ones(6))
    np.testing.assert_allclose(new["Conv/biases"], -mean)
    np.testing.assert_allclose(new["Point/weights"][0, 0, 1], 1 / variance)
    np.testing.assert_allclose(new["Point/biases"], -mean / variance)


def test_darknet_keeps_both_in_one_section():
    section = {
        "0.convolutional.biases": random(3),
        "0.convolutional.scales": random(3),
        "0.convolutional.rolling_mean": random(3),
        "0.convolutional.rolling_variance": random(3),
        "0.convolutional.weights": random(3, 2, 3, 3),
    }
    names = list(convert_state_dict(section, "darknet", "pytorch"))
    own = ("bias", "weight", "running_mean", "running_var")
    assert names == [
        *(f"0.convolutional.batch_norm.{word}" for word in own),
        "0.convolutional.weights",
    ]
    folded = convert_state_dict(section, "darknet", "keras", fold_batchnorm=True, eps=1e-3)
    b, s, m, v, w = section.values()
    factor = s / np.sqrt(v + 1e-3)
    np.testing.assert_allclose(folded["0.convolutional.biases"], b - m * factor, atol=1e-6)
    expected = (w * factor[:, None, None, None]).transpose(2, 3, 1, 0)
    np.testing.assert_allclose(folded["0.convolutional.weights"], expected, rtol=1e-6)


def test_a_mapping_folds_what_it_names_and_leaves_the_rest():
    network = {"conv.weight": random(3, 4, 3, 3)} | by_layer(WORDS["pytorch"], "bn", ".")
    network |= by_layer(WORDS["pytorch"], "other", ".")
    new = convert_state_dict(network, "pytorch", "keras", fold_batchnorm={"bn": "conv"}, eps=1e-3)
    assert list(new) == ["conv.weight", "conv.bias", *(f"other.{word}" for word in WORDS["keras"])]


def test_what_cannot_be_folded_is_refused_and_says_what_to_write():
    network = {"conv.weight": random(5, 4, 3, 3)} | by_layer(WORDS["pytorch"], "bn", ".")

    def problem(**settings):
        with pytest.raises(UniconvError) as caught:
            convert_state_dict(network, "pytorch", "keras", **settings)
        return str(caught.value)

    assert 'say fold_batchnorm={"bn": "conv"} or --fold-batchnorm bn=conv' in problem(
        fold_batchnorm=True, eps=1e-5
    )
    assert "it has 3 channels, which conv.weight (5, 4, 3, 3) does not give" in problem(
        fold_batchnorm={"bn": "conv"}, eps=1e-5
    )
    assert '"con", which has 0 kernels, not one' in problem(fold_batchnorm={"bn": "con"}, eps=1e-5)
    network["conv.weight"] = random(3, 4, 3, 3)
    assert "the file does not say its eps: give eps=, or --eps" in problem(
        fold_batchnorm={"b*": "conv"}
    )
    assert 'fold_batchnorm has "norm*", which is no' in problem(fold_batchnorm={"norm*": "conv"})
    for bad in ({"eps": -1}, {"eps": True}, {"weight_norm": "no"}, {"fold_batchnorm": "bn"}):
        with pytest.raises(BadOption):
            convert_state_dict(network, "pytorch", "keras", **bad)


# Weight norm


@pytest.mark.parametrize("dim", [0, 1, 3, None])
@pytest.mark.parametrize("make", [old_weight_norm, parametrizations.weight_norm])
@pytest.mark.filterwarnings("ignore:.*torch.nn.utils.weight_norm:FutureWarning")
def test_weight_norm_is_folded_into_the_kernel_that_torch_computes_with(make, dim):
    conv = make(torch.nn.Conv2d(4, 6, (3, 2)), dim=dim)
    with torch.no_grad():  # a length of its own
        length = next(p for n, p in conv.named_parameters() if n.endswith(("_g", "original0")))
        length.mul_(torch.rand_like(length) + 1)
    network = torch.nn.ModuleDict({"conv": conv}).state_dict()
    new = convert_state_dict(network, "pytorch", "keras")
    assert sorted(new) == ["conv.bias", "conv.weight"]
    w = conv(torch.zeros(1, 4, 3, 2)) is not None and conv.weight.detach()
    torch.testing.assert_close(new["conv.weight"], w.permute(2, 3, 1, 0), rtol=1e-6, atol=0)
    kept = convert_state_dict(network, "pytorch", "keras", weight_norm="keep")
    direction = next(name for name in kept if name.endswith(("_v", "original1")))
    torch.testing.assert_close(kept[direction], network[direction].permute(2, 3, 1, 0))
    assert {n.replace("/", ".") for n in kept} == {*network}


def test_a_length_that_fits_no_direction_is_refused():
    network = {"conv.weight_g": random(5, 1, 1, 1), "conv.weight_v": random(6, 4, 3, 3)}
    (step,) = [s for s in plan_steps(network, "pytorch", "keras") if s.problem]
    assert step.problem == (
        "its length of shape (5, 1, 1, 1) is none for a direction of (6, 4, 3, 3)"
    )


# Names that need no map


def test_two_axes_beside_a_bias_or_in_a_classifier_are_dense():
    network = {
        "classifier.weight": random(5, 4),
        "net.7.weight": random(3, 5),
        "net.7.bias": random(3),
        "embed.weight": random(9, 4),
    }
    kinds = [step.kind for step in plan_steps(network, "pytorch", "keras")]
    assert kinds == ["dense", "dense", "keep", "?"]


def test_deep_learn_toolbox_convolves():
    k = np.arange(2 * 3 * 4 * 5).reshape(2, 3, 4, 5)
    new = convert_state_dict({"cnn.layers{2}.k": k}, "matlab_dl", "pytorch")
    np.testing.assert_array_equal(new["cnn.layers{2}.k"], k[::-1, ::-1].transpose(3, 2, 0, 1))


# Converted already


def test_what_is_converted_already_stays_as_it_is():
    network = {
        "a/kernel": random(3, 3, 2, 5),
        "a/bias": random(5),
        "b/kernel": random(3, 3, 5, 7),
        "b/bias": random(7),
        "c/kernel": random(3, 3, 7, 7),
        "fc/kernel": random(7, 9),
        "fc/bias": random(9),
    }
    once = convert_state_dict(network, "keras", "pytorch")
    with pytest.warns(UniconvWarning, match="laid out for pytorch already, the vectors beside"):
        twice = convert_state_dict(once, "keras", "pytorch")
    for name, a in once.items():
        np.testing.assert_array_equal(twice[name], a)
    like = [once[name].shape for name in ("a/kernel", "b/kernel", "c/kernel")]
    bare = {name: a for name, a in once.items() if name in ("a/kernel", "b/kernel", "c/kernel")}
    with pytest.warns(UniconvWarning, match="laid out for pytorch already, the model's sizes say"):
        again = convert_state_dict(bare, "keras", "pytorch", like=like)
    assert all(again[name] is bare[name] for name in bare)
    right = convert_state_dict(network, "keras", "pytorch", like=like)
    np.testing.assert_array_equal(right["c/kernel"], once["c/kernel"])


def test_where_the_layout_cannot_be_told_it_is_asked_for():
    square = {"a/kernel": random(3, 3, 3, 3)}
    with pytest.raises(BadShape, match="may be laid out for keras or, converted already, for pyto"):
        convert_state_dict(square, "keras", "pytorch", like=[(3, 3, 3, 3)])
    mlx = {"a/kernel": random(5, 3, 3, 2)}
    with pytest.raises(BadShape, match=re.escape("are laid out as OHWI (mlx, tflite")):
        convert_state_dict(mlx, "keras", "pytorch", like=[(5, 2, 3, 3)])
    # a transposed convolution and a converted one have the same sizes: neither is taken
    either = {"2.weight": random(8, 4, 4, 4), "2.bias": random(4)}
    with pytest.raises(UniconvError, match="taken for a conv it gives 8 channels"):
        convert_state_dict(either, "pytorch", "keras")


# The command


def run(*args):
    return CliRunner().invoke(cli.app, ["convert", *map(str, args)])


def test_the_command_says_what_it_left_out_and_prints_json(tmp_path):
    source, target = tmp_path / "a.npz", tmp_path / "b.npz"
    files.save(
        source,
        {"c/weights": random(3, 3, 4, 5), "c/weights/Adam": random(3, 3, 4, 5), "global_step": 3},
    )
    result = run(source, "--from", "tf", "--to", "pytorch", "-o", target)
    assert result.output == (
        f"{target}: 3 arrays, 1 of them converted; left out: 1 (optimizer slot), 1 (counter)\n"
    )
    result = run(source, "--from", "tf", "--to", "pytorch", "--dry-run", "--json", "--keep-all")
    rows = json.loads(result.output)
    assert [(row["array"], row["is"], row["new_shape"]) for row in rows] == [
        ("c/weights", "conv", [5, 4, 3, 3]),
        ("c/weights/Adam", "conv", [5, 4, 3, 3]),
        ("global_step", "keep", []),
    ]


def test_the_command_folds(tmp_path):
    source, target = tmp_path / "a.npz", tmp_path / "b.npz"
    files.save(source, {"c1.weight": random(3, 4, 3, 3)} | by_layer(WORDS["pytorch"], "b1", "."))
    arguments = (source, "--from", "pytorch", "--to", "keras", "-o", target, "--eps", "1e-3")
    assert run(*arguments, "--fold-batchnorm", "b*=c*").exit_code == 0
    assert list(files.load(target)) == ["c1.weight", "c1.bias"]
    result = run(*arguments, "--fold-batchnorm", "auto", "--json")
    assert result.exit_code == 1
    assert (
        "nothing tells which convolution b1 follows"
        in json.loads(result.output.partition("]\n")[0] + "]")[1]["problem"]
    )


def test_limits_and_a_model_on_the_command_line(tmp_path, capsys):
    source = tmp_path / "a.npz"
    files.save(source, {"c/kernel": random(5, 2, 3, 3), "d/kernel": random(7, 5, 3, 3)})
    like = tmp_path / "like.npz"
    files.save(like, {"x": random(5, 2, 3, 3), "y": random(7, 5, 3, 3)})
    arguments = [str(source), "--from", "keras", "--to", "pytorch", "--dry-run"]
    result = run(*arguments, "--like", like, "--json")
    assert {row["because"] for row in json.loads(result.stdout)} == {"laid out for pytorch already"}
    for command in (
        ["convert", *arguments],
        ["read", str(source)],
        ["layout", str(source), "--o", "5"],
    ):
        with pytest.raises(SystemExit) as caught:
            cli.main([*command, "--max-arrays", "1"])
        assert caught.value.code == 1
        assert "has more arrays than max_arrays=1" in capsys.readouterr().err
        with pytest.raises(SystemExit) as caught:
            cli.main([*command, "--max-bytes", "0"])
        assert (caught.value.code, capsys.readouterr().err) == (
            2,
            "error: --max-bytes 0: it must be at least 1\n",
        )


def test_progress_into_a_pipe_is_a_line_every_few_seconds(monkeypatch, capsys):
    times = iter([0.0, 1, 4.9, 5.0, 6, 9.9, 11])
    monkeypatch.setattr(progress.time, "monotonic", lambda: next(times))
    monkeypatch.setattr(sys.stderr, "isatty", lambda: False, raising=False)
    with progress.advance(6, shown=True) as one_more:
        for _ in range(6):
            one_more()
    assert capsys.readouterr().err == "3 of 6 arrays\n6 of 6 arrays\n"


def test_a_file_written_by_theano_is_converted_as_it_convolves(tmp_path):
    """Two files that differ in their backend alone are two networks."""
    h5py = pytest.importorskip("h5py")
    kernel = np.arange(3 * 2 * 4 * 5, dtype="float32").reshape(3, 2, 4, 5)
    results = []
    for backend in ("theano", "tensorflow"):
        path = tmp_path / f"{backend}.h5"
        with h5py.File(path, "w") as file:
            file.attrs["backend"] = np.bytes_(backend)
            file.attrs["keras_version"] = np.bytes_("2.1.6")
            file.attrs["layer_names"] = [np.bytes_("conv2d_1")]
            group = file.create_group("conv2d_1")
            group.attrs["weight_names"] = [np.bytes_("conv2d_1/kernel:0")]
            group["conv2d_1/kernel:0"] = kernel
        convert_file(path, "keras", "pytorch", tmp_path / "out.npz")
        results.append(files.load(tmp_path / "out.npz")["conv2d_1/kernel"].array)
    np.testing.assert_array_equal(results[1], kernel.transpose(3, 2, 0, 1))
    np.testing.assert_array_equal(results[0], results[1][:, :, ::-1, ::-1])


def test_roles_are_told_by_one_word_each():
    assert len({*ROLES}) == 4
    assert uniconv.convert_state_dict is convert_state_dict


LAID_OUT_FOR_ANOTHER = [
    ("keras", "pytorch", {"a/kernel": (8, 3, 3, 3), "b/kernel": (16, 8, 3, 3)}, "OIHW"),
    ("mlx", "pytorch", {"a.weight": (8, 3, 5, 5), "a.bias": (8,)}, "OIHW"),
    ("pytorch", "keras", {"a.weight": (3, 3, 3, 8), "b.weight": (3, 3, 8, 9)}, "HWIO"),
    ("pytorch", "flax", {"a.weight": (8, 3, 3, 4), "a.bias": (8,)}, "OHWI"),
    ("keras", "mlx", {"a/kernel": (8, 4, 3, 3, 3)}, "OIDHW"),
]


@pytest.mark.parametrize(("src", "dst", "shapes", "order"), LAID_OUT_FOR_ANOTHER)
def test_kernels_that_are_square_in_another_order_are_doubted(src, dst, shapes, order):
    arrays = {name: np.zeros(shape) for name, shape in shapes.items()}
    with pytest.warns(UniconvWarning, match=rf"in the order {order} \(.* every kernel is square"):
        convert_state_dict(arrays, src, dst)


def test_kernels_as_they_are_said_to_be_are_not_doubted():
    right = {"keras": (3, 3, 8, 16), "pytorch": (16, 8, 3, 3), "mlx": (16, 3, 3, 8)}
    oblong = {"keras": (1, 7, 8, 9), "pytorch": (9, 8, 1, 7), "mlx": (9, 1, 7, 8)}
    for src, dst in itertools.permutations(right, 2):
        network = {"a.weight": np.zeros(right[src]), "b.weight": np.zeros(oblong[src])}
        convert_state_dict(network, src, dst)  # a warning would be an error here


def test_a_depthwise_kernel_of_pytorch_is_pointed_out_to_who_has_depthwise_layers():
    numbers = random(8, 1, 3, 3)
    network = {"a.weight": random(8, 3, 3, 3), "b.weight": numbers}
    network["c.weight"] = random(4, 1, 3, 3)
    with pytest.warns(UniconvWarning) as caught:
        plain = convert_state_dict(network, "pytorch", "keras")
    text = str(caught[0].message)
    assert text.startswith(
        "b.weight: it has one channel in: it becomes (3, 3, 1, 8), the kernel of"
    )
    assert plain["b.weight"].shape == (3, 3, 1, 8)
    entries = json.loads(text[text.index("{") :])
    assert list(entries) == ["b.weight", "c.weight"]
    new = convert_state_dict(network, "pytorch", "keras", names=entries)
    assert new["c.weight"].shape == (3, 3, 4, 1)
    np.testing.assert_array_equal(new["b.weight"], numbers.transpose(2, 3, 0, 1))
    convert_state_dict(network, "pytorch", "flax")  # which has no such layer
    convert_state_dict({"a.weight": random(8, 1, 3, 3)}, "pytorch", "keras")  # a grey image
