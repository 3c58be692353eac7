"""Run any framework's convolution with that framework's exact meaning."""

from uniconv import files as files
from uniconv import nn as nn
from uniconv.bind import bind as bind
from uniconv.conversion import convert_weights as convert_weights
from uniconv.dense import convert_dense as convert_dense
from uniconv.dense import convert_dense_after_flatten as convert_dense_after_flatten
from uniconv.describe import describe as describe
from uniconv.describe import dialects as dialects
from uniconv.diagnose import Diagnosis as Diagnosis
from uniconv.diagnose import Run as Run
from uniconv.diagnose import diagnose as diagnose
from uniconv.diagnose import diagnose_pair as diagnose_pair
from uniconv.errors import UniconvError as UniconvError
from uniconv.explain import Explanation as Explanation
from uniconv.explain import explain as explain
from uniconv.functional import conv as conv
from uniconv.functional import conv_transpose as conv_transpose
from uniconv.functional import depthwise_conv as depthwise_conv
from uniconv.functional import separable_conv as separable_conv
from uniconv.native import native as native
from uniconv.probe import Probe as Probe
from uniconv.probe import probe as probe
from uniconv.same_pads import same_pads as same_pads
from uniconv.weights import convert_bias as convert_bias
from uniconv.weights import convert_weight as convert_weight

__version__ = "0.1.0"
