"""Why do two results differ?  ``diagnose`` one result, or ``compare`` two calls."""

from uniconv._diagnose.data import Cause as Cause
from uniconv._diagnose.data import Fix as Fix
from uniconv._diagnose.diagnosis import Diagnosis as Diagnosis
from uniconv._diagnose.one_run import diagnose as diagnose
from uniconv._diagnose.thread import Thread as Thread
from uniconv._diagnose.two_runs import compare as compare
