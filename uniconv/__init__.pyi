# Made by docs/make_stubs.py.

from uniconv import errors as errors
from uniconv import files as files
from uniconv import nn as nn
from uniconv import spec as spec
from uniconv._bind import bind as bind
from uniconv._call import Call as Call
from uniconv._canonical.precision import precision as precision
from uniconv._describe import describe as describe
from uniconv._describe import dialects as dialects
from uniconv._diagnose import Diagnosis as Diagnosis
from uniconv._diagnose import compare as compare
from uniconv._diagnose import diagnose as diagnose
from uniconv._explain import Explanation as Explanation
from uniconv._explain import explain as explain
from uniconv._functional import conv as conv
from uniconv._functional import conv_transpose as conv_transpose
from uniconv._functional import depthwise_conv as depthwise_conv
from uniconv._functional import separable_conv as separable_conv
from uniconv._native import native as native
from uniconv._probe import Probe as Probe
from uniconv._probe import probe as probe
from uniconv._same_pads import same_pads as same_pads
from uniconv._weights.dense import convert_dense as convert_dense
from uniconv._weights.kernel import convert_bias as convert_bias
from uniconv._weights.kernel import convert_kernel as convert_kernel
from uniconv._weights.network import convert_file as convert_file
from uniconv._weights.network import convert_state_dict as convert_state_dict
from uniconv._weights.which_layout import which_layout as which_layout
from uniconv.errors import UniconvError as UniconvError

__version__: str
