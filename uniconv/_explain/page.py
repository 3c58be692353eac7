"""An explanation as a page of its own: a drawing on which one steps through the elements of y."""

from __future__ import annotations

import html
import json
import re
from collections.abc import Callable
from importlib.resources import files
from typing import Any

import numpy as np

from uniconv._explain.data import ExplanationData
from uniconv._explain.text import backwards, text
from uniconv._explain.window import Array, WindowedCall, canonical_y, numbers, sources
from uniconv.errors import UniconvError

MOST = 2_000_000  # numbers on a page
_DRAWN = 3  # spatial axes


def page(e: ExplanationData) -> str:
    """The whole page as text."""
    if e.window is None or e.problem is None:
        raise UniconvError(f"{e.function}: a page needs arrays with numbers, and a y with elements")
    problem = e.problem
    if problem.x.dtype.kind == "c" or problem.w.dtype.kind == "c":
        raise UniconvError(f"{e.function}: a page shows real numbers, these are complex")
    rank = problem.call.rank
    if rank > _DRAWN:
        raise UniconvError(
            f"{e.function}: a page draws at most {_DRAWN} spatial axes, the call has {rank}; its "
            "text, str(explain(...)), has all of them"
        )
    count = problem.x[:1].size + problem.w.size + problem.y[:1].size
    if count > MOST:
        raise UniconvError(
            f"{e.function}: a page of {count} numbers is too large (at most {MOST}); "
            "cut x, w or the channels down to what is to be shown"
        )
    # "<" is escaped in the data, so that no text of a call can end the script.
    template = files("uniconv").joinpath("data/explain.html").read_text("utf-8")
    data = json.dumps(_data(e, problem), separators=(",", ":")).replace("<", "\\u003c")
    fields = {"TITLE": html.escape(e.call), "TEXT": html.escape(text(e)), "DATA": data}
    return re.sub("@(TITLE|TEXT|DATA)@", lambda match: fields[match[1]], template)


def _data(e: ExplanationData, problem: WindowedCall) -> dict[str, Any]:
    """What the drawing needs: three axes, slices first, and the numbers as flat lists.

    The page always has three axes, those that the call lacks with size 1, so that its script knows
    no rank.  It computes nothing either: which pixel lies at which padded position, and which
    kernel planes make which channel, is given to it.
    """
    # How to read this: ``order`` is the order of the record's axes on the page, slices first;
    # whatever has spatial axes is put in that order (``flat``), and axes that the call lacks stand
    # before. A lane is [part of the batch, channel of x, plane of the kernel, factor].
    call, window, rank = problem.call, e.window, problem.call.rank
    assert window is not None
    # Julia prints slices last, NumPy first; the page draws them one under the other, so first.
    slices = [i for i, a in enumerate(e.axes) if a.name == "slices"]
    order = [*slices, *(i for i in range(rank) if i not in slices)]
    along = sources(call.conv, call.sizes.size)
    unit = {"name": "", "stride": 1, "dilation": 1, "kernel": 1, "output": 1, "backwards": False}
    # A dictionary for each axis that the call lacks: one position, which holds pixel 0.
    axes = [{**unit, "sources": [0], "spread": 1, "crop": 0}] * (3 - rank)
    for i in order:
        axis = e.axes[i]
        fields = {k: getattr(axis, k) for k in (*unit, "spread")}
        crop = 0 if axis.crop is None else axis.crop[0]
        axes.append({**fields, "sources": along[i], "crop": crop})

    def flat(planes: Array) -> list[Any]:
        """Planes of the record's axes, each as one list in the order of the page's axes."""
        ordered = planes.transpose(0, *(1 + i for i in order))
        return ordered.reshape(len(planes), -1).tolist()

    # Of x only the images that y's chosen entry reads are on the page: one, or one for each part of
    # the batch where that is split into groups.
    o, parts = problem.y.shape[1], call.conv.batch_groups
    entries = [problem.batch_of(window.batch, p * (call.sizes.o // parts)) for p in range(parts)]
    kernels = problem.w.reshape(-1, *problem.w.shape[2:])
    return {
        "call": e.call,
        "meaning": e.meaning,
        "padding": e.padding if e.crop is None else f"{e.crop}, off the whole result",
        "explicit": e.explicit or e.explicit_note,
        "formulas": [(axis.name, axis.formula) for axis in e.axes],
        "kernelRead": backwards(e.axes),
        "torch": e.torch,
        "boundary": e.boundary,
        "fill": call.conv.fill,
        "transposed": e.kind == "conv_transpose",
        "pointwise": call.pointwise is not None,
        "dtype": e.dtype,
        "axes": axes,
        "order": order,
        "lanes": [
            [
                [k // (call.sizes.o // parts) if parts > 1 else 0, c, f * problem.w.shape[1] + i, v]
                for c, f, i, v in problem.lanes(k)
            ]
            for k in range(o)
        ],
        "x": [flat(problem.x[n]) for n in entries],
        "w": flat(kernels),
        "y": flat(problem.y[window.batch]),
        "after": _after(e, problem, flat),
        "xSizes": [1] * (3 - rank) + [call.sizes.size[i] for i in order],
        "at": [0] * (3 - rank) + [window.at[i] for i in order],
        "batch": window.batch,
        "channel": window.channel,
    }


def _after(
    e: ExplanationData, problem: WindowedCall, flat: Callable[[Array], list[Any]]
) -> list[dict[str, Any]]:
    """What follows the sum: a factor, or what is added to each channel (or to each element).

    One entry a step, with its words: "times" a number, "plus" a list by channel or by element, or
    "gives", the numbers after an activation.
    """
    # The page computes sums itself; of an activation it gets y, since a script has not every
    # function.
    call = problem.call
    steps: list[dict[str, Any]] = []
    if call.scale != 1:
        steps.append({"words": f"times {call.scale}", "times": float(call.scale)})
    if e.addend is not None and call.addend_scale != 0:
        assert e.window is not None
        each = canonical_y(call, numbers(e.addend))[e.window.batch] * call.addend_scale
        steps.append({"words": f"plus {call.addend_scale} times the addend:", "plus": flat(each)})
    if call.shift != 0:
        steps.append({"words": "plus", "plus": [float(call.shift)] * call.o})
    if e.bias is not None:
        each = np.broadcast_to(numbers(e.bias).ravel(), call.o).astype(float)
        steps.append({"words": "plus the bias", "plus": each.tolist()})
    if call.activation:
        assert e.window is not None
        each = canonical_y(call, problem.y)[e.window.batch]
        steps.append({"words": f"through {call.activation}", "gives": flat(each)})
    return steps
