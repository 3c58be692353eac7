"""Translate: the code computes what the call does, and says for which sizes."""

import ast
import json
import random
import subprocess
import sys
from dataclasses import replace
from itertools import cycle, islice, product
from pathlib import Path
from shutil import which

import numpy as np
import pytest
from typer.testing import CliRunner

import uniconv
from uniconv import Call, translate
from uniconv import _cli as cli
from uniconv._calls.lift import native_shapes
from uniconv._translate.beside import letters_of
from uniconv._translate.code import written
from uniconv._translate.layout_of_code import formatted, nested
from uniconv._translate.proof import arrays_of, executed, in_uniconv, original
from uniconv.conformance.crossing import mains
from uniconv.errors import BadCall, BadOption, CannotExpress, UnknownName
from uniconv.spec.registry import find, frameworks
from uniconv.testing.cases import random_case

# torch warns once a process, in whichever test comes first.
pytestmark = pytest.mark.filterwarnings("ignore:Using padding='same' with even kernel:UserWarning")

OUTCOMES = Path(__file__).parent / "translations.json"
KINDS = ("conv", "conv_transpose", "depthwise_conv", "separable_conv")
SAME = 'tf.nn.conv2d(x, w, strides=2, padding="SAME")'
SHAPES = {"x": (2, 6, 7, 3), "w": (3, 2, 3, 5)}


def call_of(case, x=None):
    """A case as a call of shapes, without an addend."""
    addend = case.op.addend[0] if case.op.addend else ""
    options = {name: value for name, value in case.options.items() if name != addend}
    shapes = {"x": x or case.x_shape, "w": case.w_shape, "pointwise": case.pointwise_shape}
    return Call(**shapes, dialect=case.op.name, **options)


def other_sizes(case, more):
    """The call on an x that is so much larger, along each axis by another number."""
    lowered = case.call
    letters = letters_of(lowered.layout.x, lowered.rank, len(lowered.sizes.batch))
    sizes = zip(letters, case.x_shape)
    return call_of(case, tuple(n + (more + int(a[1:]) if a[0] == "s" else 0) for a, n in sizes))


def pairs(seed, per_source):
    """Every main function with some others of its operation, so that each is met."""
    for kind, rank in product(KINDS, (1, 2, 3)):
        others = cycle(random.Random(seed).sample(ops := mains(kind, rank), len(mains(kind, rank))))
        for op in ops:
            for other in islice(others, per_source):
                yield op, other, rank


@pytest.mark.parametrize("sizes", ["these", "any"])
def test_the_code_computes_what_the_call_does(sizes):
    compared = 0
    for op, other, rank in pairs(sizes, 1):
        call = call_of(random_case(op, random.Random(f"{op.name} {other.name}"), rank))
        try:
            translation = translate(call, to=other.name, sizes=sizes)
        except CannotExpress:
            continue
        proof = translation.prove()
        assert proof.holds, f"{call} -> {other.name}: {proof}\n{translation}"
        compared += 1
    assert compared > 110


def test_exact_code_holds_for_other_sizes():
    compared = 0
    for op, other, rank in pairs("sizes", 1):
        case = random_case(op, random.Random(f"sizes {op.name} {other.name}"), rank)
        try:
            translation = translate(call_of(case), to=other.name, sizes="any")
            larger = other_sizes(case, 2)
        except uniconv.UniconvError:
            continue
        arrays = arrays_of(larger)
        got, y = in_uniconv(translation.rewriting, arrays), original(larger, arrays)[0]
        np.testing.assert_array_equal(got, y, err_msg=f"{larger} -> {other.name}\n{translation}")
        compared += 1
    assert compared > 80


@pytest.mark.parametrize("family", ["pytorch", "scipy", "numpy"])
def test_the_code_runs_in_the_framework_itself(family):
    compared = 0
    for kind, rank in product(KINDS, (1, 2)):
        name = frameworks()[family].main.get(kind, {}).get(rank)
        for op in mains(kind, rank) if name else ():
            case = random_case(op, random.Random(f"run {op.name}"), rank)
            try:
                translation = translate(call_of(case), to=name)
            except CannotExpress:
                continue
            arrays = arrays_of(translation.call)
            code = written(translation.rewriting, {}, inline=True)
            got, y = executed(code, find(name), arrays), original(translation.call, arrays)[0]
            np.testing.assert_array_equal(np.rint(got), y, err_msg=str(translation))
            compared += 1
    assert compared >= {"pytorch": 80, "scipy": 4, "numpy": 2}[family]


def test_there_and_back_is_the_same_call():
    compared = 0
    for op, other, rank in pairs("back", 1):
        call = call_of(random_case(op, random.Random(f"back {op.name} {other.name}"), rank))
        try:
            there = translate(call, to=other.name)
        except CannotExpress:
            continue
        rewriting = there.rewriting
        if rewriting.beside:
            continue  # a part of the call is beside it
        lifted = rewriting.lifted.call
        there_and_back = translate(of_lifted(lifted, there.options), to=op.name).rewriting
        if there_and_back.beside:
            continue  # numbers that it has no word for at other sizes
        back = there_and_back.lifted.call
        # The kernel may have been flipped, on the way there or back.
        sizes, unturned = call.lowered.sizes, (False,) * call.lowered.rank
        records = (replace(c, reverse=unturned) for c in (call.lowered.conv, back.conv))
        record, again = (c.tight(sizes.size, sizes.kernel) for c in records)
        assert record == again, f"{call} -> {there}"
        assert (back.sizes.size, back.sizes.kernel) == (sizes.size, sizes.kernel)
        compared += 1
    assert compared > 80


def of_lifted(lifted, options):
    """The other function's own call, of shapes."""
    x, w, *p = native_shapes(lifted, lifted.op, lifted.layout)
    return Call(x, w, pointwise=p[0] if p else None, dialect=lifted.op.name, **options)


CODES = {
    ("pytorch", "these"): """\
from torch.nn import functional as F

w = w.permute(3, 2, 0, 1)  # ... i o -> o i ...

x = x.permute(0, 3, 1, 2)  # n ... c -> n c ...
x = F.pad(x, [0, 1, 0, 1])  # the last axis first
y = F.conv2d(x, w, stride=2)
y = y.permute(0, 2, 3, 1)  # n o ... -> n ... o
""",
    ("keras", "these"): """\
import keras

y = keras.ops.conv(x, w, strides=2, padding="same")
""",
    ("knet", "any"): """\
using Knet
using NNlib

n0 = size(x, 2)
n1 = size(x, 3)
x = permutedims(x, (2, 3, 4, 1))
x = NNlib.pad_constant(x, (fld(2 - mod(n0 + 1, 2), 2), 1, 0, 1 - mod(n1 + 1, 2), 0, 0, 0, 0), 0.0)
y = Knet.conv4(w, x; mode=1, stride=2)
y = permutedims(y, (4, 1, 2, 3))
""",
    ("tinygrad", "any"): """\
w = w.permute((3, 2, 0, 1))

n0 = x.shape[1]
n1 = x.shape[2]
x = x.permute((0, 3, 1, 2))
x = x.pad([(0, 0), (0, 0), ((2 - (n0 + 1) % 2) // 2, 1), (0, 1 - (n1 + 1) % 2)])
y = x.conv2d(w, stride=2)
y = y.permute((0, 2, 3, 1))
""",
}


def test_a_vector_of_matlab_is_padded_with_vectors():
    code = translate("np.convolve(x, w, 'same')", to="matlab", x=(9,), w=(4,))
    assert "zeros([2 1], class(x))" in code.code


@pytest.mark.parametrize(("to", "sizes"), CODES)
def test_codes(to, sizes):
    assert translate(SAME, to=to, sizes=sizes, **SHAPES).code == CODES[to, sizes]


def test_weights_inline_stand_in_the_call():
    converted = translate(SAME, to="pytorch", **SHAPES)
    inline = translate(SAME, to="pytorch", weights="inline", **SHAPES)
    assert converted.kernel == inline.lines[:1]
    assert inline.kernel == ()
    assert inline.lines[1:] == converted.lines
    assert inline.expression == converted.expression


def test_names_stand_for_the_arrays():
    names = {"x": "images", "w": "model.kernel"}
    translation = translate(SAME, to="pytorch", names=names, **SHAPES)
    assert translation.kernel[0].startswith("w = model.kernel.permute(3, 2, 0, 1)")
    assert translation.lines[0].startswith("x = images.permute(0, 3, 1, 2)")
    assert translation.expression == (
        "F.conv2d(F.pad(images.permute(0, 3, 1, 2), [0, 1, 0, 1]), "
        "model.kernel.permute(3, 2, 0, 1), stride=2).permute(0, 2, 3, 1)"
    )


def test_an_expression_computes_what_the_lines_do():
    for op in mains("conv", 2):
        case = random_case(op, random.Random(f"expression {op.name}"), 2)
        if 0 in case.call.output:
            continue
        translation = translate(call_of(case), to="pytorch", sizes="any")
        if translation.expression is None:
            continue
        arrays = arrays_of(translation.call)
        code = written(translation.rewriting, {}, inline=True)
        names = f"y = {translation.expression}"
        y = executed(code, find(translation.function), arrays)
        one = executed(replace(code, lines=(names,)), find(translation.function), arrays)
        np.testing.assert_array_equal(one, y)


def test_python_is_formatted(tmp_path):
    if which("ruff") is None and not Path(sys.executable).with_name("ruff").exists():
        pytest.skip("needs ruff")
    count = 0
    for op in mains("conv", 2):
        case = random_case(op, random.Random(f"format {op.name}"), 2)
        for to in ("pytorch", "tf", "jax", "paddle", "theano"):
            try:
                translation = translate(call_of(case), to=to, sizes="any")
            except CannotExpress:
                continue
            ast.parse(translation.code)
            count += 1
            (tmp_path / f"code_{count}.py").write_text(translation.code)
    ruff = which("ruff") or str(Path(sys.executable).with_name("ruff"))
    command = [ruff, "format", "--check", "--isolated", "--line-length=100", str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout
    assert count > 100


# What can be said, and for which sizes: a call of each kind of thing that some functions lack.
TYPICAL = {
    "SAME, strided": (SAME, SHAPES),
    "a convolution": ("conv4(w, x; padding=1)", {"x": (6, 7, 3, 2), "w": (3, 3, 3, 4)}),
    "a reflection": (
        'nn.Conv2d(3, 4, 3, padding=1, padding_mode="reflect", bias=False)(x)',
        {"x": (2, 3, 6, 7), "w": (4, 3, 3, 3)},
    ),
    "groups": ("F.conv2d(x, w, groups=2)", {"x": (2, 4, 6, 7), "w": (6, 2, 3, 3)}),
    "transposed SAME": (
        "tf.nn.conv2d_transpose(x, w, [2, 11, 14, 5], strides=2)",
        {"x": (2, 6, 7, 3), "w": (3, 2, 5, 3)},
    ),
    "one line": ("np.convolve(x, w, 'same')", {"x": (9,), "w": (4,)}),
}


def outcome(text, shapes, family):
    try:
        return translate(text, to=family, **shapes).outcome
    except CannotExpress as error:
        return f"{error.field}: {error.reason}"


def outcomes():
    """The table of what can be said; ``python -m tests.test_translate`` writes it."""
    return {
        what: {family: outcome(text, shapes, family) for family in frameworks()}
        for what, (text, shapes) in TYPICAL.items()
    }


def test_what_can_be_said_is_known():
    assert outcomes() == json.loads(OUTCOMES.read_text("utf-8"))


def test_the_proof_says_what_ran():
    proof = translate(SAME, to="pytorch", **SHAPES).prove()
    assert proof.holds
    assert (proof.source, proof.target) == ("uniconv", "PyTorch")
    assert str(proof) == "120 elements, the same (call: uniconv; code: PyTorch)"
    assert translate(SAME, to="knet", **SHAPES).prove().target == "uniconv"


def test_a_bias_an_addend_and_a_scale_are_kept():
    call = Call((5, 6, 2, 1), (3, 3, 2, 4), (4,), dialect="knet.conv4", alpha=2, padding=1)
    for to in ("pytorch", "tf", "jax", "keras", "mlx", "flux", "matlab_dl"):
        translation = translate(call, to=to)
        assert translation.prove().holds, f"{translation}"
    assert translate(call, to="pytorch").lines[-3:] == (
        "y = y.permute(2, 3, 1, 0)  # n o ... -> ... o n",
        "y = y * 2",
        "y = y + bias.reshape(-1, 1)",
    )


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"to": "pytroch"}, UnknownName, "pytroch"),
        ({"to": "tf@1.15"}, UnknownName, "tf@1.15: uniconv knows tf of version 2.21.0"),
        ({"to": "tf", "weights": "convert"}, BadOption, 'did you mean "converted"?'),
        ({"to": "tf", "sizes": "all"}, BadOption, 'sizes="all" must be "these" or "any"'),
        ({"to": "tf", "x": (0, 6, 7, 3)}, CannotExpress, "y of this call has no elements"),
        ({"to": "numpy"}, CannotExpress, "numpy cannot express rank: it has 1 spatial axes"),
        ({"to": "scipy"}, CannotExpress, "scipy.signal.convolve cannot express channels"),
    ],
)
def test_bad_arguments_are_named(arguments, error, message):
    with pytest.raises(error) as caught:
        translate(SAME, **(SHAPES | arguments))
    assert message in str(caught.value)


def test_a_bad_text_is_placed():
    with pytest.raises(BadOption, match=r"line 1, column 20: .*did you mean \"strides\"\?"):
        translate("tf.nn.conv2d(x, w, stride=2)", to="pytorch", **SHAPES)
    with pytest.raises(BadCall, match=r"translate takes a uniconv.Call"):
        translate("tf", to="pytorch")


def test_a_known_version_may_be_asked_for():
    version = frameworks()["pytorch"].version
    assert translate(SAME, to=f"pytorch@{version}", **SHAPES).function.startswith("torch.nn.")


def test_shapes_need_no_torch_and_no_readers_of_files():
    code = f"import sys, uniconv; uniconv.translate({SAME!r}, to='pytorch', **{SHAPES})"
    idle = ("torch", "uniconv.files", "uniconv._translate.program")
    code += f"; raise SystemExit(any(name in sys.modules for name in {idle}))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


def test_the_command_line_prints_code_proof_and_json():
    words = ["translate", SAME, "--to", "pytorch", "--x-shape", "2,6,7,3", "--w-shape", "3,2,3,5"]
    result = CliRunner().invoke(cli.app, [*words, "--prove"])
    assert result.exit_code == 0
    assert result.output.startswith(translate(SAME, to="pytorch", **SHAPES).code)
    assert "# proof: 120 elements, the same" in result.output
    told = json.loads(CliRunner().invoke(cli.app, [*words, "--json", "--prove"]).output)
    assert (told["outcome"], told["proof"]["holds"]) == ("exact for these sizes", True)
    assert CliRunner().invoke(cli.app, words[:4]).exit_code != 0  # without shapes


def test_long_lines_are_broken_as_ruff_does():
    line = f"y = function({', '.join(f'argument_{i}={i}' for i in range(7))})"
    assert formatted(line) == ["y = function(", f"    {line[13:-1]}", ")"]
    assert formatted("y = f(x, mode='SAME')") == ['y = f(x, mode="SAME")']


def test_a_long_expression_in_brackets_becomes_no_tuple():
    terms = " + ".join(f"number_{i}" for i in range(12))
    for line in (f"y = x - ({terms})", f"y = x[:, : x.shape[2] - (f({terms}))]"):
        text = "\n".join(formatted(line))
        assert ast.dump(ast.parse(text)) == ast.dump(ast.parse(line)), text
        assert max(map(len, text.splitlines())) < len(line)


def test_values_are_put_in_once():
    assert nested(["x = f(x)", "y = x + x"], {"x": "a.b"}) is None
    assert nested(["x = x * 2", "y = g(x).t"], {"x": "a"}) == "g((a * 2)).t"


if __name__ == "__main__":
    OUTCOMES.write_text(json.dumps(outcomes(), indent=1, ensure_ascii=False) + "\n", "utf-8")


def test_a_separable_call_is_two_where_there_is_no_such_function():
    shapes = {"x": (2, 9, 8, 3), "w": (3, 2, 3, 2), "pointwise": (1, 1, 6, 5)}
    strided = {"strides": (1, 2, 2, 1), "padding": "SAME"}
    call = Call(**shapes, dialect="tf.nn.separable_conv2d", **strided)
    active = Call(
        **shapes, bias=(5,), dialect="keras.layers.SeparableConv2D", activation="relu", strides=2
    )
    for to in ("pytorch", "onnx", "jax", "flux", "mlx", "paddle", "matlab_dl", "caffe", "keras"):
        for each, sizes in ((call, "these"), (call, "any"), (active, "any")):
            assert translate(each, to=to, sizes=sizes).prove().holds, (to, sizes)
    code = translate(call, to="pytorch")
    assert code.lines == (
        "x = x.permute(0, 3, 1, 2)  # n ... c -> n c ...",
        "y = F.conv2d(x, w, groups=3, stride=2, padding=(1, 0))",
        "y = F.conv2d(y, p)",
        "y = y.permute(0, 2, 3, 1)  # n o ... -> n ... o",
    )
    assert code.notes[0] == (
        "it is two calls: torch.nn.functional.conv2d, and torch.nn.functional.conv2d for the "
        "pointwise kernel"
    )


def test_a_border_of_no_pixels_is_of_no_kind():
    call = Call((2, 6, 7), (5, 2, 3, 2), dialect="ncnn.Convolution", pad_value=2)
    assert translate(call, to="pytorch").outcome == "exact"
    small = 'tf.nn.conv2d(x, w, strides=4, padding="SAME")'  # here SAME is 0, elsewhere it is not
    code = translate(small, to="pytorch", x=(2, 6, 2, 3), w=(2, 1, 3, 5), sizes="any")
    assert code.outcome == "exact"
    assert "F.pad(" in code.code


@pytest.mark.parametrize(
    ("to", "line"),
    [
        ("flux", "layer = Flux.Conv(w, false, relu)"),
        ("lux", "layer = Lux.Conv((3, 2), 3 => 5, relu; use_bias=false"),
        (
            "lasagne",
            "    inputs, 5, (3, 2), W=w, b=None, nonlinearity=lasagne.nonlinearities.rectify,",
        ),
        ("jax", "y = jax.nn.relu(y)"),
        ("tf", "y = tf.nn.relu(y)"),
        ("matlab_dl", "y = np.maximum(y, 0)"),
        ("knet", "y = NNlib.relu.(y)"),
        ("onnx", '    helper.make_node("Relu", ["y_3"], ["y"]),'),
    ],
)
def test_an_activation_is_said_inside_or_after_the_call(to, line):
    call = Call((2, 6, 7, 3), (3, 2, 3, 5), dialect="keras.layers.Conv2D", activation="relu")
    lines = translate(call, to=to).lines
    assert any(row.startswith(line) for row in lines), lines


def test_formulas_of_symbols_ask_no_symbol_for_its_truth():
    call = 'tf.nn.conv2d(x, w, strides=4, padding="SAME")'
    code = translate(call, to="theano", x=(1, 5, 6, 2), w=(2, 3, 2, 3), sizes="any")
    assert "tensor.maximum(((4 - ((n0 + 3) % 4)) // 2) - 1, 0)" in str(code)


def test_a_border_read_from_x_that_has_no_formula_is_written_for_one_size():
    options = {"Padding": "same", "PaddingValue": "symmetric-include-edge", "Stride": 3}
    call = Call((3, 2, 4), (2, 2, 5), dialect="matlab.dlconv", **options)
    assert translate(call, to="mxnet").outcome == "exact for these sizes"
    with pytest.raises(CannotExpress, match="written for one size"):
        translate(call, to="mxnet", sizes="any")


def test_what_may_leave_nothing_of_x_is_cut_last_where_no_array_is_empty():
    options = {"strides": [3, 1], "pads_begin": (1, 3), "pads_end": (1, 3), "output_shape": [1, 7]}
    call = Call((4, 2, 1, 3), (2, 4, 1, 5), dialect="openvino.convolution_backprop_data", **options)
    lines = translate(call, to="mxnet").lines
    assert ("concat" in lines[1], lines[-1]) == (True, "y = y[:, :, 1:, 3:]")
