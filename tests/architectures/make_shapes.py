"""Write the kernels of published architectures, from timm's models built without numbers.

    python tests/architectures/make_shapes.py    # where timm is installed

architectures.json has, for each model, the shapes (o, i, ...) of its distinct kernels.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from unittest.mock import MagicMock

import torch

PER_FAMILY, LEAST = 3, 3
IMAGES = (  # what timm imports to load images, which nothing here does
    "",
    ".transforms",
    ".transforms.functional",
    ".datasets",
    ".ops",
    ".ops.misc",
    ".models",
    ".models.feature_extraction",
)


def main() -> None:
    sys.modules |= {f"torchvision{name}": MagicMock(__spec__=None) for name in IMAGES}
    import timm

    families: dict[str, list[str]] = {}
    for name in timm.list_models():
        families.setdefault(timm.models.model_entrypoint(name).__module__, []).append(name)
    models = {}
    for names in families.values():
        for name in names[:: max(len(names) // PER_FAMILY, 1)][:PER_FAMILY]:
            try:
                with torch.device("meta"):
                    model = timm.create_model(name)
            except (RuntimeError, NotImplementedError, TypeError, ImportError):
                continue  # it computes with its weights when it is made
            layers = (m for m in model.modules() if isinstance(m, torch.nn.Conv2d))
            kernels = sorted({tuple(m.weight.shape) for m in layers})
            if len(kernels) >= LEAST:
                models[name] = kernels
    lines = ",\n".join(f"{json.dumps(name)}: {json.dumps(k)}" for name, k in sorted(models.items()))
    target = Path(__file__).parent / "architectures.json"
    target.write_text(f'{{"timm": "{timm.__version__}", "models": {{\n{lines}\n}}}}\n')
    print(f"{target.name}: {len(models)} models")


if __name__ == "__main__":
    main()
