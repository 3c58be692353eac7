"""probe: inputs that can tell two frameworks apart, and the code to run them elsewhere."""

from uniconv._probe.probing import Probe as Probe
from uniconv._probe.probing import probe as probe
