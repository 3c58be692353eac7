"""The founding question: one kernel and one image, but Knet and TensorFlow give two results.

``answer`` runs both calls on the arrays that the question prints, ``report`` says what it found.
Every number in the report is computed when it runs.
"""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from textwrap import fill, indent
from typing import Any

import numpy as np
from numpy.typing import NDArray

from uniconv import files
from uniconv._call import Call
from uniconv._describe import flip
from uniconv._diagnose import Diagnosis, compare
from uniconv._functional import conv
from uniconv._translate.translate import translate
from uniconv.files import NamedArray
from uniconv.spec.registry import find

Array = NDArray[Any]

PRINTED_DIGITS = 5.1e-4  # Julia prints six digits: half a unit of the last one, at 194.694
ROUNDING = 1.5e-4  # float32 sums of 27 products, each of magnitude up to 34


@dataclass(frozen=True, slots=True)
class Question:
    """The arrays of the question under its own names, indexed (row, column, channel)."""

    testw: Array
    partappledata: Array
    ydata: Array
    wdata: Array
    immatdata: Array
    part_conv_data: Array


@dataclass(frozen=True, slots=True)
class Check:
    """A largest difference and the most that it may be."""

    what: str
    difference: float
    bar: float
    why: str

    @property
    def holds(self) -> bool:
        return self.difference <= self.bar

    def __str__(self) -> str:
        verdict = "ok" if self.holds else "BROKEN"
        return f"{self.what}: {self.difference:.1e} ({verdict}: at most {self.bar:.1e}, {self.why})"


@dataclass(frozen=True, slots=True)
class Answer:
    """What the calls give: each result, and the checks that the report's sentences rest on."""

    question: Question
    knet: Array
    tf: Array
    knet_mode_1: Array
    tf_kernel_flipped: Array
    knet_check: Check
    tf_check: Check
    dtype_check: Check
    digits_check: Check
    flip_check: Check
    mode_check: Check

    @property
    def checks(self) -> tuple[Check, ...]:
        return (
            *(self.knet_check, self.tf_check, self.dtype_check),
            *(self.digits_check, self.flip_check, self.mode_check),
        )

    @property
    def holds(self) -> bool:
        return all(check.holds for check in self.checks)


def printed() -> dict[str, NamedArray]:
    """The arrays of the question's text, with what their digits leave open."""
    text = resources.files("uniconv").joinpath("data/knet_vs_tensorflow.txt").read_text("utf-8")
    return files.loads(text)


def load() -> Question:
    """The arrays that the question's text prints: Julia's as Float64, as conv4 was given them."""
    arrays = {name: one.array for name, one in printed().items()}
    arrays["testw"] = arrays["testw"].astype(np.float64)
    return Question(**arrays)


def knet_conv4(x: Array, w: Array, **options: Any) -> Array:
    """The question's conv4 call: one image, one filter, so both get their last axis."""
    y = conv(x[:, :, :, None], w[:, :, :, None], dialect="knet.conv4", padding=1, **options)
    return np.asarray(y[:, :, 0, 0])


def tf_conv2d(x: Array, w: Array) -> Array:
    """The question's conv2d call: the image gets a batch axis, the kernel a filter axis."""
    options: dict[str, Any] = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    y = conv(x[None], w[:, :, :, None], dialect="tf.nn.conv2d", **options)
    return np.asarray(y[0, :, :, 0])


def diagnosis(q: Question) -> Diagnosis:
    """What ``uniconv diagnose`` finds: each run against its own call, then both."""
    off = {name: float(np.max(one.error)) for name, one in printed().items()}
    arrays = q.partappledata[..., None], q.testw[..., None]
    knet = Call(*arrays, dialect="knet.conv4", padding=1).with_result(
        q.ydata[:, :, None, None],
        {"x": off["partappledata"], "w": off["testw"], "y": off["ydata"]},
    )
    arrays = q.immatdata[None], q.wdata[..., None]
    options: dict[str, Any] = {"strides": [1, 1, 1, 1], "padding": "SAME"}
    tf = Call(*arrays, dialect="tf.nn.conv2d", **options).with_result(
        q.part_conv_data[None, ..., None],
        {"x": off["immatdata"], "w": off["wdata"], "y": off["part_conv_data"]},
    )
    return compare(knet, tf, depth=1)


def largest(a: Array, b: Array) -> float:
    """The largest absolute difference."""
    return float(np.abs(a.astype(np.float64) - b).max())


def answer(q: Question) -> Answer:
    """Run the question's two calls, and those that tell flip, dtype and printed digits apart."""
    knet, tf = knet_conv4(q.partappledata, q.testw), tf_conv2d(q.immatdata, q.wdata)
    tf_in_float64 = tf_conv2d(q.immatdata.astype(np.float64), q.wdata.astype(np.float64))
    tf_of_julia_arrays = tf_conv2d(q.partappledata, q.testw)
    mode_1 = knet_conv4(q.partappledata, q.testw, mode=1)
    flipped = tf_conv2d(q.immatdata, q.wdata[::-1, ::-1])
    digits, rounding = "printed digits", "float32 rounding"
    from_table = "largest difference"
    return Answer(
        *(q, knet, tf, mode_1, flipped),
        knet_check=Check(from_table, largest(knet, q.ydata), PRINTED_DIGITS, digits),
        tf_check=Check(from_table, largest(tf, q.part_conv_data), ROUNDING, rounding),
        dtype_check=Check("float32, not float64", largest(tf, tf_in_float64), ROUNDING, rounding),
        digits_check=Check(
            "Julia's digits, not NumPy's",
            largest(tf_of_julia_arrays, tf_in_float64),
            PRINTED_DIGITS,
            digits,
        ),
        flip_check=Check(from_table, largest(flipped, q.ydata), PRINTED_DIGITS, digits),
        mode_check=Check(from_table, largest(mode_1, q.part_conv_data), PRINTED_DIGITS, digits),
    )


def report(result: Answer) -> str:
    """The answer as plain text, at most 80 columns wide."""
    q, apart = result.question, largest(result.knet, result.tf)
    precision = max(result.dtype_check.difference, result.digits_check.difference)
    blind = np.argwhere(np.abs(result.knet - result.knet_mode_1) <= PRINTED_DIGITS) + 1
    sections = [
        "One kernel, one image, two frameworks, two results: why?",
        "1. Knet: y = conv4(w, x; padding=1)",
        beside("uniconv", result.knet, "ydata[:, :, 1, 1] in the question", q.ydata),
        f"   {result.knet_check}",
        '2. TensorFlow: tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME")',
        beside("uniconv", result.tf, "part_conv_data[0, :, :, 0]", q.part_conv_data),
        f"   {result.tf_check}",
        "3. The answer, as `uniconv diagnose` finds it",
        fill(diagnosis(q).verdict, 77, initial_indent="   ", subsequent_indent="   "),
        f"   knet.conv4 is {flip(find('knet.conv4'))}.\n"
        f"   tf.nn.conv2d is {flip(find('tf.nn.conv2d'))}.",
        "   Precision plays no part. How far it moves TensorFlow's result:\n"
        f"   {result.dtype_check}\n"
        f"   {result.digits_check}\n"
        f"   What is to be explained is {float(f'{apart / precision:.1g}'):,.0f} times larger.",
        "4. Two ways to make them agree",
        "   Flip the kernel for TensorFlow: w[::-1, ::-1]",
        beside("TensorFlow, kernel flipped", result.tf_kernel_flipped, "Knet's table", q.ydata),
        f"   {result.flip_check}",
        "   Or ask Knet for a cross-correlation: conv4(w, x; padding=1, mode=1)",
        beside("Knet, mode=1", result.knet_mode_1, "TensorFlow's table", q.part_conv_data),
        f"   {result.mode_check}",
        f"   {len(blind)} of {result.knet.size} pixels are the same with mode=0 and mode=1: "
        f"{', '.join(f'y[{i},{j}]' for i, j in blind)}.\n"
        "   The image is constant around them, so they cannot show a flip.",
    ]
    sections += ["5. The two calls, each translated (`uniconv translate`)", *translations()]
    if not result.holds:
        sections.append("A difference is larger than it may be: see BROKEN above.")
    return "\n\n".join(sections)


def translations() -> list[str]:
    """The question's calls, each as code of the other framework."""
    calls = (
        ("Knet's", "conv4(w, x; padding=1)", "tf", {"x": (5, 5, 3, 1), "w": (3, 3, 3, 1)}),
        (
            "TensorFlow's",
            'tf.nn.conv2d(x, w, strides=1, padding="SAME")',
            "knet",
            {"x": (1, 5, 5, 3), "w": (3, 3, 3, 1)},
        ),
    )
    sections = []
    for whose, text, to, shapes in calls:
        translation = translate(text, to=to, **shapes)
        lines = indent(translation.code.rstrip(), "     ")
        title = f"   {whose} {text}, for every size:"
        assert translation.outcome == "exact"
        sections.append(f"{title}\n\n{lines}")
    return sections


def beside(left: str, a: Array, right: str, b: Array) -> str:
    """Two tables next to each other, under their titles."""
    rows_a, rows_b = table(a), table(b)
    width = max(map(len, rows_a))
    pairs = zip((left, *rows_a), (right, *rows_b))
    return "\n".join(f"{one.ljust(width)} | {other}" for one, other in pairs)


def table(a: Array) -> list[str]:
    """The rows of a matrix with two decimals, its columns aligned."""
    cells = [[f"{v:.2f}" for v in row] for row in a]
    widths = [max(map(len, column)) for column in zip(*cells)]
    return [" ".join(v.rjust(n) for v, n in zip(row, widths)) for row in cells]


def main() -> int:
    """Print the report; the exit code, 0 when every difference is within its bar."""
    result = answer(load())
    print(report(result))
    return 0 if result.holds else 1


if __name__ == "__main__":
    raise SystemExit(main())
