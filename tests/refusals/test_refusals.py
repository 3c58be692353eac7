"""Every refused call raises its error with its full text, through the public functions."""

import pytest

from tests.refusals import TABLES
from tests.refusals.bad_call import BadCall, Call
from uniconv.conformance.oracles import has_oracle
from uniconv.spec.registry import frameworks

GOOD = [call for table in TABLES.values() for call in table.GOOD]
BAD = [call for table in TABLES.values() for call in table.BAD]


@pytest.mark.parametrize("call", BAD, ids=str)
def test_refused(call: BadCall) -> None:
    with pytest.raises(call.error) as raised:
        call.through_uniconv()
    assert raised.type is call.error
    assert str(raised.value) == call.message


@pytest.mark.parametrize("call", GOOD, ids=str)
def test_the_same_way_of_calling_works(call: Call) -> None:
    assert call.through_uniconv().abs().sum() > 0


@pytest.mark.parametrize("family", TABLES)
def test_every_function_is_called_well_and_badly(family: str) -> None:
    names = {op.name for op in frameworks()[family].functions}
    assert {call.function for call in TABLES[family].GOOD} == names
    assert {call.function for call in TABLES[family].BAD} == names


def test_every_family_has_a_table() -> None:
    assert set(TABLES) == set(frameworks())


@pytest.mark.parametrize("family", [name for name in TABLES if has_oracle(name)])
def test_enough_calls_are_refused_by_the_framework_too(family: str) -> None:
    least = 40 if family in ("tf", "pytorch") else 10
    assert sum(call.live is True for call in TABLES[family].BAD) >= least


@pytest.mark.parametrize("family", TABLES)
def test_no_call_is_listed_twice(family: str) -> None:
    texts = [repr(call) for call in TABLES[family].BAD]
    assert len(set(texts)) == len(texts)
