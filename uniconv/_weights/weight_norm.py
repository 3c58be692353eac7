"""Weight norm: a kernel that is stored as a direction v and a length g, w = g v / norm(v).

PyTorch has had two ways to write it, and both are in people's files::

    conv.weight_g, conv.weight_v                                            nn.utils.weight_norm
    conv.parametrizations.weight.original0, conv.parametrizations.weight.original1

The norm is taken over all axes but one, ``dim``, which the file does not name; g has v's axes, of
size 1 where the norm was taken, or no axes where it was taken over all. So g's shape says what is
needed: where an axis has size 1 in both, the norm is the same either way.

Source: torch 2.6 nn/utils/weight_norm.py and nn/utils/parametrizations.py (_WeightNorm).
"""

from __future__ import annotations

import re

from torch import Tensor

from uniconv._canonical.record import Shape
from uniconv._messages import show_shape
from uniconv._weights.conversion import Recipe, Shapes

# What the length's name ends with, and the direction's; the kernel's own name lies between.
_PAIRS = (
    (r"(?P<name>.+)_g", "{name}_v", "{name}"),
    (
        r"(?P<outer>.*?)parametrizations[./](?P<name>[^./]+)(?P<joint>[./])original0",
        "{outer}parametrizations{joint}{name}{joint}original1",
        "{outer}{name}",
    ),
)


def pairs(shapes: Shapes) -> dict[str, tuple[str, str]]:
    """For each direction v in a file, the length g that belongs to it and the kernel's name.

    >>> pairs({"a.weight_g": (4, 1, 1), "a.weight_v": (4, 3, 5), "b.weight_g": (2,)})
    {'a.weight_v': ('a.weight_g', 'a.weight')}
    """
    by_direction: dict[str, tuple[str, str]] = {}
    for name in shapes:
        for pattern, direction, kernel in _PAIRS:
            match = re.fullmatch(pattern, name)
            if match:
                v = direction.format(**match.groupdict())
                if v in shapes and len(shapes[v]) > 1:
                    by_direction[v] = (name, kernel.format(**match.groupdict()))
    return by_direction


def problem(g: Shape, v: Shape) -> str:
    """Why a length is none of that direction; "" where it is one."""
    if not g or (len(g) == len(v) and all(a in (1, b) for a, b in zip(g, v))):
        return ""
    return f"its length of shape {show_shape(g)} is none for a direction of {show_shape(v)}"


def fold(length: str) -> Recipe:
    """What makes the kernel of its direction and the length of that name."""
    return Recipe((length,), _product)


def _product(v: Tensor, g: Tensor) -> Tensor:
    """``g v / norm(v)``, the norm over the axes that g does not have."""
    over = [axis for axis in range(v.ndim) if not g.ndim or g.shape[axis] == 1]
    return v * (g / v.square().sum(over, keepdim=True).sqrt()) if over else v.sign() * g
