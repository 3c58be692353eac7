"""The pages on the founding question: every number is computed, every sentence on flipping held."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import numpy as np
import pytest

import uniconv
from tests.test_docs import fences, run_examples
from uniconv._cli import demo
from uniconv._describe import flip, reads_backwards
from uniconv.spec.registry import find

DOCS = Path(__file__).parent.parent / "docs"
ENGLISH, CHINESE = DOCS / "founding-question.md", DOCS / "founding-question.zh.md"
PAGES = pytest.mark.parametrize("page", [ENGLISH, CHINESE], ids=lambda p: p.name)

# The question, but for its arrays and its code: the pages quote all of it.
SENTENCES = """
这里是knet的conv4 但是我看不太懂,能不能简要介绍下原理,或者过程。
这里是tensorflow.nn.conv2d
权重是相同的如下
数据部分如下
我想要让tensorflow和julia的结果一致。因为我正在将一个julia版本的卷积转化为tensorflow版,实验需要。
我猜测有两个问题,一个是卷积方式,一个是精度问题。
如果是卷积方式不同,那可以调整,但是看起来在tensorflow和julia中的有部分是重复,更像是对称。
我猜测可能是卷积与相关卷积的区别。
但是,我找的函数tensorflow.nn.convolution注释是这样写的,但是结果没有区别。
转回Julia,我原来想是不是julia中conv4的mode参数不同导致的,但是mode=1 or 0 没有区别。
文档解释是mode=0 对应 convolution; mode=1对应cross-correlation.
"""


@pytest.fixture(scope="module")
def found():
    return demo.answer(demo.load())


@pytest.fixture(scope="module")
def first(found):
    """What the first element is made of, in Knet and in TensorFlow."""
    x, w = found.question.partappledata[..., None], found.question.testw[..., None]
    calls = (uniconv.Call(x, w, dialect="knet.conv4", padding=1, mode=m) for m in (0, 1))
    return [uniconv.explain(call).window for call in calls]


@pytest.fixture(scope="module")
def computed(found, first):
    """Every number with a decimal point that the pages may hold, as they write it."""
    q = found.question
    told = {f"{v:.3f}" for y in (found.knet, found.tf) for v in y.ravel()}
    told |= {f"{abs(lane.sum):.3f}" for window in first for lane in window.lanes}
    told |= {f"{lane.sum:.3f}" for window in first for lane in window.lanes}
    told |= {f"{p.w:.6g}" for window in first for p in window.lanes[0].products}
    told |= {f"{p.x:.6g}" for window in first for p in window.lanes[0].products}
    # The differences themselves hang on how a processor sums; what they may be does not.
    told |= {f"{check.bar:.1e}" for check in found.checks if check.holds}
    told |= {f"{demo.largest(found.knet, found.tf):.1f}"}
    told |= {f"{demo.largest(found.knet, found.knet_mode_1):.1f}"}
    told |= {f"{demo.largest(q.testw, q.wdata):.1e}"}
    told |= {f"{demo.largest(q.partappledata, q.immatdata):.1e}"}
    options = {"dialect": "tf.nn.convolution", "padding": "SAME"}
    other = uniconv.conv(q.immatdata[None], q.wdata[..., None], **options)
    return told | {f"{demo.largest(other[0, :, :, 0], found.tf):.1f}"}


def prose(page):
    """The page without its examples (they are run) and without version numbers and links."""
    text = re.sub(r"^```.*?^```$", "", page.read_text("utf-8"), flags=re.M | re.S)
    text = re.sub(r"\]\([^)]*\)", "]", text)
    text = re.sub(r"\(0\.7\.3 (to|到) 1\.4\.10\)", "", text)
    return re.sub(r"\[v1\.2\.0|code\s+of 1\.2|1\.2 版", "", text)


@PAGES
def test_every_number_is_computed(page, computed):
    numbers = re.findall(r"-?\d+\.\d+(?:e-\d+)?", prose(page))
    assert len(numbers) >= 40
    assert [n for n in numbers if n not in computed] == []


@PAGES
def test_the_examples_run(page):
    run_examples("\n".join(fences(page, "python")), page.name)


@PAGES
def test_every_sentence_of_the_question_is_quoted(page):
    quoted = " ".join(re.findall(r"^> (.*)$", page.read_text("utf-8"), re.M))
    assert [s for s in SENTENCES.split("\n") if s and s not in quoted] == []


@PAGES
def test_links_and_pictures_are_there(page):
    links = re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))
    assert [a for a in links if "://" not in a and not (DOCS / a).exists()] == []
    assert len([a for a in links if a.endswith(".png")]) == 3


def test_what_is_said_of_flipping_is_what_the_specs_say():
    english, chinese = (p.read_text("utf-8") for p in (ENGLISH, CHINESE))
    turned, upright = "真正的卷积(卷积核翻转)", "互相关(卷积核不翻转)"
    for name in ("knet.conv4", "tf.nn.conv2d"):
        assert f"\n- {name} is {flip(find(name))}.\n" in english
        said = turned if reads_backwards(find(name)) else upright
        assert f"\n- {name} 是{said}。\n" in chinese
    assert flip(find("tf.nn.convolution")) in " ".join(english.split())
    assert not reads_backwards(find("tf.nn.convolution"))
    assert find("knet.conv4").reverse.table == {0: True, 1: False}
    assert not reads_backwards(find("knet.ops21.conv"))
    assert find("knet.ops21.conv").rules["crosscorrelation"].default is True


def test_the_counts_and_the_sums(found, first):
    apart = np.abs(found.knet - found.knet_mode_1) > demo.PRINTED_DIGITS
    same = [tuple(int(i) + 1 for i in at) for at in np.argwhere(~apart)]
    assert (apart.sum(), apart.size) == (22, 25)
    assert same == [(2, 2), (2, 3), (2, 4)]
    for page in (ENGLISH, CHINESE):
        text = prose(page)
        assert all(f"y[{i}, {j}]" in text for i, j in same)
    assert [sum(len(lane.products) for lane in w.lanes) for w in first] == [27, 27]
    for window, pages in zip(first, ("51.298 + 76.030 + 67.366", "-43.400 - 67.843 - 56.776")):
        said = " + ".join(f"{lane.sum:.3f}" for lane in window.lanes).replace("+ -", "- ")
        assert said == pages


def test_why_the_results_look_symmetric(found):
    """The image's columns are alike, and rows 1 to 3: a left-right flip only mirrors."""
    q = found.question
    for image in (q.partappledata, q.immatdata):
        assert np.ptp(image, axis=1).max() == 0
        assert np.ptp(image[:3], axis=0).max() == 0
    upside_down = demo.knet_conv4(q.partappledata, q.testw[::-1], mode=1)
    assert demo.largest(upside_down[:, ::-1], found.knet) < 1e-12
    assert demo.largest(found.knet[1], found.knet_mode_1[1, ::-1]) < 1e-12
    for y in (found.knet, found.tf):
        assert np.ptp(y[:, 1:4], axis=1).max() < 1e-4
    assert abs(found.knet[2, 2] - found.tf[2, 2]) > 4


def test_the_two_lines_that_cannot_have_been_run(found):
    q = found.question
    with pytest.raises(uniconv.UniconvError, match="takes one dtype"):
        demo.tf_conv2d(q.immatdata.astype("float64"), q.wdata)
    with pytest.raises(uniconv.UniconvError, match=r"w \(3, 3, 3\) has 3 axes"):
        uniconv.conv(q.immatdata[None], q.wdata, dialect="tf.nn.conv2d", strides=1, padding="SAME")


def test_same_and_padding_1_are_the_same_four_numbers():
    shapes = (1, 5, 5, 3), (3, 3, 3, 1)
    same = uniconv.Call(*shapes, dialect="tf.nn.conv2d", strides=1, padding="SAME")
    knet = uniconv.Call((5, 5, 3, 1), (3, 3, 3, 1), dialect="knet.conv4", padding=1)
    assert (
        uniconv.explain(same).padding
        == uniconv.explain(knet).padding
        == "top 1, bottom 1, left 1, right 1"
    )


def test_the_pictures_show_computed_numbers(found, first):
    pytest.importorskip("matplotlib")
    made = runpy.run_path(str(DOCS / "make_picture.py"))
    assert set(made["FIGURES"]) == {
        "knet_vs_tensorflow.png",
        "founding_window.png",
        "founding_mode.png",
    }
    for name in made["FIGURES"]:
        assert (DOCS / name).read_bytes().startswith(b"\x89PNG")
    panels = [[t.get_text() for t in ax.texts] for ax in made["mode_figure"]().axes]
    assert panels[0] == [f"{v:.3f}" for v in found.knet.ravel()]
    assert panels[1] == [f"{v:.3f}" for v in found.knet_mode_1.ravel()]
    panels = [[t.get_text() for t in ax.texts] for ax in made["window_figure"]().axes]
    for window, texts in zip(first, (panels[:4], panels[4:])):
        products = window.lanes[0].products
        assert texts[1] == [f"{p.w:.3f}" for p in products]
        assert texts[2] == [f"{p.value if abs(p.value) > 1e-6 else 0:.2f}" for p in products]
        assert texts[3][-1] == f"y[1, 1] = {window.sum:.3f}"
