"""Calls that MATLAB Deep Learning Toolbox R2024b takes and refuses; made by draft.py."""

from tests.refusals.bad_call import BadCall, Call
from uniconv.errors import BadOption, BadShape

GOOD = [
Call('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1]}, (6, 5, 3, 2), (2, 4, 6, 3)),
Call('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0]}, (5, 1, 4, 3), (3, 4, 3, 4)),
]

BAD = [
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1], 'foo': 1}, (6, 5, 3, 2), (2, 4, 6, 3), BadOption, 'matlab.dlconv has no option "foo"; it has DataFormat, WeightsFormat, Stride, DilationFactor, Padding, PaddingValue', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'foo', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1]}, (6, 5, 3, 2), (2, 4, 6, 3), BadOption, 'matlab.dlconv: DataFormat="foo", WeightsFormat="SSCU" is not one of (None, None), (\'SCB\', None), (\'SCB\', \'SCU\'), (\'SCB\', \'SUC\'), (\'SCB\', \'SCUU\'), (\'SSCB\', None), (\'SSCB\', \'SSCU\'), (\'SSCB\', \'SSUC\'), (\'SSCB\', \'SSCUU\'), (\'SSSCB\', None), (\'SSSCB\', \'SSSCU\'), (\'SSSCB\', \'SSSUC\'), (\'SSSCB\', \'SSSCUU\'), (\'CSSB\', \'SSCU\'), (\'BSSC\', \'SSCU\'), (\'CBT\', \'TCU\'), (\'CBT\', \'TCUU\')', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1], 'Stride': 0}, (6, 5, 3, 2), (2, 4, 6, 3), BadOption, 'matlab.dlconv: Stride=0 must be at least 1', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1], 'DilationFactor': 0}, (6, 5, 3, 2), (2, 4, 6, 3), BadOption, 'matlab.dlconv: DilationFactor=0 must be at least 1', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': 'foo'}, (6, 5, 3, 2), (2, 4, 6, 3), BadOption, 'matlab.dlconv: Padding="foo" is not one of "same", "causal"', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 'foo', 'Padding': [2, 1]}, (6, 5, 3, 2), (2, 4, 6, 3), BadOption, 'matlab.dlconv: PaddingValue="foo" is not one of 0, "symmetric-include-edge", "symmetric-exclude-edge", "replicate"', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1]}, (5, 3, 2), (2, 4, 6, 3), BadShape, 'matlab.dlconv: x (5, 3, 2) read as "c ... n" has c = 5, w (2, 4, 6, 3) read as "... i o" has i = 6; c must be i', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1]}, (6, 5, 3, 2, 2), (2, 4, 6, 3), BadShape, 'matlab.dlconv: x (6, 5, 3, 2, 2) has 5 axes, but read as "c ... n" with the 2 spatial axes of w (2, 4, 6, 3) it must have 3 or 4', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1]}, (6, 5, 3, 2), (4, 6, 3), BadShape, 'matlab.dlconv: w (4, 6, 3) has 3 axes, but read as "... i o" it must have 4', live='it cannot run here'),
BadCall('matlab.dlconv', {'DataFormat': 'CSSB', 'WeightsFormat': 'SSCU', 'PaddingValue': 3, 'Padding': [2, 1]}, (6, 5, 3, 2), (0, 4, 6, 3), BadShape, 'matlab.dlconv: x (6, 5, 3, 2) and w (0, 4, 6, 3) must have at least one input channel and one pixel per kernel axis', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0], 'foo': 1}, (5, 1, 4, 3), (3, 4, 3, 4), BadOption, 'matlab.dltranspconv has no option "foo"; it has DataFormat, WeightsFormat, Stride, DilationFactor, Cropping', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0], 'DataFormat': 'foo'}, (5, 1, 4, 3), (3, 4, 3, 4), BadOption, 'matlab.dltranspconv: DataFormat="foo", WeightsFormat=None is not one of (None, None), (\'SCB\', None), (\'SCB\', \'SCU\'), (\'SCB\', \'SUC\'), (\'SCB\', \'SCUU\'), (\'SSCB\', None), (\'SSCB\', \'SSCU\'), (\'SSCB\', \'SSUC\'), (\'SSCB\', \'SSCUU\'), (\'SSSCB\', None), (\'SSSCB\', \'SSSCU\'), (\'SSSCB\', \'SSSUC\'), (\'SSSCB\', \'SSSCUU\'), (\'CSSB\', \'SSCU\'), (\'BSSC\', \'SSCU\'), (\'CBT\', \'TCU\'), (\'CBT\', \'TCUU\')', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': 0, 'Cropping': [0, 0]}, (5, 1, 4, 3), (3, 4, 3, 4), BadOption, 'matlab.dltranspconv: Stride=0 must be at least 1', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0], 'DilationFactor': 0}, (5, 1, 4, 3), (3, 4, 3, 4), BadOption, 'matlab.dltranspconv: DilationFactor=0 must be at least 1', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': 'foo'}, (5, 1, 4, 3), (3, 4, 3, 4), BadOption, 'matlab.dltranspconv: Cropping="foo" is not one of "same"', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0]}, (1, 4, 3), (3, 4, 3, 4), BadShape, 'matlab.dltranspconv: x (1, 4, 3) read as "... c n" has c = 3, w (3, 4, 3, 4) read as "... m c" has c = 4; both c must be equal', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0]}, (5, 1, 4, 3, 2), (3, 4, 3, 4), BadShape, 'matlab.dltranspconv: x (5, 1, 4, 3, 2) has 5 axes, but read as "... c n" with the 2 spatial axes of w (3, 4, 3, 4) it must have 3 or 4', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0]}, (5, 1, 4, 3), (4, 3, 4), BadShape, 'matlab.dltranspconv: x (5, 1, 4, 3) has 4 axes, but read as "... c n" with the 1 spatial axis of w (4, 3, 4) it must have 2 or 3', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0]}, (5, 1, 4, 3), (3, 4, 3, 4, 1, 1), BadShape, 'matlab.dltranspconv: w (3, 4, 3, 4, 1, 1) has 6 axes, but read as "... m c" it must have 3, 4 or 5', live='it cannot run here'),
BadCall('matlab.dltranspconv', {'Stride': (4, 1), 'Cropping': [0, 0]}, (5, 1, 4, 3), (0, 4, 3, 4), BadShape, 'matlab.dltranspconv: x (5, 1, 4, 3) and w (0, 4, 3, 4) must have at least one input channel and one pixel per kernel axis', live='it cannot run here'),
]
