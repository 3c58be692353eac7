"""Numbers from C code of frameworks that cannot be installed: compile it, run it, write them down.

    python -m tests.golden.compiled darknet path/to/pjreddie/darknet
    python -m tests.golden.compiled caffe path/to/BVLC/caffe
    python -m tests.golden.compiled torch7 path/to/torch/nn

Darknet's layers run whole.  Of Caffe and Torch7 the code that knows where a pixel lies runs
(im2col, col2im, unfold, col2vol); the matrix product between is NumPy's.  Torch7's temporal layer
runs whole, on the few tensor functions that it needs.  The checkouts must be at
the commits that the files of tests/golden/published name; what these hold from test-suites stays.
"""

from __future__ import annotations

import ctypes
import json
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from math import prod
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

Call = dict[str, Any]
PUBLISHED = Path(__file__).parent / "published"
MADE = "compiled and run by tests/golden/compiled.py"

DARKNET = """
#include "convolutional_layer.h"
#include "deconvolutional_layer.h"
#include <string.h>
void run(int transposed, int n, int h, int w, int c, int o, int groups, int size, int stride,
         int pad, float *x, float *weights, float *biases, float *y) {
    layer l = transposed
        ? make_deconvolutional_layer(n, h, w, c, o, size, stride, pad, LINEAR, 0, 0)
        : make_convolutional_layer(n, h, w, c, o, groups, size, stride, pad, LINEAR, 0, 0, 0, 0);
    network net = {0};
    net.input = x;
    net.workspace = calloc(1, l.workspace_size);
    memcpy(l.weights, weights, l.nweights * sizeof(float));
    memcpy(l.biases, biases, o * sizeof(float));
    l.forward(l, net);
    memcpy(y, l.output, n * l.outputs * sizeof(float));
}
"""
CAFFE_MATH = """
#include <cstring>
#include <algorithm>
using std::vector;
namespace caffe {
template <typename D> void caffe_set(int n, D a, D *y) { std::fill(y, y + n, a); }
}
#define DCHECK(x)
#define DCHECK_LT(x, y)
"""
CAFFE = """
#include "im2col.cpp"
extern "C" void im2col(const double *x, int rank, const int *size, const int *col, const int *k,
                       const int *p, const int *s, const int *d, double *y) {
    caffe::im2col_nd_cpu(x, rank, size, col, k, p, s, d, y);
}
extern "C" void col2im(const double *x, int rank, const int *size, const int *col, const int *k,
                       const int *p, const int *s, const int *d, double *y) {
    caffe::col2im_nd_cpu(x, rank, size, col, k, p, s, d, y);
}
"""
THNN = """
#include <stddef.h>
#include <string.h>
#include <math.h>
#define real double
#define THNN_(name) name
#define THTensor_(name) tensor_##name
#define THVector_(name) vector_##name
#define THTensor real
static real *tensor_data(THTensor *t) { return t; }
static void vector_cadd(real *z, const real *x, const real *y, real c, ptrdiff_t n) {
    for (ptrdiff_t i = 0; i < n; i++) z[i] = x[i] + c * y[i];
}
#define static
"""

# The tensors that TemporalConvolution_updateOutput needs: windows on a storage.
TENSORS = """
#include <stdlib.h>
#define real double
#define THNN_(name) name
#define THTensor_(name) tensor_##name
#define THArgCheck(...)
#define THNN_ARGCHECK(...)
typedef void THNNState;
typedef struct { real *storage; long storageOffset, size[3], stride[3]; int nDimension; } THTensor;
static THTensor *tensor_new() { return calloc(1, sizeof(THTensor)); }
static void tensor_free(THTensor *t) { free(t); }
static int tensor_isContiguous(THTensor *t) { return 1; }
static THTensor *tensor_newContiguous(THTensor *t) {
    THTensor *u = tensor_new();
    *u = *t;
    return u;
}
static void tensor_resize2d(THTensor *t, long a, long b) {}
static void tensor_resize3d(THTensor *t, long a, long b, long c) {}
static void tensor_select(THTensor *t, THTensor *from, int axis, long i) {
    THTensor u = *from;
    u.nDimension--;
    u.storageOffset += i * from->stride[0];
    for (int j = 0; j < 2; j++) {
        u.size[j] = from->size[j + 1];
        u.stride[j] = from->stride[j + 1];
    }
    *t = u;
}
static void tensor_setStorage2d(THTensor *t, real *storage, long offset, long size0, long stride0,
                                long size1, long stride1) {
    *t = (THTensor){storage, offset, {size0, size1}, {stride0, stride1}, 2};
}
static void tensor_transpose(THTensor *t, THTensor *from, int a, int b) {
    tensor_setStorage2d(t, from->storage, from->storageOffset, from->size[1], from->stride[1],
                        from->size[0], from->stride[0]);
}
static real *at(THTensor *t, long i, long j) {
    return t->storage + t->storageOffset + i * t->stride[0] + j * t->stride[1];
}
static void tensor_copy(THTensor *t, THTensor *from) {
    for (long i = 0; i < t->size[0]; i++) *at(t, i, 0) = *at(from, i, 0);
}
static void tensor_addmm(THTensor *r, real beta, THTensor *t, real alpha, THTensor *a,
                         THTensor *b) {
    for (long i = 0; i < a->size[0]; i++)
        for (long j = 0; j < b->size[1]; j++)
            for (long k = 0; k < a->size[1]; k++) *at(r, i, j) += *at(a, i, k) * *at(b, k, j);
}
"""
TEMPORAL = """
void run(long n, long l, long c, long out, long o, int k, int s, real *x, real *w, real *b,
         real *y) {
    THTensor input = {x, 0, {n, l, c}, {l * c, c, 1}, 3}, output = {y, 0, {n, out, o},
        {out * o, o, 1}, 3}, weight = {w, 0, {o, k * c}, {k * c, 1}, 2}, bias = {b, 0, {o}, {1}, 1};
    TemporalConvolution_updateOutput(NULL, &input, &output, &weight, &bias, k, s, c, o);
}
"""


def pair(rng: np.random.Generator, x: tuple[int, ...], w: tuple[int, ...]) -> tuple[Any, Any]:
    return tuple(rng.integers(-8, 9, shape).astype(float) for shape in (x, w))


def compiled(folder: str, source: str, name: str, *flags: str) -> ctypes.CDLL:
    file, library = Path(folder) / name, Path(folder) / "library.so"
    file.write_text(source)
    compiler = "g++" if name.endswith("cpp") else "gcc"
    told = [compiler, "-O1", "-fPIC", "-shared", "-w", "-o", str(library), str(file), *flags, "-lm"]
    subprocess.run(told, check=True)
    return ctypes.CDLL(str(library))


def pointer(a: np.ndarray) -> ctypes.c_void_p:
    return a.ctypes.data_as(ctypes.c_void_p)


def call(function: str, options: Call, source: str, bias: Any = None, **arrays: Any) -> Call:
    told = {"function": function, "options": options, "source": f"{source}, {MADE}"}
    arrays |= {} if bias is None else {"bias": bias}
    told |= {"dtype": "float32"} if function.startswith("darknet") else {}
    return told | {role: a.tolist() for role, a in arrays.items()}


def darknet(checkout: Path, folder: str) -> Iterator[Call]:
    """Whole layers: distinct sizes, strides, paddings and groups."""
    needed = (
        "activations activation_layer batchnorm_layer blas box col2im convolutional_layer "
        "deconvolutional_layer gemm im2col image list matrix utils data tree option_list"
    )
    files = [str(checkout / "src" / f"{name}.c") for name in needed.split()]
    includes = [f"-I{checkout / part}" for part in ("include", "src")]
    lazy = ["-Wl,-z,lazy", "-Wl,--unresolved-symbols=ignore-all", "-lpthread"]
    library = compiled(folder, DARKNET, "run.c", *includes, *files, *lazy)
    rng = np.random.default_rng(0)
    cases = [
        (0, (2, 3, 5, 7), 4, 1, 3, 1, {}),
        (0, (1, 3, 6, 9), 2, 1, 3, 2, {"stride": 2, "pad": 1}),
        (0, (1, 4, 7, 6), 6, 2, 2, 3, {"stride": 3, "padding": 1, "groups": 2}),
        (0, (1, 2, 5, 6), 3, 1, 4, 2, {"stride": 2, "pad": 1, "padding": 1}),
        (1, (2, 3, 4, 5), 2, 1, 3, 1, {}),
        (1, (1, 3, 2, 5), 4, 1, 4, 3, {"stride": 3, "padding": 1}),
        (1, (1, 2, 5, 4), 3, 1, 3, 2, {"stride": 2, "pad": 1}),
    ]  # fmt: skip
    for transposed, shape, o, groups, size, stride, options in cases:
        n, c, *image = shape
        pad = size // 2 if options.get("pad") else options.get("padding", 0)
        kernel = (c, o) if transposed else (o, c // groups)
        x, w = pair(rng, shape, (*kernel, size, size))
        bias = rng.integers(-8, 9, o).astype(float)
        out = [
            (i - 1) * stride + size - 2 * pad if transposed else (i + 2 * pad - size) // stride + 1
            for i in image
        ]
        single = [a.astype(np.float32) for a in (x, w, bias, np.zeros((n, o, *out)))]
        library.run(
            *(transposed, n, *image, c, o, groups, size, stride, pad), *map(pointer, single)
        )
        name = "deconvolutional" if transposed else "convolutional"
        yield call(
            f"darknet.{name}",
            {**options, "activation": "linear"},
            f"pjreddie/darknet @ f6afaabc src/{name}_layer.c",
            bias,
            x=x,
            w=w,
            y=single[3],
        )


Unfold = Callable[[np.ndarray, list[int]], np.ndarray]


def forward(x: np.ndarray, w: np.ndarray, groups: int, out: list[int], unfold: Unfold) -> Any:
    """Columns of the framework times kernels, group by group."""
    o = len(w)
    parts = np.split(w.reshape(o, -1), groups)
    y = []
    for image in x:
        parted = zip(parts, np.split(image, groups))
        y.append(np.concatenate([part @ unfold(chosen, out) for part, chosen in parted]))
    return np.stack(y).reshape(len(x), o, *out)


def backward(x: np.ndarray, w: np.ndarray, groups: int, out: list[int], fold: Unfold) -> Any:
    """Kernels times x, columns that the framework adds up to an image."""
    c, m = w.shape[:2]
    parts = np.split(w.reshape(c, -1), groups)
    y = []
    for image in x:
        parted = zip(parts, np.split(image.reshape(c, -1), groups))
        y.append(np.concatenate([fold(part.T @ pixels, [m, *out]) for part, pixels in parted]))
    return np.stack(y)


def sizes(x: Any, k: Any, s: Any, p: Any, d: Any, a: Any = None) -> list[int]:
    """The output's sizes; those of the transpose where ``a`` is given."""
    axes = zip(x, k, s, p, d, a or [0] * len(k))
    if a is None:
        return [(i + 2 * p - d * (k - 1) - 1) // s + 1 for i, k, s, p, d, _ in axes]
    return [(i - 1) * s - 2 * p + d * (k - 1) + 1 + a for i, k, s, p, d, a in axes]


def ints(*values: Any) -> Any:
    return (ctypes.c_int * len(values))(*values)


def repeated(options: Call, name: str, rank: int) -> list[int]:
    """A field of convolution_param as Caffe reads it: by _h and _w, repeated, or once."""
    if {f"{name}_h", f"{name}_w"} & set(options):
        return [options.get(f"{name}_h", 0), options.get(f"{name}_w", 0)]
    value = options.get(name, int(name != "pad"))
    return value if isinstance(value, list) else [value] * rank


def caffe(checkout: Path, folder: str) -> Iterator[Call]:
    """im2col_nd_cpu and col2im_nd_cpu, in one to three axes."""
    util = Path(folder) / "caffe" / "util"
    util.mkdir(parents=True)
    (util / "math_functions.hpp").write_text(CAFFE_MATH)
    flags = (f"-I{folder}", f"-I{checkout / 'include'}", f"-I{checkout / 'src/caffe/util'}")
    library = compiled(folder, CAFFE, "run.cpp", *flags)
    rng = np.random.default_rng(1)
    cases: list[tuple[Any, ...]] = [
        ((2, 3, 7), (4, 3, 3), 1, {}),
        ((1, 4, 6, 9), (2, 2, 3, 2), 2, {"group": 2, "stride": [2, 1], "pad": [0, 1]}),
        ((2, 2, 7, 6), (3, 2, 2, 3), 1, {"stride_h": 3, "stride_w": 2, "pad_h": 2, "pad_w": 1}),
        ((1, 2, 9, 8), (3, 2, 3, 2), 1, {"dilation": [2, 3], "pad_w": 1}),
        ((1, 2, 4, 5, 6), (3, 2, 2, 3, 1), 1, {"pad": 1, "stride": [1, 2, 3]}),
    ]

    def made(x_shape: Any, w_shape: Any, groups: int, options: Call, transposed: bool) -> Call:
        rank, k = len(x_shape) - 2, w_shape[2:]
        s, p, d = (repeated(options, name, rank) for name in ("stride", "pad", "dilation"))
        kernel = (x_shape[1], 2 + groups, *k) if transposed else w_shape
        x, w = pair(rng, x_shape, kernel)
        out = sizes(x_shape[2:], k, s, p, d, [0] * rank if transposed else None)
        told = [ints(*v) for v in (k, p, s, d)]

        def unfold(image: np.ndarray, out: list[int]) -> np.ndarray:
            channels = len(image) * prod(k)
            columns = np.zeros((channels, prod(out)))
            shapes = ints(*image.shape), ints(channels, *out)
            image = np.ascontiguousarray(image)
            library.im2col(pointer(image), rank, *shapes, *told, pointer(columns))
            return columns

        def fold(columns: np.ndarray, image: list[int]) -> np.ndarray:
            y = np.zeros(image)
            shapes = ints(*image), ints(len(columns), *x_shape[2:])
            columns = np.ascontiguousarray(columns)
            library.col2im(pointer(columns), rank, *shapes, *told, pointer(y))
            return y

        y = backward(x, w, groups, out, fold) if transposed else forward(x, w, groups, out, unfold)
        name = "Deconvolution" if transposed else "Convolution"
        source = "BVLC/caffe @ 9b891540 src/caffe/util/im2col.cpp"
        return call(f"caffe.{name}", options, source, x=x, w=w, y=y)

    for case in cases:
        yield from (made(*case, transposed) for transposed in (False, True))


def between(file: Path, start: str, end: str) -> str:
    """The functions of a C file from one line up to another."""
    found = re.search(rf"^({re.escape(start)}.*?)^{re.escape(end)}", file.read_text(), re.S | re.M)
    assert found, f"{file.name} has no {start}"
    return found[1]


def torch7(checkout: Path, folder: str) -> Iterator[Call]:
    """unfolded_copy, im2col, col2im, unfolded_copy_vol and col2vol."""
    generic = checkout / "lib/THNN/generic"
    flat = "SpatialFullDilatedConvolution"
    deep = "VolumetricFullDilatedConvolution"
    parts = [
        THNN,
        "#define TH_GENERIC_FILE\n" + (generic / "unfold.c").read_text(),
        between(
            generic / f"{flat}.c", "static void THNN_(im2col)", f"static inline void THNN_({flat}_s"
        ),
        between(
            generic / f"{deep}.c",
            "static void THNN_(col2vol)",
            f"static inline void THNN_({deep}_s",
        ),
        between(
            generic / "VolumetricConvolutionMM.c",
            "static void THNN_(unfolded_copy_vol)",
            "static void THNN_(VolumetricConvolutionMM_updateOutput_frame)",
        ),
    ]
    library = compiled(folder, "\n".join(parts), "run.c")
    rng = np.random.default_rng(2)
    plane: dict[str, Any] = {"dW": 2, "dH": 1, "padW": 1, "padH": 2}
    volume: dict[str, Any] = {"dT": 1, "dW": 3, "dH": 2, "padT": 1, "padW": 0, "padH": 2}
    cases: list[tuple[str, tuple[int, ...], tuple[int, ...], Call]] = [
        ("SpatialConvolution", (2, 3, 5, 7), (4, 3, 2, 3), {}),
        ("SpatialConvolution", (1, 2, 5, 6), (3, 2, 3, 2), plane),
        ("SpatialConvolution", (1, 2, 4, 6), (3, 2, 3, 2), {"padW": 1}),
        ("SpatialDilatedConvolution", (1, 2, 7, 9), (3, 2, 2, 3), plane | {"dilationW": 3}),
        ("SpatialDilatedConvolution", (1, 2, 7, 6), (3, 2, 3, 2), {"dilationH": 2, "padW": 1}),
        ("SpatialFullConvolution", (2, 3, 4, 5), (3, 2, 3, 2), {}),
        ("SpatialFullConvolution", (1, 2, 4, 3), (2, 3, 2, 3), {"dW": 3, "dH": 2, "padW": 1}),
        ("SpatialFullConvolution", (1, 2, 3, 4), (2, 3, 5, 2), plane | {"adjW": 1}),
        ("VolumetricConvolution", (1, 2, 4, 5, 6), (3, 2, 2, 3, 1), volume),
        ("VolumetricConvolution", (1, 2, 3, 4, 5), (3, 2, 3, 1, 2), {"padT": 1}),
        ("VolumetricFullConvolution", (1, 2, 2, 3, 4), (2, 3, 3, 5, 2), volume | {"adjW": 2}),
    ]

    def made(name: str, x_shape: Any, w_shape: Any, options: Call) -> Call:
        rank, k, i = len(x_shape) - 2, w_shape[2:], x_shape[2:]
        full = "Full" in name
        given = dict(options)
        if not full:
            given.setdefault("padW", given.get("padT", 0))
            given.setdefault("padH", given["padW"])
        letters = "THW"[-rank:]
        s, d = ([given.get(f"{o}{a}", 1) for a in letters] for o in ("d", "dilation"))
        p, a = ([given.get(f"{o}{a}", 0) for a in letters] for o in ("pad", "adj"))
        x, w = pair(rng, x_shape, w_shape)
        out = sizes(i, k, s, p, d, a if full else None)

        def widths_first(values: Any) -> list[int]:
            """T, W, H: the order of arguments."""
            *front, h, w = values
            return [*front, w, h]

        def unfold(image: np.ndarray, out: list[int]) -> np.ndarray:
            columns = np.zeros((len(image) * prod(k), prod(out)))
            image = np.ascontiguousarray(image)
            if "Dilated" in name:
                told = (len(image), *i, *k, *p, *s, *d)
                library.im2col(pointer(image), *told, pointer(columns))
                return columns
            told = [v for group in (k, s, p) for v in widths_first(group)]
            where = (len(image), *widths_first(i), *widths_first(out))
            if rank == 3:
                where = tuple(ctypes.c_long(v) for v in where)
            run = library.unfolded_copy if rank == 2 else library.unfolded_copy_vol
            run(pointer(columns), pointer(image), *told, *where)
            return columns

        def fold(columns: np.ndarray, image: list[int]) -> np.ndarray:
            y = np.zeros(image)
            run = library.col2im if rank == 2 else library.col2vol
            columns = np.ascontiguousarray(columns)
            run(pointer(columns), *image, *i, *k, *p, *s, *d, pointer(y))
            return y

        y = backward(x, w, 1, out, fold) if full else forward(x, w, 1, out, unfold)
        source = "torch/nn @ 87268255 lib/THNN/generic"
        return call(f"torch7.{name}", options, source, x=x, w=w, y=y)

    yield from (made(*case) for case in cases)
    temporal = Path(folder) / "temporal"
    temporal.mkdir()
    layer = between(
        generic / "TemporalConvolution.c",
        "static inline void THNN_(TemporalConvolution_shapeCheck)",
        "void THNN_(TemporalConvolution_updateGradInput)",
    )
    library = compiled(str(temporal), TENSORS + layer + TEMPORAL, "run.c")
    for (n, length, c), (o, k), options in (
        ((2, 7, 3), (4, 2), {}),
        ((1, 9, 2), (3, 4), {"dW": 2}),
        ((2, 8, 3), (2, 2), {"dW": 3}),
    ):
        x, w = pair(rng, (n, length, c), (o, k, c))
        bias, s = rng.integers(-8, 9, o).astype(float), options.get("dW", 1)
        y = np.zeros((n, (length - k) // s + 1, o))
        where = [ctypes.c_long(v) for v in (n, length, c, y.shape[1], o)]
        library.run(*where, k, s, *map(pointer, (x, w, bias, y)))
        source = "torch/nn @ 87268255 lib/THNN/generic/TemporalConvolution.c"
        yield call("torch7.TemporalConvolution", options, source, bias, x=x, w=w, y=y)


def main(name: str, checkout: str) -> None:
    """Replace what was made so in the family's file."""
    file = PUBLISHED / f"{name}.json"
    known = json.loads(file.read_text())
    with TemporaryDirectory() as folder:
        made = list({"darknet": darknet, "caffe": caffe, "torch7": torch7}[name](
            Path(checkout).resolve(), folder
        ))  # fmt: skip
    calls = [c for c in known["calls"] if not c["source"].endswith(MADE)] + made
    lines = ",\n".join(map(json.dumps, calls))
    head = json.dumps({k: v for k, v in known.items() if k != "calls"}, indent=1)
    file.write_text(f'{head[:-2]},\n"calls": [\n{lines}\n]}}\n')
    print(f"{file.name}: {len(calls)} calls, {len(made)} of them made now")


if __name__ == "__main__":
    main(*sys.argv[1:])
