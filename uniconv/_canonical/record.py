"""The canonical convolution: one frozen record, its numbered constraints, its output size.

The record follows the StableHLO ``convolution`` op (openxla/stablehlo docs/spec.md @ 3c9301c1) on
x ``n c ...``, w ``o i ...`` and y ``n o ...`` with c = i * groups.  It is a cross-correlation
unless ``reverse`` says otherwise, axis by axis.  A transposed convolution is ``lhs_dilation > 1``.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from uniconv.errors import UniconvError

BOUNDARIES = ("zeros", "constant", "reflect", "symmetric", "replicate", "circular")
Pairs = tuple[tuple[int, int], ...]


def effective(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """The extent of a dilated kernel, per axis: (k - 1) * d + 1."""
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation))


@dataclass(frozen=True, slots=True)
class Sizes:
    """The sizes of one problem: batch axes, channels in (c) and out (o), x and kernel extents."""

    batch: tuple[int, ...]
    c: int
    o: int
    size: tuple[int, ...]
    kernel: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Convolution:
    """One convolution over r spatial axes, without layouts, names or arrays.

    stride, lhs_dilation, rhs_dilation: r integers, at least 1 (pixels).
    pad: r pairs (before, after), in axis order; negative crops; applied after lhs_dilation.
    reverse: r booleans; True convolves, False cross-correlates along that axis.
    groups: channel groups, contiguous blocks.
    boundary: what lies outside x: one of BOUNDARIES; fill is the value for "constant".  "circular"
    repeats x with the zeros that lhs_dilation spreads after each pixel, and may be cropped.
    batch_groups: part j of the batch meets part j of the filters; y has a batch that much smaller.
    """

    stride: tuple[int, ...]
    pad: Pairs
    lhs_dilation: tuple[int, ...]
    rhs_dilation: tuple[int, ...]
    reverse: tuple[bool, ...]
    groups: int = 1
    boundary: str = "zeros"
    fill: float = 0.0
    batch_groups: int = 1

    @property
    def rank(self) -> int:
        """The number of spatial axes, from 0 on."""
        return len(self.stride)

    def with_unit_axis(self) -> Convolution:
        """The same convolution with one more leading spatial axis of size 1 in x, w and y."""
        return replace(
            self,
            stride=(1, *self.stride),
            pad=((0, 0), *self.pad),
            lhs_dilation=(1, *self.lhs_dilation),
            rhs_dilation=(1, *self.rhs_dilation),
            reverse=(False, *self.reverse),
        )

    def reordered(self, order: Sequence[int]) -> Convolution:
        """The same convolution on x, w and y whose spatial axes are taken in ``order``."""
        return replace(
            self,
            stride=tuple(self.stride[i] for i in order),
            pad=tuple(self.pad[i] for i in order),
            lhs_dilation=tuple(self.lhs_dilation[i] for i in order),
            rhs_dilation=tuple(self.rhs_dilation[i] for i in order),
            reverse=tuple(self.reverse[i] for i in order),
        )

    def output(self, size: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        """Output extents; 0 where no window fits."""
        spans = self._spans(size, kernel)
        return tuple((v + s) // s if v >= 0 else 0 for v, s in zip(spans, self.stride))

    def tight(self, size: Sequence[int], kernel: Sequence[int]) -> Convolution:
        """The same convolution with the padding after cut to what the last window reads."""
        # A span v is how far the first window can move; it moves by s, and the last v % s pixels
        # are read by no window.
        spans = self._spans(size, kernel)
        pad = tuple(
            (lo, hi - v % s) if v >= 0 else (lo, hi)
            for (lo, hi), v, s in zip(self.pad, spans, self.stride)
        )
        return replace(self, pad=pad)

    def _spans(self, size: Sequence[int], kernel: Sequence[int]) -> tuple[int, ...]:
        """How far the first window can move, per axis; negative where it does not fit."""
        # x of 5 pixels, spread by 1, pad (1, 1), kernel 3: 5 + 2 - 3 = 4, so that with stride 2
        # windows start at 0, 2 and 4: output is 4 // 2 + 1 = 3.  An x without pixels is 0 long when
        # spread, too.
        return tuple(
            ((n - 1) * ld + 1 if n > 0 else 0) + lo + hi - e
            for n, ld, (lo, hi), e in zip(
                size, self.lhs_dilation, self.pad, effective(kernel, self.rhs_dilation)
            )
        )

    def check(self, sizes: Sizes | None = None) -> None:
        """Raise UniconvError with the number of the first constraint that does not hold."""
        # Constraints are told by number in messages and tests; those of sizes follow where these
        # are known.
        per_axis = (self.stride, self.pad, self.lhs_dilation, self.rhs_dilation, self.reverse)
        plain = self.boundary in ("zeros", "constant")
        record = {
            "C1: every per-axis field has one entry for each spatial axis": (
                len({len(f) for f in per_axis}) == 1
            ),
            "C2: stride is at least 1": min(self.stride, default=1) >= 1,
            "C3: lhs_dilation is at least 1": min(self.lhs_dilation, default=1) >= 1,
            "C4: rhs_dilation is at least 1": min(self.rhs_dilation, default=1) >= 1,
            "C5: groups is at least 1": self.groups >= 1,
            f"C6: boundary is one of {', '.join(BOUNDARIES)}": self.boundary in BOUNDARIES,
            'C7: fill is 0 unless boundary is "constant"': (
                self.fill == 0 or self.boundary == "constant"
            ),
            "C8: a boundary other than zeros has no negative pad, and lhs_dilation 1": (
                self.boundary in ("zeros", "circular")
                or (set(self.lhs_dilation) <= {1} and min(map(min, self.pad), default=0) >= 0)
            ),
        }
        record |= {
            "C14: batch_groups is at least 1": self.batch_groups >= 1,
            "C15: groups and batch_groups are not both above 1": 1
            in (self.groups, self.batch_groups),
        }
        if sizes is not None:
            parts = max(self.batch_groups, 1)
            r = (len(sizes.size), len(sizes.kernel))
            record |= {
                "C9: x and w have the record's number of spatial axes": r == (self.rank, self.rank),
                "C10: c is a multiple of groups": sizes.c % max(self.groups, 1) == 0,
                "C11: o is a multiple of groups": sizes.o % max(self.groups, 1) == 0,
                "C12: every kernel extent is at least 1": min(sizes.kernel, default=1) >= 1,
                "C13: a boundary read from x needs at least one pixel per axis": (
                    plain or min(sizes.size, default=1) >= 1
                ),
                "C16: with batch_groups, x has one batch axis, a multiple of them": (
                    parts == 1 or (len(sizes.batch) == 1 and sizes.batch[0] % parts == 0)
                ),
                "C17: o is a multiple of batch_groups": sizes.o % parts == 0,
            }
        for constraint, holds in record.items():
            if not holds:
                raise UniconvError(f"{constraint}; got {self}" + (f", {sizes}" if sizes else ""))


Shape = tuple[int, ...]
