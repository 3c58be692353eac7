"""Every refused call raises its error with its full text, through the public functions."""

import pytest

from tests.refusals import knet, pytorch, tensorflow
from tests.refusals.bad_call import BadCall, Call
from uniconv.registry import families

TABLES = {"tf": tensorflow, "pytorch": pytorch, "knet": knet}
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
    names = {op.name for op in families()[family].functions}
    assert {call.function for call in TABLES[family].GOOD} == names
    assert {call.function for call in TABLES[family].BAD} == names


@pytest.mark.parametrize("family", ["tf", "pytorch"])
def test_at_least_40_calls_are_refused_by_the_framework_too(family: str) -> None:
    assert sum(call.live is True for call in TABLES[family].BAD) >= 40


@pytest.mark.parametrize("family", TABLES)
def test_no_call_is_listed_twice(family: str) -> None:
    texts = [repr(call) for call in TABLES[family].BAD]
    assert len(set(texts)) == len(texts)
