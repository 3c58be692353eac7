"""Translation: a call of one framework as code of another, and what is known of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from uniconv._translate.beside import Rewriting
from uniconv._translate.layout_of_code import nested

if TYPE_CHECKING:
    from uniconv._call import Call
    from uniconv._translate.proof import Proof


@dataclass(frozen=True, eq=False)
class Translation:
    """A call of one framework as code of another.

    The code takes x and w as the call has them, axes in the same order, as arrays of the other
    framework, and makes y as the call has it.

    call: the call that was translated.
    function, options: the other framework's function, and its own options.
    language: that of the code, in small letters: "python".
    imports, kernel, lines: the code's lines: its imports; those that rearrange the kernel once,
    with ``weights="converted"``; those of the call.
    outcome: "exact" for x of every size that the call takes, proved on formulas; or "exact for
    these sizes".
    notes: what is not said word for word, and what depends on the sizes.
    """

    call: Call
    function: str
    options: Mapping[str, Any]
    language: str
    imports: tuple[str, ...]
    kernel: tuple[str, ...]
    lines: tuple[str, ...]
    outcome: str
    notes: tuple[str, ...]
    rewriting: Rewriting = field(repr=False)
    names: Mapping[str, str] = field(default_factory=dict, repr=False)
    statements: tuple[str, ...] = field(default=(), repr=False)

    @property
    def code(self) -> str:
        """All lines: imports, the kernel, the call."""
        blocks = (self.imports, self.kernel, self.lines)
        return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"

    @property
    def expression(self) -> str | None:
        """The call as one expression, the kernel's lines in it; None where it takes several lines.

        >>> from uniconv import Call, translate
        >>> call = Call((1, 8, 3), (3, 3, 5), dialect="tf", stride=1, padding="VALID")
        >>> translate(call, to="pytorch").expression
        'F.conv1d(x.permute(0, 2, 1), w.permute(2, 1, 0)).permute(0, 2, 1)'
        """
        if self.language != "python":
            return None
        return nested(list(self.statements), dict(self.names))

    def prove(self) -> Proof:
        """Run both sides on integers in which no flip, shift or swap of axes can hide.

        The code is executed where its framework is installed; else its steps are, around the
        function as uniconv computes it.
        """
        from uniconv._translate.proof import prove

        return prove(self.call, self.rewriting)

    def as_dict(self) -> dict[str, Any]:
        """The translation for tools, as JSON takes it."""
        return {
            "function": self.function,
            "options": dict(self.options),
            "language": self.language,
            "outcome": self.outcome,
            "imports": list(self.imports),
            "kernel": list(self.kernel),
            "lines": list(self.lines),
            "expression": self.expression,
            "notes": list(self.notes),
        }

    def __str__(self) -> str:
        return self.code
