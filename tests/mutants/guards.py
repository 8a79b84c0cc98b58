"""Finds the guards of a source, and takes one out.

A guard is a condition, or one part of it. The condition of an `if`, `elseif` or `while` that has no
parts is made true, and made false. A part of an `and` is made true, of an `or` false, as if it were
not there. So is a comparison, or what stands behind `not`, where `and` and `or` make a value, as
`b < c` in `local late = a and b < c`. What only chooses a value is no guard: `x or default`.

A guard is named by its line, with the part between « and », and what it becomes.
"""

import ast
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import tree_sitter_lua
from tree_sitter import Language, Node, Parser

REPOSITORY = Path(__file__).parents[2]

_COMPARISONS = ("==", "~=", "<", "<=", ">", ">=")


@dataclass(frozen=True)
class Guard:
    """One part of a condition, at some bytes of a file, and what it becomes."""

    file: str
    name: str
    start: int
    end: int
    value: str

    def taken_out(self, source: bytes) -> str:
        """Return the source without it."""
        return (source[: self.start] + self.value.encode() + source[self.end :]).decode()


#: Where a part begins and ends, and what it becomes.
_Place = tuple[int, int, str]


def guards_of(file: str) -> list[Guard]:
    """Return the guards of a file of the repository, in their order."""
    source = (REPOSITORY / file).read_bytes()
    places: Callable[[bytes], Iterator[_Place]] = _in_lua if file.endswith(".lua") else _in_python
    found, seen = [], Counter[str]()
    for start, end, value in sorted(places(source)):
        name = _name(source, start, end, value)
        seen[name] += 1
        if seen[name] > 1:
            name += f" ({seen[name]})"
        found.append(Guard(file, name, start, end, value))
    return found


def _name(source: bytes, start: int, end: int, value: str) -> str:
    first = source.rfind(b"\n", 0, start) + 1
    last = source.find(b"\n", end)
    parts = source[first:start], source[start:end], source[end:last]
    before, part, after = (" ".join(each.decode().split()) for each in parts)
    before += " " if parts[0][-1:].isspace() else ""
    after = after if not after or parts[2][:1] in b"),]:}" else f" {after}"
    return f"{before}«{part}»{after} = {value.lower()}".lstrip()


def _in_lua(source: bytes) -> Iterator[_Place]:
    tree = _lua().parse(source)
    if tree.root_node.has_error:
        raise ValueError("this Lua cannot be read")
    todo: list[Node] = [tree.root_node]
    while todo:
        node = todo.pop()
        condition = node.child_by_field_name("condition")
        if condition is not None:
            yield from _lua_condition(condition)
        elif _operator(node) and not _within_expression(node):
            yield from _lua_parts(node, _is_test)
        todo += node.children


@cache
def _lua() -> Parser:
    return Parser(Language(tree_sitter_lua.language()))


def _bare(node: Node) -> Node:
    """Return what stands in parentheses, or behind `not`."""
    while node.type == "parenthesized_expression" or _negates(node):
        node = node.named_children[-1]
    return node


def _negates(node: Node) -> bool:
    return node.type == "unary_expression" and node.children[0].type == "not"


def _operator(node: Node) -> str | None:
    kind = node.children[1].type if node.type == "binary_expression" else None
    return kind if kind in ("and", "or") else None


def _within_expression(node: Node) -> bool:
    """Tell whether an expression is a part of an `and`, an `or` or a condition above it."""
    child, above = node, node.parent
    while above is not None and (above.type == "parenthesized_expression" or _negates(above)):
        child, above = above, above.parent
    return above is not None and (
        _operator(above) is not None or above.child_by_field_name("condition") == child
    )


def _lua_condition(node: Node) -> Iterator[_Place]:
    if _operator(_bare(node)):
        yield from _lua_parts(_bare(node))
    else:
        yield node.start_byte, node.end_byte, "true"
        yield node.start_byte, node.end_byte, "false"


def _lua_parts(
    node: Node, is_guard: Callable[[Node], bool] = lambda part: True
) -> Iterator[_Place]:
    """Yield the parts of an `and` or `or`."""
    neutral = "true" if _operator(node) == "and" else "false"
    for child in node.named_children:
        if _operator(_bare(child)):
            yield from _lua_parts(_bare(child), is_guard)
        elif is_guard(child):
            yield child.start_byte, child.end_byte, neutral


def _is_test(node: Node) -> bool:
    if _negates(node):
        return True
    return node.type == "binary_expression" and node.children[1].type in _COMPARISONS


def _in_python(source: bytes) -> Iterator[_Place]:
    starts = [0]
    for line in source.splitlines(keepends=True):
        starts.append(starts[-1] + len(line))

    def place(node: ast.expr, value: str) -> _Place:
        assert node.end_lineno is not None
        assert node.end_col_offset is not None
        first, last = starts[node.lineno - 1], starts[node.end_lineno - 1]
        return first + node.col_offset, last + node.end_col_offset, value

    tree = ast.parse(source)
    conditions = {id(each): each for node in ast.walk(tree) for each in _conditions(node)}
    parts: set[int] = set()
    for condition in conditions.values():
        inner = _positive(condition)
        if isinstance(inner, ast.BoolOp):
            parts |= {id(each) for each in ast.walk(inner) if isinstance(each, ast.BoolOp)}
            yield from (place(*each) for each in _python_parts(inner))
        else:
            yield place(condition, "True")
            yield place(condition, "False")
    for node in ast.walk(tree):
        if isinstance(node, ast.BoolOp) and id(node) not in parts:
            parts |= {id(each) for each in ast.walk(node) if isinstance(each, ast.BoolOp)}
            for part, value in _python_parts(node):
                if isinstance(part, ast.Compare) or _positive(part) is not part:
                    yield place(part, value)


def _conditions(node: ast.AST) -> list[ast.expr]:
    if isinstance(node, ast.If | ast.While | ast.IfExp):
        return [node.test]
    return node.ifs if isinstance(node, ast.comprehension) else []


def _positive(node: ast.expr) -> ast.expr:
    while isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
        node = node.operand
    return node


def _python_parts(node: ast.BoolOp) -> Iterator[tuple[ast.expr, str]]:
    neutral = "True" if isinstance(node.op, ast.And) else "False"
    for part in node.values:
        inner = _positive(part)
        if isinstance(inner, ast.BoolOp):
            yield from _python_parts(inner)
        else:
            yield part, neutral
