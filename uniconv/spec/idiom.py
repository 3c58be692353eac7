"""Idiom: how a framework moves, turns, pads and joins arrays, where its convolution cannot."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

__all__ = ["FUNCTION_OF_X", "Idiom", "LayerIdiom", "julia_idiom", "numpy_idiom", "theano_idiom"]


@dataclass(frozen=True, slots=True)
class LayerIdiom:
    """How a framework's layers get their weights, and what stands in a row with one of them.

    imports: the line at the top.
    weights: the lines that move w and what else there is into ``layer``, by these arrays' names
    ("w", "w bias", "w p bias"); none where the class is made of its arrays.
    row: layers ``{parts}`` in a row; entry: the ``{i}``-th layer of ``layer``, from 0, or what
    stands in the lines of ``weights`` for ``apart`` then.
    further: what of these lines (a regular expression) is another in those of a second layer.
    pad: by boundary; ``{pairs}`` are (before, after) for each spatial axis, ``{each}`` the same
    without the outer brackets, ``{flat}`` without any and from the last axis on; ``{rank}``
    spatial axes, ``{fill}`` a number.
    cut: what is cut off y, as ``pad``; ``{flat}`` has negative numbers.
    border: the definition of a layer ``{name}`` whose ``{lines}`` pad x, for what ``pad`` has not;
    bordered: how that stands in a row.
    activations: by the name of an ``Activation``; ``{0}`` and ``{1}`` are its numbers.
    whole_kernel: whether an integer as kernel size is that of one axis, so that all are said.
    known, lazy: what of a layer's expression says the channels of x (a regular expression), and
    what stands there where the first x says them.
    """

    imports: str = ""
    weights: Mapping[str, str] = field(default_factory=dict)
    row: str = ""
    entry: str = ""
    apart: str = r"\blayer\b(?!\.build)"
    further: tuple[str, str] = (r"^$", "")
    pad: Mapping[str, str] = field(default_factory=dict)
    cut: str = ""
    border: str = ""
    bordered: str = "{name}"
    activations: Mapping[str, str] = field(default_factory=dict)
    whole_kernel: bool = False
    known: str = ""
    lazy: str = ""


FUNCTION_OF_X = "def {name}(x):\n    {lines}\n    return x"


@dataclass(frozen=True, slots=True)
class Idiom:
    """What is written beside a call, as expressions on an array ``{x}``, in the call's language.

    ``{axes}`` are numbers of axes, ``{shape}`` a shape, ``{pairs}`` (before, after) for each axis
    of the array, ``{fill}`` a number, ``{parts}`` arrays one after the other, ``{axis}`` one axis.

    of_torch: whether the arrays are torch's, whose steps have a writer already.
    imports: the lines at the top, where more than the call's own are needed.
    short: how names of functions begin in full, and in the code.
    part: a slice, where it is no index: ``{starts}``, ``{stops}``, ``{steps}`` along ``{axes}``.
    pad: by boundary; what is not there is joined of slices.
    nothing: an array of zeros of that shape and of x's dtype, for a framework without a "zeros".
    empty: whether an array may have no elements.
    symbols: the functions for "max", "min" and "if" of extents, where these are no numbers.
    number: how a number ``{n}`` is written that an array ``{x}`` meets.
    array, result: how a NumPy array becomes one of the framework, and how y comes back, where
    that is not as in a plain call.
    activations: by the name of an ``Activation``; ``{0}`` and ``{1}`` are its numbers.
    nodes: for a graph, whose code is a list of nodes, the nodes by what they do: ``{x}`` and
    ``{y}`` are names of arrays, lists in quotes names of constants; run: the lines that run
    ``nodes`` on x, w and bias, and make y.
    layers: what stands in a row with a layer; None where layers are not put in rows.
    """

    imports: str = ""
    short: Mapping[str, str] = field(default_factory=dict)
    of_torch: bool = False
    transpose: str = "{x}.transpose({axes})"
    reshape: str = "{x}.reshape({shape})"
    flip: str = "{x}[{reversed}]"
    pad: Mapping[str, str] = field(default_factory=dict)
    part: str = ""
    join: str = ""
    nothing: str = ""
    empty: bool = True
    symbols: Mapping[str, str] = field(default_factory=dict)
    number: str = "{n}"
    conj: str = "{x}.conj()"
    array: str = ""
    result: str = ""
    activations: Mapping[str, str] = field(default_factory=dict)
    nodes: Mapping[str, str] = field(default_factory=dict)
    run: str = ""
    layers: LayerIdiom | None = None


def numpy_idiom(
    module: str,
    imports: str = "",
    activations: Mapping[str, str] | None = None,
    array: str = "",
    result: str = "",
) -> Idiom:
    """The idiom of NumPy, and of what has its functions under another module's name."""
    pad = f"{module}.pad({{x}}, {{pairs}}"
    modes = {
        "reflect": "reflect",
        "symmetric": "symmetric",
        "replicate": "edge",
        "circular": "wrap",
    }
    return Idiom(
        imports,
        transpose=f"{module}.transpose({{x}}, {{axes}})",
        reshape=f"{module}.reshape({{x}}, {{shape}})",
        flip=f"{module}.flip({{x}}, {{axes}})",
        pad={
            "zeros": f"{pad})",
            "constant": f"{pad}, constant_values={{fill}})",
            **{boundary: f'{pad}, mode="{mode}")' for boundary, mode in modes.items()},
        },
        join=f"{module}.concatenate([{{parts}}], {{axis}})",
        conj=f"{module}.conj({{x}})",
        activations=activations
        or {
            "relu": f"{module}.maximum({{x}}, 0)",
            "clip": f"{module}.clip({{x}}, {{0}}, {{1}})",
            "sigmoid": f"1 / (1 + {module}.exp(-{{x}}))",
            "tanh": f"{module}.tanh({{x}})",
            "softplus": f"{module}.logaddexp({{x}}, 0)",
            "exp": f"{module}.exp({{x}})",
        },
        array=array,
        result=result,
    )


def julia_idiom(imports: str = "using NNlib") -> Idiom:
    """The idiom of Julia, with the borders of NNlib."""
    return Idiom(
        imports,
        transpose="permutedims({x}, {axes})",
        reshape="reshape({x}, {shape})",
        flip="reverse({x}; dims={axes})",
        pad={"constant": "NNlib.pad_constant({x}, {flat}, {fill})"},
        join="cat({parts}; dims={axis})",
        conj="conj.({x})",
        activations={
            "relu": "NNlib.relu.({x})",
            "clip": "clamp.({x}, {0}, {1})",
            "leaky_relu": "NNlib.leakyrelu.({x}, {0})",
            "elu": "NNlib.elu.({x}, {0})",
            "celu": "NNlib.celu.({x}, {0})",
            "selu": "NNlib.selu.({x})",
            "sigmoid": "NNlib.sigmoid.({x})",
            "log_sigmoid": "NNlib.logsigmoid.({x})",
            "tanh": "tanh.({x})",
            "softplus": "NNlib.softplus.({x})",
            "softsign": "NNlib.softsign.({x})",
            "silu": "NNlib.swish.({x})",
            "mish": "NNlib.mish.({x})",
            "gelu_tanh": "NNlib.gelu_tanh.({x})",
            "exp": "exp.({x})",
        },
    )


def theano_idiom() -> Idiom:
    """The idiom of Theano's expressions, which Lasagne's layers make, too."""
    return Idiom(
        "from theano import tensor",
        transpose="{x}.dimshuffle({axes})",
        reshape="{x}.reshape({shape})",
        join="tensor.concatenate([{parts}], {axis})",
        nothing="tensor.zeros({shape}, {x}.dtype)",
        symbols={"max": "tensor.maximum", "min": "tensor.minimum", "if": "tensor.switch"},
        activations={
            "relu": "tensor.nnet.relu({x})",
            "clip": "tensor.clip({x}, {0}, {1})",
            "leaky_relu": "tensor.nnet.relu({x}, {0})",
            "elu": "tensor.nnet.elu({x}, {0})",
            "selu": "tensor.nnet.selu({x})",
            "sigmoid": "tensor.nnet.sigmoid({x})",
            "tanh": "tensor.tanh({x})",
            "softplus": "tensor.nnet.softplus({x})",
            "exp": "tensor.exp({x})",
        },
        array="theano.shared({})",
        result="{}.eval()",
    )
