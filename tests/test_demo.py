"""The founding question: its arrays as shipped, its two results, and the report about them."""

from dataclasses import replace

import numpy as np
import pytest

from uniconv._canonical.record import Convolution
from uniconv._canonical.reference import reference
from uniconv._cli import demo


@pytest.fixture(scope="module")
def question():
    return demo.load()


@pytest.fixture(scope="module")
def found(question):
    return demo.answer(question)


def test_the_arrays_are_those_of_the_question(question):
    shapes = {n: getattr(question, n).shape for n in question.__dataclass_fields__}
    assert shapes == {
        "testw": (3, 3, 3),
        "partappledata": (5, 5, 3),
        "ydata": (5, 5),
        "wdata": (3, 3, 3),
        "immatdata": (5, 5, 3),
        "part_conv_data": (5, 5),
    }
    # Julia's testw[1, 3, 2], partappledata[5, 1, 3] and ydata[1, 5]; NumPy's wdata[0, 2, 1].
    assert question.testw[0, 2, 1] == np.float32(-0.081387)
    assert question.partappledata[4, 0, 2] == 62.343
    assert question.ydata[0, 4] == -4.38531
    assert question.wdata[0, 2, 1] == np.float32(-0.08138704)
    assert question.part_conv_data[4, 4] == np.float32(198.7494812)


def test_julia_and_numpy_print_the_same_kernel_and_image(question):
    assert demo.largest(question.testw, question.wdata) <= 5.1e-7
    assert demo.largest(question.partappledata, question.immatdata) <= 5.1e-5


def test_both_results_are_those_that_the_question_prints(question, found):
    assert np.abs(found.knet - question.ydata).max() <= 5.1e-4
    assert np.abs(found.tf - question.part_conv_data).max() <= 1.5e-4
    assert found.knet_check.difference == demo.largest(found.knet, question.ydata)
    assert found.tf_check.difference == demo.largest(found.tf, question.part_conv_data)
    assert [c.bar for c in (found.knet_check, found.tf_check)] == [5.1e-4, 1.5e-4]


@pytest.mark.parametrize(("reverse", "result"), [(True, "knet"), (False, "tf_of_julia_arrays")])
def test_the_numpy_oracle_agrees_that_only_the_flip_differs(question, reverse, result):
    ones = (1, 1)
    conv = Convolution(ones, ((1, 1), (1, 1)), ones, ones, (reverse, reverse))
    x, w = question.partappledata, question.testw
    y = reference(conv, x.transpose(2, 0, 1)[None], w.transpose(2, 0, 1)[None])[0, 0]
    expected = demo.knet_conv4(x, w) if result == "knet" else demo.tf_conv2d(x, w)
    np.testing.assert_allclose(y, expected, rtol=0, atol=1e-11)


def test_both_ways_make_the_frameworks_agree(question, found):
    assert np.abs(found.tf_kernel_flipped - question.ydata).max() <= 5.1e-4
    assert np.abs(found.knet_mode_1 - question.part_conv_data).max() <= 5.1e-4


def test_precision_is_a_million_times_too_small_to_explain_the_difference(found):
    apart = demo.largest(found.knet, found.tf)
    assert 370.2 < apart < 370.4
    assert found.dtype_check.difference > 0
    assert found.digits_check.difference > 0
    assert apart > 1e6 * max(found.dtype_check.difference, found.digits_check.difference)


def test_the_report_fits_a_terminal_and_says_the_answer(found):
    text = demo.report(found)
    assert max(map(len, text.splitlines())) <= 80
    assert "knet.conv4 is a true convolution (the kernel is read backwards)." in text
    assert "tf.nn.conv2d is a cross-correlation (the kernel is not flipped)." in text
    told = " ".join(text.split())
    assert (
        "knet.conv4 convolves, tf.nn.conv2d correlates, on both spatial axes; precision explains "
        "at most 5.0e-4 of a difference of up to 370.3; `knet.conv4(w, x, padding=1, mode=1)` or "
        '`tf.nn.conv2d(x, w[::-1, ::-1], strides=[1, 1, 1, 1], padding="SAME")` makes both agree.'
    ) in told
    row = "194.69  120.06  120.06  120.06   -4.39 | 194.69  120.06  120.06  120.06   -4.39"
    assert text.count(row) == 2
    assert "y[2,2], y[2,3], y[2,4]" in text
    assert text.count("(ok: ") == 6
    assert "BROKEN" not in text


def test_the_exit_code_tells_when_a_number_is_off(question, monkeypatch, capsys):
    assert demo.main() == 0
    assert capsys.readouterr().out == demo.report(demo.answer(question)) + "\n"

    off = question.ydata.copy()
    off[2, 3] += 0.001
    monkeypatch.setattr(demo, "load", lambda: replace(question, ydata=off))
    assert demo.main() == 1
    out = capsys.readouterr().out
    assert out.count("(BROKEN: at most 5.1e-04, printed digits)") == 2
    assert out.endswith("A difference is larger than it may be: see BROKEN above.\n")


@pytest.mark.parametrize("field", demo.Question.__dataclass_fields__)
def test_every_array_matters(question, field):
    """One wrong digit in any shipped array breaks a bar."""
    wrong = getattr(question, field).copy()
    wrong.flat[len(wrong.flat) // 2] += 0.1
    assert not demo.answer(replace(question, **{field: wrong})).holds
