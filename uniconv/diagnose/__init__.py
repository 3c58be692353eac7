"""Why do two results differ?  ``diagnose`` one result, or ``diagnose_pair`` two runs."""

from uniconv.diagnose.diagnosis import Cause as Cause
from uniconv.diagnose.diagnosis import Diagnosis as Diagnosis
from uniconv.diagnose.diagnosis import Fix as Fix
from uniconv.diagnose.pair import Run as Run
from uniconv.diagnose.pair import diagnose_pair as diagnose_pair
from uniconv.diagnose.single import diagnose as diagnose
