"""which_layout: in whose layout a kernel lies, as far as its sizes and what is known can tell.

A kernel's axes are its output channels o, its input channels i and the spatial ones.  Six orders
keep the spatial axes in a row; an order fits a kernel where the sizes that it gives o and i are
those that the model, the image or the user has.  Kernels of one network lie in one order, so each
of them rules orders out for all; what is then left is told, never guessed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any, NamedTuple, SupportsIndex

from torch import nn

from uniconv._calls.plan import plan
from uniconv._canonical.arrays import to_torch
from uniconv._canonical.layout import axes
from uniconv._canonical.record import Shape
from uniconv._messages import show_shape
from uniconv._weights.training import left_by_training
from uniconv.errors import BadArray, BadOption, BadShape, from_one_frame
from uniconv.spec.registry import find, frameworks, main
from uniconv.typing import Dialect

ORDERS = ("o i ...", "... i o", "o ... i", "i o ...", "... o i", "i ... o")
_LETTERS = {1: "W", 2: "HW", 3: "DHW"}


class KernelSizes(NamedTuple):
    """What a model has: output channels, input channels of one group, spatial sizes, groups."""

    o: int
    i: int
    spatial: Shape
    groups: int = 1


@dataclass(frozen=True, slots=True)
class KernelOrder:
    """The orders of axes that fit, most usual first; str() says them, with who has them so.

    ``decides`` is what would tell several orders apart, "" where they read the same numbers: a
    kernel (4, 1, 1, 1) is one array as OIHW and as OHWI.
    ``left_out`` is what training left among the arrays, by name: no kernels of the network.

    >>> str(which_layout((64, 3, 3, 16), x_channels=16, o=64))
    'OHWI (mlx, tflite, torch7)'
    """

    orders: tuple[str, ...]
    rank: int
    decides: str = ""
    left_out: Mapping[str, str] = field(default_factory=dict, repr=False, compare=False)

    @property
    def ambiguous(self) -> bool:
        """Whether orders fit that read the kernels differently."""
        return bool(self.decides)

    @property
    def names(self) -> tuple[str, ...]:
        """The orders as capital letters: "HWIO"."""
        return tuple(_name(order, self.rank) for order in self.orders)

    def __str__(self) -> str:
        words = [f"{name} ({_users(order)})" for name, order in zip(self.names, self.orders)]
        if not self.ambiguous:
            same = ", which are one in these sizes" if len(words) > 1 else ""
            return " or ".join(words) + same
        return f"ambiguous: {' or '.join(words)}; {self.decides}"


@from_one_frame
def which_layout(
    w: Any,
    *,
    x_channels: int | None = None,
    o: int | None = None,
    groups: int = 1,
    like: Any = None,
    x: Any = None,
    y: Any = None,
    dialect: Dialect = "pytorch",
    options: Mapping[str, Any] | None = None,
) -> KernelOrder:
    """In which order a kernel's axes lie: "HWIO (tf, keras, flax)", or which ones are possible.

    Args:
        w: a kernel of 3 to 5 axes (an array or its shape), or the kernels of one network by name,
            which lie in one order; arrays of fewer axes among them are passed over, and so are
            slots of optimizers and what else training left.
        x_channels, o: the channels of the input and of the output, where they are known.
        groups: the channel groups (default 1); a depthwise kernel has as many as channels.
        like: the model that the kernels belong to: a torch module (on any device, "meta" too), or
            shapes by name (or in a list) as PyTorch has them, (o, i, ...).
        x, y: one input and output of the layer, in the layout of ``dialect``, which then decides.
        dialect, options: the function that made y, and its options.

    Raises:
        BadArray: no kernel among the arrays, or x without y.
        BadShape: no order of axes fits.
        BadOption: nothing is known that the sizes could be held against.

    A first layer of 3 x 3 on RGB is 3 x 3 x 3 x 64 in more than one order; the channels decide:

    >>> which_layout((64, 3, 3, 3), x_channels=3, o=64).names
    ('OIHW', 'OHWI')
    >>> which_layout({"a": (64, 3, 3, 3), "b": (8, 3, 3, 64)}, like=[(64, 3, 3, 3), (8, 64, 3, 3)])
    KernelOrder(orders=('o ... i',), rank=2, decides='')

    Source: the layouts of each function's spec, as ``uniconv show NAME`` prints them.
    """
    arrays = w if isinstance(w, Mapping) else {"": w}
    left = _left_by_training(arrays)
    kernels = _kernels(arrays, left)
    if not kernels:
        raise BadArray("there is no kernel: none of the arrays has 3 to 5 axes")
    shapes = [_shape(kernel) for kernel in kernels]
    fits = _fit(shapes, x_channels, o, groups, like)
    orders = _common(shapes, fits)
    rank = len(shapes[0]) - 2
    if (x is None) != (y is None):
        raise BadArray("x and y decide together: give both, or neither")
    if x is not None and len(orders) > 1:
        orders = _computed(kernels[0], orders, x, y, dialect, dict(options or {}))
    readings = {tuple(_reading(order, shape) for shape in shapes) for order in orders}
    decides = "one input and output of the layer decide: give x= and y="
    return KernelOrder(orders, rank, decides if len(readings) > 1 else "", left)


def _kernels(arrays: Mapping[Any, Any], left: Mapping[str, str]) -> list[Any]:
    """The kernels among arrays or shapes by name, without what training left."""
    return [a for name, a in arrays.items() if str(name) not in left and _is_kernel(_shape(a))]


def _left_by_training(arrays: Mapping[Any, Any]) -> dict[str, str]:
    """What training left among arrays or shapes by name, each with what it is."""
    return left_by_training({str(name): _shape(a) for name, a in arrays.items()})


def _shape(a: Any) -> Shape:
    """The shape of an array, or the shape that stands for one."""
    return tuple(getattr(a, "shape", a))


def _is_kernel(shape: Shape) -> bool:
    """Whether these are the sizes of a kernel's axes."""
    return 3 <= len(shape) <= 5 and all(isinstance(n, SupportsIndex) for n in shape)


Fit = Callable[[KernelSizes, bool], bool]


def _fit(
    shapes: Sequence[Shape], x_channels: int | None, o: int | None, groups: int, like: Any
) -> Fit:
    """What tells whether sizes are right; depthwise kernels may be read with i and o exchanged."""
    if like is None and x_channels is None and o is None:
        raise BadOption("nothing is known of the layer: give x_channels=, o= or like=")
    sizes_in_model = None if like is None else {sizes[:3] for sizes in _model_sizes(like)}
    i = None if x_channels is None else x_channels // groups

    def fit(sizes: KernelSizes, as_depthwise: bool) -> bool:
        """Whether these sizes are among what is known."""
        readings = (sizes, _depthwise(sizes)) if as_depthwise else (sizes,)
        in_model = sizes_in_model is None or any(
            reading[:3] in sizes_in_model for reading in readings
        )
        return in_model and i in (None, sizes.i) and o in (None, sizes.o)

    return fit


def _depthwise(sizes: KernelSizes) -> KernelSizes:
    """A kernel ``... c m`` read as ``... i o`` is one of c * m outputs, each of one input."""
    return KernelSizes(sizes.i * sizes.o, 1, sizes.spatial)


def _common(shapes: Sequence[Shape], fit: Fit) -> tuple[str, ...]:
    """The orders that fit every kernel: without, else with depthwise kernels as ``... c m``."""
    for as_depthwise in (False, True):
        orders = tuple(
            order
            for order in ORDERS
            if all(fit(_sizes(order, shape), as_depthwise) for shape in shapes)
        )
        if orders:
            return orders
    words = ", ".join([*map(show_shape, shapes[:4]), *(["..."] if len(shapes) > 4 else [])])
    raise BadShape(
        f"no order of axes fits the kernels {words}: they are not "
        "those of this layer or model, or their axes were reshaped, not transposed"
    )


def _sizes(order: str, shape: Shape) -> KernelSizes:
    """The sizes of a kernel whose axes lie in that order."""
    rank = len(shape) - 2
    by_letter = dict(zip(axes(order, rank), shape))
    return KernelSizes(
        by_letter["o"], by_letter["i"], tuple(by_letter[f"s{k}"] for k in range(rank))
    )


def _reading(order: str, shape: Shape) -> tuple[KernelSizes, tuple[str, ...]]:
    """What an order makes of a kernel: its sizes, and how its axes of more than one entry lie."""
    letters = axes(order, len(shape) - 2)
    return _sizes(order, shape), tuple(a for a, size in zip(letters, shape) if size != 1)


def _model_sizes(like: Any) -> list[KernelSizes]:
    """The kernels of a model: of a torch module, or of shapes (o, i, ...)."""
    if isinstance(like, nn.Module):
        return [s for module in like.modules() for s in _module_sizes(module)]
    arrays = like if isinstance(like, Mapping) else dict(enumerate(like))
    shapes = map(_shape, _kernels(arrays, _left_by_training(arrays)))
    return [KernelSizes(shape[0], shape[1], shape[2:]) for shape in shapes]


def _module_sizes(module: nn.Module) -> Iterable[KernelSizes]:
    """The kernel of one layer of a model."""
    weight: Any = getattr(module, "weight", None)
    shape = () if weight is None else _shape(weight)
    if isinstance(module, (nn.Conv1d, nn.Conv2d, nn.Conv3d)):
        yield KernelSizes(shape[0], shape[1], shape[2:], module.groups)
    elif isinstance(module, (nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)):
        # torch holds it as i o ..., which a file of the same framework does, too.
        yield KernelSizes(shape[0], shape[1], shape[2:], module.groups)


def _computed(
    w: Any,
    orders: Sequence[str],
    x: Any,
    y: Any,
    dialect: str,
    options: dict[str, Any],
) -> tuple[str, ...]:
    """The orders by which the layer makes y of x, up to rounding."""
    kernel = to_torch(w, "cpu").double()
    op = main(dialect, "conv", kernel.ndim)
    rank = kernel.ndim - 2
    image = to_torch(x, "cpu").double()
    target = to_torch(y, "cpu").double()
    right = []
    for order in orders:
        letters = axes(order, rank)
        native = kernel.permute([letters.index(a) for a in axes(op.layouts[0].w, rank)])
        try:
            result = plan(op, options, tuple(image.shape), tuple(native.shape))(image, native)
        except BadShape:  # these channels are not those of x
            continue
        if result.shape == target.shape:
            scale = float(target.abs().max()) or 1.0
            if float((result - target).abs().max()) <= 1e-3 * scale:
                right.append(order)
    if not right:
        raise BadShape("by no order of the kernel's axes does the layer make this y of this x")
    return tuple(right)


def _name(order: str, rank: int) -> str:
    """``... i o`` of two spatial axes as HWIO."""
    return order.replace("...", _LETTERS[rank]).replace(" ", "").upper()


@cache
def _users(order: str) -> str:
    """The frameworks whose convolution has its kernel so."""
    names = [
        name
        for name, framework in frameworks().items()
        for by_rank in [framework.main.get("conv", {})]
        if any(find(function).layouts[0].w == order for function in by_rank.values())
    ]
    if not names:
        return "the transposed convolutions of some" if order in ("i o ...", "... o i") else "none"
    return ", ".join(names)


__all__ = ["KernelOrder", "which_layout"]
