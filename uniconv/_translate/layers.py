"""translate_layer: a layer of one framework as a layer of another, with its weights.

A layer's network has the axes of its framework, so the axes of x and y are the other framework's
here, and only the kernel is rearranged.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from uniconv._calls.lower import LoweredCall
from uniconv._canonical import steps as s
from uniconv._canonical.record import Pairs, Shape
from uniconv._messages import show, suggest
from uniconv._translate.beside import Rewriting, extents_of, letters_of
from uniconv._translate.code import border_of_layer
from uniconv._translate.layout_of_code import formatted, imports_for
from uniconv._translate.translate import WORDS, translate
from uniconv._translate.translation import Translation
from uniconv._translate.unsized import UnsizedCall
from uniconv.errors import BadCall, BadOption, CannotExpress, UnknownName
from uniconv.spec.constructor import Constructor
from uniconv.spec.idiom import LayerIdiom
from uniconv.spec.registry import find, framework, framework_of, frameworks

# Channels in of one group that stand for any, where they are not known.
_CHANNELS = (3, 5)
_NAMES = {"p": "pointwise"}
_MOVES = (s.Permute, s.AddAxes, s.DropAxis, s.Merge, s.Split)


@dataclass(frozen=True)
class LayerTranslation:
    """A layer of one framework as one of another.

    source, target: the classes.  imports: the code's lines at the top.
    kernel: the lines that rearrange ``w``, the source layer's kernel.
    layer: the expression that makes the layer, its paddings and activation in a row with it.
    border: the definition of a layer in that row which pads x, "" where none is needed.
    weights: the lines that move ``w`` and ``bias`` into ``layer``.
    outcome: "exact" for x of every size, or "exact for these sizes".
    axes: those of x in both, as "n ... c -> n c ...".
    rewriting: the steps that the code was written from.
    """

    source: str
    target: str
    imports: tuple[str, ...]
    kernel: tuple[str, ...]
    layer: str
    weights: tuple[str, ...]
    outcome: str
    axes: str
    rewriting: Rewriting = field(repr=False, compare=False)
    language: str = "python"
    border: str = ""

    @property
    def code(self) -> str:
        """All lines: imports, the layer, its weights."""
        layer = f"layer = {self.layer}"
        made = [layer] if self.language != "python" else formatted(layer)
        border = self.border.splitlines()
        blocks = (self.imports, border, self.kernel, [*made, *self.weights])
        return "\n\n".join("\n".join(block) for block in blocks if block) + "\n"

    def as_dict(self) -> dict[str, Any]:
        """The translation for tools, as JSON takes it."""
        names = ("source", "target", "border", "layer", "outcome", "axes", "language")
        lists = ("imports", "kernel", "weights")
        return {n: getattr(self, n) for n in names} | {n: [*getattr(self, n)] for n in lists}

    def __str__(self) -> str:
        return self.code


def translate_layer(
    text: str, *, to: str, in_channels: int | None = None, size: Shape | None = None
) -> LayerTranslation:
    """Rewrite a layer that a text makes as a layer of another framework.

    The new layer takes x, and gives y, with the axes that are usual in its framework.  Padding
    that its class has no words for, and an activation, become layers in a row with it.

    Args:
        text: the layer, as 'keras.layers.Conv2D(64, 3, padding="same")', with its imports or by
            the usual names.
        to: a family ("pytorch") or a class ("torch.nn.Conv2d").
        in_channels: those of x, where the text does not say them.
        size: the spatial sizes of x, where the padding depends on them (SAME with a stride) and is
            to be written in numbers, or must be, as no layer of that framework pads by them.

    Raises:
        BadCall: a text that makes no layer, or several.
        BadOption: the new layer needs in_channels or size, and they are not known.
        CannotExpress: no layer of that framework computes it, with the field and the reason.
        and those of ``Call.parse`` and ``translate``.

    >>> done = translate_layer(
    ...     'keras.layers.Conv2D(8, 3, strides=2, padding="same")', to="pytorch",
    ...     in_channels=3, size=(224, 224))
    >>> print(done.layer)
    torch.nn.Sequential(torch.nn.ZeroPad2d((0, 1, 0, 1)), torch.nn.Conv2d(3, 8, 3, stride=2))
    >>> done.kernel
    ('w = w.permute(3, 2, 0, 1)  # ... i o -> o i ...',)
    >>> done.weights
    ('layer[1].weight.data = w', 'layer[1].bias.data = bias')
    >>> done.outcome, done.axes
    ('exact for these sizes', 'n ... c -> n c ...')

    Source: each class's own parameter list, as ``uniconv.nn`` takes it.
    """
    call = UnsizedCall.of(text)
    if call is None or call.matched.target.layer is None:
        raise BadCall("the text makes no layer, such as 'nn.Conv2d(3, 16, 3)'")
    return layer_by(call, to, in_channels, size)


def layer_by(
    call: UnsizedCall, to: str, in_channels: int | None = None, size: Shape | None = None
) -> LayerTranslation:
    """The layer that a text makes by the first class that can; as ``translate_layer``."""
    refusal: CannotExpress | None = None
    for target in _targets(to, call):
        try:
            return _layer(call, target, in_channels, size)
        except CannotExpress as error:
            refusal = refusal or error
    if refusal is not None:
        raise refusal
    raise CannotExpress(to, "kind", f"it has no layer for {call.matched.target.name}")


def _targets(to: str, call: UnsizedCall) -> Iterator[Constructor]:
    """The classes to try: that of the name, else the family's of the same operation."""
    family = framework(to)
    if family is None:
        known = {layer.name: layer for each in frameworks().values() for layer in each.layers}
        if to not in known:
            raise UnknownName(f"{to} is no class of layers{suggest(to, known)}")
        yield known[to]
        return
    kind, rank = call.matched.op.kind, _rank(call)
    for same in (True, False):
        for layer in family.layers or frameworks()[family.layers_of or family.name].layers:
            op = find(layer.function)
            ranks = op.ranks if layer.rank is None else (layer.rank,)
            if (op.kind == kind) is same and rank in ranks:
                yield layer


def _rank(call: UnsizedCall) -> int:
    """The spatial axes of a layer: by its class, else by the kernel's size."""
    layer, size = call.matched.target.layer, call.words.sizes["size"][1]
    if isinstance(size, (tuple, list)):
        return len(size)
    if layer is not None and layer.rank is not None:
        return layer.rank
    return call.reading().rank


def _layer(
    call: UnsizedCall, target: Constructor, in_channels: int | None, size: Shape | None
) -> LayerTranslation:
    """The layer by one class."""
    made = [_of_channels(call, target, n, size) for n in _channels(call, in_channels)]
    first, *others = made
    if all(other.layer == first.layer for other in others):
        return first
    spelling = framework_of(find(target.function)).spelling
    idiom = spelling.idiom.layers if spelling else None
    lazy = {_lazy(m.layer, idiom) for m in made}
    if len(lazy) > 1:
        raise BadOption(f"{target.name}: the channels of x are not known: say in_channels=...")
    seen = "layer(x)  # it has its parameters once it has seen an x"
    return replace(first, layer=lazy.pop(), weights=(seen, *first.weights))


def _channels(call: UnsizedCall, in_channels: int | None = None) -> list[int]:
    """The channels of x; where they are not known, some that stand for any."""
    sizes = {role: value for role, (_, value) in call.words.sizes.items()}
    c = sizes.get("in", (sizes.get("in_out") or [in_channels])[0])
    if c is not None:
        return [c]
    groups = call.reading(rank=_rank(call)).group_count({"i": 1, "o": 1, "g": 1})
    return [groups * n for n in _CHANNELS]


def shapes_of(call: UnsizedCall) -> dict[str, Shape]:
    """The shapes of a layer's arrays and of an x, where the channels of x may be any."""
    return shapes_of_layer(call, _channels(call)[0], None)


def _of_channels(
    call: UnsizedCall, target: Constructor, c: int, size: Shape | None
) -> LayerTranslation:
    """The layer for x of c channels."""
    source = call.matched.target
    shapes = shapes_of_layer(call, c, size)
    translation = translate(
        call.sized(shapes), to=target.function, sizes="these" if size else "any"
    )
    spelling = framework_of(find(target.function)).spelling
    rewriting = translation.rewriting
    kernel = translation.kernel
    idiom = spelling.idiom.layers if spelling else None
    measured = any(map(extents_of, rewriting.y if idiom and idiom.border else rewriting.steps))
    if measured:
        raise BadOption(f"{source.name}: its padding depends on the size of x: say size=...")
    if spelling is None or idiom is None:
        raise CannotExpress(target.name, "layer", "uniconv has no words for its weights")
    if idiom.weights:
        roles = [role for role in ("w", "p", "bias") if _NAMES.get(role, role) in shapes]
        made, weights = _in_words(rewriting, target, idiom, roles)
    else:  # made of its arrays
        lines = (line for line in translation.statements if line.startswith("layer = "))
        made, weights = next(lines, "")[8:], list[str]()
        if not made or rewriting.then:
            raise CannotExpress(target.name, "layer", "uniconv has no words for its weights")
        _row(rewriting, made, idiom, target.name)
    border = _border(rewriting, idiom)
    return LayerTranslation(
        source.name,
        target.name,
        tuple(_imports(translation, idiom, "\n".join([border, *kernel, made, *weights]))),
        tuple(kernel),
        made,
        tuple(weights),
        translation.outcome,
        f"{rewriting.call.layout.x} -> {rewriting.lifted.call.layout.x}",
        rewriting,
        translation.language,
        border,
    )


def _border(rewriting: Rewriting, idiom: LayerIdiom) -> str:
    """The definition of a layer for the borders that the framework's own layers do not make."""
    steps = _own_borders(rewriting, idiom)
    if not steps:
        return ""
    text = idiom.border.format(name=_name_of_border(idiom), lines="\0")
    head, _, tail = text.partition("\0")
    indent = head.rpartition("\n")[2]
    return head + f"\n{indent}".join(border_of_layer(rewriting, steps)) + tail


def _name_of_border(idiom: LayerIdiom) -> str:
    """The name of a layer that is defined beside the others, as classes and functions have it."""
    return "Border" if idiom.border.startswith("class") else "border"


def _own_borders(rewriting: Rewriting, idiom: LayerIdiom) -> tuple[s.Step, ...]:
    """All borders, where one of them takes a layer that is defined for it; else none."""
    borders = tuple(step for step in rewriting.x if isinstance(step, (s.Surround, s.Gather)))
    made = (isinstance(b, s.Surround) and b.boundary in idiom.pad for b in borders)
    plain = all(made) and not any(map(extents_of, borders))
    return () if plain or not idiom.border else borders


def _in_words(
    rewriting: Rewriting, target: Constructor, idiom: LayerIdiom, roles: list[str]
) -> tuple[str, list[str]]:
    """The expression that makes a layer, or several in a row, and the lines of their weights."""
    calls = [(rewriting, roles)]
    if rewriting.then:
        calls = [(rewriting, ["w"]), (rewriting.then, [r for r in roles if r != "p"])]
    parts, placed = list[str](), list[tuple[int, list[str]]]()
    for each, arrays in calls:
        layer = _constructed(each, target, idiom, bias="bias" in arrays)
        row, place = _row(each, layer, idiom, target.name)
        lines = idiom.weights[" ".join(arrays)].splitlines()
        if each is rewriting.then:  # whose kernel is p
            lines = [re.sub(r"\bw\b", "p", line) for line in lines]
        placed.append((len(parts) + place, lines))
        parts += row
    if len(parts) == 1:
        return parts[0], placed[0][1]
    if not idiom.row:
        raise CannotExpress(target.name, "layer", "uniconv has no words for layers in a row")
    weights = list[str]()
    for place, lines in placed:
        lines = [re.sub(idiom.apart, idiom.entry.format(i=place), line) for line in lines]
        weights += [re.sub(*idiom.further, line) for line in lines] if weights else lines
    return idiom.row.format(parts=", ".join(parts)), weights


def _imports(translation: Translation, idiom: LayerIdiom, code: str) -> Iterator[str]:
    """The lines at the top whose names the code uses."""
    for line in dict.fromkeys(filter(None, (*translation.imports, idiom.imports))):
        if translation.language != "python" or imports_for(line, code):
            yield line


def _constructed(
    rewriting: Rewriting, target: Constructor, idiom: LayerIdiom, *, bias: bool
) -> str:
    """The expression that makes a layer: sizes by position, options by their words."""
    call, options = rewriting.lifted.call, dict(rewriting.lifted.options)
    taps = call.sizes.kernel
    sizes: dict[str, Any] = {
        "in": call.sizes.c,
        "out": call.o,
        "size": taps[0] if len(set(taps)) == 1 and not idiom.whole_kernel else taps,
        "multiplier": call.sizes.o // call.sizes.c,
    }
    absent = {"bias": False, "nobias": True, "bias_attr": False}
    flag = [role for role, _ in target.words() if role in absent][-1:]  # one of two is enough
    positional, named, by_position = list[str](), list[str](), True
    for role, word in target.words():
        if role in ("in", "out", "size"):
            (positional if by_position else named).append(
                show(sizes[role]) if by_position else f"{word}={show(sizes[role])}"
            )
            continue
        by_position = False
        if role == "multiplier" and sizes[role] != 1:
            named.append(f"{word}={sizes[role]}")
        elif role in flag and not bias:
            named.append(f"{word}={absent[role]}")
        elif role in options:
            named.append(f"{word}={show(options.pop(role))}")
    if options:
        raise CannotExpress(target.name, next(iter(options)), "its class has no such word")
    return f"{target.name}({', '.join([*positional, *named])})"


def shapes_of_layer(call: UnsizedCall, c: int, size: Shape | None) -> dict[str, Shape]:
    """The shapes of x, of the arrays that the layer holds."""
    sizes = {role: value for role, (_, value) in call.words.sizes.items()}
    rank, extent = _rank(call), sizes["size"]
    reading = call.reading(rank=rank)
    spatial = (extent,) * rank if isinstance(extent, int) else tuple(extent)
    multiplier = sizes.get("multiplier", 1)
    o = sizes.get("out", (sizes.get("in_out") or [0, c * multiplier])[1])
    each = reading.groups.each_channel
    groups = c if each else reading.group_count({"i": c, "o": o, "g": 1})
    w = reading.shape(c, c * multiplier if each else o, groups, spatial)
    shapes = call.arrays(w, size)
    if "pointwise" in shapes:
        shapes["pointwise"] = (*shapes["pointwise"][:-1], o)
    shapes["bias"] = (o,)
    flags = (("bias", False), ("nobias", True), ("bias_attr", False))
    if any(sizes.get(role) is without for role, without in flags):
        del shapes["bias"]
    return shapes


def _row(rewriting: Rewriting, layer: str, idiom: LayerIdiom, name: str) -> tuple[list[str], int]:
    """Paddings, the layer itself and an activation, in a row; and where the layer stands."""
    lifted = rewriting.lifted.call
    before, after = list[str](), list[str]()
    own = _own_borders(rewriting, idiom)
    for step in rewriting.x:
        if step in own:
            before = [idiom.bordered.format(name=_name_of_border(idiom))]
        elif isinstance(step, s.Surround) and idiom.pad.get(step.boundary):
            text = idiom.pad[step.boundary]
            before.append(_of_edges(text, step.pad, lifted, lifted.layout.x, fill=step.fill))
        elif not isinstance(step, _MOVES):
            raise _no_layer(rewriting, name, "padding")
    for step in rewriting.y:
        if isinstance(step, s.Activate) and step.activation.name in idiom.activations:
            text = idiom.activations[step.activation.name]
            after.append(text.format(*step.activation.numbers))
        elif idiom.cut and (cut := _cut(step)):
            after.append(_of_edges(idiom.cut, cut, lifted, lifted.layout.y, sign=-1))
        elif not isinstance(step, (*_MOVES, s.Bias)):  # its class adds the bias
            field = "activation" if isinstance(step, s.Activate) else "result"
            raise _no_layer(rewriting, name, field)
    return [*before, layer, *after], len(before)


def _no_layer(rewriting: Rewriting, name: str, field: str) -> CannotExpress:
    """What to say of a field that neither the class nor a layer beside it has words for."""
    lacking = [WORDS[each] for each in rewriting.beside if each in WORDS] or [field]
    reason = f"its class has no words for the {' and the '.join(lacking)}"
    return CannotExpress(name, field, f"{reason}, and no layer beside it does that")


def _cut(step: s.Step) -> Pairs:
    """What a step cuts off y; nothing for any other step."""
    if isinstance(step, s.Surround):  # torch cuts by negative padding
        return tuple((-lo, -hi) for lo, hi in step.pad)
    return step.cut if isinstance(step, s.Cut) else ()


def _of_edges(
    text: str, edges: Pairs, call: LoweredCall, pattern: str, *, sign: int = 1, fill: float = 0
) -> str:
    """A layer that pads or cuts.

    edges: pairs for the last axes of an array with that pattern.
    """
    letters = letters_of(pattern, call.rank, len(call.sizes.batch))
    last = letters[len(letters) - len(edges) :]
    pairs = [pair for letter, pair in zip(last, edges) if letter[0] == "s"]
    if any(n < 0 for pair in pairs for n in pair):
        raise CannotExpress(call.op.name, "padding", "no layer beside it does that")
    flat = ", ".join(f"{sign * n}" for pair in pairs[::-1] for n in pair)
    each = ", ".join(map(str, pairs))
    shown = each if len(pairs) == 1 else f"({each})"
    return text.format(rank=len(pairs), flat=flat, each=each, pairs=shown, fill=fill)


def _lazy(layer: str, idiom: LayerIdiom | None) -> str:
    """The expression with the channels of x left to the first x."""
    return re.sub(idiom.known, idiom.lazy, layer) if idiom and idiom.known else layer
