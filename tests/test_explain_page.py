"""The page of explain, in headless Chromium: its sums are y everywhere, by key, button and click.

Needs chromium and chromedriver (Debian: chromium, chromium-driver); the protocol is plain JSON.
"""

from __future__ import annotations

import json
import random
import re
import shutil
import socket
import subprocess
import time
import urllib.error
import urllib.request

import numpy as np
import pytest

from uniconv import Call, UniconvError
from uniconv._explain import explain
from uniconv.spec.registry import find, functions
from uniconv.testing.cases import probe, random_case

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")
DRIVER = shutil.which("chromedriver")
FLAGS = [
    *("--headless", "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--window-size=1300,900"),
]
KEYS = {"ArrowRight": "\ue014", "ArrowDown": "\ue015", "Home": "\ue011", "End": "\ue010"}
KEYS |= {"PageDown": "\ue00f", "Space": " "}


class Browser:
    """As much of WebDriver as these tests need."""

    def __init__(self, port: int, profile: str) -> None:
        self.root = f"http://127.0.0.1:{port}"
        chrome = {"binary": CHROMIUM, "args": [*FLAGS, f"--user-data-dir={profile}"]}
        told = {"capabilities": {"alwaysMatch": {"goog:chromeOptions": chrome}}}
        self.session = ""
        self.session = f"/session/{self.ask('POST', '/session', told)['sessionId']}"

    def ask(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.root + self.session + path, data, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def open(self, path):
        self.ask("POST", "/url", {"url": path.as_uri()})

    def run(self, script):
        return self.ask("POST", "/execute/sync", {"script": script, "args": []})

    def press(self, key):
        actions = [{"type": kind, "value": KEYS[key]} for kind in ("keyDown", "keyUp")]
        keys = [{"type": "key", "id": "keys", "actions": actions}]
        self.ask("POST", "/actions", {"actions": keys})

    def click(self, selector):
        found = self.ask("POST", "/element", {"using": "css selector", "value": selector})
        (element,) = found.values()
        self.ask("POST", f"/element/{element}/click", {})

    def text(self, selector):
        return self.run(f"return document.querySelector({json.dumps(selector)}).textContent")


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    if not (CHROMIUM and DRIVER):
        pytest.skip("Chromium and its driver are not installed")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    log = (tmp_path_factory.mktemp("driver") / "log").open("w")
    driver = subprocess.Popen([DRIVER, f"--port={port}"], stdout=log, stderr=log)
    try:
        for _ in range(100):
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/status", timeout=5).close()
                break
            except (urllib.error.URLError, OSError):
                time.sleep(0.1)
        found = Browser(port, str(tmp_path_factory.mktemp("profile")))
        yield found
        found.ask("DELETE", "")
    finally:
        driver.terminate()
        driver.wait()
        log.close()


def numbered(*shape, seed=0):
    return np.random.default_rng(seed).integers(-9, 10, shape).astype("float32")


@pytest.fixture
def opened(browser, tmp_path):
    def show(dialect, x, w, pointwise=None, *, at=None, batch=0, **options):
        call = Call(x, w, dialect=dialect, pointwise=pointwise, **options)
        found = explain(call, at=at, batch=batch)
        page = tmp_path / "page.html"
        page.write_text(found.to_html(), "utf-8")
        browser.open(page)
        return found

    return show


# Every element of every channel: the page's own sum against y.
EVERYWHERE = """
const bad = [];
for (let k = 0; k < D.y.length; k++) {
  state.channel = k; lanesOf();
  for (let i = 0; i < count; i++) {
    jump(i);
    const box = document.getElementById("sum").dataset;
    if (box.sum !== box.y) bad.push([k, state.at.join(), box.sum, box.y]);
  }
}
return [bad, count * D.y.length];
"""


@pytest.mark.parametrize(
    ("name", "shapes", "options"),
    [
        ("tf.nn.conv1d", [(2, 9, 2), (3, 2, 4)], {"stride": 2, "padding": "SAME", "batch": 1}),
        ("knet.conv4", [(5, 4, 3, 2), (2, 3, 3, 2)], {"padding": 1, "alpha": 2}),
        ("torch.nn.functional.conv3d", [(1, 4, 3, 5, 4), (6, 2, 2, 3, 1)], {"groups": 2}),
        ("knet.conv4", [(4, 3, 5, 2, 1), (2, 1, 3, 2, 3)], {"padding": (1, 0, 2)}),
        (
            "torch.nn.ConvTranspose2d",
            [(1, 2, 3, 4), (2, 3, 3, 2)],
            {"stride": (2, 3), "padding": 1, "output_padding": (1, 2)},
        ),
        ("knet.deconv4", [(3, 4, 2, 1), (3, 2, 5, 2)], {"stride": 2}),
        ("tf.nn.depthwise_conv2d", [(1, 5, 4, 3), (3, 2, 3, 2)], "tf"),
        ("tf.nn.separable_conv2d", [(1, 5, 4, 3), (3, 2, 3, 2), (1, 1, 6, 4)], "tf"),
        ("scipy.ndimage.convolve", [(6, 5), (3, 2)], {"mode": "reflect"}),
        ("scipy.ndimage.correlate", [(7,), (4,)], {"mode": "constant", "cval": 3}),
    ],
)
def test_the_sum_is_y_at_every_element(browser, opened, name, shapes, options):
    arrays = [numbered(*shape, seed=i) for i, shape in enumerate(shapes)]
    options = {"strides": [1, 1, 1, 1], "padding": "SAME"} if options == "tf" else options
    found = opened(name, *arrays, **options)
    bad, count = browser.run(EVERYWHERE)
    assert bad == []
    assert count == found.problem.y[0].size


def test_the_sum_is_y_for_many_functions(browser, opened):
    rng = random.Random(1)
    for name in rng.sample(sorted(functions()), 25):
        op = find(name)
        case = random_case(op, rng)
        if 0 in case.call.output or op.addend or not 1 <= case.call.rank <= 3:
            continue
        dtype = "float32" if "float32" in op.dtypes else op.dtypes[0]
        opened(name, *probe(case, 0, dtype), **case.options)
        assert browser.run(EVERYWHERE)[0] == [], case


def test_keys_buttons_and_clicks_move_through_y(browser, opened):
    opened("torch.nn.functional.conv3d", numbered(1, 2, 4, 5, 6), numbered(2, 2, 2, 3, 2))
    where = lambda: browser.text("#where")  # noqa: E731
    assert where() == "y at slice 0, row 0, column 0"
    for key, now in [
        ("ArrowRight", "y at slice 0, row 0, column 1"),
        ("ArrowDown", "y at slice 0, row 1, column 1"),
        ("PageDown", "y at slice 1, row 1, column 1"),
        ("Space", "y at slice 1, row 1, column 2"),
        ("End", "y at slice 2, row 2, column 4"),
        ("Home", "y at slice 0, row 0, column 0"),
    ]:
        browser.press(key)
        assert where() == now, key
    for button, now in [
        ("#next", "y at slice 0, row 0, column 1"),
        ("#last", "y at slice 2, row 2, column 4"),
        ("#back", "y at slice 2, row 2, column 3"),
        ("#first", "y at slice 0, row 0, column 0"),
        ("td[data-at='0,2,3']", "y at slice 0, row 2, column 3"),
    ]:
        browser.click(button)
        assert where() == now, button
    assert browser.text("td.now") == browser.text("#sum b")
    assert browser.run("return document.querySelectorAll('#x td.win').length") == 6


def test_a_stamp_is_outlined_on_y(browser, opened):
    w = np.arange(1, 10.0).reshape(1, 1, 3, 3)
    x = np.arange(1, 7.0).reshape(1, 1, 2, 3)
    opened("torch.nn.functional.conv_transpose2d", x, w, at=(2, 2), stride=2)
    assert browser.run("return document.querySelectorAll('#stamps li').length") == 4
    assert browser.text("#stamps li").startswith("pixel (0, 0) stamps from (0, 0) of y on; its tap")
    browser.run("document.querySelector('#stamps li').focus()")
    assert browser.run("return document.querySelectorAll('#y td.stamp').length") == 9


def test_the_page_asks_for_nothing_and_holds_the_text(browser, opened):
    found = opened("tf.nn.conv1d", numbered(1, 5, 2), numbered(3, 2, 1), padding="SAME", stride=1)
    page = found.to_html()
    assert not re.search(r"""(src|href)\s*=|url\(|@import|fetch\(|XMLHttp|https?://""", page)
    assert browser.run("return performance.getEntriesByType('resource').length") == 0
    assert browser.run("document.querySelector('#whole').open = true; return 1") == 1
    assert browser.text("#whole pre") == str(found)


def test_a_call_cannot_end_the_script(browser, opened):
    x, w = numbered(1, 5, 2), numbered(3, 2, 1)
    found = opened("tf.nn.conv1d", x, w, padding="SAME", stride=1, name="</script><b>@DATA@")
    assert browser.text("#call") == found.call
    assert "</script><b>@DATA@" in found.call


def test_a_page_needs_numbers_and_not_too_many():
    shapes = Call((1, 5, 2), (3, 2, 1), dialect="tf.nn.conv1d", padding="SAME", stride=1)
    with pytest.raises(UniconvError) as error:
        explain(shapes).to_html()
    wanted = "tf.nn.conv1d: a page needs arrays with numbers, and a y with elements"
    assert str(error.value) == wanted
    x, w = np.zeros((1, 1, 1_200_000), "float32"), np.zeros((1, 1, 3), "float32")
    with pytest.raises(UniconvError) as error:
        explain(Call(x, w, dialect="pytorch")).to_html()
    assert str(error.value) == (
        "torch.nn.functional.conv1d: a page of 2400001 numbers is too large (at most 2000000); "
        "cut x, w or the channels down to what is to be shown"
    )
    x, w = x[..., :9].astype("complex64"), w.astype("complex64")
    with pytest.raises(UniconvError) as error:
        explain(Call(x, w, dialect="pytorch")).to_html()
    assert str(error.value) == (
        "torch.nn.functional.conv1d: a page shows real numbers, these are complex"
    )
