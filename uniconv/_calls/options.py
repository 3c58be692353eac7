"""A call's options: defaults, second names, one name per axis."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from uniconv._messages import SAME_MEANING, either, show, suggest
from uniconv.errors import BadOption
from uniconv.spec.op import Op, OptionPerAxis
from uniconv.spec.rules import REQUIRED, CallContext
from uniconv.spec.values import from_text, list_from_text, plain


def complete(op: Op, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The options with defaults filled in, unknown ones refused; and the second names in use.

    Three passes: second names become the first ones, options of one axis each become one option of
    all, and what is still missing gets its default.
    """
    values, spelled = _by_first_name(op, options)
    for name, several in op.per_axis_options.items():
        if not whole(several, name, values):
            values = _gathered(op, name, several, values)
    for name, rule in op.rules.items():
        if values.setdefault(name, rule.default) is REQUIRED:
            hint = rule.must_be_said or f"; it is {rule.takes}"
            raise BadOption(f"{op.name}: option {show(name)} is missing{hint}")
    return values, spelled


def option_value(op: Op, option: str, value: object) -> Any:
    """An option's value: a number for an array without axes, and what a text says, if texts may."""
    if not op.text_lists:
        return plain(value)
    return list_from_text(value) if option in op.text_lists else from_text(plain(value))


def _by_first_name(op: Op, options: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, str]]:
    """The options that a call names, by first names; and which second name each was given by.

    ``{"paddings": 1}`` gives ``({"padding": 1}, {"padding": "paddings"})`` where "paddings" is a
    second name.  A second name that is None counts as left out: signatures have both, one unused.

    Raises:
        BadOption: one option under two names, or one that the function does not have.
    """
    values: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    single = {name for several in op.per_axis_options.values() for name in several.names}
    for name, value in options.items():
        known = op.aliases.get(name, name)
        if name in op.aliases and value is None:
            continue
        if known in values and value is None:
            continue
        if values.get(known) is not None:
            names = " and ".join(sorted({name, known, spelled.get(known, known)}))
            raise BadOption(f"{op.name}: {names} are one option under two names; give one of them")
        if known in op.constructor_words:  # see constructor_words.py
            continue
        parted = known in op.per_axis_options and not op.per_axis_options[known].whole
        if known not in single and (known not in op.rules or parted):
            raise _unknown(op, name, value, single)
        values[known] = option_value(op, known, value)
        if name != known:
            spelled[known] = name
    return values, spelled


def _unknown(op: Op, name: str, value: Any, single: set[str]) -> BadOption:
    """The error for an option that the function does not have."""
    known_names = {*op.rules, *op.aliases, *single, *(op.addend or ())[:1]}
    has = [p for p in op.params.split() if p in known_names]
    own = ("dialect", "device", "bias", "pointwise")  # of uniconv's functions, not of this one
    hint = _parted(op, name) or suggest(name, [*has, *op.constructor_words]) or suggest(name, own)
    hint = hint or f"; it has {', '.join(has)}"
    if name == "precision":
        hint = f"; cuDNN's is set around the call: with uniconv.precision({show(value)}): ..."
    return BadOption(f"{op.name} has no option {show(name)}{hint}")


def _parted(op: Op, name: str) -> str:
    """The names of an option's parts, where it is asked for whole: ncnn's pad, in four numbers."""
    kin = next((names for names in SAME_MEANING if name in names), (name,))
    parts = [several.names for rule, several in op.per_axis_options.items() if rule in kin]
    return f": did you mean {either(parts[0])}?" if parts else ""


def _gathered(
    op: Op, name: str, several: OptionPerAxis, values: Mapping[str, Any]
) -> dict[str, Any]:
    """The options with those of one axis each as one of all axes.

    stride_h=2, stride_w=1 become stride=(2, 1), in the order of ``several.names``.

    Raises:
        BadOption: the option of all axes stands beside one of them, or one of them is missing.
    """
    if name in values:
        beside = " and ".join(one for one in several.names if one in values)
        raise BadOption(f"{op.name}: {beside} cannot stand beside {name}; give one or the other")
    each = tuple(several.value(one, values) for one in several.names)
    missing = [one for one, v in zip(several.names, each) if v is REQUIRED]
    if missing:
        raise BadOption(f"{op.name}: option {show(missing[0])} is missing")
    return {k: v for k, v in values.items() if k not in several.names} | {name: each}


def begin(op: Op, options: Mapping[str, Any], ndim: int) -> CallContext:
    """What is known of a call before anything is read but the names of its options."""
    values, spelled = complete(op, options)
    parted = {
        rule: several.names
        for rule, several in op.per_axis_options.items()
        if not whole(several, rule, options)
    }
    return CallContext(
        op.name, op.title, options=values, spellings=spelled, per_axis_options=parted, ndim=ndim
    )


def whole(several: OptionPerAxis, name: str, options: Mapping[str, Any]) -> bool:
    """Whether an option for each axis, and none for all of them, is left out of a call."""
    return several.whole and not set(several.names) & set(options)


def scattered(op: Op, options: Mapping[str, Any]) -> dict[str, Any]:
    """Options by rule -> options as the function takes them: one name per axis where it has so."""
    native: dict[str, Any] = {}
    for name, value in options.items():
        if name not in op.per_axis_options or op.per_axis_options[name].whole:
            native[name] = value
            continue
        names = op.per_axis_options[name].names
        values = value if isinstance(value, (list, tuple)) else [value] * len(names)
        native |= dict(zip(names, values))
    return native
