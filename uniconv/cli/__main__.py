"""python -m uniconv.cli"""

from uniconv.cli import main

main()
