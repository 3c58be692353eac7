"""A remembered plan answers a call as a fresh process would."""

import random

import numpy as np
import pytest
import torch

import uniconv
from uniconv._calls import cache
from uniconv._describe import dialects
from uniconv.errors import BadOption, UniconvError
from uniconv.spec.registry import find
from uniconv.testing.cases import probe, random_case

NAMES = [name for names in dialects().values() for name in names]

# What an integer n may be spelled as: equal to it, of another type.
SPELLINGS = (float, np.int64, np.float32, lambda n: n == 1 if n in (0, 1) else n, np.array)


def forget():
    cache.PLANS.clear()
    cache.CALLS.clear()


def respelled(value, spell):
    """The value with its integers spelled otherwise."""
    if type(value) is int:
        return spell(value)
    if isinstance(value, (list, tuple)):
        return type(value)(respelled(v, spell) for v in value)
    return value


def answer(function, *arrays, **options):
    """The result, or the error, as text."""
    try:
        y = function(*arrays, **options)
    except UniconvError as error:
        return f"{type(error).__name__}: {error}"
    return str(y.tolist())


@pytest.mark.filterwarnings("ignore::uniconv.errors.UniconvWarning")
@pytest.mark.parametrize("name", NAMES)
def test_another_spelling_is_answered_as_without_what_was_called_before(name):
    op, rng = find(name), random.Random(f"cache {name}")
    case = random_case(op, rng)
    dtype = next(d for d in ("float32", *op.dtypes) if d in op.dtypes)
    x, w, *point = (torch.from_numpy(a.copy()) for a in probe(case, 0, dtype))
    if point:
        return  # has no way past the plan
    options = {k: v for k, v in case.options.items() if k not in (op.addend or ())[:1]}

    def call(x, w, **options):
        return uniconv.conv(x, w, dialect=name, **options)

    plain = answer(call, x, w, **options)
    for key, value in options.items():
        other = options | {key: respelled(value, rng.choice(SPELLINGS))}
        forget()
        fresh = answer(call, x, w, **other)
        for _ in range(2):
            assert answer(call, x, w, **options) == plain
        for _ in range(2):
            assert answer(call, x, w, **other) == fresh


@pytest.mark.parametrize("value", [True, 1.0, np.True_, (1, True), (1.0, 1), [True, 1]])
def test_what_equals_one_is_no_stride_after_a_call_with_one(value):
    x, w = torch.ones(1, 4, 5, 2), torch.ones(2, 2, 2, 3)
    conv2d = uniconv.native("tf.nn.conv2d")
    plain = (1, 1) if isinstance(value, tuple) else [1, 1] if isinstance(value, list) else 1
    for _ in range(3):
        uniconv.conv(x, w, dialect="tf", strides=plain, padding="VALID")
        conv2d(x, w, plain, "VALID")
    for _ in range(2):
        with pytest.raises(BadOption, match="strides"):
            uniconv.conv(x, w, dialect="tf", strides=value, padding="VALID")
        with pytest.raises(BadOption, match="strides"):
            conv2d(x, w, value, "VALID")


def test_options_that_change_are_read_again():
    x, w = torch.arange(20.0).reshape(1, 4, 5, 1), torch.ones(1, 1, 1, 1)
    for strides in ([1, 1], np.array([1, 1]), torch.tensor([1, 1])):
        sizes = []
        for step in (1, 2, 3):
            strides[1] = step
            sizes.append(
                uniconv.conv(x, w, dialect="tf", strides=strides, padding="VALID").shape[2]
            )
            again = uniconv.conv(x, w, dialect="tf", strides=strides, padding="VALID")
            sizes.append(again.shape[2])
        assert sizes == [5, 5, 3, 3, 2, 2]


def test_the_objects_of_a_remembered_call_live_as_long_as_it():
    x, w = torch.ones(1, 2, 9), torch.ones(1, 2, 3)
    forget()
    for n in range(300):
        y = uniconv.conv(x, w, dialect="pytorch", stride=(n % 7 + 1,))
        assert y.shape[2] == 6 // (n % 7 + 1) + 1
    [(key, alike)] = cache.CALLS.items()
    assert key == ("conv", "pytorch", x.shape, w.shape)
    strides = [options["stride"] for _, _, options in alike]
    assert strides == [(n % 7 + 1,) for n in reversed(range(292, 300))]
    for run, _, options in alike:
        assert run(x, w).shape[2] == 6 // options["stride"][0] + 1


def test_few_calls_are_remembered(monkeypatch):
    monkeypatch.setattr(cache, "_MOST", 5)
    x, w = torch.ones(1, 1, 9), torch.ones(1, 1, 3)
    for n in range(20):
        for _ in range(3):
            assert uniconv.conv(x, w, padding=n).shape[2] == 7 + 2 * n
        assert len(cache.PLANS) <= 5
        assert len(cache.CALLS) <= 5


def test_calls_that_differ_in_an_options_name_or_order_are_kept_apart():
    x, w = torch.arange(40.0).reshape(1, 2, 20), torch.arange(6.0).reshape(1, 2, 3)
    conv1d, calls = torch.nn.functional.conv1d, uniconv.native("torch.nn.functional.conv1d")
    said = [{"stride": 2}, {"padding": 2}, {"dilation": 2}, {}]
    said += [{"stride": 2, "padding": 1}, {"padding": 1, "stride": 2}, {"padding": 2, "stride": 1}]
    wanted = [conv1d(x, w, **options) for options in said]
    forget()
    for _ in range(3):
        for options, want in zip(said, wanted):
            assert torch.equal(uniconv.conv(x, w, **options), want)
            assert torch.equal(calls(x, w, **options), want)
    # Two differ in their order alone; to the native function one says a default besides.
    assert [len(alike) for alike in cache.CALLS.values()] == [5, 6]
