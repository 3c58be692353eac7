"""Frameworks that have no dialect of their own, since they compute as another one does."""

from __future__ import annotations

__all__ = ["relative"]

# Whose function a framework's layers call, or whose meaning and layout they have.
_RELATIVES = {
    # github.com/google-deepmind/sonnet sonnet/src/conv.py
    "sonnet": "tf.nn.convolution",
    # github.com/google-deepmind/dm-haiku haiku/_src/conv.py
    "haiku": "jax.lax.conv_general_dilated",
    # github.com/patrick-kidger/equinox equinox/nn/_conv.py
    "equinox": "jax.lax.conv_general_dilated",
    # github.com/google/trax trax/layers/convolution.py
    "trax": "jax.lax.conv_general_dilated",
    # github.com/Jittor/jittor python/jittor/nn.py
    "jittor": "torch.nn.functional.conv2d",
    # gitee.com/mindspore/mindspore mindspore/python/mindspore/ops/operations/nn_ops.py Conv2D:
    # pad_mode="same" is SAME_UPPER
    "mindspore": "onnx.Conv",
    # github.com/LaurentMazare/tch-rs, which binds libtorch
    "tch": "torch.nn.functional.conv2d",
    # github.com/huggingface/candle candle-core/src/conv.rs
    "candle": "torch.nn.functional.conv2d",
    # github.com/ARM-software/armnn, a delegate of TensorFlow Lite
    "armnn": "tflite.CONV_2D",
    # github.com/flashlight/flashlight flashlight/fl/autograd, by cuDNN
    "flashlight": "cudnn.convolution",
}
_SHORT = {"snt": "sonnet", "hk": "haiku", "eqx": "equinox", "jt": "jittor", "candle_nn": "candle"}


def relative(name: str) -> str | None:
    """The function that a framework without a dialect computes as; None where none is known.

    >>> relative("equinox.nn.Conv2d"), relative("hk.Conv2D")
    ('jax.lax.conv_general_dilated', 'jax.lax.conv_general_dilated')
    """
    first = name.lower().partition(".")[0]
    return _RELATIVES.get(_SHORT.get(first, first))
