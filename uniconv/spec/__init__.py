"""What a dialect is written in: ``from uniconv.spec import Framework, Op, Pad, PerAxis``."""

from uniconv._canonical.layout import Layout as Layout
from uniconv.spec.forms import SYMMETRIC as SYMMETRIC
from uniconv.spec.forms import alike as alike
from uniconv.spec.framework import Framework as Framework
from uniconv.spec.op import UNGROUPED as UNGROUPED
from uniconv.spec.op import Op as Op
from uniconv.spec.padding import Crop as Crop
from uniconv.spec.padding import Pad as Pad
from uniconv.spec.refusals import Refusal as Refusal
from uniconv.spec.refusals import strided_and_dilated as strided_and_dilated
from uniconv.spec.rules import Choice as Choice
from uniconv.spec.rules import PerAxis as PerAxis
from uniconv.spec.words import same_upper as same_upper
from uniconv.spec.words import valid as valid
