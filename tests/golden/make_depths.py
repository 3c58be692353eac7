"""Write what OpenCV returns for images of every depth: depths/cv2.npz.

    python tests/golden/make_depths.py

The calls are those of tests/image_calls.py, so that only y is kept, one array a call; a call that
OpenCV refuses has none.
"""

from __future__ import annotations

import cv2
import numpy as np

from tests.image_calls import COUNT, FILE, SEED, WIDEST, calls


def main() -> None:
    arrays = {"version": np.array(cv2.__version__)}
    for i, (name, given, options) in enumerate(calls(COUNT, SEED, widest=WIDEST)):
        try:
            y = getattr(cv2, name.removeprefix("cv2."))(*given, **options)
        except cv2.error:
            continue
        if y.dtype.kind in "ui":
            arrays[str(i)] = y
    FILE.parent.mkdir(exist_ok=True)
    np.savez_compressed(FILE, **arrays)
    print(f"{len(arrays) - 1} images of OpenCV {cv2.__version__}")


if __name__ == "__main__":
    main()
