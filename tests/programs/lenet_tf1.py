"""A network in the style of LeNet, in TensorFlow 1."""

import tensorflow as tf


def weight(shape):
    return tf.Variable(tf.random.normal(shape))


def conv2d(x, w):
    return tf.nn.conv2d(x, w, strides=[1, 1, 1, 1], padding="SAME")


def network(x, w1, w2, w3, stride):
    x = tf.nn.relu(conv2d(x, w1))
    x = tf.nn.conv2d(tf.nn.relu(x), filters=w2, strides=[1, 2, 2, 1], padding="VALID")
    return tf.nn.conv2d(x, w3, strides=[1, stride, stride, 1], padding="VALID")
