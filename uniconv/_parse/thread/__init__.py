"""A thread's text, followed from statement to statement; nothing in it is run.

How to read this: ``lines.py`` makes statements of the text, ``flow.py`` follows them with the
functions of ``functions.py`` on the values of ``value.py``, ``labels.py`` reads the words before
printed arrays, ``axes.py`` puts in the axes that arrays lack.  Which array is what of which call,
and the answer, is in ``_diagnose/``.
"""
