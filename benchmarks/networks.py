"""Every distinct convolution of some networks, as data.

Sizes are those of the published networks, on images of 224 x 224 (U-Net: 128 x 128), clips of
16 x 112 x 112 and signals of 4,000 samples (HiFi-GAN: 32 frames of a spectrogram).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

Pair = tuple[int, int]


@dataclass(frozen=True)
class Problem:
    """One convolution without its batch: x ``c size``, w ``o c/groups kernel``.

    pad: before and after, on every axis; of a transposed one (whose w is ``c o kernel``), what it
    cuts off.
    """

    size: tuple[int, ...]
    kernel: tuple[int, ...]
    c: int
    o: int
    stride: tuple[int, ...]
    pad: tuple[Pair, ...]
    dilation: tuple[int, ...]
    groups: int = 1
    transposed: bool = False

    @property
    def rank(self) -> int:
        return len(self.size)

    @property
    def output(self) -> tuple[int, ...]:
        """The spatial sizes of y."""
        axes = zip(self.size, self.kernel, self.stride, self.pad, self.dilation)
        if self.transposed:
            return tuple((n - 1) * s + (k - 1) * d + 1 - sum(p) for n, k, s, p, d in axes)
        return tuple((n + sum(p) - (k - 1) * d - 1) // s + 1 for n, k, s, p, d in axes)

    @property
    def terms(self) -> int:
        """How many products a number of y sums."""
        taps = 1
        for k, s in zip(self.kernel, self.stride):
            taps *= -(-k // s) if self.transposed else k
        return taps * self.c // self.groups

    def __str__(self) -> str:
        def by(n: tuple[int, ...]) -> str:
            return "x".join(map(str, n)) if len(n) > 1 else f"k{n[0]}"

        depthwise = self.groups == self.c > 1
        kind = "transposed " if self.transposed else "depthwise " if depthwise else ""
        told = [f"{kind}{by(self.kernel)}"]
        if max(self.stride) > 1:
            told.append(f"s{max(self.stride)}")
        if max(self.dilation) > 1:
            told.append(f"d{max(self.dilation)}")
        channels = f"{self.c}" if depthwise else f"{self.c}→{self.o}"
        return " ".join([*told, f"{channels},", "x".join(map(str, self.size))])


def problem(
    size: tuple[int, ...],
    kernel: int | tuple[int, ...],
    c: int,
    o: int,
    stride: int | tuple[int, ...] = 1,
    pad: int | str | tuple[int, ...] = "half",
    dilation: int = 1,
    **rest: int | bool,
) -> Problem:
    """A problem from numbers for all axes; "half" pads (k - 1) / 2 pixels, "same" as TensorFlow."""
    rank = len(size)
    kernel, stride = (v if isinstance(v, tuple) else (v,) * rank for v in (kernel, stride))
    if pad == "half":
        pads = tuple(((k - 1) * dilation // 2,) * 2 for k in kernel)
    elif pad == "same":
        totals = (
            max((-(-n // s) - 1) * s + (k - 1) * dilation + 1 - n, 0)
            for n, k, s in zip(size, kernel, stride)
        )
        pads = tuple((t // 2, t - t // 2) for t in totals)
    else:
        pads = ((int(pad), int(pad)),) * rank  # type: ignore[arg-type]
    return Problem(size, kernel, c, o, stride, pads, (dilation,) * rank, **rest)  # type: ignore[arg-type]


def resnet50() -> Iterator[Problem]:
    """ResNet-50, its stride in the 3x3 convolution (torchvision's)."""
    yield problem((224, 224), 7, 3, 64, 2)
    c, n = 64, 56
    for blocks, width, stride in ((3, 64, 1), (4, 128, 2), (6, 256, 2), (3, 512, 2)):
        for block in range(blocks):
            s = stride if block == 0 else 1
            yield problem((n, n), 1, c, width)
            yield problem((n, n), 3, width, width, s)
            if block == 0:
                yield problem((n, n), 1, c, 4 * width, s)
            n //= s
            yield problem((n, n), 1, width, 4 * width)
            c = 4 * width


def _inverted(c: int, n: int, expand: int, k: int, s: int, o: int) -> Iterator[Problem]:
    """An inverted residual: expand, depthwise, project."""
    wide = c * expand
    if expand > 1:
        yield problem((n, n), 1, c, wide)
    yield problem((n, n), k, wide, wide, s, "same", groups=wide)
    yield problem((n // s, n // s), 1, wide, o)


def mobilenet_v2() -> Iterator[Problem]:
    """MobileNetV2, padded as in TensorFlow."""
    yield problem((224, 224), 3, 3, 32, 2, "same")
    c, n = 32, 112
    table = ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1))
    for expand, o, blocks, stride in (*table, (6, 160, 3, 2), (6, 320, 1, 1)):
        for block in range(blocks):
            s = stride if block == 0 else 1
            yield from _inverted(c, n, expand, 3, s, o)
            c, n = o, n // s
    yield problem((7, 7), 1, 320, 1280)


def efficientnet_b0() -> Iterator[Problem]:
    """EfficientNet-B0 with its squeeze and excitation, padded as in TensorFlow."""
    yield problem((224, 224), 3, 3, 32, 2, "same")
    c, n = 32, 112
    table = ((1, 3, 1, 16, 1), (6, 3, 2, 24, 2), (6, 5, 2, 40, 2), (6, 3, 2, 80, 3))
    for expand, k, stride, o, blocks in (
        *table,
        *((6, 5, 1, 112, 3), (6, 5, 2, 192, 4), (6, 3, 1, 320, 1)),
    ):
        for block in range(blocks):
            s = stride if block == 0 else 1
            yield from _inverted(c, n, expand, k, s, o)
            yield problem((1, 1), 1, c * expand, c // 4)
            yield problem((1, 1), 1, c // 4, c * expand)
            c, n = o, n // s
    yield problem((7, 7), 1, 320, 1280)


def convnext_t() -> Iterator[Problem]:
    """ConvNeXt-T; its pointwise layers as 1x1 convolutions."""
    yield problem((224, 224), 4, 3, 96, 4, 0)
    n = 56
    for width in (96, 192, 384, 768):
        yield problem((n, n), 7, width, width, groups=width)
        yield problem((n, n), 1, width, 4 * width)
        yield problem((n, n), 1, 4 * width, width)
        if width < 768:
            yield problem((n, n), 2, width, 2 * width, 2, 0)
            n //= 2


def unet() -> Iterator[Problem]:
    """A U-Net of five levels, upwards by transposed convolutions."""
    c, n = 3, 128
    for width in (64, 128, 256, 512, 1024):
        yield problem((n, n), 3, c, width)
        yield problem((n, n), 3, width, width)
        c, n = width, n // 2
    n = 8
    for width in (512, 256, 128, 64):
        yield problem((n, n), 2, 2 * width, width, 2, 0, transposed=True)
        n *= 2
        yield problem((n, n), 3, 2 * width, width)
        yield problem((n, n), 3, width, width)
    yield problem((n, n), 1, 64, 2)


def wavenet() -> Iterator[Problem]:
    """WaveNet: two taps, dilations to 512, the signal padded before; gates, residuals and skips."""
    for power in range(10):
        d = 2**power
        yield problem((4000 + d,), 2, 64, 128, 1, 0, d)
    yield problem((4000,), 1, 64, 64)
    yield problem((4000,), 1, 64, 256)
    yield problem((4000,), 1, 256, 256)


def hifi_gan() -> Iterator[Problem]:
    """HiFi-GAN V1's generator: transposed convolutions upwards, dilated ones between."""
    n, c = 32, 512
    yield problem((n,), 7, 80, c)
    for k, s in ((16, 8), (16, 8), (4, 2), (4, 2)):
        yield problem((n,), k, c, c // 2, s, (k - s) // 2, transposed=True)
        n, c = n * s, c // 2
        for taps in (3, 7, 11):
            for d in (1, 3, 5):
                yield problem((n,), taps, c, c, dilation=d)
    yield problem((n,), 7, 32, 1)


def resnet_3d() -> Iterator[Problem]:
    """An 18-layer ResNet of three axes, padded as in TensorFlow."""
    yield problem((16, 112, 112), (3, 7, 7), 3, 64, (1, 2, 2), "same")
    size, c = (16, 56, 56), 64
    for width in (64, 128, 256, 512):
        s = 1 if width == 64 else 2
        yield problem(size, 3, c, width, s, "same")
        if s == 2:
            yield problem(size, 1, c, width, s, "same")
        size = tuple(n // s for n in size)
        yield problem(size, 3, width, width, 1, "same")
        c = width


def one_channel() -> Iterator[Problem]:
    """Signals of one channel: a learned spectrogram, as speech and seizure networks begin."""
    yield problem((16000,), 512, 1, 128, 160, 0)
    yield problem((16000,), 10, 1, 512, 5, 0)


NETWORKS = {
    "ResNet-50": resnet50,
    "MobileNetV2": mobilenet_v2,
    "EfficientNet-B0": efficientnet_b0,
    "ConvNeXt-T": convnext_t,
    "U-Net": unet,
    "WaveNet": wavenet,
    "HiFi-GAN": hifi_gan,
    "ResNet 3-D": resnet_3d,
    "1-D front ends": one_channel,
}


def problems() -> dict[Problem, str]:
    """Every distinct convolution, and the first network that has it."""
    found: dict[Problem, str] = {}
    for name, layers in NETWORKS.items():
        for layer in layers():
            found.setdefault(layer, name)
    return found


QUICK = (
    *("7x7 s2 3→64, 224x224", "3x3 64→64, 56x56", "3x3 512→512, 7x7", "1x1 1024→512, 14x14"),
    *("1x1 512→2048, 7x7", "1x1 24→144, 56x56", "depthwise 3x3 32, 112x112"),
    *("depthwise 3x3 s2 96, 112x112", "depthwise 7x7 384, 14x14", "1x1 1152→48, 1x1"),
    *("transposed 2x2 s2 256→128, 32x32", "k2 d16 64→128, 4016", "k7 d3 128→128, 2048"),
    *("transposed k16 s8 256→128, 256", "3x3x3 128→128, 8x28x28", "k512 s160 1→128, 16000"),
)


def chosen(quick: bool) -> dict[Problem, str]:
    """All of them, or the few of ``--quick``."""
    everything = problems()
    return {p: n for p, n in everything.items() if not quick or str(p) in QUICK}
