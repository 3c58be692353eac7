"""How many calls of each function are compared: (from the grid, at random), by family.

Most of the pairs of traits need many calls where a family has few functions.
"""

PER_FUNCTION = {
    "pytorch": (90, 50),
    "tf": (60, 36),
    "onnx": (200, 100),
    "jax": (70, 40),
    "tinygrad": (90, 70),
    "mxnet": (120, 80),
}
OTHERWISE = (60, 40)
