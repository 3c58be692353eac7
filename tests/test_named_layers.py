"""Layers under their framework's own names: uniconv.nn.keras.Conv2D and its like."""

import copy
import importlib.util
import inspect
import pickle
from pathlib import Path

import pytest
import torch

import uniconv
from uniconv import nn
from uniconv._canonical.layout import arrange, axes
from uniconv.errors import BadOption
from uniconv.spec.constructor import ROLES
from uniconv.spec.groups import Count
from uniconv.spec.registry import find, frameworks

LAYERS = {layer.name: (d.name, layer) for d in frameworks().values() for layer in d.layers}
EACH = pytest.mark.parametrize("name", LAYERS)
SIZES = {"in": 4, "out": 6, "in_out": (4, 6), "multiplier": 3}


def made_of(name, **options):
    """The class, its values by the constructor's words, and the function's own options."""
    family, layer = LAYERS[name]
    op = find(layer.function)
    rank = layer.rank or (op.ranks[0] if len(op.ranks) == 1 else 2)
    own = {op.stride.option: 2} if op.stride else {}
    if isinstance(op.groups, Count):
        own[op.groups.option] = 2
    size = (2, 2, 2)[:rank] if op.square else (3, 2, 4)[:rank]
    values = {}
    for role, word in layer.words():
        if role in own:
            values[word] = own[role]
        elif role == "size":
            values[word] = size
        elif role in SIZES:
            values[word] = SIZES[role]
    own = {role: own[role] for role, _ in layer.words() if role in own}
    return getattr(getattr(nn, family), layer.short), values, own, size


def integers(shape, seed):
    return torch.randint(-5, 6, shape, generator=torch.Generator().manual_seed(seed)).float()


@torch.no_grad()
def filled(layer, size):
    """The layer once it has seen an input, its arrays integers; and an input."""
    letters = {"n": 2, "c": 4}
    x = integers(arrange(layer.layout.x, letters, tuple(7 + 2 * i for i in range(len(size)))), 1)
    layer(x)
    for i, parameter in enumerate(layer.parameters()):
        parameter.copy_(integers(parameter.shape, 2 + i))
    return x


def by_the_function(layer, x, options):
    """What the framework's function gives for the layer's arrays."""
    op = layer.function
    kernels = [layer.kernel, *([layer.pointwise_kernel] if op.pointwise else [])]
    y = getattr(uniconv, op.kind)(x, *kernels, dialect=op.name, **options)
    if layer.bias is None:
        return y
    shape = [1] * y.ndim
    shape[axes(layer.layout.y, y.ndim - 2).index("o")] = -1
    return y + layer.bias.reshape(shape)


def test_the_files_are_what_the_specs_say():
    path = Path(__file__).parent.parent / "docs" / "make_layer_stubs.py"
    spec = importlib.util.spec_from_file_location("make_layer_stubs", path)
    script = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(script)
    for path, text in script.files().items():
        assert path.read_text("utf-8") == text, f"run python docs/make_layer_stubs.py: {path.name}"
    assert sorted(path.stem for path in script.files()) == list(nn._DIALECTS)


@EACH
def test_the_signature_is_the_frameworks_own(name):
    family, layer = LAYERS[name]
    cls = getattr(importlib.import_module(f"uniconv.nn.{family}"), layer.short)
    parameters = list(inspect.signature(cls).parameters.values())
    words = [word for _, word in layer.words() if word != "*"]
    assert [p.name for p in parameters][: len(words)] == words
    op = find(layer.function)
    for parameter, (role, _) in zip(parameters, [p for p in layer.words() if p[0] != "*"]):
        if role not in ROLES:
            assert parameter.default == op.default(role)
    assert cls.__doc__.startswith(f"``{name}``")


@EACH
def test_it_computes_its_function(name):
    cls, values, options, size = made_of(name)
    layer = cls(**values)
    x = filled(layer, size)
    want = by_the_function(layer, x, options)
    assert want.abs().sum() > 0
    assert torch.equal(layer(x), want)
    assert layer.out_channels == (
        12
        if "multiplier" in dict(LAYERS[name][1].words()) and layer.KIND == "depthwise_conv"
        else 6
    )
    parameters = inspect.signature(cls).parameters.values()
    front = [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    last = max(front.index(word) for word in values if word in front)
    by_position = [values.get(w, inspect.signature(cls).parameters[w].default) for w in front]
    rest = {word: value for word, value in values.items() if word not in front}
    again = cls(*by_position[: last + 1], **rest)
    again.load_state_dict(layer.state_dict())
    assert torch.equal(again(x), want)
    assert repr(again) == repr(layer)


@EACH
def test_it_copies_and_pickles(name):
    cls, values, _, size = made_of(name)
    layer = cls(**values)
    x = filled(layer, size)
    for other in (copy.deepcopy(layer), pickle.loads(pickle.dumps(layer))):
        assert type(other) is cls
        assert torch.equal(other(x), layer(x))


def test_a_layer_in_keras_words():
    layer = nn.keras.Conv2D(64, 3, padding="same")
    assert isinstance(layer, nn.Conv)
    assert repr(layer) == (
        'Conv2D(keras.layers.Conv2D, channels=? -> 64, kernel_size=(3, 3), padding="same")'
    )
    assert layer(torch.zeros(2, 7, 6, 3)).shape == (2, 7, 6, 64)
    from uniconv.nn.pytorch import Conv2d

    assert repr(Conv2d(3, 8, 5, 2)) == (
        "Conv2d(torch.nn.Conv2d, channels=3 -> 8, kernel_size=(5, 5), stride=2)"
    )


@pytest.mark.parametrize(
    "layer",
    [
        nn.keras.Conv2D(4, 3, use_bias=False),
        nn.flax.Conv(4, (3, 3), use_bias=False),
        nn.pytorch.Conv2d(3, 4, 3, bias=False),
        nn.chainer.Convolution2D(3, 4, 3, nobias=True),
        nn.paddle.Conv2D(3, 4, 3, bias_attr=False),
        nn.paddle.Conv2D(3, 4, 3, bias=False),
        nn.paddle.Conv2DTranspose(3, 4, 3, bias_attr=False),
        nn.flux.Conv((3, 3), (3, 4), bias=False),
        nn.lux.Conv((3, 3), (3, 4), use_bias=False),
    ],
    ids=lambda layer: layer.function.name,
)
def test_no_bias_in_each_framework_s_word(layer):
    assert layer.bias is None


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (
            lambda: nn.keras.Conv2D(0, 3),
            "keras.layers.Conv2D: filters=0 must be an integer of at least 1",
        ),
        (
            lambda: nn.keras.Conv2D(6, 3, groups=4),
            "keras.layers.Conv2D: filters=6 must be a multiple of 4 groups",
        ),
        (
            lambda: nn.chainer.Convolution2D(3, 4, 0),
            "chainer.functions.convolution_2d: ksize=0 must be an integer or 2 integers of at "
            "least 1",
        ),
        (
            lambda: nn.keras.Conv2D(4, 3, padding="sane"),
            'keras.layers.Conv2D: padding="sane" is not one of "valid", "same": did you mean '
            '"same"?',
        ),
        (
            lambda: nn.flux.Conv((3, 3), (3, 4.5)),
            "flux.Conv: ch[1]=4.5 must be an integer of at least 1",
        ),
    ],
)
def test_errors_are_in_the_constructor_s_words(call, message):
    with pytest.raises(BadOption) as caught:
        call()
    assert str(caught.value) == message


def test_what_there_is_not_is_answered_by_what_there_is():
    with pytest.raises(
        AttributeError, match="no layer Conv4D; it has Conv1D, Conv1DTranspose, Conv2D"
    ):
        nn.keras.Conv4D  # noqa: B018
    with pytest.raises(AttributeError, match="layers are in chainer, flax, flux, keras"):
        nn.kears  # noqa: B018
