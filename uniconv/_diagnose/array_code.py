"""Code on an array in torch's own words: what is written for NumPy, for tensors.

Changes of a search hold NumPy code (``w[:, :, ::-1]``), which most frameworks take as it is, since
they take NumPy arrays.  A tensor of torch knows neither a negative step nor ``transpose`` of all
axes; ``in_torch`` says the same with ``flip`` and ``permute``.  Tests run both on the same numbers.
"""

from __future__ import annotations

import ast


def in_torch(code: str, like: str | None) -> str:
    """The code with torch's methods; numbers that are written out become a tensor like ``like``.

    like: the name of a tensor; None where arrays of other kinds are made tensors first.

    >>> in_torch("w.transpose(3, 2, 0, 1)[:, ::-1]", "x")
    'w.permute(3, 2, 0, 1).flip(1)'
    >>> in_torch("w.reshape(2, 3, order='F')", "x")
    'w.permute(*range(w.ndim)[::-1]).reshape(3, 2).permute(1, 0)'
    >>> in_torch("numpy.array([0.5, 1.0])", "x")
    'torch.tensor([0.5, 1.0]).to(x)'
    >>> in_torch("numpy.pad(x[:, :-1], [(0, 0), (1, 0)])", "x")
    'torch.nn.functional.pad(x[:, :-1], [1, 0, 0, 0])'
    >>> in_torch("w[::-1]", None)
    'torch.as_tensor(w).flip(0)'
    """
    tree = ast.parse(code, mode="eval")
    return ast.unparse(_InTorch(like).visit(tree.body))


class _InTorch(ast.NodeTransformer):
    """One pass over an expression, from the innermost array outwards."""

    def __init__(self, like: str | None) -> None:
        self.like = like

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """An array by its name."""
        if self.like is not None or node.id == "numpy":
            return node
        return _method(ast.Name("torch", ast.Load()), "as_tensor", [node])

    def visit_Subscript(self, node: ast.Subscript) -> ast.expr:
        """An index whose negative steps become a flip of their axes; the rest stays an index."""
        self.generic_visit(node)
        index = node.slice
        entries = list(index.elts) if isinstance(index, ast.Tuple) else [index]
        axes = [n for n, entry in enumerate(entries) if ast.unparse(entry) == "::-1"]
        if not axes:
            return node
        rest = [ast.Slice() if n in axes else entry for n, entry in enumerate(entries)]
        array: ast.expr = node.value
        if any(ast.unparse(entry) != ":" for entry in rest):
            array = ast.Subscript(array, ast.Tuple(rest, ast.Load()), ast.Load())
        return _method(array, "flip", [ast.Constant(n) for n in axes])

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """A method of an array, or an array of numbers."""
        self.generic_visit(node)
        if not isinstance(node.func, ast.Attribute):
            return node
        array, name = node.func.value, node.func.attr
        if ast.unparse(node.func) == "numpy.array":
            tensor = _method(ast.Name("torch", ast.Load()), "tensor", node.args)
            return _method(tensor, "to", [ast.Name(self.like)]) if self.like else tensor
        if ast.unparse(node.func) == "numpy.roll":
            return _method(ast.Name("torch", ast.Load()), "roll", node.args)
        if ast.unparse(node.func) == "numpy.pad":
            # torch's list begins with the last axis.
            pads = [n for pair in reversed(ast.literal_eval(node.args[1])) for n in pair]
            functional = ast.parse("torch.nn.functional", mode="eval").body
            return _method(
                functional, "pad", [node.args[0], ast.parse(f"{pads}", mode="eval").body]
            )
        if name == "transpose":
            return _method(array, "permute", node.args)
        if name == "reshape" and node.keywords:
            # In column-major order: with the axes the other way round, and back.
            count = len(node.args)
            turn = ast.parse(f"range({ast.unparse(array)}.ndim)[::-1]", mode="eval").body
            whole = _method(array, "permute", [ast.Starred(turn, ast.Load())])
            sizes = _method(whole, "reshape", node.args[::-1])
            return _method(sizes, "permute", [ast.Constant(n) for n in reversed(range(count))])
        return node


def _method(array: ast.expr, name: str, arguments: list[ast.expr]) -> ast.Call:
    """array.name(arguments)"""
    return ast.Call(ast.Attribute(array, name, ast.Load()), arguments, [])
