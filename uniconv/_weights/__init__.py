"""Kernels and whole networks as another function wants them."""
