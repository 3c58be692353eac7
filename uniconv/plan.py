"""Plans: a lowered call as one callable on tensors, built once and cached.

A plan holds permutations, pads, groups and the chosen path, all functions of the function, its
options and the shapes; so that is the key, without dtype, device or strides.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import torch
from einops import rearrange
from torch import Tensor, permute

from uniconv.arrays import like, to_torch
from uniconv.canonical import Conv, Sizes
from uniconv.dialect import COMPLEX, FLOATS, INTEGERS, Op
from uniconv.errors import BadArray, BadOption, BadShape, UniconvWarning
from uniconv.execute import Packing, Runner, exact, runner
from uniconv.layout import axes, kernel_order, order, regrouping
from uniconv.lower import Call, Shape, lower, show_shape
from uniconv.rules import either, show

Plan = Callable[..., Any]
Convolver = Callable[[Tensor, Tensor, "Tensor | None"], Tensor]
PLANS: dict[Any, Plan] = {}
PRECISIONS = ("ieee", "tf32", "framework")
_MOST = 4096
_DIRECT = (torch.float32, torch.float64, torch.bfloat16, torch.float16)  # every function has them
_DTYPES = {getattr(torch, name): name for name in (*FLOATS, *INTEGERS, *COMPLEX)}


def plan(op: Op, options: Mapping[str, Any], *shapes: Shape) -> Plan:
    """The plan of a native call: a function (x, w, bias=None, pointwise=None, addend=None) -> y."""
    options, precision = split_precision(op, options)
    call = lower(op, options, *shapes)
    for text in call.warnings:
        warnings.warn(text, UniconvWarning, stacklevel=2)
    return build(call, precision)


def refuse_in_graph(op: Op, options: Mapping[str, Any]) -> None:
    """A graph keeps no setting of the process: raise BadOption where one is asked for."""
    precision = split_precision(op, options)[1]
    if precision is not None:
        raise BadOption(
            f"{op.name}: precision={show(precision)} cannot be set inside a compiled graph: set "
            f"torch.backends.cudnn.conv.fp32_precision = {show(precision)} before it runs"
        )


def split_precision(op: Op, options: Mapping[str, Any]) -> tuple[dict[str, Any], str | None]:
    """The function's own options, and what ``precision`` asks of cuDNN: None leaves its setting."""
    own = dict(options)
    value = own.get("precision")
    if "precision" not in own or ("precision" in op.rules and value not in PRECISIONS):
        return own, None
    if value not in PRECISIONS:
        listed = either(map(show, PRECISIONS))
        raise BadOption(f"{op.name}: precision={show(value)} must be {listed}")
    del own["precision"]
    if value == "framework":
        return own, None
    if not hasattr(torch.backends.cudnn, "conv"):
        raise BadOption(
            f"{op.name}: precision={show(value)} needs torch.backends.cudnn.conv.fp32_precision, "
            f"which torch {torch.__version__} does not have"
        )
    return own, value


def planned(
    op: Op, head: tuple[Any, ...], options: Mapping[str, Any], shapes: Sequence[Shape]
) -> tuple[Plan, Any]:
    """The plan of a call, remembered under (head, shapes, options), and the addend among these."""
    addend = None
    if op.addend and op.addend[0] in options:
        options = dict(options)
        addend = options.pop(op.addend[0])
    if not all(type(n) is int for shape in shapes for n in shape):
        return plan(op, options, *shapes), addend  # sizes are symbols: arithmetic, no dictionary
    key = (*head, *shapes, *options, *map(frozen, options.values()))
    try:
        return PLANS[key], addend
    except KeyError:
        made = plan(op, options, *shapes)
        remember(key, made)
        return made, addend
    except TypeError:  # an option that cannot be part of a key: its rule will say so
        return plan(op, options, *shapes), addend


def remember(key: Any, made: Plan) -> None:
    """Keep a plan; the cache is emptied when it is full.

    1, True and 1.0 are one key: after a call with 1, True means 1 without being refused.
    """
    if len(PLANS) >= _MOST:
        PLANS.clear()
    PLANS[key] = made


def traced_as(function: Callable[..., Any], compiled: Callable[..., Any]) -> None:
    """Let torch.compile trace ``compiled`` for ``function``, which looks sizes up in a dictionary.

    torch marks its own wrappers so (torch/_dynamo/eval_frame.py); asking is_compiling() in every
    call instead costs 2 % of a small one.
    """
    function._torchdynamo_inline = compiled  # type: ignore[attr-defined]


def frozen(value: Any) -> Any:
    """A list as a tuple, all the way down, so that it can be part of a key."""
    if type(value) in (int, str):
        return value
    if isinstance(value, (list, tuple)):
        return tuple(map(frozen, value))
    return frozen(value.tolist()) if hasattr(value, "tolist") else value


def build(call: Call, precision: str | None = None, packed: Packing | None = None) -> Plan:
    """Compose layouts, execution and the epilogue of one lowered call."""
    op, layout, rank = call.op, call.layout, call.rank
    # Julia's memory runs backwards: with its axes reversed it is read without a copy.
    turned = range(rank)[::-1] if layout.column_major else range(rank)
    spatial = [f"s{i}" for i in turned]
    transposed = op.kind == "conv_transpose" or max(call.conv.lhs_dilation) > 1
    unit = rank == 1 and layout.x.endswith("c")  # channels last in 1-D: as one row of two axes
    conv, sizes, parts = call.conv, call.sizes, call.conv.batch_groups
    if parts > 1:  # parts of the batch are groups of channels
        conv = replace(conv, groups=parts, batch_groups=1)
        batch = tuple(n // parts for n in sizes.batch)
        sizes = replace(sizes, batch=batch, c=sizes.c * parts)
    run = _runner(conv.reordered(turned), sizes, turned, unit, transposed, precision, packed)

    head = ("n",) if call.sizes.batch else ()  # torch takes x without a batch axis, too
    wanted = ("c", "m") if transposed else ("o", "i")
    # The axes of size 1 that a pattern leaves out follow the others.
    x_axes, no_c = completed(_axes(layout.x, call), ("c",))
    y_axes, no_o = completed(_axes(layout.y, call), ("o",))
    src, no_kernel_axes = completed(axes(layout.w, rank), (*wanted, *spatial))
    enter = order(x_axes, (*head, "c", *spatial))
    leave = order((*head, "o", *spatial), y_axes)
    dst, groups = (*wanted, *spatial), conv.groups
    kernel = kernel_order(src, dst, groups)
    regrouped = regrouping(src, dst)

    def convolver(run: Runner) -> Convolver:
        """From native x and w to native y."""
        compute, args = run
        batch = call.sizes.batch
        many = len(batch) > 1
        at, to = (letters.index("n") if many else 0 for letters in (x_axes, y_axes))

        def convolve(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
            w = permute(w, kernel) if kernel else rearrange(w, regrouped, g=groups)
            x = x.flatten(at, at + len(batch) - 1) if many else x
            x = permute(x, enter)
            if parts > 1:
                x = x.reshape(parts, -1, *x.shape[1:]).transpose(0, 1).flatten(1, 2)
            y = permute(compute(x, w, bias, *args), leave)
            return y.reshape(*y.shape[:to], *batch, *y.shape[to + 1 :]) if many else y

        return convolve

    def with_axes(convolve: Convolver) -> Convolver:
        """The same for arrays without channel axes."""
        if not (no_c or no_kernel_axes or no_o):
            return convolve

        def channelled(x: Tensor, w: Tensor, bias: Tensor | None) -> Tensor:
            x = x.reshape(*x.shape, *no_c)
            y = convolve(x, w.reshape(*w.shape, *no_kernel_axes), bias)
            return y.squeeze(-1) if no_o else y

        return channelled

    whole, integers = with_axes(convolver(run)), with_axes(convolver(exact(run)))
    full = _checked(call, whole, integers, precision)
    if no_c or no_kernel_axes or no_o or parts > 1:
        return full
    if kernel and len(call.sizes.batch) <= 1 and _is_plain(call):
        return _swift(run, full, enter, kernel, leave)
    return full


def _swift(
    run: Runner, full: Plan, enter: tuple[int, ...], kernel: tuple[int, ...], leave: tuple[int, ...]
) -> Plan:
    """The common call in one Python frame: what torch refuses here, ``full`` does or explains.

    Torch refuses two dtypes or devices itself, but for a meta kernel: its values are noise.
    """
    compute, args = run
    dtypes = _DIRECT

    def moved(x: Any, w: Any, bias: Any = None) -> Any:
        try:
            if x.dtype in dtypes and not w.is_meta and (bias is None or not bias.is_meta):
                y = compute(permute(x, enter), permute(w, kernel), bias, *args)
                return permute(y, leave)
        except (RuntimeError, TypeError, AttributeError):
            pass
        return full(x, w, bias)

    def moved_at_defaults(x: Any, w: Any, bias: Any = None) -> Any:  # unpacking nothing costs 2 %
        try:
            if x.dtype in dtypes and not w.is_meta and (bias is None or not bias.is_meta):
                return permute(compute(permute(x, enter), permute(w, kernel), bias), leave)
        except (RuntimeError, TypeError, AttributeError):
            pass
        return full(x, w, bias)

    def unmoved(x: Any, w: Any, bias: Any = None) -> Any:
        try:
            if x.dtype in dtypes and not w.is_meta and (bias is None or not bias.is_meta):
                return compute(x, w, bias, *args)
        except (RuntimeError, TypeError, AttributeError):
            pass
        return full(x, w, bias)

    if enter == kernel == leave == tuple(range(len(enter))):
        return unmoved
    return moved if args else moved_at_defaults


def _is_plain(call: Call) -> bool:
    """Whether nothing but the bias follows the sum."""
    op = call.op
    kept = not (op.addend or op.pointwise or op.outer or op.result)
    return call.scale == 1 and call.shift == 0 and kept and op.bias == "o"


def _checked(
    call: Call, convolve: Convolver, convolve_integers: Convolver, precision: str | None
) -> Plan:
    """The plan with its checks of dtype, device and bias, and with what follows the sum."""
    op, scale = call.op, call.scale
    bias_shape = _bias_shape(call)
    plain = _is_plain(call)

    def full(x: Any, w: Any, bias: Any = None, pointwise: Any = None, addend: Any = None) -> Any:
        if not (isinstance(x, Tensor) and isinstance(w, Tensor)):
            device = x.device if isinstance(x, Tensor) else None
            arrays = (w, bias, pointwise, addend)
            rest = (None if a is None else to_torch(a, device) for a in arrays)
            return like(full(to_torch(x), *rest), x)
        bias, pointwise, addend = (
            a if a is None or isinstance(a, Tensor) else to_torch(a, x.device)
            for a in (bias, pointwise, addend)
        )
        x, w, bias = _agree(call, x, w, bias)
        if op.outer and pointwise is not None:
            _agree(call, x, pointwise, None)
            w, pointwise = _product(op, w, pointwise), None
        if op.result is not None:
            result = getattr(torch, op.result)
            x, w = (_shifted(call, a, n).to(result) for a, n in zip((x, w), call.offsets))
        if bias is not None and tuple(bias.shape) != bias_shape:
            raise BadShape(f"{op.name}: bias {show_shape(bias.shape)} must be {bias_shape}")
        compute = convolve if x.is_floating_point() or x.is_complex() else convolve_integers
        if plain:
            return compute(x, w, bias)
        y = compute(x, w, None)
        if pointwise is not None:
            y = _point(call, y, pointwise, precision)
        if scale != 1:
            y = _scaled(op, y, scale)
        if addend is not None and call.addend_scale != 0:
            y = y + _addend(call, y, addend)
        if call.shift != 0:
            y = y + call.shift
        # Autocast leaves y with fewer bits than the bias.
        return y if bias is None else y + _along_channels(call, bias).to(y.dtype)

    return full


def _product(op: Op, w: Tensor, p: Tensor) -> Tensor:
    """The kernel that two vectors make, its axes in order."""
    assert op.outer is not None
    return torch.outer(w, p) if op.outer == tuple(sorted(op.outer)) else torch.outer(p, w)


def _shifted(call: Call, a: Tensor, zero: Any) -> Tensor:
    """An array of small integers less its zero point, in more bits."""
    info = torch.iinfo(a.dtype)
    if not info.min <= zero <= info.max:
        dtype = str(a.dtype).removeprefix("torch.")
        raise BadArray(f"{call.op.name}: the zero point {zero} is no {dtype}")
    shifted: Tensor = a.to(torch.int32) - zero
    return shifted


def _agree(
    call: Call, x: Tensor, w: Tensor, bias: Tensor | None
) -> tuple[Tensor, Tensor, Tensor | None]:
    """Tensors of one device and of a dtype that the function takes."""
    op = call.op
    arrays = [a for a in (x, w, bias) if a is not None]
    for a in arrays:
        if a.layout is not torch.strided or a.is_nested:
            kind = "nested" if a.is_nested else str(a.layout).removeprefix("torch.")
            raise BadArray(f"{op.name}: a tensor is {kind}; dense ones are convolved: x.to_dense()")
    for a in arrays[1:]:
        if a.device != x.device:
            raise _different_devices(op, x, a)
    if x.device.type != "meta" and torch.is_autocast_enabled(x.device.type):
        return x, w, bias
    dtypes = [a.dtype for a in arrays]
    for dtype in dtypes:
        _check_dtype(call, dtype)
    if len(set(dtypes)) > 1:
        if not op.mixed:
            names = ", ".join(str(d).removeprefix("torch.") for d in dtypes)
            raise BadArray(
                f"{op.name}: x, w{', bias' * (bias is not None)} are {names}; "
                f"{op.title} takes one dtype: convert one of them"
            )
        common = _weight_dtype(call, x, w, bias) if op.mixed == "w" else dtypes[0]
        for other in dtypes[1:] if op.mixed is True else ():
            common = torch.promote_types(common, other)
        x, w = x.to(common), w.to(common)
        bias = bias.to(common) if bias is not None else None
    return x, w, bias


def _weight_dtype(call: Call, x: Tensor, w: Tensor, bias: Tensor | None) -> torch.dtype:
    """The dtype of w, which x and the bias are converted to."""
    for name, a in (("x", x), ("bias", bias)):
        if a is not None and not torch.can_cast(a.dtype, w.dtype):
            had, wanted = (str(t.dtype).removeprefix("torch.") for t in (a, w))
            raise BadArray(
                f"{call.op.name}: {name} is {had}; {call.op.title} converts it to w's dtype, and "
                f"{wanted} cannot hold it: convert one of them"
            )
    return w.dtype


def _check_dtype(call: Call, dtype: torch.dtype) -> None:
    taken = call.op.dtypes_of(call.rank)
    if _DTYPES.get(dtype) not in taken:
        got = str(dtype).removeprefix("torch.")
        raise BadArray(f"{call.op.name}: dtype {got} is not one of {', '.join(taken)}")


def _different_devices(op: Op, x: Tensor, w: Tensor) -> BadArray:
    return BadArray(f"{op.name}: x is on {x.device}, w or bias on {w.device}; move them together")


def _scaled(op: Op, y: Tensor, scale: Any) -> Tensor:
    try:
        scaled: Tensor = y * scale
    except (OverflowError, RuntimeError):
        scaled = y.new_empty(0, dtype=torch.bool)
    if scaled.dtype is not y.dtype:  # Julia: InexactError
        dtype = str(y.dtype).removeprefix("torch.")
        raise BadArray(f"{op.name}: {dtype} cannot hold a result scaled by {scale}")
    return scaled


def _addend(call: Call, y: Tensor, addend: Tensor) -> Tensor:
    """beta * z, whose z has y's shape."""
    op = call.op
    assert op.addend is not None
    name = op.addend[0]
    if tuple(addend.shape) != tuple(y.shape):
        has = show_shape(addend.shape)
        raise BadShape(f"{op.name}: {name} {has} must have y's shape {show_shape(y.shape)}")
    if addend.device != y.device:
        raise _different_devices(op, y, addend)
    _check_dtype(call, addend.dtype)
    scaled: Tensor = addend * call.addend_scale
    return scaled


def _bias_shape(call: Call) -> Shape:
    if call.op.bias == "o":
        return (call.o,)
    return tuple(call.o if a == "o" else 1 for a in axes(call.layout.y, call.rank))


def _along_channels(call: Call, bias: Tensor) -> Tensor:
    """The bias with y's axes: 1 everywhere but on the channels."""
    if call.op.bias == "y":
        return bias
    return bias.reshape([-1 if a == "o" else 1 for a in _axes(call.layout.y, call)])


def _point(call: Call, y: Tensor, pointwise: Tensor, precision: str | None) -> Tensor:
    """The 1x1 convolution of a separable one, on y in the native layout."""
    assert call.op.pointwise is not None
    assert call.pointwise is not None
    conv, sizes = call.pointwise
    lowered = y.device.type != "meta" and torch.is_autocast_enabled(y.device.type)
    if pointwise.dtype is not y.dtype and not lowered:
        names = " and ".join(str(a.dtype).removeprefix("torch.") for a in (y, pointwise))
        raise BadArray(
            f"{call.op.name}: x and the pointwise kernel are {names}; "
            f"{call.op.title} takes one dtype: convert one of them"
        )
    _agree(call, y, pointwise, None)
    spatial = [f"s{i}" for i in range(call.rank)]
    into = order(axes(call.layout.y, call.rank), ("n", "o", *spatial))
    back = order(("n", "o", *spatial), axes(call.layout.y, call.rank))
    kernel = order(axes(call.op.pointwise, call.rank), ("o", "i", *spatial))
    sizes = replace(sizes, size=call.conv.output(call.sizes.size, call.sizes.kernel))
    run = runner(conv, sizes, transposed=False, precision=precision)
    return permute(run(permute(y, into), permute(pointwise, kernel), None), back)


def _runner(
    conv: Conv,
    sizes: Sizes,
    turned: range,
    unit: bool,
    transposed: bool,
    precision: str | None,
    packed: Packing | None,
) -> Runner:
    """The executor for sizes whose spatial axes are taken in the order ``turned``."""
    size, kernel = (tuple(n[i] for i in turned) for n in (sizes.size, sizes.kernel))
    if not unit:
        sizes = replace(sizes, size=size, kernel=kernel)
        return runner(conv, sizes, transposed=transposed, precision=precision, packed=packed)
    row = replace(sizes, size=(1, *size), kernel=(1, *kernel))
    conv = conv.with_unit_axis()
    run = runner(conv, row, transposed=transposed, precision=precision, packed=packed)
    return Runner(lambda x, w, bias: run(x.unsqueeze(-2), w.unsqueeze(-2), bias).squeeze(-2))


def completed(
    letters: tuple[str, ...], wanted: tuple[str, ...]
) -> tuple[tuple[str, ...], tuple[int, ...]]:
    """The axes with those of ``wanted`` that no letter stands for; and these axes' sizes, 1."""
    kin = {"o": ("o", "m"), "m": ("o", "m"), "i": ("i", "c"), "c": ("i", "c")}
    lacking = tuple(a for a in wanted if not set(kin.get(a, (a,))) & set(letters))
    return (*letters, *lacking), (1,) * len(lacking)


def _axes(pattern: str, call: Call) -> tuple[str, ...]:
    """The letters of a pattern; without its batch where the call has none."""
    return tuple(a for a in axes(pattern, call.rank) if a != "n" or call.sizes.batch)
