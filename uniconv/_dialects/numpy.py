"""NumPy: convolve and correlate of sequences.

Proved against NumPy 2.4.6.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from uniconv.spec import (
    COMPLEX,
    NUMPY_INTEGERS,
    UNGROUPED,
    Axis,
    Framework,
    Layout,
    Op,
    Pad,
    Pair,
    Spelling,
    Word,
    full,
    numpy_idiom,
    same_as_longer,
    valid_inside_longer,
)

SOURCE = "numpy 2.4.6 numpy/_core/numeric.py"


def same_as_longer_of_correlate(axis: Axis) -> Pair:
    """The middle of "full", as long as the longer of x and w; the odd pixel after where w is."""
    lo, hi = same_as_longer(axis)
    return (lo, hi) if axis.kernel <= axis.size else (hi, lo)


MODES = {"full": full, "same": same_as_longer, "valid": valid_inside_longer}
MODES_OF_CORRELATE = {**MODES, "same": same_as_longer_of_correlate}


def numbered(modes: Mapping[str, Word]) -> dict[Any, Word]:
    """The modes by name, and by the number that stands for each."""
    return {**modes, **{i: modes[name] for i, name in enumerate(("valid", "same", "full"))}}


CONVOLVE = Op(
    "numpy.convolve",
    kind="conv",
    params="x:a w:v mode",
    layout=Layout("...", "...", "...", (1,)),
    stride=None,
    dilation=None,
    pad=Pad("mode", "full", numbered(MODES)),
    groups=UNGROUPED,
    reverse=True,
    batch=(0, 0),
    empty_output="refused",
    dtypes=("float16", "float32", "float64", *NUMPY_INTEGERS, *COMPLEX),
    mixed_dtypes="numpy",
    reads_lists=True,
    vectors="numbers",
    source=f"{SOURCE} convolve",
    notes=("same is as long as the longer of a and v.",),
)
CORRELATE = replace(
    CONVOLVE,
    name="numpy.correlate",
    reverse=False,
    conjugates=True,
    pad=Pad("mode", "valid", numbered(MODES_OF_CORRELATE)),
    vectors="",
    source=f"{SOURCE} correlate",
    notes=(*CONVOLVE.notes, "A complex v is conjugated."),
)


SPELLING = Spelling("import numpy", idiom=numpy_idiom("np", "import numpy as np"))

NUMPY = Framework(
    "numpy",
    title="NumPy",
    version="2.4.6",
    functions=(CONVOLVE, CORRELATE),
    main={"conv": {1: CONVOLVE.name}},
    prefixes={"np.": "numpy."},
    cases=160,
    spelling=SPELLING,
)
