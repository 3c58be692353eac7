"""The readers of suites, on texts of our own in the forms that the suites are written in."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.suites import cpp, litert, mlir, onnxruntime, stablehlo
from tests.suites.__main__ import commit, found
from tests.suites.reading import NotRead
from uniconv.conformance.suite import Verdict, judge


def test_literals_of_mlir():
    assert mlir.dense("[[1, 2], [3, 4]]", "tensor<2x2xi32>").tolist() == [[1, 2], [3, 4]]
    assert mlir.dense("1.5", "tensor<2xf32>").tolist() == [1.5, 1.5]
    assert mlir.dense('"0x0000803F00000040"', "tensor<2xf32>").tolist() == [1, 2]
    assert mlir.dense("[true, false]", "tensor<2xi1>").tolist() == [True, False]
    for text in ("tensor<?x2xf32>", "tensor<2x!quant.uniform<i8:f32, 1.0>>", "tensor<2xf8>"):
        with pytest.raises(NotRead):
            mlir.shape_and_type(text)
    told = "a = array<i64: 1, 2>, b = #x<p = 1, q>, c = dense<[[3, 4]]> : tensor<1x2xi64>"
    told = {k: mlir.value_of(v) for k, v in mlir.attributes(told).items()}
    assert told == {"a": [1, 2], "b": "#x<p = 1, q>", "c": [[3, 4]]}
    with pytest.raises(NotRead, match="twice"):
        mlir.attributes("a = 1, a = 2")


PROGRAM = """
func.func @one() {
  %x = stablehlo.constant dense<[[[1], [2], [3]]]> : tensor<1x3x1xf32>
  %w = stablehlo.constant dense<[[[1]], [[10]]]> : tensor<2x1x1xf32>
  %y = stablehlo.convolution(%x, %w)
    dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [1]}
    {batch_group_count = 1 : i64, feature_group_count = 1 : i64}
  : (tensor<1x3x1xf32>, tensor<2x1x1xf32>) -> tensor<1x2x1xf32>
  check.expect_eq_const %y, dense<[[[21], [32]]]> : tensor<1x2x1xf32>
}
// -----
func.func @two(%x: tensor<1x3x1xf32>, %w: tensor<2x1x1xf32>) {
  // expected-error@+1 {{a stride}}
  %y = stablehlo.convolution(%x, %w)
    dim_numbers = [b, 0, f]x[0, i, o]->[b, 0, f], window = {stride = [0]}
    {batch_group_count = 1 : i64, feature_group_count = 1 : i64}
  : (tensor<1x3x1xf32>, tensor<2x1x1xf32>) -> tensor<1x2x1xf32>
}
"""


def test_cases_of_stablehlo(tmp_path: Path):
    file = tmp_path / "some.mlir"
    file.write_text(PROGRAM)
    verdicts = [judge(case) for case in stablehlo._cases(file)]
    assert [v.outcome for v in verdicts] == ["passed", "passed"]
    assert "window_strides=[0] must be at least 1" in verdicts[1].reason
    file.write_text(PROGRAM.replace("[[[21]", "[[[12]"))
    assert [judge(case).outcome for case in stablehlo._cases(file)] == ["wrong", "passed"]


def test_expressions_of_cpp():
    names = {"n": 3, "case.pads": [1]}
    for text, wanted in {
        "{1.f, -2., 0.5e1f, 010}": [1, -2, 5, 10],
        "vector<int64_t>{n, n * 2}": [3, 6],
        "std::vector<float>(2, 1.5f)": [1.5, 1.5],
        '"a" "b"': "ab",
        "ns::Kind::kOne": "kOne",
        "case.pads": [1],
        "{std::numeric_limits<int16_t>::max() + 1, 1 << 4}": [32768, 16],
        "{true, {}}": [True, []],
    }.items():
        got = cpp.value(text, names, {"vector": lambda n, v: [v] * n})
        assert got == wanted, text
    with pytest.raises(NotRead):
        cpp.value("f(1)", names, {})


def test_statements_of_cpp():
    body = 'if (a) { one(";"); } else { two(); } for (int i = 0; i < 3; i++) { v.push_back(i); }'
    body += " t = {1};"
    first, loop, last = cpp.statements(body)
    assert (first, last) == ('one(";")', "t = {1}")
    assert cpp.loop(loop) == ("3", " v.push_back(i); ;")
    assert cpp.declaration("const std::vector<int> v = {1}") == (
        "const std::vector<int>",
        "v",
        "{1}",
    )
    assert cpp.declaration("return x") is None


KERNELS = """
TEST(Some, Conv) {
  ConvOpAndTestAttributes attrs = {"", vector<int64_t>{1}, 1, vector<int64_t>{2}, {0, 0}, {1}, {}};
  vector<float> X = {1.f, 2.f, 3.f};
  vector<float> W = {1.f, 10.f};
  TestConvOp(attrs, {X, W}, {{1, 1, 3}, {1, 1, 2}}, {21.f, 32.f}, {1, 1, 2});
  TestConvOp(attrs, {X, W}, {{1, 1, 3}, {1, 1, 2}}, {21.f, 32.f}, {1, 1, 2}, true);
}
TEST(Some, Tester) {
  OpTester test("ConvInteger", 10);
  test.AddInput<uint8_t>("x", {1, 1, 3}, {1, 2, 3});
  test.AddInput<uint8_t>("w", {1, 1, 2}, {1, 10});
  test.AddInput<uint8_t>("x_zero_point", {}, {1});
  test.AddAttribute<std::vector<int64_t>>("pads", {0, 0});
  test.AddOutput<int32_t>("y", {1, 1, 2}, {10, 21});
  test.Run();
}
"""


def test_cases_of_onnx_runtime(tmp_path: Path):
    file = tmp_path / "conv_op_test.cc"
    file.write_text(KERNELS)
    assert [judge(case) for case in onnxruntime._cases(file)] == [
        Verdict("Some.Conv", "passed"),
        Verdict("Some.Tester", "passed"),
    ]


MODELS = """
TEST_P(Some, Valid) {
  ConvolutionOpModel m(GetRegistration(), {TensorType_FLOAT32, {1, 1, 3, 1}},
                       {TensorType_FLOAT32, {1, 1, 2, 1}}, {TensorType_FLOAT32, {}}, 1, 1);
  m.SetInput({1, 2, 3});
  m.SetFilter({1, 10});
  m.SetBias({100});
  EXPECT_THAT(m.GetOutput(), ElementsAreArray({121, 132}));
}
TEST_P(Some, Quantized) { QuantizedConvolutionOpModel m(GetRegistration()); }
"""


def test_cases_of_litert(tmp_path: Path):
    file = tmp_path / "conv_test.cc"
    file.write_text(MODELS)
    assert [judge(case) for case in litert._cases(file)] == [
        Verdict("Some.Valid", "passed"),
        Verdict("Some.Quantized", "not modelled", "quantized"),
    ]


TESTS = """
import numpy as np
from tensorflow.python.framework import constant_op, dtypes
from tensorflow.python.ops import gradient_checker, nn_ops
from tensorflow.python.platform import test

class Some(test.TestCase):
  def _conv(self, **options):
    x = constant_op.constant(np.arange(1, 4), shape=[1, 3, 1], dtype=dtypes.float32)
    w = constant_op.constant([1, 10], shape=[2, 1, 1], dtype=dtypes.float32)
    return self.evaluate(nn_ops.conv1d(x, w, **options))

  def testA(self):
    self.assertAllClose(self._conv(stride=1, padding="VALID").ravel(), [21, 32])

  def testB(self):
    self.assertAllClose(self._conv(stride=1, padding="VALID").ravel(), [12, 23])

  def testC(self):
    with self.assertRaisesRegex(ValueError, "words"):
      self._conv(stride=1, padding="SOME")

  def testD(self):
    self._conv(stride=1, padding="SOME")

  def testE(self):
    gradient_checker.compute_gradient(1)
"""


def test_tests_of_tensorflow(tmp_path: Path):
    pytest.importorskip("ml_dtypes")
    from tests.suites import tensorflow

    (tmp_path / "some_test.py").write_text(TESTS)
    with tensorflow.stood_in(tmp_path):
        verdicts = list(tensorflow._verdicts(tmp_path / "some_test.py"))
    outcomes = ["passed", "wrong", "passed", "refused", "not modelled"]
    assert [v.outcome for v in verdicts] == outcomes


def test_what_is_kept(tmp_path: Path):
    (tmp_path / "COMMIT").write_text("abc\n")
    assert commit(tmp_path) == "abc"
    verdicts = [Verdict("a", "passed"), Verdict("b", "wrong", "why"), Verdict("c", "wrong", "why")]
    assert found("us", "abc", {"part": verdicts}) == {
        "source": "us",
        "at": "abc",
        "parts": {
            "part": {
                "passed": 1,
                "refused": 0,
                "wrong": 2,
                "not modelled": 0,
                "losses": [["wrong", "why", 2]],
            }
        },
    }
