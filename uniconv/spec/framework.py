"""Framework: one framework's functions, and which of them its bare name means."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from uniconv._messages import show
from uniconv.spec.constructor import ROLES, Constructor
from uniconv.spec.initial import KAIMING, Initial
from uniconv.spec.op import KINDS, Op
from uniconv.spec.spelling import Spelling

__all__ = ["Framework"]


@dataclass(frozen=True, slots=True)
class Framework:
    """One framework: its functions, and which of them a bare family name means.

    name, title: what calls and messages call the framework; its functions get both from here.
    main: for each kind, the function for each number of spatial axes.
    aliases: other names of the family; prefixes: short spellings of function names.
    dense: the axes of its Dense layer's kernel, f features in and u units out; "": it has none.
    initial: how its layers draw a fresh kernel; by default as PyTorch's do.
    spelling: how a call is written down for it, where ``probe`` can; None: by hand.
    cases: how many calls compare it with the running framework, as its pairs of traits need.
    layers: its layer classes, which ``uniconv.nn`` has under their own names.
    layers_of: the family whose layers are used with it, where it has none.
    """

    name: str
    title: str
    version: str
    functions: tuple[Op, ...]
    main: Mapping[str, Mapping[int, str]]
    aliases: tuple[str, ...] = ()
    prefixes: Mapping[str, str] = field(default_factory=dict)
    dense: str = ""
    initial: Initial = KAIMING
    spelling: Spelling | None = None
    cases: int = 100
    layers: tuple[Constructor, ...] = ()
    layers_of: str = ""
    by_name: Mapping[str, Op] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        for problem in self._problems():
            raise TypeError(f"dialect {self.name}: {problem}")
        # An Op is written without them, so that the framework's name is said in one place.
        titled = tuple(replace(op, title=self.title, family=self.name) for op in self.functions)
        object.__setattr__(self, "functions", titled)
        object.__setattr__(self, "by_name", {op.name: op for op in titled})

    def function(self, name: str) -> Op | None:
        """The function of a name: in full, with an alias for the family, or by a short prefix."""
        if name in self.by_name:
            return self.by_name[name]
        # Aliases end at a dot, prefixes where they say: {"lax.": "jax.lax."} makes lax.conv a name.
        short = ((f"{alias}.", f"{self.name}.") for alias in self.aliases)
        for start, full in (*short, *self.prefixes.items()):
            if name.startswith(start) and full + name[len(start) :] in self.by_name:
                return self.by_name[full + name[len(start) :]]
        return None

    def _problems(self) -> Iterator[str]:
        """What contradicts itself, the first of which fails when the spec is built."""
        # Each problem is a sentence about the spec; only the first is raised, the rest are not
        # asked.
        ops = self.functions
        if not (isinstance(ops, tuple) and ops and all(isinstance(op, Op) for op in ops)):
            yield "its functions must be a tuple of Op, with one at least"
        if not isinstance(self.aliases, tuple):
            yield "its aliases must be a tuple of names"
        for name in (self.name, *self.aliases):
            if not _is_word(name) or "." in name:
                yield f"{show(name)} is no name of a family: it must be one word, without dots"
        names = [op.name for op in ops]
        for name in names:
            if not isinstance(name, str) or not all(p.isidentifier() for p in name.split(".")):
                yield f"{show(name)} is no name of a function: it must be words with dots between"
        if len(set(names)) != len(names):
            yield "two functions of one name"
        for short, full in self.prefixes.items():
            if not (_is_word(short) and any(name.startswith(full) for name in names)):
                yield f"the prefix {show(short)}: {show(full)} begins none of its functions"
        if self.dense not in ("", "f u", "u f"):
            yield f'dense={show(self.dense)} must be "f u", "u f" or ""'
        yield from self._problems_of_main()
        yield from self._problems_of_layers()

    def _problems_of_layers(self) -> Iterator[str]:
        """Layers whose function is not there, and words of layers that their function has not."""
        ops = {op.name: op for op in self.functions}
        for layer in self.layers:
            if layer.function not in ops:
                yield f"{layer.name} computes {layer.function}, which is none of its functions"
                continue
            for option, _ in layer.words():
                if option not in {"*", *ROLES, *ops[layer.function].rules}:
                    yield f"{layer.name} has {show(option)}, which {layer.function} has not"

    def _problems_of_main(self) -> Iterator[str]:
        """Kinds that do not exist; main functions that are not there, or of other kind or rank."""
        # {"conv": {2: "tf.nn.conv2d"}}: by kind, then by the number of spatial axes.
        ops = {op.name: op for op in self.functions}
        for kind, by_rank in self.main.items():
            if kind not in KINDS:
                yield f"main has the kind {show(kind)}; kinds are {', '.join(KINDS)}"
            for rank, name in by_rank.items():
                if name not in ops:
                    yield f"main names {show(name)}, which is none of its functions"
                elif ops[name].kind != kind or rank not in ops[name].ranks:
                    yield f"{name} is no {kind} of rank {rank}"


def _is_word(name: object) -> bool:
    """Whether a name can be said in one word: printable, not empty, without spaces."""
    return isinstance(name, str) and name != "" and name.isprintable() and " " not in name
