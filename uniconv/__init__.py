"""Run any framework's convolution with that framework's exact meaning."""

from uniconv import nn as nn
from uniconv.bind import bind as bind
from uniconv.describe import describe as describe
from uniconv.describe import dialects as dialects
from uniconv.errors import UniconvError as UniconvError
from uniconv.functional import conv as conv
from uniconv.functional import conv_transpose as conv_transpose
from uniconv.functional import depthwise_conv as depthwise_conv
from uniconv.functional import separable_conv as separable_conv
from uniconv.native import native as native

__version__ = "0.1.0"
