"""The dialect of Pebble: data, and nothing else."""

from uniconv.spec import UNGROUPED, Framework, Layout, Op, Pad, PerAxis, alike

STAMP = Op(
    "pebble.stamp",
    kind="conv",
    params="x:images w:stamps hop rim",
    layout=Layout("n ... c", "o ... i", "n ... o", ranks=(2,)),
    stride=PerAxis("hop"),
    dilation=None,
    pad=Pad("rim", 0, form=alike()),
    groups=UNGROUPED,
    reverse=True,
    empty_output="refused",
    dtypes=("float16", "float32", "float64"),
    source="pebble 1.0 pebble.py",
)

PEBBLE = Framework(
    "pebble",
    title="Pebble",
    version="1.0",
    functions=(STAMP,),
    main={"conv": {2: "pebble.stamp"}},
)
