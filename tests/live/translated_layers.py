"""Layers in another framework's words, run there: prints what differs.  Usage: FAMILY.

A process of its own, so that no framework's settings reach another test.
"""

import os
import sys

import numpy as np

from uniconv import Call, translate_layer
from uniconv._translate.layers import shapes_of_layer
from uniconv._translate.unsized import UnsizedCall
from uniconv.errors import BadOption, CannotExpress

# How each family's array is made of a NumPy array, and y of x; and what these need imported.
FAMILIES = {
    "pytorch": ("torch.tensor({})", "layer(x).detach().numpy()", "import torch"),
    "keras": (
        "keras.ops.convert_to_tensor({})",
        "keras.ops.convert_to_numpy(layer(x))",
        "import keras",
    ),
    "flax": ("jnp.asarray({})", "np.asarray(layer.apply(variables, x))", "import jax.numpy as jnp"),
    "mlx": ("mlx.core.array({})", "np.array(layer(x))", "import mlx.core"),
    "paddle": ("paddle.to_tensor({})", "layer(x).numpy()", "import paddle"),
    "chainer": (
        "chainer.Variable({})",
        "layer(x).array",
        "from uniconv.conformance.oracles.chainer import chainer\nchainer = chainer()",
    ),
    "tinygrad": (
        "Tensor({})",
        "layer(x).numpy()",
        "from uniconv.conformance.oracles.tinygrad import tinygrad\nTensor = tinygrad().Tensor",
    ),
}
TORCH = "torch.nn."
KERAS = "keras.layers."
TEXTS = {
    f"{TORCH}Conv2d(3, 5, 3)": 3,
    f"{TORCH}Conv2d(3, 6, (3, 4), stride=(2, 1), padding=(1, 2), groups=3, bias=False)": 3,
    f"{TORCH}Conv2d(4, 6, 3, padding=1, padding_mode='reflect')": 4,
    f"{TORCH}Conv1d(3, 5, 4, stride=2, padding=3)": 3,
    f"{TORCH}Conv2d(3, 5, 3, padding=2, dilation=2)": 3,
    f"{TORCH}Conv3d(3, 5, (1, 2, 3), padding='same')": 3,
    f"{TORCH}ConvTranspose2d(3, 5, 4, 2, 1)": 3,
    f"{TORCH}ConvTranspose2d(3, 5, 3, stride=2, padding=1, output_padding=1)": 3,
    f"{TORCH}ConvTranspose1d(3, 5, 3, stride=3)": 3,
    f"{TORCH}ConvTranspose2d(4, 6, (3, 2), groups=2)": 4,
    f"{KERAS}Conv2D(5, 3, padding='same', activation='relu')": 3,
    f"{KERAS}Conv2D(5, (3, 4), strides=(2, 3), padding='same')": 3,
    f"{KERAS}Conv2D(6, (3, 2), groups=3, strides=(1, 2), padding='valid')": 3,
    f"{KERAS}Conv2DTranspose(5, 3, strides=2, padding='same')": 3,
    f"{KERAS}DepthwiseConv2D(3, depth_multiplier=2)": 3,
    f"{KERAS}Conv1D(5, 3, padding='causal', dilation_rate=2)": 3,
    f"{KERAS}SeparableConv2D(5, 3, strides=2, depth_multiplier=2, activation='relu')": 3,
    "flax.linen.Conv(5, (3, 4), strides=2, padding='VALID')": 3,
    "import mlx.nn\nmlx.nn.Conv2d(4, 6, (3, 2), stride=2, padding=1, groups=2)": 4,
}
"""Layers and the channels of their x."""


def integers(shape):
    """Integers in which no flip, shift or swap hides, whose sums float32 holds."""
    n = int(np.prod(shape))
    return ((np.arange(1, n + 1) ** 2) % 7 - 3).astype("float32").reshape(shape)


def moved(a, src, dst):
    """An array from one order of axes to another."""
    spatial = " ".join(f"s{i}" for i in range(a.ndim - 2))
    src, dst = (pattern.replace("...", spatial).split() for pattern in (src, dst))
    return np.ascontiguousarray(a.transpose([src.index(letter) for letter in dst]))


def run(family, text, channels):
    """What differs; "" for nothing, None where the family has no words for the layer."""
    try:
        done = translate_layer(text, to=family, in_channels=channels)
    except (BadOption, CannotExpress):
        return None
    call = UnsizedCall.of(text)
    rank = len(shapes_of_layer(call, channels, None)["x"]) - 2
    shapes = shapes_of_layer(call, channels, (9, 8, 7)[:rank])  # small, for tinygrad in Python
    arrays = {role: integers(shape) for role, shape in shapes.items()}
    sized = call.sized(shapes)
    src, dst = done.axes.split(" -> ")
    expected = moved(Call(**arrays, dialect=sized.dialect, **sized.options).run(), src, dst)
    array, result, imports = FAMILIES[family]
    scope = {"np": np}
    exec(imports, scope)
    arrays["x"] = moved(arrays["x"], src, dst)
    arrays["p"] = arrays.pop("pointwise", arrays["w"])
    for role, a in arrays.items():
        scope["given"] = a
        exec(f"{role} = {array.format('given')}", scope)
    exec(done.code, scope)
    y = np.asarray(eval(result, scope))
    if y.shape == expected.shape and (y == expected).all():
        return ""
    return f"{text}:\n{done.code}"


if __name__ == "__main__":
    os.environ.setdefault("JAX_DEFAULT_MATMUL_PRECISION", "highest")
    results = [run(sys.argv[1], text, channels) for text, channels in TEXTS.items()]
    ran = [r for r in results if r is not None]
    print("".join(ran) if any(ran) else f"{len(ran)} agree")
