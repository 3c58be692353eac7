"""A call's text, read into the function, the arrays and the options; nothing in it is run.

``source.py`` has the places for errors, ``python.py``, ``script.py`` and ``sections.py`` read the
languages into the nodes of ``tree.py``; ``functions.py`` says what a name means, ``match.py`` what
each argument is, ``values.py`` what it stands for.
"""

from uniconv._parse.reading import CallInText as CallInText
from uniconv._parse.reading import is_text_of_a_call as is_text_of_a_call
from uniconv._parse.reading import read_call as read_call
