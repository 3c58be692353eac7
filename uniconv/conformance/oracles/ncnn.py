"""ncnn: a net of one layer, from memory, with nothing but its plain float32 kernels."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from typing import Any

import numpy as np

from uniconv.spec.op import Op

__all__ = ["PACKAGES", "function_of"]

Array = np.ndarray[Any, Any]
PACKAGES = ("ncnn",)
# The numbers of the parameters in a .param file; 18 is a layer's own.
IDS = {
    "num_output": 0,
    "kernel_w": 1,
    "dilation_w": 2,
    "stride_w": 3,
    "pad_left": 4,
    "bias_term": 5,
    "weight_data_size": 6,
    "group": 7,
    "int8_scale_term": 8,
    "activation_type": 9,
    "kernel_h": 11,
    "dilation_h": 12,
    "stride_h": 13,
    "pad_top": 14,
    "pad_right": 15,
    "pad_bottom": 16,
}
CONVOLUTION = IDS | {"pad_value": 18, "dynamic_weight": 19}
DECONVOLUTION = IDS | {
    "output_pad_right": 18,
    "output_pad_bottom": 19,
    "output_w": 20,
    "output_h": 21,
    "dynamic_weight": 28,
}
FASTER = (
    "use_fp16_packed",
    "use_fp16_storage",
    "use_fp16_arithmetic",
    "use_bf16_storage",
    "use_winograd_convolution",
    "use_sgemm_convolution",
    "use_packing_layout",
)


def function_of(op: Op) -> Callable[..., list[Array]]:
    """The layer of a registry name."""
    layer = op.name.rpartition(".")[2]
    ids = DECONVOLUTION if layer.startswith("De") else CONVOLUTION

    def call(arrays: dict[str, Array], options: dict[str, Any], dy: Array | None) -> list[Array]:
        ncnn = importlib.import_module("ncnn")
        w = arrays["w"]
        own = {"num_output": w.shape[0], "bias_term": int("bias" in arrays)}
        own |= dict(zip(("kernel_w", "kernel_h"), reversed(w.shape[2:])))
        own |= {"weight_data_size": w.size}
        numbers = {k: v for k, v in (own | options).items() if k != "activation_params"}
        params = " ".join(f"{ids[name]}={value}" for name, value in numbers.items())
        factors = options.get("activation_params")
        if factors is not None:  # an array: less its number, its length, its entries
            params += f" -23310={','.join(map(str, (len(factors), *factors)))}"
        net = ncnn.Net()
        for option in FASTER:
            setattr(net.opt, option, False)
        text = f"7767517\n2 2\nInput x 0 1 x\n{layer} layer 1 1 x y {params}\n"
        data = [np.zeros(1, np.int32), w, *([arrays["bias"]] if "bias" in arrays else [])]
        if net.load_param_mem(text):
            raise ValueError(f"ncnn does not read {text}")
        weights = b"".join(a.tobytes() for a in data)
        net.load_model_mem(weights)
        run = net.create_extractor()
        run.input("x", ncnn.Mat(np.ascontiguousarray(arrays["x"])).clone())
        failed, y = run.extract("y")
        if failed:
            raise ValueError(f"ncnn fails with {failed}")
        results = [np.array(y)]
        del y, run  # before the net, whose memory they hold
        return results

    return call
