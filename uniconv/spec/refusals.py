"""Refusals: what a framework takes option by option, yet refuses (or gets wrong) together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from uniconv.spec.rules import CallContext
from uniconv.spec.values import integers


@dataclass(frozen=True, slots=True)
class Refusal:
    """A combination that the framework refuses or computes wrongly; ``when`` names a condition."""

    when: str
    options: tuple[str, ...]
    reason: str
    source: str


def _entries(value: object) -> int:
    """How many integers a list holds; 0 for what is no list of integers."""
    return len(integers(value) or ())


def _for_every_axis(value: object, facts: CallContext) -> bool:
    """Whether a list has an entry for every axis of x (with one batch axis)."""
    return _entries(value) == facts.rank + 2


def _said(option: str, facts: CallContext) -> str:
    """The word of an option, which MATLAB spells with a capital; "" for numbers."""
    value = facts.options.get(option, facts.options.get(option.capitalize()))
    return value if isinstance(value, str) else ""


def _of_another_input(facts: CallContext) -> bool:
    """Whether the convolution that a call by a word transposes makes other sizes of its output."""
    sizes = []
    for axis, (lo, hi) in zip(facts.axes, facts.pad):
        out, s = axis.whole - lo - hi, axis.stride
        same = str(facts.options["padding"]).lower() == "same"
        sizes.append((out + s - 1) // s if same else (out - axis.extent) // s + 1)
    return tuple(sizes) != facts.sizes.size


def _neither_inside(facts: CallContext) -> bool:
    """Whether x is the larger along one axis and w along another."""
    pairs = list(zip(facts.sizes.size, facts.sizes.kernel))
    return any(n < k for n, k in pairs) and any(n > k for n, k in pairs)


def _ncnn_crops(facts: CallContext) -> bool:
    """Whether a SAME word pads one axis and would crop another."""
    word = facts.options["pad"][0]
    totals = [(a.size - 1) // a.stride * a.stride + a.extent - a.size for a in facts.axes]
    least = (0, -1 if word == -233 else 0)  # a column less at the end does no harm
    return word < 0 and max(totals) > 0 and any(t < n for t, n in zip(totals, least))


CONDITIONS: Mapping[str, Callable[[CallContext], bool]] = {
    "strided and dilated": lambda f: max(f.stride) > 1 and max(f.dilation) > 1,
    "same and strided": lambda f: (
        isinstance(f.options.get("padding"), str)
        and f.options["padding"] == "same"
        and max(f.stride) > 1
    ),
    "explicit and undilated": lambda f: (
        not isinstance(f.options.get("padding"), str) and max(f.dilation) == 1
    ),
    "explicit and not two axes": lambda f: (
        not isinstance(f.options.get("padding"), str) and f.rank != 2
    ),
    "list misread beside batch axes": lambda f: (
        len(f.sizes.batch) > 1
        and f.layout.x.startswith("n c")
        and (
            (max(f.stride) > 1 and not _for_every_axis(f.options.get("strides"), f))
            or (max(f.dilation) > 1 and _for_every_axis(f.options.get("dilations"), f))
        )
    ),
    "one entry for several axes": lambda f: (
        f.boundary != "zeros"
        and f.rank > 1
        and (
            _entries(f.options.get("padding")) == 1
            or (f.options.get("padding") == "same" and _entries(f.options.get("dilation")) == 1)
        )
    ),
    "cropped away": lambda f: any(axis.size + lo + hi < 0 for axis, (lo, hi) in zip(f.axes, f.pad)),
    "spread input cropped away": lambda f: any(
        axis.whole + axis.extent - 1 - lo - hi < 0 for axis, (lo, hi) in zip(f.axes, f.pad)
    ),
    "spread input cropped before padding": lambda f: any(
        (axis.size - 1) * axis.stride + 1 + sum(min(axis.extent - 1 - c, 0) for c in crop) < 0
        for axis, crop in zip(f.axes, f.pad)
    ),
    "centre outside the kernel": lambda f: any(min(p) < 0 for p in f.pad),
    "origin beside one tap": lambda f: f.options["origin"] != 0 and max(f.sizes.kernel) == 1,
    "neither inside the other": _neither_inside,
    "valid and neither inside the other": lambda f: (
        f.options["mode"] == "valid" and _neither_inside(f)
    ),
    "full with a border or an even kernel": lambda f: (
        f.options["output"] == "full"
        and (f.options["boundary"] != 0 or any(k % 2 == 0 for k in f.sizes.kernel))
    ),
    "outsize of another input": lambda f: any(
        a.output_size is not None
        and not (
            (a.output_size + lo + lo - a.extent) // a.stride + 1
            <= n
            <= (a.output_size + lo + lo - a.extent + a.stride - 1) // a.stride + 1
        )
        for a, n, (lo, _) in zip(f.axes, f.sizes.size, f.pad)
    ),
    "target beyond the whole": lambda f: any(
        a.output_size is not None and a.output_size > a.whole for a in f.axes
    ),
    "odd crop at stride 1": lambda f: any(
        a.output_size is not None and a.stride == 1 and (a.whole - a.output_size) % 2
        for a in f.axes
    ),
    "same and an even kernel": lambda f: (
        "same" in (f.options.get("pad"), f.options.get("crop"))
        and any(k % 2 == 0 for k in f.sizes.kernel)
    ),
    "ncnn output beside numbers": lambda f: bool(f.output_size) and f.options["pad"][0] >= 0,
    "ncnn same below nothing": _ncnn_crops,
    "dilated and three axes": lambda f: f.rank == 3 and max(f.dilation) > 1,
    "dilated": lambda f: max(f.dilation) > 1,
    "one tap strided or padded": lambda f: (
        max(f.sizes.kernel) == 1
        and (max(f.stride) > 1 or (f.options["pad"] == 0 and f.options["padding"] != 0))
    ),
    "kernel longer than x": lambda f: any(a.kernel > a.size for a in f.axes),
    "channel axis padded": lambda f: f.sizes.c > 1 and f.options["auto_padding"][0],
    "transposed channel axis padded": lambda f: f.sizes.o > 1 and f.options["auto_padding"][0],
    "padded": lambda f: any(map(any, f.pad)),
    "one channel": lambda f: f.sizes.batch == (1,),
    "onnx same below nothing": lambda f: (
        str(f.options["auto_pad"]).startswith("SAME")
        and any(
            -(-a.size // a.stride) * a.stride - a.stride + a.extent - a.size < -1 for a in f.axes
        )
    ),
    "onnx output beyond the whole": lambda f: any(
        a.output_size is not None and a.whole + (a.output_padding or 0) < a.output_size
        for a in f.axes
    ),
    "onnx same and short kernel": lambda f: (
        str(f.options["auto_pad"]).startswith("SAME")
        and any(a.output_size is None and a.extent < a.stride for a in f.axes)
    ),
    "onnx same and extra": lambda f: (
        str(f.options["auto_pad"]).startswith("SAME") and any(a.output_padding for a in f.axes)
    ),
    "cropped before spreading": lambda f: any(
        axis.stride > 1 and axis.extent - 1 < max(pair) for axis, pair in zip(f.axes, f.pad)
    ),
    "spread and cropped": lambda f: any(
        d > 1 and min(pair) < 0 for d, pair in zip(f.lhs_dilation, f.pad)
    ),
    "same and dilated": lambda f: (
        str(f.options.get("padding")).upper() == "SAME" and max(f.dilation) > 1
    ),
    "border and no integer": lambda f: (
        f.boundary != "zeros" and not isinstance(f.options["padding"], int)
    ),
    "two ends": lambda f: bool(f.output_size) and f.options["output_padding"] != 0,
    "grouped and three axes": lambda f: f.rank == 3 and f.options["groups"] > 1,
    "word and spread": lambda f: (
        isinstance(f.options.get("padding"), str) and max(f.lhs_dilation) > 1
    ),
    "two kinds of groups": lambda f: (
        f.options["feature_group_count"] > 1 and f.options["batch_group_count"] > 1
    ),
    "causal and not one axis": lambda f: f.rank > 1 and _said("padding", f) in ("CAUSAL", "causal"),
    "cropped same below nothing": lambda f: (
        _said("cropping", f) == "same" and any(a.extent < a.stride for a in f.axes)
    ),
    "same_lower and strided": lambda f: (
        isinstance(f.options["padding"], str)
        and f.options["padding"] == "SAME_LOWER"
        and max(f.stride) > 1
    ),
    "same_lower and strided or consistent": lambda f: (
        isinstance(f.options["padding"], str)
        and f.options["padding"] == "SAME_LOWER"
        and (max(f.stride) > 1 or f.options["use_consistent_padding"])
    ),
    "output of another input": _of_another_input,
    "extra reaches stride": lambda f: any(
        (x or 0) >= s for x, s in zip(f.output_padding, f.stride)
    ),
    "extra reaches stride and dilation": lambda f: any(
        (x or 0) >= max(s, d) for x, s, d in zip(f.output_padding, f.stride, f.dilation)
    ),
    "reflection past the edge": lambda f: (
        f.boundary == "reflect" and any(max(p) >= n for p, n in zip(f.pad, f.sizes.size))
    ),
    "wrapped more than once": lambda f: (
        f.boundary == "circular" and any(max(p) > n for p, n in zip(f.pad, f.sizes.size))
    ),
}
