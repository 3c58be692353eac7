"""One framework a file, named as the file is.

A name loads the file that bears its first word: ``keras.ops.conv`` loads keras.py.
"""

# The other first words of a file's names: its aliases, and those of functions and short prefixes.
WORDS = {
    "coreml": ("coremltools",),
    "cv2": ("opencv",),
    "flax": ("linen", "nnx"),
    "flux": ("Flux",),
    "jax": ("jnp", "lax"),
    "lux": ("Lux",),
    "matlab": ("octave",),
    "matlab_dl": ("matlab",),
    "mlx": ("mx",),
    "mxnet": ("mx",),
    "nnlib": ("NNlib",),
    "numpy": ("np",),
    "onnx": ("com", "onnxruntime"),
    "paddle": ("paddlepaddle",),
    "pytorch": ("F", "nn", "torch"),
    "scipy": ("ndimage", "signal"),
    "tf": ("tensorflow",),
    "tflite": ("litert",),
    "torch7": ("lua-torch",),
}
