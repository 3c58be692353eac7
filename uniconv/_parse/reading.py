"""read_call: the one call in a text, ready to be made."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from uniconv._canonical.record import Sizes
from uniconv._messages import show
from uniconv._parse.functions import Target, fallbacks, near_name, targets
from uniconv._parse.match import Matched, match, plain, required_options, takes_its_words
from uniconv._parse.python import read_python
from uniconv._parse.script import read_script
from uniconv._parse.sections import is_cfg, is_prototxt, read_cfg, read_prototxt
from uniconv._parse.source import DEEPEST, SourceText
from uniconv._parse.tree import (
    Application,
    Argument,
    Expression,
    Items,
    Literal,
    NameInText,
    Node,
    Program,
    parts_of,
)
from uniconv._parse.values import ROLES_IN_WORDS, Values
from uniconv.errors import (
    BadArray,
    BadCall,
    BadOption,
    BadShape,
    Refused,
    UniconvError,
    UnknownName,
)

__all__ = ["CallInText", "calls_in", "is_text_of_a_call", "program_in", "read_call", "with_arrays"]

T = TypeVar("T")
_MOST_CALLS, _MOST_NAMES = 8, 20  # that a message tells of
_PLACED = (BadArray, BadCall, BadOption, BadShape, Refused, UnknownName)


def is_text_of_a_call(text: str) -> bool:
    """Whether a text can be a call, and no name."""
    return re.search(r"[({\[\n]", text) is not None


@dataclass(slots=True)
class CallInText:
    """A call that was read: what ``uniconv.Call`` takes, and where each part of it stands."""

    source: SourceText
    target: Target
    at: int
    arrays: dict[str, Any] = field(default_factory=dict)
    options: dict[str, Any] = field(default_factory=dict)
    places: dict[str, int] = field(default_factory=dict)
    sizes: dict[str, tuple[int, Any]] = field(default_factory=dict)

    def placed(self, function: Callable[[], T]) -> T:
        """What the function gives; its errors get the place in the text that they speak of."""
        try:
            return function()
        except _PLACED as error:
            text = str(error)
            heads = (f"{self.target.op.name}: {name}=" for name in self.places)
            named = [n for n, head in zip(self.places, heads) if text.startswith(head)]
            named += [n for n in self.places if re.search(rf"\b{re.escape(n)}\b", text)]
            at = self.places[named[0]] if named else self.at
            raise self.source.error(type(error), at, text) from None

    def check_sizes(self, sizes: Sizes, o: int) -> None:
        """BadOption where a layer class was told other sizes than the arrays have."""
        c, kernel = sizes.c, sizes.kernel
        multiplier = sizes.o // max(c, 1)
        for role, (at, value) in self.sizes.items():
            has: Any = {"in": c, "out": o, "size": kernel, "multiplier": multiplier}.get(role)
            if role == "in_out":
                has = (c, o)
            each = (value,) * len(kernel) if role == "size" and isinstance(value, int) else value
            each = tuple(each) if isinstance(each, list) else each
            if has is not None and value is not None and each != has:
                what = {"in": "in", "out": "out", "in_out": "in and out"}.get(role, role)
                noun = f"channels {what}" if role in ("in", "out", "in_out") else what
                raise self.source.error(
                    BadOption,
                    at,
                    f"{self.target.name}: {show(value)} contradicts the arrays, whose {noun} "
                    f"{'is' if isinstance(has, int) else 'are'} {show(has)}",
                )


def read_call(text: str, beside: Mapping[str, Any]) -> CallInText:
    """The one call of a known function in a text, with the arrays beside it.

    Raises:
        BadCall: no call, or several; or a text that cannot be read.
        UnknownName: a function that uniconv does not know, or a name that several have.
        BadOption: an argument that the function has not, or that is not written out.
        BadArray: an array that is neither in the text nor beside it.
    """
    source = SourceText(text)
    program = program_in(source)
    calls = [matched for _, matched in calls_in(source, program, program.roots)]
    if len(calls) > 1:
        places = "; ".join(f"{c.target.name} in {source.place(c.at)}" for c in calls)
        raise source.error(
            BadCall, calls[1].at, f"the text has {len(calls)} calls ({places}): give one of them"
        )
    if not calls:
        raise _no_call(source, program)
    return _with_values(source, program, calls[0], beside)


def program_in(source: SourceText) -> Program:
    """The text, read in its language."""
    text = source.text
    _check_brackets(source)
    if is_prototxt(text):
        return read_prototxt(source)
    if is_cfg(text):
        return read_cfg(source)
    try:
        return read_python(source)
    except BadCall as error:
        first = error
    try:
        return read_script(source)
    except BadCall as error:
        if re.search(r"^\s*(?:import|from|def|class|with)\b|[(,]\s*\*", text, re.M):
            raise first from None
        raise error from None


def _check_brackets(source: SourceText) -> None:
    """Brackets in brackets are counted before anything recurses into them."""
    depth = 0
    for at, letter in enumerate(source.text):
        if letter in "([{":
            depth += 1
            if depth > DEEPEST:
                problem = f"more than {DEEPEST} brackets in brackets"
                raise source.error(BadCall, at, problem)
        elif letter in ")]}":
            depth = max(depth - 1, 0)


def calls_in(
    source: SourceText, program: Program, roots: Iterable[Node]
) -> list[tuple[Application, Matched]]:
    """The calls of known functions in the order of the text, layers with what they are put on.

    Each with the node that it was read from.
    """
    applications = [(a, _layer_in_place(a, program)) for a in _applications(roots)]
    made = {id(whole.function) for _, whole in applications}
    calls: list[tuple[Application, Matched]] = []
    unknown: set[str | None] = set()
    for node, application in sorted(applications, key=lambda pair: pair[1].at):
        path = _path(application)
        if id(application) not in made and path not in unknown and len(calls) < _MOST_CALLS:
            matched = _matched(source, program, application)
            calls += [] if matched is None else [(node, matched)]
            if matched is None and path is not None:
                unknown.add(path)
    return sorted(calls, key=lambda pair: pair[1].at)


def _path(call: Application) -> str | None:
    """The name of what is called, where it has one and its arguments do not change its meaning."""
    function = call.function
    if not isinstance(function, NameInText) or function.path.endswith("make_node"):
        return None
    return function.path


def _applications(roots: Iterable[Node]) -> list[Application]:
    left: list[Node] = list(roots)
    subnodes = []
    while left:
        node = left.pop()
        if isinstance(node, Application):
            subnodes.append(node)
        left += parts_of(node)
    return subnodes


def _layer_in_place(call: Application, program: Program) -> Application:
    """``conv(x)``, where ``conv = nn.Conv2d(...)`` stands above, as ``nn.Conv2d(...)(x)``."""
    function = call.function
    if isinstance(function, NameInText):
        made = program.variables.get(function.path)
        if isinstance(made, Application):
            return Application(call.at, made, call.arguments, call.text)
    return call


def _matched(source: SourceText, program: Program, call: Application) -> Matched | None:
    """The call, its function and its arguments; None where it calls nothing that is known."""
    call = _method(_node_of_a_graph(call), program)
    made = call.function
    name = made.function if isinstance(made, Application) else made
    if not isinstance(name, NameInText):
        return None
    candidates = targets(name.path, program, _may_be_layer(call, program))
    if not candidates:
        return None
    candidates = [t for t in candidates if t.layer is not None] or candidates
    results: list[Matched] = []
    errors: list[UniconvError] = []
    for target in candidates:
        for each in (target, *fallbacks(target)):
            try:
                results.append(match(source, each, call))
                break
            except UniconvError as error:
                errors.append(error)
    if len(candidates) == 1:
        if results:
            return results[0]
        raise errors[0]
    results = [m for m in results if not any(map(_is_word, m.arrays.values()))] or results
    whole = [m for m in results if not required_options(m) and takes_its_words(m)]
    results = _of_these_arrays(whole or results, isinstance(made, Application))
    if len(results) == 1:
        return results[0]
    several = [m.target for m in results] or candidates
    names = ", ".join(target.name for target in several)
    raise source.error(
        UnknownName,
        name.at,
        f"{name.path} may be {names}: write its name in full, as {several[0].name}, or the line "
        "that imports it",
    )


def _may_be_layer(call: Application, program: Program) -> bool:
    """Whether a class is called: its instance is applied, or sizes stand where arrays would."""
    if isinstance(call.function, Application):
        return True
    first = [a for a in call.arguments if a.keyword is None][:1]
    words = {a.keyword for a in call.arguments}
    if first:
        value = first[0].value
        if isinstance(value, NameInText):  # channels = 256
            value = program.variables.get(value.path, value)
        return plain(value) and _is_size(value)
    return bool(words & {"kernel_size", "filters", "in_channels", "out_channels", "features"})


def _is_size(value: Node) -> bool:
    if isinstance(value, Literal):
        return value.value is None or type(value.value) is int
    return plain(value) and getattr(value, "kind", "") in ("tuple", "pair")


def _of_these_arrays(results: list[Matched], applied: bool) -> list[Matched]:
    """Of several functions, those whose arrays can be the call's."""
    both = [m for m in results if applied or {"x", "w"} <= set(m.arrays)]
    kept = both or results
    # conv2(u, v, A) has two kernels, conv2(A, B, 'same') has one.
    two = [m for m in kept if m.op.kind == "separable_conv"]
    with_two = [m for m in two if "pointwise" in m.arrays]
    kept = with_two or [m for m in kept if m not in two] or kept
    # Lux's layers take their parameters and their state along, Flux's only x.
    if applied and len(kept) > 1:
        kept = [m for m in kept if m.target.framework.name != "lux"] or kept
    return kept


def _is_word(argument: Argument) -> bool:
    return isinstance(argument.value, Literal) and isinstance(argument.value.value, str)


def _node_of_a_graph(call: Application) -> Application:
    """``helper.make_node("Conv", inputs, outputs, strides=[2, 2])`` as a call of ``onnx.Conv``."""
    function, arguments = call.function, call.arguments
    if not (isinstance(function, NameInText) and function.path.endswith("make_node")):
        return call
    if not (arguments and isinstance(arguments[0].value, Literal)):
        return call
    named = NameInText(function.at, f"onnx.{arguments[0].value.value}")
    words = [a for a in arguments if a.keyword not in (None, "inputs", "outputs", "name")]
    inputs = [a.value for a in arguments[1:2] if a.keyword is None]
    inputs += [a.value for a in arguments if a.keyword == "inputs"]
    names = [
        Argument(n.at, None, NameInText(n.at, n.value))
        for n in (parts_of(inputs[0]) if inputs else ())
        if isinstance(n, Literal) and isinstance(n.value, str) and n.value
    ]
    return Application(call.at, named, (*names, *words), call.text)


def _method(call: Application, program: Program) -> Application:
    """``x.conv2d(w)``, a method of tinygrad's tensors, as a function of x and w."""
    function = call.function
    if "tinygrad" not in program.modules:
        return call
    if isinstance(function, Expression) and function.attribute:
        x, name = function.parts[0], function.attribute
    elif isinstance(function, NameInText) and "." in function.path:
        owner, _, name = function.path.rpartition(".")
        x = NameInText(function.at, owner)
    else:
        return call
    method = NameInText(function.at, f"tinygrad.Tensor.{name}")
    if not targets(method.path, program, layers=False):
        return call
    return Application(call.at, method, (Argument(x.at, None, x), *call.arguments), call.text)


def _no_call(source: SourceText, program: Program) -> UniconvError:
    """What to say where nothing that is called is known: the likeliest name, or that all fail."""
    applications = [a for a in _applications(program.roots) if isinstance(a.function, NameInText)]
    paths: dict[str, Application] = {}
    for call in sorted(applications, key=lambda a: a.at):
        paths.setdefault(_path(call) or "", call)
    for path, call in list(paths.items())[:_MOST_NAMES]:
        hint = near_name(path)
        if hint or re.search("conv|corr|filter", path, re.I):
            return source.error(UnknownName, call.at, f"no function is named {path}{hint}")
    names = ", ".join(dict.fromkeys(a.function.path for a in applications))[:80]  # type: ignore[union-attr]
    only = f"; it calls {names}" if names else ""
    return source.error(
        BadCall, 0, f'no call of a convolution stands here, such as "F.conv2d(x, w)"{only}'
    )


def with_arrays(
    source: SourceText, program: Program, matched: Matched, arrays: Mapping[str, Any]
) -> CallInText:
    """A call that ``calls_in`` found, with its arrays by role, whatever the text calls them.

    Raises:
        those of ``read_call``.
    """
    known = {r: Argument(a.at, None, NameInText(a.at, r)) for r, a in matched.arrays.items()}
    known = {role: argument for role, argument in known.items() if role in arrays}
    return _with_values(source, program, replace(matched, arrays=known), arrays)


def _with_values(
    source: SourceText, program: Program, matched: Matched, beside: Mapping[str, Any]
) -> CallInText:
    values, op = Values(source, program, beside), matched.op
    call = CallInText(source, matched.target, matched.at)
    for name, argument in matched.options.items():
        activation = op.activation is not None and name == op.activation.option
        if op.addend is not None and name == op.addend[0]:
            call.options[name] = values.array(name, argument, set())
        elif name in op.constructor_words and not plain(argument.value):
            continue  # an initializer, or what else makes no number of y
        else:
            call.options[name] = values.option(name, argument, activation=activation)
        call.places[name] = argument.at
    for role, argument in matched.sizes.items():
        if role in ("device", "dtype"):
            continue
        call.sizes[role] = argument.at, values.option(argument.keyword or role, argument)
    _find_arrays(source, matched, values, call)
    return call


def _find_arrays(source: SourceText, matched: Matched, values: Values, call: CallInText) -> None:
    """The arrays of the call; BadArray for those that are missing, unless all are."""
    roles = ["x", "w", "bias"]
    if matched.op.kind == "separable_conv":
        roles.append("pointwise")
    names = {}
    for role in roles:
        argument = matched.arrays.get(role)
        named = argument is not None and isinstance(argument.value, NameInText)
        names[role] = argument.value.path if named else role  # type: ignore[union-attr]
    for role in roles:
        argument = matched.arrays.get(role)
        if argument is not None and _is_none(argument.value):
            continue
        others = {n for r, n in names.items() if r != role}
        array = values.array(role, argument, others)
        if array is not None:
            call.arrays[role] = array
            call.places.setdefault(role, call.at if argument is None else argument.at)
    spelling = matched.target.framework.spelling
    if spelling and spelling.language == "matlab" and not matched.op.vectors:
        call.arrays |= values.rows(call.arrays)
    call.arrays |= values.of_one_dtype(call.arrays)
    _check_bias(source, call)
    values.check_all_used(names, call.at)
    needed = [r for r in roles if r != "bias" or r in matched.arrays]
    needed = [r for r in needed if not (r in matched.arrays and _is_none(matched.arrays[r].value))]
    missing = [r for r in needed if r not in call.arrays]
    if call.arrays and missing:
        lacks = "; ".join(
            f"no array for {names[r]}, {ROLES_IN_WORDS[r]}: say {_keyword(names[r], r)}=..."
            for r in missing
        )
        first = matched.arrays.get(missing[0])
        raise source.error(BadArray, call.at if first is None else first.value.at, lacks)


def _keyword(name: str, role: str) -> str:
    return name if name.isidentifier() else role


def _is_none(node: Node) -> bool:
    empty = isinstance(node, Items) and not node.items  # MATLAB's []
    return empty or (isinstance(node, Literal) and (node.value is None or node.value is False))


def _check_bias(source: SourceText, call: CallInText) -> None:
    """A layer that was told whether it has a bias has one, or none."""
    for role, without in (("bias", False), ("nobias", True), ("bias_attr", False)):
        at, flag = call.sizes.get(role, (0, None))
        if isinstance(flag, bool) and flag is without and "bias" in call.arrays:
            raise source.error(BadOption, at, "the layer has no bias here, but bias=... is given")
