"""Every call that a function can make, in every other framework that runs here: the same numbers.

The code of ``translate`` is executed in its framework, on integers; MATLAB's in GNU Octave.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from itertools import cycle, islice, product

import numpy as np
import pytest

from tests.test_translate import KINDS, call_of
from uniconv import Call, translate
from uniconv._translate.code import Code, written
from uniconv._translate.proof import arrays_of, executed, is_installed, original
from uniconv.conformance.crossing import mains
from uniconv.conformance.oracles import oracle, runs
from uniconv.conformance.oracles.matlab import answer, octave, typed
from uniconv.conformance.oracles.tf import shifts_window
from uniconv.conformance.oracles.theano import evaluated
from uniconv.errors import CannotExpress
from uniconv.spec.op import Op
from uniconv.spec.registry import find, framework_of, frameworks
from uniconv.testing.cases import probe, random_case

CALLS = int(os.environ.get("UNICONV_TRANSLATIONS", "2"))  # of each ordered pair of functions

# What a framework refuses at a run, although its functions' contract has it: no number is wrong.
TENSORFLOW = (  # tensorflow 2.21.0, whose kernels for the CPU lack some calls that XLA has
    "CPU",
    "equal length strides",
    "Number of channels in filter",
    "must have the same number of channels",
)
REFUSED = {
    # onnxruntime 1.32.0 onnxruntime/core/providers/cpu/nn/conv_attributes.h
    "onnx": ("Dilation not supported for AutoPadType",),
    "tf": TENSORFLOW,
    "keras": TENSORFLOW,
}


FLAT = ("cv2", "matlab", "numpy", "scipy")  # whose arrays have no channels


def targets() -> list[str]:
    """The main functions of the frameworks that run here."""
    here = [f for f in frameworks().values() if runs(f.name)]
    named = [name for f in here for by_rank in f.main.values() for name in by_rank.values()]
    runnable = (name for name in dict.fromkeys(named) if is_installed(find(name)))
    return [*runnable, *(name for name in dict.fromkeys(named) if name.startswith("matlab."))]


def sources(other: Op) -> dict[str, list[int]]:
    """The main functions of the same operation, each with the ranks in which both are that.

    Separable ones, too, where the family has none: they become two calls.
    """
    found: dict[str, list[int]] = {}
    family = framework_of(other)
    for kind, rank in product(KINDS, (1, 2, 3)):
        ops = mains(kind, rank)
        two = kind == "separable_conv" and kind not in family.main and family.name not in FLAT
        two = two and family.main["conv"].get(rank) == other.name
        ops = [op for op in ops if op.pointwise] if two else ops
        for op in ops if two or other in ops else ():
            found.setdefault(op.name, []).append(rank)
    return found


def in_octave(lines: tuple[str, ...], arrays: dict[str, np.ndarray]) -> np.ndarray:
    """y of MATLAB code."""
    commands, _ = octave()
    for name, array in arrays.items():
        commands.write(f"{name} = {typed(array)};\n")
    commands.write("\n".join(lines) + "\n")
    return answer("y").real


def in_theano(code: Code, arrays: dict[str, np.ndarray]) -> np.ndarray:
    """y of code that builds an expression."""

    def built(*symbols):
        scope = dict(zip(arrays, symbols))
        exec("\n".join((*code.imports, *code.lines)), scope)
        return scope["y"]

    return evaluated(built, list(arrays.values()))


def run(translation, other: Op, arrays: dict[str, np.ndarray], shape: tuple[int, ...]):
    """y of a translation's code, in its framework."""
    code = written(translation.rewriting, {}, inline=True)
    if framework_of(other).name in ("theano", "lasagne"):  # whose own compiler is not there
        return np.rint(in_theano(code, arrays))
    if code.language == "python":
        y = executed(code, other, arrays)
        return np.rint(y) if framework_of(other).spelling.rounds(other) else y
    y = in_octave(code.lines, arrays)
    return y.reshape(shape, order="F") if y.size == np.prod(shape) else y


def is_shifted(translation, call: Call) -> bool:
    """Whether TensorFlow's Conv3D, by itself or under Keras, starts the windows of SAME late."""
    function = find(translation.function)
    taps = np.empty((*call.lowered.sizes.kernel, 1, 1))
    in_tensorflow = framework_of(function).name in ("tf", "keras")
    return in_tensorflow and shifts_window(function, dict(translation.options), taps)


def with_bias(call: Call) -> Call:
    """The same call with a bias."""
    shapes = {"x": call.x, "w": call.w, "bias": (call.lowered.o,), "pointwise": call.pointwise}
    return Call(**shapes, dialect=call.dialect, **call.options)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("name", targets())
def test_translations_run_in_their_framework(name: str) -> None:
    other, counts = find(name), Counter()
    wrong: list[str] = []
    case = random_case(other, random.Random("settings"))
    if framework_of(other).name != "matlab":
        oracle(name)(case, *probe(case)[:2], None, *probe(case)[2:])  # which sets the framework up
    for source, ranks in sources(other).items():
        rng = random.Random(f"{source} {name}")
        for i, rank in enumerate(islice(cycle(ranks), CALLS)):
            call = call_of(random_case(find(source), rng, rank))
            if i % 3 == 0 and call.function.bias == "o" and "o" in call.lowered.layout.y.split():
                call = with_bias(call)
            try:
                translation = translate(call, to=name, sizes=("these", "any")[i % 2])
            except CannotExpress:
                counts["not expressible"] += 1
                continue
            arrays = arrays_of(call)
            y, _ = original(call, arrays)
            try:
                got = run(translation, other, arrays, y.shape)
            except Exception as error:
                refused = any(t in str(error) for t in REFUSED.get(framework_of(other).name, ()))
                counts["refused at the run"] += refused
                if not refused:
                    wrong.append(f"{call}: {type(error).__name__} {error}\n{translation}")
                continue
            if is_shifted(translation, call):
                counts["computed wrongly there"] += 1
                continue
            counts["equal"] += 1
            if got.shape != y.shape or not (got == y).all():
                wrong.append(f"{call}\n{translation}")
    print(f"{name}: {dict(counts)}")
    assert not wrong, f"{len(wrong)} of {counts}:\n" + "\n".join(wrong[:5])
    assert counts["equal"] >= CALLS // 2
