"""Conv, ConvTranspose, DepthwiseConv, SeparableConv: torch modules of any framework's meaning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Any, ClassVar

import torch
from torch import Tensor, nn
from torch.compiler import is_compiling
from torch.nn.parameter import UninitializedParameter

from uniconv._calls.epilogue import Plan
from uniconv._calls.kernel import KernelReading
from uniconv._calls.lower import lower
from uniconv._calls.stored import StoredKernel, kernel_of_layer, stored_kernel
from uniconv._canonical.arrays import shape_of, to_torch
from uniconv._canonical.layout import Layout, arrange, axes
from uniconv._canonical.precision import check, current, in_block
from uniconv._canonical.record import Shape
from uniconv._messages import show, show_shape
from uniconv.errors import BadOption, BadShape, UniconvError, from_one_frame
from uniconv.nn import torch_modules
from uniconv.nn.constructor import (
    count,
    kernel_rank,
    kernel_sizes,
    layer_function,
    named_sizes,
    own_words,
)
from uniconv.nn.initial import initialise
from uniconv.nn.shapes import unfit
from uniconv.spec.op import Op
from uniconv.spec.registry import find
from uniconv.spec.rules import REQUIRED
from uniconv.typing import Dialect

__all__ = [
    "Conv",
    "ConvTranspose",
    "DepthwiseConv",
    "Layer",
    "SeparableConv",
]

_MOST = 256
_PLAIN = (nn.Parameter, Tensor)


class Layer(nn.Module):
    """A convolution that holds its kernel as torch runs it fastest, and shows it as native."""

    KIND: ClassVar[str]
    SIZES: ClassVar[tuple[str, ...]] = ("in_channels", "out_channels", "kernel_size")
    WORDS: ClassVar[Mapping[str, str]] = {}
    in_channels: int | None
    out_channels: int | None
    multiplier: int
    weight: Tensor
    pointwise_weight: Tensor
    bias: Tensor | None

    if TYPE_CHECKING:  # torch says of its modules that they take and give anything

        def __call__(self, x: Tensor, **options: Any) -> Tensor: ...

    @from_one_frame
    def __init__(
        self,
        *sizes: int | Sequence[int] | None,
        dialect: Dialect = "pytorch",
        bias: bool = True,
        rank: int | None = None,
        precision: str | None = None,
        device: torch.device | str | None = None,
        dtype: torch.dtype | None = None,
        **options: Any,
    ) -> None:
        super().__init__()
        words = named_sizes(type(self).__name__, self.SIZES, sizes, options)
        rank_ = kernel_rank(dialect, words["kernel_size"], rank)
        self._op = op = layer_function(dialect, self.KIND, rank_)
        if not {"c", "o"} <= set(f"{op.layouts[0].x} {op.layouts[0].y}".split()):
            raise BadOption(f"{op.name} has no channels, so there is no layer of it: bind a kernel")
        words |= own_words(op, words, options)
        bias = bool(words.get("bias", bias))
        self.kernel_size = kernel_sizes(op, self._word("kernel_size"), words["kernel_size"], rank)
        self.in_channels = self._count("in_channels", words.get("in_channels"))
        self.multiplier = self._count("multiplier", words.get("multiplier", 1)) or 1
        self.out_channels = self._count("out_channels", words.get("out_channels"))
        if self.out_channels is None and "out_channels" in self.SIZES:
            raise BadOption(f"{op.name}: {self._word('out_channels')} is missing")
        for rule in op.inert_options:  # the kernel's size, where the function asks for it once more
            if rule.repeats_kernel and rule.default is REQUIRED:
                options.setdefault(rule.option, self.kernel_size)
        # Where a call reads the groups off the channels, the kernel's shape must be told them.
        groups = None if "groups" in op.rules else options.pop("groups", None)
        self._reading: KernelReading = kernel_of_layer(op, options, len(self.kernel_size))
        self._layout = self._reading.layout
        if groups is not None and not op.groups.shape_says(self._layout.w.split()):
            options["groups"] = groups  # which the function does not have
        self._groups = self._count("groups", groups) or 1
        self._precision = self._own_precision(precision, options)
        self._options = options
        self._kernel: StoredKernel | None = None
        self._plans: dict[Any, Plan] = {}
        unknown: Any = UninitializedParameter
        for name in ("weight", *(("pointwise_weight",) if op.pointwise else ())):
            self.register_parameter(name, unknown(device=device, dtype=dtype))
        self.register_parameter("bias", unknown(device=device, dtype=dtype) if bias else None)
        self._check_options()
        if self.in_channels is not None:
            self._materialize(self.in_channels)
            self.reset_parameters()

    def _word(self, name: str) -> str:
        """A size's name where the layer is made under its framework's own."""
        return self.WORDS.get(name, name)

    def _count(self, name: str, value: Any) -> int | None:
        return count(self._op, self._word(name), value)

    def _check_options(self) -> None:
        """Refuse what no input could make right, before any input is there."""
        op, own = self._op, self._options
        c = self.in_channels or max(self._group_count(None), 1) * 2
        shape = self._kernel_shape(c)
        stored_kernel(op, own, shape)
        crop = op.crop
        if crop and crop.shape and own.get(crop.shape, crop.shape_default) is not None:
            return  # only the sizes of one x fit that output
        size = tuple(9 * k for k in self.kernel_size)
        letters = {"n": 1, "c": c}
        points = (self._point_shape(c),) if op.pointwise else ()
        with suppress(BadShape):  # of another input, it may be right
            lower(op, own, arrange(self._layout.x, letters, size), shape, *points)

    def _group_count(self, c: int | None) -> int:
        return self._reading.group_count({"c": c or 1, "g": self._groups})

    def _kernel_shape(self, c: int) -> Shape:
        """The kernel's shape in the function's layout, for c input channels."""
        op, groups = self._op, self._group_count(c)
        o = self.out_channels if self.KIND in ("conv", "conv_transpose") else None
        o = c * self.multiplier if o is None else o
        for name, n in (("in_channels", c), ("out_channels", o)):
            if n % groups:
                what = self._word(name)
                raise BadOption(f"{op.name}: {what}={n} must be a multiple of {groups} groups")
        return self._reading.shape(c, o, groups, self.kernel_size)

    def _point_shape(self, c: int) -> Shape:
        assert self._op.pointwise is not None
        letters = {"i": c * self.multiplier, "o": self.out_channels or 1}
        return arrange(self._op.pointwise, letters, (1,) * len(self.kernel_size))

    def _materialize(self, c: int) -> None:
        """Make the parameters, now that the input channels are known."""
        self._kernel = kernel = stored_kernel(self._op, self._options, self._kernel_shape(c))
        self.in_channels = c
        if self.out_channels is None:
            self.out_channels = c * self.multiplier
        shapes = {"weight": kernel.stored_shape}
        if self._op.pointwise:
            shapes["pointwise_weight"] = self._point_shape(c)
        if self._parameters["bias"] is not None:
            shapes["bias"] = self._bias_shape()
        for name, shape in shapes.items():
            parameter = self._parameters[name]
            if isinstance(parameter, UninitializedParameter):
                parameter.materialize(shape)

    def _bias_shape(self) -> Shape:
        o = self.out_channels or 1
        if self._op.bias == "o":
            return (o,)
        return tuple(o if a == "o" else 1 for a in axes(self._layout.y, len(self.kernel_size)))

    def reset_parameters(self) -> None:
        """Draw kernel and bias as the framework does by default (see ``uniconv.nn.initial``)."""
        if self._kernel is None:
            return
        with torch.no_grad():
            kernels = {"weight": self.kernel}
            if self._op.pointwise:
                kernels["pointwise_weight"] = self.pointwise_kernel
            drawn, draw_bias = initialise(self._op, list(kernels.values()), self._group_count(None))
            self.weight.copy_(self._kernel.store(drawn[0]))
            if self._op.pointwise:
                self.pointwise_weight.copy_(drawn[1])
            if self.bias is not None:
                draw_bias(self.bias)

    @property
    def function(self) -> Op:
        """The function that the layer computes."""
        return self._op

    @property
    def options(self) -> dict[str, Any]:
        """The function's options, as they were given."""
        return dict(self._options)

    @property
    def layout(self) -> Layout:
        """The layouts of x, kernel and y."""
        return self._layout

    @property
    def stored_as(self) -> StoredKernel:
        """How ``weight`` holds the kernel."""
        if self._kernel is None:
            raise BadShape(f"{self._op.name}: in_channels is not known before the first input")
        return self._kernel

    def to_torch(self, size: tuple[int, ...] | None = None) -> nn.Module:
        """Plain torch.nn modules that compute the same: see ``uniconv.nn.to_torch``."""
        return torch_modules.to_torch(self, size)

    @property
    def kernel(self) -> Tensor:
        """The kernel in the function's own layout: a view of ``weight`` unless it is flipped.

        To set it, load it: ``module.load_state_dict({"kernel": w, "bias": b})``.
        """
        return self.stored_as.restore(self.weight)

    @property
    def pointwise_kernel(self) -> Tensor:
        """The 1x1 kernel of a separable convolution, in the function's own layout."""
        return self.pointwise_weight

    def forward(self, x: Tensor, **options: Any) -> Tensor:
        """y of x, both in the function's layout; options given here hold for this call."""
        if is_compiling():
            return self._one_call(x, options)
        try:
            if options:
                return self._one_call(x, options)
            try:
                run = self._plans[x.shape, current()]
            except (KeyError, TypeError, AttributeError):
                run = None
            if run is None:
                run = self._plan(x, self._options, self._precision, True)
            parameters = self._parameters
            weight: Tensor | None
            bias: Tensor | None
            try:
                weight, bias = parameters["weight"], parameters["bias"]
            except KeyError:  # parametrized, or pruned
                weight, bias = self.weight, self.bias
            if type(weight) not in _PLAIN:
                whole = self._in_parts(x, weight, bias, self._options, self._precision)
                if whole is not None:
                    return whole
            if self._op.pointwise:
                y: Tensor = run(x, weight, bias, self.pointwise_weight)
                return y
            return run(x, weight, bias)  # type: ignore[no-any-return]
        except UniconvError as error:  # without the frames inside
            raise error.with_traceback(None) from error.__cause__

    def _one_call(self, x: Tensor, options: dict[str, Any]) -> Tensor:
        precision = self._own_precision(options.pop("precision", None), options) or self._precision
        merged = self._options | options
        point = self.pointwise_weight if self._op.pointwise else None
        if is_compiling():
            from uniconv._calls.graph import prepared_in_graph

            if self._kernel is None:
                raise BadShape(f"{self._op.name}: run it once before it is compiled: it is lazy")
            arrays = (x, self.weight, self.bias, point)
            key = (merged, self._kernel.shape, precision, in_block())
            y: Tensor = prepared_in_graph(self._op.name, *arrays, *key)
            return y
        if type(self.weight) not in _PLAIN and self._kernel is not None:
            whole = self._in_parts(x, self.weight, self.bias, merged, precision)
            if whole is not None:
                return whole
        more = () if point is None else (point,)
        run = self._plan(x, merged, precision, False)
        return run(x, self.weight, self.bias, *more)  # type: ignore[no-any-return]

    def _in_parts(
        self, x: Tensor, weight: Any, bias: Any, options: dict[str, Any], precision: str | None
    ) -> Tensor | None:
        """y of a weight that several processes share; None where this one has all of it."""
        from uniconv.nn.sharded import in_parts, run_in_parts

        if not in_parts(weight):
            return None

        def run(x: Tensor, w: Tensor, bias: Tensor | None, length: int) -> Tensor:
            op, own, kernel = self._op, dict(options), self.stored_as
            groups = max(length * kernel.groups // (self.out_channels or 1), 1)
            if op.groups.option is not None:
                own[op.groups.option] = groups
            c = (self.in_channels or 1) * groups // kernel.groups
            shape = self._reading.shape(c, length, groups, self.kernel_size)
            part = stored_kernel(op, own, shape)
            plan = part.plan(op, own, tuple(x.shape), precision=precision)
            return plan(x, w, bias)  # type: ignore[no-any-return]

        return run_in_parts(self, x, weight, bias, options, run)

    def _own_precision(self, precision: Any, options: dict[str, Any]) -> str | None:
        """The layer's precision; where the function has an option of that name, it is that."""
        if precision is not None and "precision" in self._op.rules:
            options["precision"], precision = precision, None
        check(self._op.name, precision)
        return precision  # type: ignore[no-any-return]

    def _plan(
        self, x: Tensor, options: Mapping[str, Any], precision: str | None, keep: bool
    ) -> Plan:
        shape = shape_of(x, "x")
        if self._kernel is None:
            self._see(shape)
        assert self._kernel is not None
        points = (self._point_shape(self.in_channels or 1),) if self._op.pointwise else ()
        plan = self._kernel.plan(self._op, options, shape, *points, precision=precision)
        if keep and all(type(n) is int for n in shape):
            if len(self._plans) >= _MOST:
                self._plans.clear()
            self._plans[shape, current()] = plan
        return plan

    def _see(self, x_shape: Shape) -> None:
        """Take the input channels from the first input."""
        letters = axes(self._layout.x, len(self.kernel_size))
        batch = "n" in letters
        more = len(x_shape) - len(letters)  # batch axes besides the one of the pattern
        fewest, most = self._op.batch if batch else (0, 0)
        if not fewest <= more + batch <= most:
            raise BadShape(
                f"{self._op.name}: x {show_shape(x_shape)} read as {show(self._layout.x)} must "
                f"have {len(letters)} axes"
            )
        after = batch and letters.index("n") < letters.index("c")
        self._materialize(x_shape[letters.index("c") + more * after])
        self.reset_parameters()

    def extra_repr(self) -> str:
        op = self._op
        sizes = f"{self.in_channels or '?'} -> {self.out_channels or '?'}"
        parts = [op.name, f"channels={sizes}", f"kernel_size={self.kernel_size}"]
        parts += [f"multiplier={self.multiplier}"] if self.multiplier != 1 else []
        parts += [f"groups={self._groups}"] if self._groups != 1 else []
        changed = {n: v for n, v in self._options.items() if show(v) != show(op.default(n))}
        parts += [f"{name}={show(value)}" for name, value in changed.items()]
        parts += [f"precision={show(self._precision)}"] if self._precision else []
        parts += ["bias=False"] if self._parameters.get("bias", 1) is None else []
        return ", ".join(parts)

    # What is saved is in the function's layout, under names that the parameters do not have.

    def _save_to_state_dict(self, destination: Any, prefix: str, keep_vars: bool) -> None:
        own: dict[str, Any] = {}
        super()._save_to_state_dict(own, prefix, keep_vars)
        for name, saved in self._saved_names().items():
            stored = own.pop(prefix + name, None)
            if stored is not None:
                native = stored
                if name == "weight" and self._kernel is not None:
                    native = self._kernel.restore(stored)
                destination[prefix + saved] = native
        destination.update(own)

    def _load_from_state_dict(
        self,
        state_dict: Mapping[str, Any],
        prefix: str,
        local_metadata: Any,
        strict: bool,
        missing_keys: list[str],
        unexpected_keys: list[str],
        error_msgs: list[str],
    ) -> None:
        entries = {k: v for k, v in state_dict.items() if k.startswith(prefix)}
        saved_names = self._saved_names()
        for name, saved in saved_names.items():
            if name not in self._parameters:
                continue
            spellings = {saved, *self._spellings(name)} & {k[len(prefix) :] for k in entries}
            if len(spellings) > 1:
                both = " and ".join(sorted(spellings))
                error_msgs.append(f"{self._op.name}: {both} are one array; give one of them")
                return
            for spelling in spellings:
                array = entries.pop(prefix + spelling)
                try:
                    entries[prefix + name] = self._loaded(name, saved, array)
                except (BadShape, BadOption) as error:
                    error_msgs.append(str(error))
                    return
        if (bias := entries.get(prefix + "bias")) is not None and not isinstance(bias, Tensor):
            entries[prefix + "bias"] = to_torch(bias, "cpu")
        missing: list[str] = []
        super()._load_from_state_dict(
            entries, prefix, local_metadata, strict, missing, unexpected_keys, error_msgs
        )
        own = {prefix + name: prefix + saved for name, saved in saved_names.items()}
        missing_keys += [own.get(key, key) for key in missing]

    def _saved_names(self) -> dict[str, str]:
        if self._op.pointwise:
            return {"weight": "depthwise_kernel", "pointwise_weight": "pointwise_kernel"}
        return {"weight": "kernel"}

    def _spellings(self, name: str) -> tuple[str, ...]:
        """The function's own names of the array, which are loaded too."""
        return self._op.array_names("w" if name == "weight" else "p")

    def _loaded(self, name: str, saved: str, array: Any) -> Tensor:
        """A native kernel as it is stored; BadShape names the axes that do not fit."""
        w = array if isinstance(array, Tensor) else to_torch(array, "cpu")
        shape = tuple(w.shape)
        pattern = self._layout.w if name == "weight" else str(self._op.pointwise)
        letters = axes(pattern, len(self.kernel_size))
        if self._kernel is None and len(shape) == len(letters):
            sizes = dict(zip(letters, shape))
            c = sizes["c"] if "c" in sizes else sizes.get("i", 1) * self._group_count(None)
            self._materialize(c)
            self.reset_parameters()
        must = self._kernel.shape if self._kernel else None
        if name != "weight":
            must = self._point_shape(self.in_channels or 1)
        if must is not None and shape != must:
            raise BadShape(unfit(self._op.name, saved, pattern, shape, must))
        return self._kernel.store(w) if name == "weight" and self._kernel else w.contiguous()

    # Plans are closures, and a function is found again by its name.

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_op": self._op.name, "_plans": {}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state | {"_op": find(state["_op"])})  # type: ignore[no-untyped-call]


class Conv(Layer):
    """A convolution layer in a framework's conventions: ``Conv(in, out, kernel_size, ...)``.

    ======  ==========================================================================
    x       in the function's layout: ``n ... c`` for keras, ``n c ...`` for pytorch
    kernel  in the function's layout: ``... i o`` for keras, ``o i ...`` for pytorch
    y       as x, with out_channels; sizes as those of ``uniconv.conv``
    ======  ==========================================================================

    The constructor has one form for every framework, and the options are the framework's own; its
    layers under their own names are in ``uniconv.nn.keras``, ``.flax``, ``.pytorch`` and others.

    Args:
        in_channels, out_channels, kernel_size: counts; in_channels=None takes them from the first
            input; the kernel size in pixels, one for all axes or one per axis.  Where the
            framework's layer has words of its own for them (Keras's ``filters``, Flax's
            ``features``), these are taken too.
        dialect: a family, which means its layer (``torch.nn.Conv2d`` for "pytorch"), or a function.
        bias: whether a bias is added (default True); also under the framework's word, use_bias.
        rank: spatial axes where the kernel size is one number (default 2).
        groups: of a function that reads them off the channels (tf), the channel groups (default 1).
        precision: "ieee", "tf32" or "framework", as ``uniconv.precision`` around every call.  Where
            the function has an option of that name (Flax), it is that option.
        device, dtype: of the parameters.
        options: the function's own keywords, with its own words, forms and defaults.

    ``weight`` is the kernel as torch runs it fastest, ``kernel`` the same in the function's layout;
    ``state_dict`` holds ``kernel`` and ``bias``, and a kernel of the framework loads verbatim.

    Raises:
        the errors of ``uniconv.conv``: those of options here, those of shapes in forward.

    >>> layer = Conv(1, 1, kernel_size=(3,), dialect="knet.conv4", bias=False)
    >>> kernel = torch.tensor([1.0, 10, 100]).reshape(3, 1, 1)
    >>> layer.load_state_dict({"kernel": kernel})
    <All keys matched successfully>
    >>> layer(torch.tensor([1.0, 2, 3, 4]).reshape(4, 1, 1)).flatten().tolist()
    [123.0, 234.0]
    >>> Conv(None, 64, 3, strides=2, padding="SAME", dialect="keras")
    Conv(keras.layers.Conv2D, channels=? -> 64, kernel_size=(3, 3), strides=2, padding="SAME")

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """

    KIND = "conv"


class ConvTranspose(Layer):
    """A transposed convolution layer: ``ConvTranspose(in, out, kernel_size, ...)``.

    Arguments, parameters and errors are those of ``Conv``.  A function that asks for output_shape
    (tf) takes it here, or for one call: ``layer(x, output_shape=(2, 9, 9, 3))``.

    >>> layer = ConvTranspose(1, 1, kernel_size=(3,), stride=2, bias=False)
    >>> layer.load_state_dict({"weight": torch.tensor([[[1.0, 10, 100]]])})
    <All keys matched successfully>
    >>> layer(torch.tensor([[[1.0, 2, 3]]])).flatten().tolist()
    [1.0, 10.0, 102.0, 20.0, 203.0, 30.0, 300.0]
    """

    KIND = "conv_transpose"


class DepthwiseConv(Layer):
    """A depthwise convolution layer: ``DepthwiseConv(in, kernel_size, multiplier=1)``.

    Every input channel has ``multiplier`` kernels of its own; the rest is as for ``Conv``.

    >>> layer = DepthwiseConv(2, (1, 1), multiplier=2, dialect="keras", bias=False)
    >>> kernel = torch.tensor([1.0, 10, 100, 1000]).reshape(1, 1, 2, 2)
    >>> layer.load_state_dict({"kernel": kernel})
    <All keys matched successfully>
    >>> layer(torch.tensor([1.0, 2]).reshape(1, 1, 1, 2)).flatten().tolist()
    [1.0, 10.0, 200.0, 2000.0]
    """

    KIND = "depthwise_conv"
    SIZES = ("in_channels", "kernel_size")


class SeparableConv(Layer):
    """A depthwise convolution, then a 1x1 one: ``SeparableConv(in, out, kernel_size, ...)``.

    Arguments are those of ``DepthwiseConv`` and ``Conv``; the state holds ``depthwise_kernel`` and
    ``pointwise_kernel``.

    >>> layer = SeparableConv(2, 1, (1, 1), multiplier=2, dialect="keras", bias=False)
    >>> depthwise = torch.tensor([1.0, 10, 100, 1000]).reshape(1, 1, 2, 2)
    >>> pointwise = torch.tensor([1.0, 2, 3, 4]).reshape(1, 1, 4, 1)
    >>> state = {"depthwise_kernel": depthwise, "pointwise_kernel": pointwise}
    >>> layer.load_state_dict(state)
    <All keys matched successfully>
    >>> layer(torch.tensor([1.0, 2]).reshape(1, 1, 1, 2)).item()
    8621.0
    """

    KIND = "separable_conv"
