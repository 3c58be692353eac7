"""explain: what a call does, step by step, as text, as data and as a page to step through."""

from uniconv._explain.explanation import Explanation as Explanation
from uniconv._explain.explanation import explain as explain
