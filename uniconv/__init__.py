"""Run any framework's convolution with that framework's exact meaning."""

__version__ = "0.1.0"
