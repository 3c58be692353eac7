"""python -m uniconv"""

from uniconv._cli import main

main()
