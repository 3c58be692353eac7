"""Blocks in the style of VGG, in Keras."""

from tensorflow import keras
from tensorflow.keras import layers


def block(x, filters, depth, name):
    for _ in range(depth):
        x = layers.Conv2D(filters, (3, 3), activation="relu", padding="same", name=name)(x)
    return layers.MaxPooling2D(2)(x)


def model(classes):
    image = keras.Input((32, 48, 3))
    x = block(image, 8, 2, "a")
    x = block(x, 16, 2, "b")
    x = layers.Conv2D(classes, (4, 6), padding="valid")(x)
    x = layers.Conv2D(filters=classes, kernel_size=3, strides=2, padding="same")(x)
    return keras.Model(image, layers.Flatten()(x))
