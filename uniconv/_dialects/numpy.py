"""NumPy: convolve and correlate of sequences.

Proved against NumPy 2.4.6.
"""

from dataclasses import replace

from uniconv._canonical.layout import Layout
from uniconv.spec.framework import Framework
from uniconv.spec.op import UNGROUPED, Op
from uniconv.spec.padding import Pad
from uniconv.spec.words import full, numpy_correlate_same, numpy_same, numpy_valid

SOURCE = "numpy 2.4.6 numpy/_core/numeric.py"

CONVOLVE = Op(
    "numpy.convolve",
    kind="conv",
    params="x:a w:v mode",
    layout=Layout("...", "...", "...", (1,)),
    stride=None,
    dilation=None,
    pad=Pad("mode", "full", {"full": full, "same": numpy_same, "valid": numpy_valid}),
    groups=UNGROUPED,
    reverse=True,
    batch=(0, 0),
    empty_output="refused",
    dtypes=("float32", "float64", "int32", "int64"),
    source=f"{SOURCE} convolve",
    notes=("same is as long as the longer of a and v.",),
)
CORRELATE = replace(
    CONVOLVE,
    name="numpy.correlate",
    reverse=False,
    pad=Pad("mode", "valid", {"valid": numpy_valid, "same": numpy_correlate_same, "full": full}),
    source=f"{SOURCE} correlate",
    notes=(*CONVOLVE.notes, "NumPy conjugates v; complex arrays are refused here."),
)

NUMPY = Framework(
    "numpy",
    title="NumPy",
    version="2.4.6",
    functions=(CONVOLVE, CORRELATE),
    main={"conv": {1: CONVOLVE.name}},
    prefixes={"np.": "numpy."},
)
