"""A call's arguments, each as the array, the option or the size that its function takes it for."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from uniconv._messages import show, suggest
from uniconv._parse.functions import ORDERS, Target
from uniconv._parse.source import SourceText
from uniconv._parse.tree import Application, Argument, Items, Literal, NameInText, Node
from uniconv.errors import BadOption
from uniconv.spec.constructor import ROLES
from uniconv.spec.op import Op
from uniconv.spec.rules import REQUIRED

__all__ = ["UNREAD", "Matched", "match", "plain", "required_options", "takes_its_words"]

ARRAYS = {"x": "x", "w": "w", "bias": "bias", "p": "pointwise"}
# Said of a layer once more, or of nothing that changes a number of y.
UNREAD = {"input_shape", "batch_input_shape", "name", "trainable", "input_dim"}


@dataclass(slots=True)
class Matched:
    """A call of a function, with its arguments sorted.

    sizes: what a layer class was told of its kernel: "in", "out", "size", "multiplier", "bias" ...
    """

    target: Target
    at: int
    arrays: dict[str, Argument] = field(default_factory=dict)
    options: dict[str, Argument] = field(default_factory=dict)
    sizes: dict[str, Argument] = field(default_factory=dict)

    @property
    def op(self) -> Op:
        return self.target.op


def match(source: SourceText, target: Target, call: Application) -> Matched:
    """Sort the arguments; BadOption for one that the function has not."""
    matched = Matched(target, call.at)
    matcher = _Matcher(source, matched)
    made = call.function
    if not isinstance(made, Application):
        if target.layer is not None:  # a layer that is not applied
            matcher.construct(call.arguments)
        else:
            params = ORDERS.get(target.name, target.op.params).split()
            matcher.function(params, call.arguments)
        return matched
    layer, arguments = made, call.arguments
    if arguments:
        x = arguments[0]
        matcher.put(matched.arrays, "x", Argument(x.at, None, x.value), "x")
    states = 3 if target.framework.name == "lux" else 1  # Lux gives parameters and state along
    more = arguments[states:]
    size = target.op.crop.shape if target.op.crop else None
    if size and len(more) == 1 and more[0].keyword in (None, size):  # PyTorch's output_size
        matcher.put(matched.options, size, more[0], size)
    elif more:
        raise source.error(BadOption, more[0].at, f"a layer {target.name} is applied to one array")
    first = layer.arguments[:1]
    holds_kernel = bool(first) and isinstance(first[0].value, NameInText)
    if target.layer is not None and not holds_kernel:
        matcher.construct(layer.arguments)
    else:  # Conv(w, b; stride=2): made of its arrays
        params = [p for p in target.op.params.split() if not p.startswith("x:")]
        matcher.function(params, layer.arguments)
    return matched


def required_options(matched: Matched) -> list[str]:
    """The options that the function must have, and the call has not."""
    op = matched.op
    names = [p for p in op.params.split() if ":" not in p and p != "*"]
    own = {op.aliases.get(name, name) for name in matched.options}
    return [n for n in names if n not in own and op.default(n) is REQUIRED]


def takes_its_words(matched: Matched) -> bool:
    """Whether every word by position is one that its option has."""
    for name, argument in matched.options.items():
        value, rule = argument.value, matched.op.rules.get(name)
        if argument.keyword is None and isinstance(value, Literal) and isinstance(value.value, str):
            takes = getattr(rule, "takes", "")
            if takes and show(value.value).lower() not in takes.lower():
                return False
    return True


class _Matcher:
    def __init__(self, source: SourceText, matched: Matched) -> None:
        self.source, self.matched = source, matched
        self.name, self.op = matched.target.name, matched.op

    def put(self, place: dict[str, Argument], name: str, argument: Argument, word: str) -> None:
        if name in place:
            raise self.source.error(BadOption, argument.at, f"{self.name}: {word} is given twice")
        place[name] = argument

    def function(self, params: list[str], arguments: Iterable[Argument]) -> None:
        """The arguments of a function, by its own parameters."""
        by_position = params[: params.index("*")] if "*" in params else params
        by_position = _once_each(by_position)
        roles = {p.partition(":")[2]: p.partition(":")[0] for p in params if ":" in p}
        waiting = list(arguments)
        position = 0
        while waiting:
            argument = waiting.pop(0)
            if argument.keyword is not None:
                self.word(argument, roles)
            elif self._is_pair(argument, waiting):
                self._pair(argument, waiting.pop(0))
            elif self._takes_word(argument):
                pass
            elif position < len(by_position):
                role, _, name = by_position[position].rpartition(":")
                position += 1
                self._position(role, name, argument)
            else:
                self._too_many(argument, len(by_position))

    def _position(self, role: str, name: str, argument: Argument) -> None:
        if role:
            self.put(self.matched.arrays, ARRAYS[role], argument, name)
        else:
            self.put(self.matched.options, name, argument, name)

    def _too_many(self, argument: Argument, count: int) -> None:
        names = [p for p in self.op.params.split() if p != "*" and ":" not in p]
        word = argument.value.value if isinstance(argument.value, Literal) else ""
        near = suggest(word, names)
        raise self.source.error(
            BadOption,
            argument.at,
            f"{self.name} takes {count} arguments by position; this one must have a name, one of "
            f"{', '.join(names)}{near}",
        )

    def word(self, argument: Argument, roles: dict[str, str]) -> None:
        """An argument by its keyword."""
        word = argument.keyword or ""
        old = {"x": "x"} if self.matched.target.framework.name == "keras" else {}
        if word in roles or word in old:
            role = roles.get(word) or old[word]
            self.put(self.matched.arrays, ARRAYS[role], argument, word)
            return
        known = self._options()
        if word not in known:
            names = [*(p.split(":")[-1] for p in self.op.params.split() if p != "*"), *known]
            hint = suggest(word, names) or f"; it has {', '.join(dict.fromkeys(names))}"
            raise self.source.error(
                BadOption, argument.at, f"{self.name} has no {show(word)}{hint}"
            )
        self.put(self.matched.options, word, argument, word)

    def _options(self) -> list[str]:
        op = self.op
        words = [p for p in op.params.split() if ":" not in p and p != "*"]
        words += [*op.aliases, *op.constructor_words]
        return list(dict.fromkeys(words))

    def _is_pair(self, argument: Argument, waiting: list[Argument]) -> bool:
        """Whether MATLAB's 'Name', value begins here."""
        value = argument.value
        if not (self._matlab() and isinstance(value, Literal) and isinstance(value.value, str)):
            return False
        return bool(waiting) and value.value.lower() in {o.lower() for o in self._options()}

    def _pair(self, name: Argument, value: Argument) -> None:
        text = name.value.value if isinstance(name.value, Literal) else ""
        word = next(o for o in self._options() if o.lower() == str(text).lower())
        self.put(self.matched.options, word, Argument(name.at, word, value.value), word)

    def _takes_word(self, argument: Argument) -> bool:
        """MATLAB's words stand in any order where no two options have the same."""
        value = argument.value
        if not (self._matlab() and isinstance(value, Literal) and isinstance(value.value, str)):
            return False
        for name in self._options():
            takes = getattr(self.op.rules.get(name), "takes", "")
            if name not in self.matched.options and show(value.value) in takes:
                self.put(self.matched.options, name, argument, name)
                return True
        return False

    def _matlab(self) -> bool:
        return self.matched.target.framework.name.startswith("matlab")

    def construct(self, arguments: Iterable[Argument]) -> None:
        """The arguments of a layer class: sizes and options, in its own order."""
        layer = self.matched.target.layer
        assert layer is not None
        params = list(layer.words())
        names = [word for _, word in params]
        by_position = params[: names.index("*")] if "*" in names else params
        roles = {word: role for role, word in params}
        position = 0
        for argument in arguments:
            word = argument.keyword
            if word is None:
                if position == len(by_position):
                    self._too_many(argument, position)
                role, word = by_position[position]
                position += 1
            elif word in roles:
                role = roles[word]
            elif word in self._options() and word not in self.op.constructor_words:
                role = word
            elif word in UNREAD or word in self.op.constructor_words:
                continue
            else:
                hint = suggest(word, roles) or f"; it has {', '.join(n for n in names if n != '*')}"
                raise self.source.error(
                    BadOption, argument.at, f"{self.name} has no {show(word)}{hint}"
                )
            place = self.matched.sizes if role in ROLES else self.matched.options
            self.put(place, role, argument, word)
        sizes = {role: word for role, word in params if role in ("out", "size", "in_out")}
        for role, word in sizes.items():
            if role not in self.matched.sizes:
                raise self.source.error(BadOption, self.matched.at, f"{self.name}: no {word}")


def _once_each(params: list[str]) -> list[str]:
    """The parameters without second spellings of an array that has had its position."""
    seen: set[str] = set()
    kept = []
    for param in params:
        role, colon, _ = param.partition(":")
        if not colon or role not in seen:
            kept.append(param)
        seen.add(role)
    return kept


def plain(node: Node) -> bool:
    """Whether a node is written out, without a name in it."""
    return isinstance(node, Literal) or (isinstance(node, Items) and all(map(plain, node.items)))
