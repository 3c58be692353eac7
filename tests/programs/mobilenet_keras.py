"""Inverted residuals in the style of MobileNet, in Keras."""

from keras import layers


def inverted_residual(x, channels, filters, expansion):
    y = layers.Conv2D(expansion * channels, 1, padding="same", use_bias=False)(x)
    y = layers.BatchNormalization(epsilon=1e-3)(y)
    y = layers.ReLU(6.0)(y)
    y = layers.DepthwiseConv2D(3, padding="same", use_bias=False)(y)
    y = layers.Conv2D(filters, kernel_size=1, use_bias=False, activation=None)(y)
    return layers.Add()([x, y])


def head(x):
    x = layers.SeparableConv2D(32, 3, padding="same")(x)
    return layers.Conv2D(1280, 1, use_bias=False, activation="relu6")(x)
