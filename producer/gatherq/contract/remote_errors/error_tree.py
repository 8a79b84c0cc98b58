"""The tree of errors behind an error, breadth first, up to a number of visits.

The standard library follows every path, which takes exponentially long where exception groups
share members.
"""

import textwrap
import traceback
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any

from .attributes import is_a
from .source_frames import OUR_PACKAGES

#: Most visits, and deepest level below the first error.
_MAX_NODES, _MAX_DEPTH = 100, 40
#: Frames shown at either end of a traceback, for the first error and for those behind it.
_FRAMES, _FRAMES_BEHIND = 50, 10
_CAUSED = "\nThe above exception was the direct cause of the following exception:\n\n"
_MEANWHILE = "\nDuring handling of the above exception, another exception occurred:\n\n"
_UNTOLD = "(what led to it is left out)\n\n"
# The descriptors of the builtins: a subclass may have replaced these attributes.
_CAUSE: Any = BaseException.__dict__["__cause__"]
_CONTEXT: Any = BaseException.__dict__["__context__"]
_QUIET: Any = BaseException.__dict__["__suppress_context__"]
_TRACEBACK: Any = BaseException.__dict__["__traceback__"]
_MEMBERS: Any = BaseExceptionGroup.__dict__["exceptions"]


@dataclass(slots=True)
class Node:
    """One visit of an error, with the visits of those behind it."""

    error: BaseException
    above: "Node | None" = field(default=None, repr=False)
    depth: int = 0
    cause: "Node | None" = None
    context: "Node | None" = None
    members: "list[Node]" = field(default_factory=list)
    #: How many members are left out.
    missing: int = 0
    #: Whether its cause or context is left out.
    cut: bool = False
    #: Its lines below the frames of the traceback: type, message and notes.
    lines: str = ""

    @property
    def alone(self) -> bool:
        """Whether no error is behind it."""
        return not (self.cause or self.context or self.members or self.missing or self.cut)

    def below(self, error: BaseException) -> bool:
        """Tell whether this is a visit of `error`, or below one: then `error` would be a circle."""
        node: Node | None = self
        while node is not None and node.error is not error:
            node = node.above
        return node is not None


def tree_of(error: BaseException) -> Node:
    """Return the visits of an error and of those behind it."""
    root = Node(error)
    waiting, left = deque([root]), _MAX_NODES - 1
    while waiting:
        node = waiting.popleft()
        for where, behind in _behind(node):
            if not left or node.depth == _MAX_DEPTH or node.below(behind):
                _leave_out(node, where)
                continue
            left -= 1
            child = Node(behind, node, node.depth + 1)
            waiting.append(child)
            if where == "members":
                node.members.append(child)
            else:
                setattr(node, where, child)
    return root


def traceback_lines(node: Node) -> Iterator[str]:
    """Yield the lines of the traceback, nearly as Python shows it."""
    before = node.cause or node.context
    if before:
        yield from traceback_lines(before)
        yield _CAUSED if node.cause else _MEANWHILE
    elif node.cut:
        yield _UNTOLD
    yield from _frames(_TRACEBACK.__get__(node.error), _FRAMES_BEHIND if node.depth else _FRAMES)
    yield f"{node.lines}\n"
    for number, member in enumerate(node.members, 1):
        yield f"  +---------------- {number} ----------------\n"
        yield textwrap.indent("".join(traceback_lines(member)), "  | ")
    if node.missing:
        yield f"  +---- {node.missing:,} more are left out ----\n"


def _behind(node: Node) -> Iterator[tuple[str, BaseException]]:
    error = node.error
    if (cause := _CAUSE.__get__(error)) is not None:
        yield "cause", cause
    elif (context := _CONTEXT.__get__(error)) is not None and not _QUIET.__get__(error):
        yield "context", context
    if is_a(error, BaseExceptionGroup):
        members = _MEMBERS.__get__(error)
        yield from (("members", member) for member in members[:_MAX_NODES])
        node.missing += max(len(members) - _MAX_NODES, 0)


def _leave_out(node: Node, where: str) -> None:
    if where == "members":
        node.missing += 1
    else:
        node.cut = True


def _frames(trace: TracebackType | None, most: int) -> Iterator[str]:
    if trace is None:
        return
    trace = _from_the_handler(trace)
    yield "Traceback (most recent call last):\n"
    count, last = 0, trace
    step: TracebackType | None = trace
    while step is not None:
        count += 1
        if count > most:
            last = last.tb_next or last
        step = step.tb_next
    if count <= 2 * most:
        yield from traceback.format_tb(trace)
        return
    yield from traceback.format_tb(trace, most)
    yield f"  ... {count - 2 * most:,} frames are left out ...\n"
    yield from traceback.format_tb(last)


def _from_the_handler(trace: TracebackType) -> TracebackType:
    """Return a traceback without the frames of ours that called the job; all, if it has no other.

    What follows the first frame of another stays, also where the job calls us.
    """
    step: TracebackType | None = trace
    while step is not None:
        name = dict.get(step.tb_frame.f_globals, "__name__")
        if not isinstance(name, str) or str.partition(name, ".")[0] not in OUR_PACKAGES:
            return step
        step = step.tb_next
    return trace
