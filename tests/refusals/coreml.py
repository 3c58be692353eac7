"""Calls that Core ML coremltools 9.0 takes and refuses; made by draft.py."""

from tests.refusals.bad_call import BadCall, Call
from uniconv.errors import BadOption, BadShape

GOOD = [
Call('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'custom', 'pad': [4, 5, 6, 7]}, (4, 4, 6, 3), (3, 4, 2, 1)),
Call('coreml.conv_transpose', {'strides': [4, 3], 'groups': 1, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (4, 1, 3, 8), (1, 3, 2, 4)),
]

BAD = [
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'custom', 'pad': [4, 5, 6, 7], 'foo': 1}, (4, 4, 6, 3), (3, 4, 2, 1), BadOption, 'coreml.conv has no option "foo"; it has strides, pad_type, pad, dilations, groups, name', live='it cannot run here'),
BadCall('coreml.conv', {'strides': 0, 'dilations': None, 'pad_type': 'custom', 'pad': [4, 5, 6, 7]}, (4, 4, 6, 3), (3, 4, 2, 1), BadOption, 'coreml.conv: strides=0 must be None or a list of 2 integers', live='it cannot run here'),
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': 0, 'pad_type': 'custom', 'pad': [4, 5, 6, 7]}, (4, 4, 6, 3), (3, 4, 2, 1), BadOption, 'coreml.conv: dilations=0 must be None or a list of 2 integers', live='it cannot run here'),
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'custom', 'pad': [4, 5, 6, 7], 'groups': 0}, (4, 4, 6, 3), (3, 4, 2, 1), BadOption, 'coreml.conv: groups=0 must be an integer of at least 1', live='it cannot run here'),
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'custom', 'pad': [4, 5, 6, 7], 'groups': 7}, (4, 4, 6, 3), (3, 4, 2, 1), BadShape, 'coreml.conv: x (4, 4, 6, 3) read as "n c ..." has c = 4, w (3, 4, 2, 1) read as "o i ..." has i = 4, groups = 7; c must be i * groups = 28', live='it cannot run here'),
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'custom', 'pad': 'foo'}, (4, 4, 6, 3), (3, 4, 2, 1), BadOption, 'coreml.conv: pad="foo" must be a list of before and after of each spatial axis in turn, none negative', live='it cannot run here'),
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'foo', 'pad': [4, 5, 6, 7]}, (4, 4, 6, 3), (3, 4, 2, 1), BadOption, 'coreml.conv: pad_type="foo" is not one of "valid", "custom", "same", "same_lower"', live='it cannot run here'),
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'custom', 'pad': [4, 5, 6, 7]}, (4, 6, 3), (3, 4, 2, 1), BadShape, 'coreml.conv: x (4, 6, 3) has 3 axes, but read as "n c ..." with the 2 spatial axes of w (3, 4, 2, 1) it must have 4', live='it cannot run here'),
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'custom', 'pad': [4, 5, 6, 7]}, (4, 4, 6, 3), (4, 2, 1), BadShape, 'coreml.conv: x (4, 4, 6, 3) has 4 axes, but read as "n c ..." with the 1 spatial axis of w (4, 2, 1) it must have 3', live='it cannot run here'),
BadCall('coreml.conv', {'strides': [1, 1], 'dilations': None, 'pad_type': 'custom', 'pad': [4, 5, 6, 7]}, (4, 4, 6, 3), (3, 4, 2, 1, 1, 1), BadShape, 'coreml.conv: w (3, 4, 2, 1, 1, 1) has 6 axes, but read as "o i ..." it must have 3, 4 or 5', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 1, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24), 'foo': 1}, (4, 1, 3, 8), (1, 3, 2, 4), BadOption, 'coreml.conv_transpose has no option "foo"; it has pad, output_shape, pad_type, strides, dilations, groups, name', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': 0, 'groups': 1, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (4, 1, 3, 8), (1, 3, 2, 4), BadOption, 'coreml.conv_transpose: strides=0 must be None or a list of 2 integers', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 1, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24), 'dilations': 0}, (4, 1, 3, 8), (1, 3, 2, 4), BadOption, 'coreml.conv_transpose: dilations=0 must be None or a list of 2 integers', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 0, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (4, 1, 3, 8), (1, 3, 2, 4), BadOption, 'coreml.conv_transpose: groups=0 must be an integer of at least 1', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 7, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (4, 1, 3, 8), (1, 3, 2, 4), BadShape, 'coreml.conv_transpose: x (4, 1, 3, 8) read as "n c ..." has c = 1, w (1, 3, 2, 4) read as "c m ..." has c = 1; c must be a multiple of the 7 groups', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 1, 'pad_type': 'foo', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (4, 1, 3, 8), (1, 3, 2, 4), BadOption, 'coreml.conv_transpose: pad_type="foo" is not one of "valid", "custom", "same"', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 1, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (1, 3, 8), (1, 3, 2, 4), BadShape, 'coreml.conv_transpose: x (1, 3, 8) has 3 axes, but read as "n c ..." with the 2 spatial axes of w (1, 3, 2, 4) it must have 4', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 1, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (4, 1, 3, 8), (3, 2, 4), BadShape, 'coreml.conv_transpose: x (4, 1, 3, 8) has 4 axes, but read as "n c ..." with the 1 spatial axis of w (3, 2, 4) it must have 3', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 1, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (4, 1, 3, 8), (1, 3, 2, 4, 1, 1), BadShape, 'coreml.conv_transpose: w (1, 3, 2, 4, 1, 1) has 6 axes, but read as "c m ..." it must have 3, 4 or 5', live='it cannot run here'),
BadCall('coreml.conv_transpose', {'strides': [4, 3], 'groups': 1, 'pad_type': 'same', 'pad': [0, 0, 0, 0], 'output_shape': (4, 3, 12, 24)}, (4, 1, 3, 8), (2, 3, 2, 4), BadShape, 'coreml.conv_transpose: x (4, 1, 3, 8) read as "n c ..." has c = 1, w (2, 3, 2, 4) read as "c m ..." has c = 2; both c must be equal', live='it cannot run here'),
]
