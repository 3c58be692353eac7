"""Why do two results differ?  ``diagnose`` one result, or ``compare`` two calls."""

from uniconv._diagnose.diagnosis import Cause as Cause
from uniconv._diagnose.diagnosis import Diagnosis as Diagnosis
from uniconv._diagnose.diagnosis import Fix as Fix
from uniconv._diagnose.pair import compare as compare
from uniconv._diagnose.single import diagnose as diagnose
