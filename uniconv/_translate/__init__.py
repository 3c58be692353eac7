"""translate: a call, a layer or a file of one framework as working code of another."""

from uniconv._translate.layers import LayerTranslation, translate_layer
from uniconv._translate.program import ProgramTranslation, translate_program
from uniconv._translate.translate import translate
from uniconv._translate.translation import Translation

__all__ = [
    "LayerTranslation",
    "ProgramTranslation",
    "Translation",
    "translate",
    "translate_layer",
    "translate_program",
]
