"""The registry: one file a name, and what is broken breaks only itself."""

from __future__ import annotations

import importlib
import pickle
import subprocess
import sys
import textwrap
import warnings
from collections.abc import Callable, Iterator
from dataclasses import replace
from importlib.metadata import EntryPoint
from pathlib import Path

import numpy as np
import pytest

import uniconv
from uniconv._dialects import WORDS
from uniconv.errors import UniconvWarning, UnknownName
from uniconv.spec import Framework, loading, registry
from uniconv.spec.loading import words

X, W = np.arange(5.0).reshape(1, 5, 1), np.array([1.0, 10, 100]).reshape(3, 1, 1)
ROOT = Path(uniconv.__file__).parent.parent


def fresh(code: str, *path: Path) -> str:
    """What a fresh interpreter prints that runs the code, with more folders to import from."""
    head = f"""
        import sys
        sys.path[:0] = {[str(p) for p in (ROOT, *path)]}
        def loaded():
            own = "uniconv._dialects."
            return sorted(m.removeprefix(own) for m in sys.modules if m.startswith(own))
    """
    done = subprocess.run(
        [sys.executable, "-c", textwrap.dedent(head) + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


# One file a name


def test_a_name_loads_one_file():
    told = fresh(
        """
        import numpy as np
        import uniconv
        print(loaded())
        x, w = np.ones((1, 5, 1)), np.ones((3, 1, 1))
        uniconv.conv(x, w, dialect="tf", stride=1, padding="SAME")
        uniconv.conv(x, w, dialect="tensorflow.nn.conv1d", stride=1, padding="SAME")
        print(loaded())
        uniconv.native("mx.nd.Convolution")
        print(loaded())
        uniconv.nn.Conv(3, 4, 3, dialect="F.conv2d")
        print(loaded())
        print(len(uniconv.dialects()), len(loaded()))
        """
    )
    count = len(registry.frameworks())
    assert told.splitlines() == [
        "[]",
        "['tf']",
        "['mlx', 'mxnet', 'tf']",  # mx. is a prefix of both
        "['mlx', 'mxnet', 'pytorch', 'tf']",
        f"{count} {count}",
    ]


def test_the_words_of_a_file_are_those_of_its_names():
    for file, framework in registry.frameworks().items():
        assert {file, *WORDS.get(file, ())} == words(framework), file
    assert set(WORDS) < set(registry.frameworks())


def test_every_name_is_known_in_full_by_alias_and_by_prefix():
    for framework in registry.frameworks().values():
        assert registry.framework(framework.name) is framework
        for alias in framework.aliases:
            assert registry.framework(alias) is framework
        for op in framework.functions:
            names = {op.name}
            if op.name.startswith(f"{framework.name}."):
                rest = op.name.removeprefix(framework.name)
                names |= {f"{alias}{rest}" for alias in framework.aliases}
            for short, full in framework.prefixes.items():
                if op.name.startswith(full):
                    names.add(op.name.replace(full, short, 1))
            assert {registry.find(name).name for name in names} == {op.name}
            assert registry.framework_of(op) is framework


def test_specs_pickle_by_name():
    for framework in registry.frameworks().values():
        assert pickle.loads(pickle.dumps(framework)) is framework
        assert all(pickle.loads(pickle.dumps(op)) is op for op in framework.functions)


def test_sixteen_threads_may_be_first(tmp_path):
    info = tmp_path / "mine-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: mine\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[uniconv.dialects]\nmine = nowhere:IT\n")
    told = fresh(
        """
        import threading, warnings
        import uniconv
        from uniconv.spec import registry
        start, specs, texts = threading.Barrier(16), [], []
        warnings.showwarning = lambda message, *rest: texts.append(str(message))
        warnings.simplefilter("always")
        def use():
            start.wait()
            for name in ("tf", "mx.conv1d", "knet.conv4", "np.convolve"):
                specs.append(id(registry.find(name) if "." in name else registry.framework(name)))
            specs.append(tuple(map(id, registry.functions().values())))
        threads = [threading.Thread(target=use) for _ in range(16)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        print(len(specs), len(set(specs)), len(texts))
        print(texts[0])
        """,
        tmp_path,
    )
    assert told.splitlines() == [
        "80 5 1",
        "dialect plug-in mine of distribution mine (nowhere:IT) fails: ModuleNotFoundError: "
        "No module named 'nowhere'; it is left out, every other dialect works",
    ]


# Broken files and plug-ins


@pytest.fixture
def forgotten() -> Iterator[None]:
    """A registry that has loaded nothing, and forgets what the test had it load."""

    def forget() -> None:
        loading._outcomes.clear()
        for cache in (loading.files, loading.files_of_words, registry._main):
            cache.cache_clear()

    forget()
    yield
    forget()


@pytest.fixture
def plug_in(
    forgotten: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[..., None]:
    """Installs plug-ins: each the value of an entry point, or source text with an IT in it."""

    def install(*sources: str) -> None:
        points = []
        for n, source in enumerate(sources):
            value = source
            if "\n" in source:
                (tmp_path / f"plugged{n}.py").write_text(source)
                value = f"plugged{n}:IT"
            points.append(EntryPoint(f"mine{n}", value, loading.GROUP))
            monkeypatch.delitem(sys.modules, f"plugged{n}", raising=False)
        monkeypatch.syspath_prepend(tmp_path)
        monkeypatch.setattr(loading, "entry_points", lambda group: points)

    return install


@pytest.fixture
def own_file(
    forgotten: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Callable[[str, str], None]:
    """Puts a file before those of the package's own dialects."""
    package = importlib.import_module(loading.OWN)
    monkeypatch.setattr(package, "__path__", [str(tmp_path), *package.__path__])

    def write(name: str, source: str) -> None:
        (tmp_path / f"{name}.py").write_text(source)
        monkeypatch.delitem(sys.modules, f"{loading.OWN}.{name}", raising=False)
        monkeypatch.delattr(package, name, raising=False)
        importlib.invalidate_caches()

    return write


def works(*names: str) -> None:
    """Other dialects compute as ever, without a warning."""
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert uniconv.conv(X, W, dialect="keras").ravel().tolist() == [210, 321, 432]
        assert uniconv.conv(X[0, :, 0], W[:, 0, 0], dialect="np.correlate").size == 3
        for name in names:
            registry.find(name)


def warned_once(text: str) -> None:
    """All frameworks are loaded, and only the first time tells of the one that is left out."""
    with pytest.warns(UniconvWarning) as caught:
        registry.frameworks()
    (warning,) = caught
    assert str(warning.message) == f"{text}; it is left out, every other dialect works"
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        registry.frameworks()


DERIVED = """
from dataclasses import replace
from uniconv._dialects.tf import CONV1D
from uniconv.spec import Framework

def made(name="mine", functions=("mine.conv",), **more):
    ops = tuple(replace(CONV1D, name=n) for n in functions)
    return Framework(name, "Mine", "1", ops, {}, **more)

"""
PLUG_IN = "dialect plug-in mine0 of distribution ? (plugged0:IT)"


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise OSError('no disk')", "fails: OSError: no disk"),
        ("raise SystemExit(3)", "fails: SystemExit: 3"),
        ("import nowhere_at_all", "fails: ModuleNotFoundError: No module named 'nowhere_at_all'"),
        ("IT = (", "fails: SyntaxError: '(' was never closed"),
        ("IS = 1", "fails: AttributeError: module 'plugged0' has no attribute 'IT'"),
        ("IT = 'text'", "is no Framework: 'text'"),
        (
            "class Odd:\n    def __repr__(self): raise KeyError('me')\nIT = Odd()",
            "fails: KeyError: 'me'",
        ),
        (
            "IT = made(name=5)",
            "fails: TypeError: dialect 5: 5 is no name of a family: it must be one word, "
            "without dots",
        ),
        (
            "IT = made(aliases=('',))",
            'fails: TypeError: dialect mine: "" is no name of a family: it must be one word, '
            "without dots",
        ),
        (
            "IT = made(aliases='abc')",
            "fails: TypeError: dialect mine: its aliases must be a tuple of names",
        ),
        (
            "IT = made(functions=('mine.conv(x):',))",
            'fails: TypeError: dialect mine: "mine.conv(x):" is no name of a function: it must '
            "be words with dots between",
        ),
        (
            "IT = made(functions=())",
            "fails: TypeError: dialect mine: its functions must be a tuple of Op, with one at "
            "least",
        ),
        (
            "IT = made(prefixes={'': 'mine.'})",
            'fails: TypeError: dialect mine: the prefix "": "mine." begins none of its functions',
        ),
        (
            "IT = made(prefixes={'k.': 'knet.'})",
            'fails: TypeError: dialect mine: the prefix "k.": "knet." begins none of its functions',
        ),
        (
            "IT = made(name='knet')",
            'is refused: its family "knet" belongs to the built-in dialect "knet"',
        ),
        (
            "IT = made(name='nn')",
            'is refused: its family "nn" belongs to the built-in dialect "pytorch"',
        ),
        (
            "IT = made(aliases=('octave',))",
            'is refused: its alias "octave" belongs to the built-in dialect "matlab"',
        ),
        (
            "IT = made(prefixes={'tf.nn.': 'mine.'})",
            'is refused: its prefix "tf.nn." belongs to the built-in dialect "tf"',
        ),
        (
            "IT = made(functions=('mine.conv', 'tf.nn.conv2d'))",
            'is refused: its function "tf.nn.conv2d" belongs to the built-in dialect "tf"',
        ),
        (
            "IT = made(functions=('torch',))",
            'is refused: its function "torch" belongs to the built-in dialect "pytorch"',
        ),
        (
            "IT = made(functions=('np.convolve',))",
            'is refused: its function "np.convolve" belongs to the built-in dialect "numpy"',
        ),
    ],
)
def test_a_broken_plug_in_breaks_only_itself(
    plug_in: Callable[..., None], source: str, reason: str
) -> None:
    plug_in(f"{DERIVED}{source}\n")
    works("tf.nn.conv2d", "knet.conv4", "octave.conv2", "F.conv2d")
    warned_once(f"{PLUG_IN} {reason}")
    works("tf.nn.conv2d", "knet.conv4", "octave.conv2", "F.conv2d")
    assert registry.find("tf.nn.conv2d").title == "TF"
    with pytest.raises(UnknownName) as caught:
        uniconv.conv(X, W, dialect="mine0")
    assert str(caught.value) == f"{PLUG_IN} {reason}"
    if "fails: " in reason:
        assert type(caught.value.__cause__).__name__ == reason.split(": ")[1]
    with pytest.raises(UnknownName, match="no function is named") as caught:
        uniconv.native("mine.conv")  # whose it would be is unknown: it tells what is broken
    assert str(caught.value).endswith(f"; {PLUG_IN} {reason}")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (
            "uniconv._dialects.knet:KNET",
            'is refused: its family "knet" belongs to the built-in dialect "knet"',
        ),
        (
            "uniconv._dialects.nowhere:IT",
            "fails: ModuleNotFoundError: No module named 'uniconv._dialects.nowhere'",
        ),
        (
            "uniconv._dialects.knet:OPS20",
            "is no Framework: 'denizyuret/Knet.jl src/ops20/conv.jl @ 0c3d8551 (1.4.10)'",
        ),
    ],
)
def test_a_plug_in_of_this_package(plug_in: Callable[..., None], value: str, reason: str) -> None:
    plug_in(value)
    warned_once(f"dialect plug-in mine0 of distribution ? ({value}) {reason}")


def test_of_two_plug_ins_of_one_name_the_first_stays(plug_in: Callable[..., None]) -> None:
    plug_in(f"{DERIVED}IT = made(aliases=('my',))\n", f"{DERIVED}IT = made('my')\n")
    warned_once(
        "dialect plug-in mine1 of distribution ? (plugged1:IT) is refused: "
        f'its family "my" belongs to {PLUG_IN}'
    )
    assert registry.find("mine.conv") is registry.find("my.conv")
    with pytest.raises(UnknownName, match='its family "my" belongs to dialect plug-in mine0'):
        registry.find("mine1.conv")


def test_a_plug_in_may_bring_names_beside_those_of_a_built_in(
    plug_in: Callable[..., None],
) -> None:
    plug_in(f"{DERIVED}IT = made(functions=('tf.contrib.conv', 'mine.conv'))\n")
    works("tf.nn.conv2d", "tf.contrib.conv")
    assert registry.framework_of(registry.find("tf.contrib.conv")).name == "mine"
    assert uniconv.native("tf.contrib.conv").__qualname__ == "tf.contrib.conv"
    own = uniconv.native("tf.contrib.conv")
    assert pickle.loads(pickle.dumps(own)) is own


def test_a_plug_in_may_ask_for_names_while_it_is_imported(plug_in: Callable[..., None]) -> None:
    asking = """
from uniconv.spec.registry import find, framework, frameworks

OTHERS = len(frameworks())
assert framework("mine") is None
IT = replace(made(), functions=(replace(find("keras.ops.conv"), name="mine.conv"),))
"""
    plug_in(DERIVED + asking)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert uniconv.conv(X, W, dialect="mine.conv").ravel().tolist() == [210, 321, 432]
    assert len(registry.frameworks()) - 1 == sys.modules["plugged0"].OTHERS


OWN = 'dialect "knet" (uniconv._dialects.knet)'


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("1 / 0", "fails: ZeroDivisionError: division by zero"),
        ("raise SystemExit", "fails: SystemExit"),
        ("KNET = 5", 'must have one Framework, named "knet"'),
        ("from uniconv._dialects.tf import TF", 'must have one Framework, named "knet"'),
    ],
)
def test_a_broken_file_breaks_only_itself(
    own_file: Callable[[str, str], None], source: str, reason: str
) -> None:
    own_file("knet", source)
    works("tf.nn.conv2d", "matlab.conv2")
    warned_once(f"{OWN} {reason}")
    works("tf.nn.conv2d", "matlab.conv2")
    assert "knet" not in uniconv.dialects()
    for name in ("knet", "knet.conv4"):
        with pytest.raises(UnknownName) as caught:
            uniconv.conv(X, W, dialect=name)
        assert str(caught.value) == f"{OWN} {reason}"
        if "fails: " in reason:
            assert type(caught.value.__cause__).__name__ == reason.split(": ")[1]


def test_what_shares_a_word_with_a_broken_file_is_known(
    own_file: Callable[[str, str], None],
) -> None:
    own_file("mlx", "1 / 0")
    with pytest.warns(UniconvWarning, match=r'dialect "mlx"'):
        assert registry.find("mx.nd.Convolution").name == "mxnet.nd.Convolution"
    with pytest.raises(UnknownName, match=r'dialect "mlx" .* fails: ZeroDivisionError'):
        registry.find("mx.conv1d")


def test_a_new_file_is_found_by_its_name(own_file: Callable[[str, str], None]) -> None:
    own_file("mine", f"{DERIVED}IT = made()\n")
    works("mine.conv")
    assert registry.framework("mine") is not None


# Frameworks that contradict themselves


@pytest.mark.parametrize(
    ("change", "text"),
    [
        ({"main": {"conv": {2: "knet.conv"}}}, 'main names "knet.conv", which is none of its '),
        ({"main": {"conv": {4: "knet.conv4"}}}, "knet.conv4 is no conv of rank 4"),
        ({"main": {"pool": {2: "knet.conv4"}}}, 'main has the kind "pool"; kinds are conv, '),
        ({"name": "knet.jl"}, '"knet.jl" is no name of a family'),
        ({"name": "k net"}, '"k net" is no name of a family'),
        ({"functions": []}, "its functions must be a tuple of Op"),
        ({"functions": (1,)}, "its functions must be a tuple of Op"),
    ],
)
def test_a_framework_checks_itself(change: dict[str, object], text: str) -> None:
    knet = registry.framework("knet")
    assert isinstance(knet, Framework)
    with pytest.raises(TypeError) as caught:
        replace(knet, **change)
    assert text in str(caught.value)


@pytest.mark.parametrize(
    ("name", "alike"),
    [
        ("sonnet", "tf.nn.convolution"),
        ("haiku", "jax.lax.conv_general_dilated"),
        ("hk.Conv2D", "jax.lax.conv_general_dilated"),
        ("equinox", "jax.lax.conv_general_dilated"),
        ("eqx.nn.Conv2d", "jax.lax.conv_general_dilated"),
        ("jittor", "torch.nn.functional.conv2d"),
        ("candle", "torch.nn.functional.conv2d"),
        ("armnn", "tflite.CONV_2D"),
        ("flashlight", "cudnn.convolution"),
    ],
)
def test_a_framework_without_a_dialect_is_told_whose_function_it_is(name: str, alike: str) -> None:
    with pytest.raises(UnknownName) as raised:
        registry.find(name)
    assert str(raised.value) == (
        f'no function is named "{name}": it has no dialect of its own; its convolutions are those '
        f'of "{alike}"'
    )
    assert registry.find(alike).name == alike
