"""A block in the style of ResNet, in Flax."""

import flax.linen as nn
import jax
import jax.numpy as jnp


class Block(nn.Module):
    filters: int

    @nn.compact
    def __call__(self, x):
        y = nn.Conv(self.filters, (3, 3), use_bias=False)(x)
        y = nn.relu(nn.GroupNorm()(y))
        y = nn.Conv(features=self.filters, kernel_size=(1, 1), padding="VALID")(y)
        return nn.relu(x + nn.Conv(self.filters, (3, 3), padding=((2, 0), (2, 0)))(y))


def blur(image, kernel):
    """NCHW, as in PyTorch."""
    return jax.lax.conv_general_dilated(image, kernel, (1, 1), [(1, 1), (2, 2)]) + jnp.zeros(())
