"""Why do two results differ?  ``diagnose`` one result, or ``diagnose_pair`` two runs."""

from uniconv._diagnose.diagnosis import Cause as Cause
from uniconv._diagnose.diagnosis import Diagnosis as Diagnosis
from uniconv._diagnose.diagnosis import Fix as Fix
from uniconv._diagnose.pair import Run as Run
from uniconv._diagnose.pair import diagnose_pair as diagnose_pair
from uniconv._diagnose.single import diagnose as diagnose
