"""Call: one native call as a value, which every verb takes.

A call of shapes alone needs no torch: that is imported where numbers come in.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass
from functools import wraps
from typing import TYPE_CHECKING, Any, ParamSpec, Protocol, TypeVar, cast, overload

import numpy as np

from uniconv._calls.lower import LoweredCall, lower
from uniconv._canonical.record import Shape
from uniconv._messages import show, show_shape
from uniconv._parse import is_text_of_a_call, read_call
from uniconv.errors import (
    BadArray,
    BadCall,
    BadOption,
    BadShape,
    UnknownName,
    from_one_frame,
)
from uniconv.spec.op import Op
from uniconv.spec.registry import find, framework, main, usual
from uniconv.typing import Dialect, Kind

if TYPE_CHECKING:
    from uniconv._functional import Device

Tolerance = float | Mapping[str, float]
P = ParamSpec("P")
R = TypeVar("R")
R_co = TypeVar("R_co", covariant=True)

_ARRAYS = ("x", "w", "bias", "pointwise")
_OTHER_WORDS = {"expected": "dialect", "name": "dialect", "rule": "dialect", "p": "pointwise"}


@dataclass(frozen=True, eq=False, repr=False, init=False)
class Call:
    """One call of a framework's function, as ``uniconv.conv`` takes it, but not run yet.

    ``explain``, ``diagnose``, ``compare`` and ``probe`` take it.  The function's options stand
    here, so that none of them is ever taken for a word of the verb.

    =========  ==========================================================================
    x          an array in the function's layout, or its shape, a tuple of integers
    w          the kernel, as x: both arrays, or both shapes, or both left out (for ``probe``)
    bias       (o,), or None
    pointwise  the second kernel of a separable convolution, or None
    =========  ==========================================================================

    Args:
        x, w, bias, pointwise: torch tensors, NumPy arrays, arrays with DLPack, nested lists
            (which become NumPy arrays) or ``uniconv.files.NamedArray``.
        dialect: a function ("tf.nn.conv2d") or a family ("tf"), which means its main function for
            w's number of axes, without w for two spatial axes.  None where it is not known:
            ``diagnose`` then looks for it, and there are no options.
        kind: which operation a family means: "conv", "conv_transpose", "depthwise_conv" or
            "separable_conv"; by default "conv", with a second kernel "separable_conv".
        options: the function's own keywords, as for ``uniconv.conv``.

    Raises:
        the errors of ``uniconv.conv``, but for those of dtypes and devices: at once, so that a
        Call that exists is one that its function takes.

    >>> call = Call((1, 4, 4, 3), (3, 3, 3, 8), dialect="tf", strides=2, padding="SAME")
    >>> call.shapes["y"]
    (1, 2, 2, 8)
    >>> call
    Call((1, 4, 4, 3), (3, 3, 3, 8), dialect="tf", strides=2, padding="SAME")
    >>> x, w = np.array([1, 2, 3, 4.0]).reshape(4, 1, 1), np.array([1, 10, 100.0]).reshape(3, 1, 1)
    >>> Call(x, w, dialect="knet.conv4").run().ravel()
    array([123., 234.])

    Source: each function's own, as ``uniconv show NAME`` prints it.
    """

    x: Any
    w: Any
    bias: Any
    dialect: str | None
    kind: str | None
    pointwise: Any
    options: Mapping[str, Any]
    y: Any = None
    tolerance: Tolerance | None = None

    @from_one_frame
    def __init__(
        self,
        x: Any = None,
        w: Any = None,
        bias: Any = None,
        *,
        dialect: Dialect | None,
        kind: Kind | None = None,
        pointwise: Any = None,
        **options: Any,
    ) -> None:
        arrays = zip(_ARRAYS, (x, w, bias, pointwise))
        fields = {role: _array(a, role) for role, a in arrays}
        fields |= {"dialect": dialect, "kind": kind, "options": options}
        for name, value in fields.items():
            object.__setattr__(self, name, value)
        self._check()

    @classmethod
    @from_one_frame
    def parse(cls, text: str, /, **arrays: Any) -> Call:
        """The call that stands in a text, as people paste it; nothing in it is run.

        Read are Python (with its imports, or the usual names ``tf``, ``F``, ``nn``, ``lax``,
        ``np``, ...), Julia, MATLAB, the nodes of ONNX, layers of a Caffe prototxt and sections of
        a Darknet .cfg.  Prompts, assignments and what stands around the call (``sess.run(...)``,
        an activation) are left out; a layer, as ``nn.Conv2d(3, 16, 3)(x)``, may be made in a
        line of its own.  Sizes that its class was told are checked against the arrays.

        Args:
            text: the call, with the lines that it needs, at most 100,000 characters.
            arrays: arrays or shapes, as for ``Call``, by their names in the text, or by their
                roles: x, w, bias, pointwise.  An array that the text writes out, as a list of
                numbers or ``torch.randn(1, 3, 8, 8)`` (of which the shape counts), is taken from
                there.  Values of options that are names in the text are given likewise.  Without
                any array the call has none, as ``probe`` takes it.

        Raises:
            BadCall: a text that cannot be read, or without a call, or with several.
            UnknownName: a function that is not known, or a name that several frameworks have.
            BadArray: an array that is missing, by its name in the text.
            and those of ``Call``.  All name the line and the column.

        >>> shapes = {"img": (1, 4, 4, 3), "k": (3, 3, 3, 8)}
        >>> Call.parse('y = tf.nn.conv2d(img, k, strides=2, padding="SAME")', **shapes)
        Call((1, 4, 4, 3), (3, 3, 3, 8), dialect="tf.nn.conv2d", strides=2, padding="SAME")
        >>> Call.parse("conv4(w, x; padding=1, mode=1)", w=(3, 3, 2, 4), x=(5, 6, 2, 1))
        Call((5, 6, 2, 1), (3, 3, 2, 4), dialect="knet.conv4", padding=1, mode=1)
        >>> Call.parse("np.convolve([1, 2, 3], [1, 10], 'same')").run()
        array([ 1, 12, 23])
        >>> Call.parse("F.conv2d(x, k, strides=2)", x=(1, 2, 5, 6), k=(4, 2, 3, 3))
        Traceback (most recent call last):
        uniconv.errors.BadOption: line 1, column 16: torch.nn.functional.conv2d has no \
"strides": did you mean "stride"?
            F.conv2d(x, k, strides=2)
                           ^

        Source: each function's own parameter list, as ``uniconv show NAME`` prints it.
        """
        read = read_call(text, arrays)
        function = cast(Dialect, read.target.op.name)
        call = read.placed(lambda: cls(**read.arrays, dialect=function, **read.options))
        if call.x is not None:
            read.check_sizes(call.lowered.sizes, call.lowered.o)
        return call

    @property
    def function(self) -> Op:
        """The function that ``dialect`` means for this kernel."""
        if self.dialect is None:
            raise UnknownName(
                "a call with dialect=None names no function: say which, as "
                'dialect="tf.nn.conv2d"; only diagnose can look for it'
            )
        if framework(self.dialect) is None:
            op = find(self.dialect)
            if self.kind not in (None, op.kind):
                raise UnknownName(f"{op.name} is a {op.kind}, not a {self.kind}: leave kind out")
            return op
        kind = self.kind or ("conv" if self.pointwise is None else "separable_conv")
        if self.w is None:
            return usual(self.dialect, kind)
        return main(self.dialect, kind, len(_shape(self.w, "w")))

    @property
    def shapes(self) -> dict[str, Shape]:
        """The shapes of x, w and, where there is one, pointwise; and of y, as the call makes it."""
        shapes = self._input_shapes
        if shapes and self.dialect is not None:
            shapes["y"] = self.lowered.output
        return shapes

    @property
    def has_arrays(self) -> bool:
        """Whether x and w are numbers, not only shapes."""
        return self.x is not None and not isinstance(self.x, tuple)

    @property
    def lowered(self) -> LoweredCall:
        """The call read into the canonical record: what ``explain`` and ``diagnose`` look at."""
        op, shapes = self.function, self._input_shapes
        if not shapes:
            raise BadShape(f"{op.name}: the call has no x and w: give arrays, or their shapes")
        addend = (op.addend or ())[:1]
        return lower(
            op, {n: v for n, v in self.options.items() if n not in addend}, *shapes.values()
        )

    def run(self, *, device: Device = None) -> Any:
        """y, as ``uniconv.conv`` gives it for these arrays; device as there.

        Raises:
            BadArray: the call holds shapes and no numbers, or a dtype that it does not take.
        """
        from uniconv._functional import run_op

        op = self.function
        x, w, bias, pointwise = (self.array(r) for r in ("x", "w", "bias", "pointwise"))
        head = (op.kind, op.name)
        return run_op(op, head, x, w, bias, device, dict(self.options), pointwise)

    def array(self, role: str) -> Any:
        """x, w, bias or pointwise as an array (a ``NamedArray``'s own); None where there is none.

        Raises:
            BadArray: the call holds its shape, or neither.
        """
        a = getattr(self, role)
        if isinstance(a, tuple) or (a is None and role in ("x", "w")):
            value = "no array" if a is None else f"the shape {show_shape(a)}"
            raise BadArray(f"{self.dialect or 'Call'}: {role} is {value}: give its numbers")
        # Here, because it brings all readers of files: a tenth of a second.
        from uniconv.files.named_array import NamedArray

        return a.array if isinstance(a, NamedArray) else a

    def with_result(self, y: Any, tolerance: Tolerance | None = None) -> Call:
        """This call together with the y that came out of it, for ``diagnose`` and ``compare``.

        Args:
            y: an array of any kind, as x may be; None for none.
            tolerance: how far a value of y may be off (absolute), or {"x": ..., "w": ...,
                "y": ...}; a ``NamedArray`` knows that of its printed digits.

        >>> Call([[[1.0]], [[2.0]]], [[[3.0]]], dialect="knet").with_result([[[3.0]], [[6.0]]])
        Call(x (2, 1, 1), w (1, 1, 1), dialect="knet").with_result(y (2, 1, 1))
        """
        other = copy(self)
        object.__setattr__(other, "y", _array(y, "y"))
        object.__setattr__(other, "tolerance", tolerance)
        return other

    def __repr__(self) -> str:
        words = [_shown(role, a) for role in _ARRAYS if (a := getattr(self, role)) is not None]
        words.append(f"dialect={show(self.dialect)}")
        words += [f"kind={show(self.kind)}"] if self.kind else []
        words += [_shown(name, value) for name, value in self.options.items()]
        result = "" if self.y is None else f".with_result({_shown('y', self.y)})"
        return f"Call({', '.join(words)}){result}"

    @property
    def _input_shapes(self) -> dict[str, Shape]:
        roles = ("x", "w", "pointwise")
        return {r: _shape(a, r) for r in roles if (a := getattr(self, r)) is not None}

    def _check(self) -> None:
        """The function takes this call, as far as that can be told without computing it."""
        if self.dialect is None:
            if self.options:
                raise BadOption(
                    f"{', '.join(self.options)}: a call with dialect=None has no options, as it "
                    "names no function"
                )
        else:
            op = self.function
            if self.pointwise is not None and op.kind != "separable_conv":
                raise BadOption(f"{op.name} has one kernel: leave pointwise out")
        if (self.x is None) is not (self.w is None):
            raise BadShape(f"{self.dialect or 'Call'}: give both x and w, or neither")
        if self.x is None:
            return
        if self.dialect is not None and self.function.vectors in ("kernels", "row"):
            self._keep_kernels_of_the_function()
        kinds = {isinstance(a, tuple) for a in (self.x, self.w, self.pointwise) if a is not None}
        if len(kinds) > 1:
            raise BadArray(
                f"{self.dialect or 'Call'}: of x and w one is an array and one a shape: give "
                "arrays of numbers, or shapes alone"
            )
        if self.dialect is not None:
            self.lowered  # noqa: B018

    def _keep_kernels_of_the_function(self) -> None:
        """Keep a row or a column as a vector, or a vector as a row, as the function reads it."""
        from uniconv._calls.arguments import kernels_of

        kernels = self.w, self.pointwise
        stand_ins = (np.broadcast_to(0, a) if isinstance(a, tuple) else a for a in kernels)
        arrays = (getattr(a, "array", a) for a in stand_ins)
        for role, was, now in zip(("w", "pointwise"), kernels, kernels_of(self.function, *arrays)):
            shape = getattr(now, "shape", None)
            if shape is not None and tuple(shape) != _shape(was, role):
                value = tuple(shape) if isinstance(was, tuple) else now
                object.__setattr__(self, role, value)


def _array(a: Any, role: str) -> Any:
    """What a call keeps: a shape as a tuple of integers, nested lists as an array."""
    if isinstance(a, tuple) and all(isinstance(n, (int, np.integer)) for n in a):
        return tuple(int(n) for n in a)
    if isinstance(a, (list, tuple)):
        try:
            return np.array(a)
        except ValueError as error:
            raise BadArray(f"{role} is no array: {error}") from None
    return a


def _shape(a: Any, role: str) -> Shape:
    if isinstance(a, tuple):
        return a
    from uniconv._canonical.arrays import shape_of

    return shape_of(a, role if role != "pointwise" else "the pointwise kernel")


def _shown(name: str, value: Any) -> str:
    """An argument in a text: an array by its shape, a shape and an option as they are typed."""
    if getattr(value, "shape", ()):
        return f"{name} {show_shape(value.shape)}"
    positional = name in ("x", "w", "y") and isinstance(value, tuple)
    return show_shape(value) if positional else f"{name}={show(value)}"


class Verb(Protocol[P, R_co]):
    """A function that takes a call first; or its text, with the arrays by keyword."""

    __name__: str

    @overload
    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R_co: ...
    @overload
    def __call__(self, text: str, /, **arrays: Any) -> R_co: ...


def verb(function: Callable[P, R]) -> Verb[P, R]:
    """A function that takes a call first: what else it is given is answered by the right form.

    It takes the text of a call as well, with the arrays by keyword, as ``Call.parse`` does; the
    function's own keywords stay its own.

    >>> @verb
    ... def explain(call, *, at=None): ...
    >>> explain("tf", np.ones(3), np.ones(3), padding="SAME", at=0)
    Traceback (most recent call last):
    uniconv.errors.BadCall: explain takes a uniconv.Call: \
explain(uniconv.Call(x, w, dialect="tf", padding="SAME"), at=0)
    """
    signature = inspect.signature(function)

    @from_one_frame
    @wraps(function)
    def checked(*args: Any, **kwargs: Any) -> R:
        if args and isinstance(args[0], str) and is_text_of_a_call(args[0]):
            arrays = {n: kwargs.pop(n) for n in [*kwargs] if n not in signature.parameters}
            args = (Call.parse(args[0], **arrays), *args[1:])
        problem = "takes a uniconv.Call"
        if isinstance(args[0] if args else kwargs.get("call"), Call):
            try:
                signature.bind(*args, **kwargs)
                problem = ""
            except TypeError as error:
                problem = f"{error}; a function's options stand in its uniconv.Call"
        if problem:
            raise BadCall(f"{function.__name__} {problem}: {_form(function, args, kwargs)}")
        return function(*args, **kwargs)

    return cast("Verb[P, R]", checked)


def _form(function: Callable[..., Any], args: Sequence[Any], kwargs: Mapping[str, Any]) -> str:
    """What a verb was asked in another form, as it is to be written.

    Arrays go by their roles; a text, or what is called dialect, expected or name, is the function;
    what the verb has no keyword for is an option of that function.
    """
    own = inspect.signature(function).parameters
    call = next((a for a in args if isinstance(a, Call)), None)
    words = {} if call is None else {**vars(call), **call.options}
    words |= zip(("x", "w", "y"), (a for a in args if not isinstance(a, (Call, str))))
    words |= [("dialect", a) for a in args if isinstance(a, str)]
    words |= {_OTHER_WORDS.get(name, name): value for name, value in kwargs.items()}
    words |= kwargs.get("options") or {}
    words = {n: v for n, v in words.items() if v is not None and n not in ("call", "options")}

    inside = [role for role in ("x", "w") if words.pop(role, None) is not None]
    inside.append(f"dialect={show(words.pop('dialect', 'tf'))}")
    beside = ["y"] if words.pop("y", None) is not None and "y" in own else []
    for name, value in words.items():
        text = f"{name}={name if hasattr(value, 'shape') else show(value)}"
        (beside if name in own else inside).append(text)
    arguments = ", ".join([f"uniconv.Call({', '.join(inside)})", *beside])
    return f"{function.__name__}({arguments})"
