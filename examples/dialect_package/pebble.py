"""Pebble: a framework of one function, in NumPy, for the sake of the example."""

import numpy as np


def stamp(images, stamps, hop=1, rim=0):
    """Stamp images (n, rows, columns, c) with stamps (o, rows, columns, c), turned around.

    hop, rim: an integer, or one for rows and one for columns: the step, and the zeros on each side.
    """
    hops, rims = ((v, v) if isinstance(v, int) else tuple(v) for v in (hop, rim))
    if len(hops) != 2 or len(rims) != 2 or min(hops) < 1 or min(rims) < 0:
        raise ValueError(f"hop={hop}, rim={rim}")
    if (
        images.shape[3] != stamps.shape[3]
        or images.dtype != stamps.dtype
        or 0 in images.shape[1:] + stamps.shape
    ):
        raise ValueError(f"{images.shape} {images.dtype} under {stamps.shape} {stamps.dtype}")
    if images.dtype.kind != "f":
        raise ValueError(f"{images.dtype}")
    padded = np.pad(images, ((0, 0), *((r, r) for r in rims), (0, 0)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, stamps.shape[1:3], axis=(1, 2))
    windows = windows[:, :: hops[0], :: hops[1]]
    return np.einsum("nhwcij,oijc->nhwo", windows, stamps[:, ::-1, ::-1])
