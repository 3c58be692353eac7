"""Layers in configuration files: Caffe's prototxt, Darknet's .cfg."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from uniconv._parse.source import DEEPEST, SourceText
from uniconv._parse.tree import Application, Argument, Literal, NameInText, Program
from uniconv.errors import BadCall

__all__ = ["is_cfg", "is_prototxt", "read_cfg", "read_prototxt"]

_LAYERS = {
    "convolution": "caffe.Convolution",
    "deconvolution": "caffe.Deconvolution",
}
_SECTIONS = {
    "convolutional": "darknet.convolutional",
    "conv": "darknet.convolutional",
    "deconvolutional": "darknet.deconvolutional",
    "deconv": "darknet.deconvolutional",
}
_SECTION = re.compile(r"[ \t]*\[[ \t]*(\w+)[ \t]*\][ \t]*(?:[#;].*)?$", re.M)
_FIELD = re.compile(
    r"(?P<space>[\s,;]+|#[^\n]*)|(?P<text>\"(?:[^\"\\\n]|\\.)*\"|'(?:[^'\\\n]|\\.)*')"
    r"|(?P<number>[-+]?(?:\d+\.?\d*|\.\d+)(?:[eE][-+]?\d+)?)\b|(?P<name>\w+)|(?P<sign>[:{}])"
)


def is_prototxt(text: str) -> bool:
    """Whether the text is a message with a convolution's parameters, or with its type."""
    return re.search(r"\b(?:layers?|convolution_param)\s*:?\s*\{", text) is not None


def is_cfg(text: str) -> bool:
    """Whether the text has a section of a layer that convolves."""
    return any(match[1].lower() in _SECTIONS for match in _SECTION.finditer(text))


@dataclass(slots=True)
class _Message:
    at: int
    fields: dict[str, list[tuple[int, Any]]] = field(default_factory=dict)

    def first(self, name: str) -> Any:
        values = self.fields.get(name)
        return values[0][1] if values else None


def read_prototxt(source: SourceText) -> Program:
    """The layers that convolve, as calls whose options are the fields of convolution_param."""
    tokens, at = [], 0
    while at < len(source.text):
        match = _FIELD.match(source.text, at)
        if match is None:
            raise source.error(BadCall, at, f"{source.text[at]!r} is not read in a prototxt")
        if match.lastgroup != "space":
            tokens.append((match.lastgroup or "", match[0], at))
        at = match.end()
    message, _ = _message(source, tokens, 0, 0, 0)
    program = Program("")
    for name in ("layer", "layers"):
        for _, layer in message.fields.get(name, ()):
            if isinstance(layer, _Message):
                program.roots += _layer(source, layer)
    if "convolution_param" in message.fields:
        program.roots += _layer(source, message)
    return program


def _message(
    source: SourceText, tokens: list[tuple[str, str, int]], k: int, at: int, depth: int
) -> tuple[_Message, int]:
    """The fields up to the closing brace, and where the tokens go on."""
    if depth > DEEPEST:
        raise source.error(BadCall, at, f"more than {DEEPEST} braces in braces")
    message = _Message(at)
    while k < len(tokens):
        kind, name, place = tokens[k]
        if name == "}" and depth:
            return message, k + 1
        if kind != "name":
            raise source.error(BadCall, place, f"{name} stands where a field should begin")
        k += 1
        if k < len(tokens) and tokens[k][1] == ":":
            k += 1
        if k == len(tokens):
            raise source.error(BadCall, place, f"{name} has no value")
        kind, word, place = tokens[k]
        value: Any
        if word == "{" and kind == "sign":
            value, k = _message(source, tokens, k + 1, place, depth + 1)
        else:
            value, k = _prototxt_value(kind, word), k + 1
        message.fields.setdefault(name, []).append((place, value))
    if depth:
        raise source.error(BadCall, at, "this brace is not closed")
    return message, k


def _prototxt_value(kind: str, word: str) -> Any:
    if kind == "text":
        return word[1:-1]
    if kind == "number":
        return _number_or_word(word)
    return {"true": True, "false": False}.get(word, word)


def _layer(source: SourceText, layer: _Message) -> list[Application]:
    """The call that a layer is; none where it is of another type."""
    kind = str(layer.first("type") or "Convolution")
    function = _LAYERS.get(kind.lower())
    params = layer.first("convolution_param")
    if function is None or not (isinstance(params, _Message) or layer.first("type")):
        return []
    arguments = []
    for place, bottom in layer.fields.get("bottom", ())[:1]:
        arguments.append(Argument(place, "bottom", NameInText(place, str(bottom))))
    fields = params.fields if isinstance(params, _Message) else {}
    for name, values in fields.items():
        place = values[0][0]
        plain = ["..." if isinstance(v, _Message) else v for _, v in values]
        value = plain[0] if len(plain) == 1 else plain
        arguments.append(Argument(place, name, Literal(place, value)))
    return [Application(layer.at, NameInText(layer.at, function), tuple(arguments), kind)]


def read_cfg(source: SourceText) -> Program:
    """The sections that convolve, as calls whose options are their lines."""
    program = Program("")
    name, start, at = "", 0, 0
    arguments: list[Argument] = []

    def end() -> None:
        if name in _SECTIONS:
            function = NameInText(start, _SECTIONS[name])
            program.roots.append(Application(start, function, tuple(arguments), f"[{name}]"))

    for line in source.text.split("\n"):
        section = _SECTION.match(line)
        words = line.strip()
        if section is not None:
            end()
            name, start, arguments = section[1].lower(), at + line.index("["), []
        elif words and words[0] not in "#;" and name in _SECTIONS:
            option, sign, value = line.partition("=")
            if not sign:
                raise source.error(BadCall, at, f"{words[:40]} is no option=value")
            place = at + len(option) - len(option.lstrip())
            literal = Literal(place, _number_or_word(value.strip()))
            arguments.append(Argument(place, option.strip(), literal))
        at += len(line) + 1
    end()
    return program


def _number_or_word(word: str) -> int | float | str:
    if re.fullmatch(r"[-+]?\d{1,18}", word):
        return int(word)
    try:
        return float(word)
    except ValueError:
        return word
