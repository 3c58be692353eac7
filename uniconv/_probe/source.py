"""A probe as source text, to paste into the framework it is about.

The text needs no file: arrays are built by the same cubic as in ``numbers.py``, in the language's
own integers, and y is reduced to a few numbers that the text compares.  Julia and MATLAB store
arrays the other way round, so that numbers are filled in with the axes reversed and permuted back:
element [i, j] is the same number in each language.
"""

from __future__ import annotations

from typing import Any

from uniconv._probe.data import ProbeData
from uniconv._probe.numbers import FINGERPRINT, MODULUS, fingerprint, formula, limits
from uniconv.spec.op import Op
from uniconv.spec.registry import framework_of
from uniconv.spec.spelling import WrittenCall, in_julia

FIRST = 6  # so many elements of y are told in full


def code(probe: ProbeData) -> str:
    """The whole text: in the framework's own language, or in Python around a call made by hand."""
    op = probe.call.function
    spelling = framework_of(op).spelling
    language = spelling.language if spelling else "python"
    top = [spelling.top(op)] if spelling and spelling.top(op) else []
    lines = spelling.call(_written(probe)) if spelling else _by_hand(probe, op)
    if language == "python":
        return python(probe, top, lines, exact=not (spelling and spelling.rounds(op)))
    return {"julia": julia, "matlab": matlab}[language](probe, top, lines)


def _written(probe: ProbeData) -> WrittenCall:
    """The call as its dialect writes it down."""
    pointwise = None if probe.pointwise is None else probe.pointwise.shape
    shapes = (probe.x.shape, probe.w.shape, pointwise, probe.y.shape)
    return WrittenCall(probe.call.function, *shapes, probe.call.options)


def heading(probe: ProbeData) -> str:
    """The comment above: what is called."""
    words = ", ".join([f'dialect="{probe.call.function.name}"', *_words(probe)])
    return f"uniconv.probe(uniconv.Call({words})): if it differs, .check(y) names the mistake"


# Python


def python(probe: ProbeData, top: list[str], lines: list[str], exact: bool = True) -> str:
    """Python that builds the arrays, calls the function and compares.

    exact: whether the framework's sums of integers are exact; else y is rounded to integers first.
    """
    # ``found`` in the text is the fingerprint: one weighted sum over y, in which every place counts
    # differently.
    arrays = [_python_array(role, a, probe.seed) for role, a in _arrays(probe).items()]
    first = [_plain(v) for v in probe.y.ravel()[:FIRST]]
    a, b, c = FINGERPRINT
    return "\n".join(
        [
            f"# {heading(probe)}",
            "import numpy as np",
            *top,
            "",
            *arrays,
            "",
            *lines,
            "",
            "y = np.asarray(y, dtype=np.float64)",
            *([] if exact else ["y = np.rint(y)  # by FFT, sums are not exact"]),
            "k = np.arange(y.size, dtype=np.int64)",
            f"found = float((({a} * k**3 + {b} * k**2 + {c} * k) % {MODULUS} + 1) @ y.ravel())",
            f'print("shape", y.shape, "must be", {probe.y.shape})',
            f'print("first", y.ravel()[:{FIRST}].tolist(), "must be", {first})',
            f'print("fingerprint", found, "must be", {fingerprint(probe.y)!r})',
            f"same = y.shape == {probe.y.shape} and found == {fingerprint(probe.y)}",
            'print("the same" if same else "it differs")',
        ]
    )


def _arrays(probe: ProbeData) -> dict[str, Any]:
    """The arrays by their names in the text: x, w and, of a separable convolution, p."""
    arrays = {"x": probe.x, "w": probe.w}
    return arrays if probe.pointwise is None else arrays | {"p": probe.pointwise}


def _and(seed: int, dot: str = "") -> str:
    """The seed as a term, nothing where it is 0; dot is Julia's, for arrays."""
    return f" {dot}+ {seed}" if seed else ""


def _plain(v: Any) -> Any:
    """2.0 as 2: the text shows integers as such."""
    return int(v) if float(v).is_integer() else float(v)


def _python_array(role: str, array: Any, seed: int) -> str:
    """Two lines: the places k, then the array of the cubic's values, spread over the limits."""
    # 31 * k**3 stays below 2**63, int64's range, for up to 600,000 elements.
    a, b, c = formula("pointwise" if role == "p" else role)
    low, high = limits(str(array.dtype))
    span = high - low + 1
    values = f"({a} * k**3 + {b} * k**2 + {c} * k{_and(seed)}) % {MODULUS} % {span} - {-low}"
    return (
        f"k = np.arange({array.size}, dtype=np.int64)\n"
        f'{role} = ({values}).reshape({array.shape}).astype("{array.dtype}")'
    )


def _words(probe: ProbeData, **extra: Any) -> list[str]:
    """The options as keyword arguments, after some more."""
    return [f"{name}={value!r}" for name, value in {**extra, **probe.call.options}.items()]


def _by_hand(probe: ProbeData, op: Op) -> list[str]:
    """For what has no call in Python: arrays in files, and back."""
    arrays = _arrays(probe)
    layout = probe.call.lowered.layout
    names = ", ".join(op.array_names(role)[0] for role in arrays)
    words = "".join(f", {word}" for word in _words(probe))
    return [
        *(f'np.save("{role}.npy", {role})' for role in arrays),
        f"# Run {op.name}({names}{words}) on these arrays,",
        f"# x read as {layout.x}, w as {layout.w}; save its result, as {layout.y}, in y.npy:",
        'y = np.load("y.npy")',
    ]


# Julia


def julia(probe: ProbeData, top: list[str], lines: list[str]) -> str:
    """Julia: arrays with the indices that NumPy prints, the native call, the comparison."""
    a, b, c = FINGERPRINT
    size = probe.y.ndim
    first = [_plain(v) for v in probe.y.ravel()[:FIRST]]
    return "\n".join(
        [
            f"# {heading(probe)}",
            *top,
            "",
            *(_julia_array(role, array, probe.seed) for role, array in _arrays(probe).items()),
            "",
            *lines,
            "",
            f"v = Float64.(vec(permutedims(Array(y), {size}:-1:1)))  # the last index runs fastest",
            "k = 0:length(v) - 1",
            f"found = sum((mod.({a} .* k.^3 .+ {b} .* k.^2 .+ {c} .* k, {MODULUS}) .+ 1) .* v)",
            f'println("shape ", size(y), " must be ", {in_julia(probe.y.shape)})',
            f'println("first ", v[1:{min(FIRST, probe.y.size)}], " must be ", {first})',
            f'println("fingerprint ", found, " must be ", {fingerprint(probe.y)})',
            f"same = size(y) == {in_julia(probe.y.shape)} && found == {fingerprint(probe.y)}",
            'println(same ? "the same" : "it differs")',
        ]
    )


def _julia_array(role: str, array: Any, seed: int) -> str:
    """The array in Julia: filled with reversed axes (its first runs fastest), then permuted."""
    a, b, c = formula("pointwise" if role == "p" else role)
    low, high = limits(str(array.dtype))
    kind = {"float32": "Float32", "float64": "Float64", "float16": "Float16"}[str(array.dtype)]
    values = f"{a} .* k.^3 .+ {b} .* k.^2 .+ {c} .* k{_and(seed, '.')}"
    values = f"{kind}.(mod.(mod.({values}, {MODULUS}), {high - low + 1}) .- {-low})"
    sizes = ", ".join(map(str, reversed(array.shape)))
    return (
        f"k = 0:{array.size - 1}\n"
        f"{role} = permutedims(reshape({values}, {sizes}), {array.ndim}:-1:1)"
    )


# MATLAB


def matlab(probe: ProbeData, top: list[str], lines: list[str]) -> str:
    """MATLAB (and Octave): arrays with the indices that NumPy prints, the call, the comparison."""
    # MATLAB has no arrays of one axis: a vector y has the size [1 n] there.
    a, b, c = FINGERPRINT
    shape = probe.y.shape
    size = f"[{' '.join(map(str, shape))}]" if len(shape) > 1 else f"[1 {shape[0]}]"
    turn = f"permute(y, {_downwards(len(shape))})" if len(shape) > 1 else "y"
    first = " ".join(str(_plain(v)) for v in probe.y.ravel()[:FIRST])
    print_ = _plain(fingerprint(probe.y))
    return "\n".join(
        [
            f"% {heading(probe)}",
            *top,
            *(_matlab_array(role, array, probe.seed) for role, array in _arrays(probe).items()),
            "",
            *lines,
            "",
            f"v = reshape(double({turn}), 1, []);  % the last index runs fastest",
            "k = 0:numel(v) - 1;",
            f"found = sum((mod({a} * k.^3 + {b} * k.^2 + {c} * k, {MODULUS}) + 1) .* v);",
            f"disp(size(y)), disp('is the size; it must be'), disp({size})",
            f"disp(v(1:{min(FIRST, probe.y.size)})), disp('are first; they must be'), "
            f"disp([{first}])",
            f"printed = sprintf('fingerprint %d must be {print_}', found); disp(printed)",
            f"if isequal(size(y), {size}) && found == {print_}, disp('the same'), "
            "else, disp('it differs'), end",
        ]
    )


def _downwards(count: int) -> str:
    """The axes from last to first, as MATLAB counts: "[3 2 1]"."""
    return f"[{' '.join(map(str, range(count, 0, -1)))}]"


def _matlab_array(role: str, array: Any, seed: int) -> str:
    """The array in MATLAB, filled with reversed axes and permuted back, as in Julia."""
    a, b, c = formula("pointwise" if role == "p" else role)
    low, high = limits(str(array.dtype))
    kind = {"float32": "single", "float64": "double"}.get(str(array.dtype), str(array.dtype))
    values = f"mod({a} * k.^3 + {b} * k.^2 + {c} * k{_and(seed)}, {MODULUS})"
    values = f"{kind}(mod({values}, {high - low + 1}) - {-low})"
    if array.ndim > 1:
        sizes = " ".join(map(str, reversed(array.shape)))
        values = f"permute(reshape({values}, [{sizes}]), {_downwards(array.ndim)})"
    return f"k = 0:{array.size - 1};\n{role} = {values};"
