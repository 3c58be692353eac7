"""The record of a convolution, and what runs it: torch, and NumPy loops; no framework is known."""
