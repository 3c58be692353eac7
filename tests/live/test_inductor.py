"""Inductor compiles a call to code of its own, which takes a compiler of C++ and half a minute."""

import warnings

import torch

import uniconv


def test_inductor_compiles_what_it_takes():
    torch._dynamo.reset()
    x, w = torch.randn(2, 7, 6, 3), torch.randn(3, 2, 3, 5)

    def f(x, w):
        return uniconv.conv(x, w, dialect="tf", strides=2, padding="SAME")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # inductor's own, on machines without a GPU
        y = torch.compile(f, fullgraph=True)(x, w)
    torch.testing.assert_close(y, f(x, w))
