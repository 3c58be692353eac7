"""Every refused call raises its error with its full text, through the public functions."""

from dataclasses import replace
from pathlib import Path

import pytest

from tests.refusals import HERE, TABLES, write
from tests.refusals.bad_call import BadCall, Call
from tests.refusals.update import updated
from uniconv.conformance.oracles import has_oracle
from uniconv.spec.registry import frameworks

GOOD = [call for table in TABLES.values() for call in table.good]
BAD = [call for table in TABLES.values() for call in table.bad]


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
    assert {call.function for call in TABLES[family].good} == names
    assert {call.function for call in TABLES[family].bad} == names


def test_every_family_has_a_table() -> None:
    assert set(TABLES) == set(frameworks())


@pytest.mark.parametrize("family", [name for name in TABLES if has_oracle(name)])
def test_enough_calls_are_refused_by_the_framework_too(family: str) -> None:
    least = 40 if family in ("tf", "pytorch") else 10
    assert sum(call.live is True for call in TABLES[family].bad) >= least


@pytest.mark.parametrize("family", TABLES)
def test_no_call_is_listed_twice(family: str) -> None:
    texts = [repr(call) for call in TABLES[family].bad]
    assert len(set(texts)) == len(texts)


def test_no_call_is_lost() -> None:
    assert (len(GOOD), len(BAD)) >= (167, 1630)
    assert sum(call.live is True for call in BAD) >= 1206


@pytest.mark.parametrize("family", TABLES)
def test_a_table_is_written_as_it_is_read(family: str, tmp_path: Path) -> None:
    write(tmp_path / "table.jsonl", TABLES[family])
    assert (tmp_path / "table.jsonl").read_text("utf-8") == (HERE / f"{family}.jsonl").read_text(
        "utf-8"
    )


def test_an_update_writes_what_uniconv_says_now() -> None:
    call = next(call for call in BAD if call.function == "tf.nn.conv2d")
    assert updated(call) == call
    assert updated(replace(call, message="something else")) == call
