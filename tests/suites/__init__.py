"""Other people's tests, read from checkouts of their repositories: nothing of theirs is kept here.

    make suites FOLDER=...            # all, and writes tests/suites/results.json
    python -m tests.suites FOLDER stablehlo

FOLDER holds a checkout of each repository, under the repository's own name (``stablehlo``,
``onnxruntime``, ``LiteRT``, ``tensorflow``), or an export of one with its commit in a file COMMIT.
A module here reads one suite: SOURCE is its repository, and ``suites(checkout)`` gives the cases of
each part.
"""
