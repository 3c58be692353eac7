"""translate: a call of one framework as working code of another."""

from uniconv._translate.translate import translate
from uniconv._translate.translation import Translation

__all__ = ["Translation", "translate"]
