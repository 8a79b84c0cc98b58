"""Groups of unsuccessful outcomes: those that differ in numbers, ids and quoted texts are one.

The signature of a group is short enough to type, and the same in every batch and worker. The Lua
steps make the same for what ends in the queue: `include/end_queued_job.lua`.
"""

import re
from collections.abc import Mapping, Sequence
from hashlib import sha1
from typing import Any, NamedTuple

from .source_frames import last_own_function

#: Most characters of a message that are looked at, and that a text keeps.
_READ, _KEPT = 1000, 300
_HEX = "[0-9a-fA-F]"
#: What differs from failure to failure, most of a name first.
_VARIABLE = re.compile(
    rf"(?<![0-9A-Za-z]){_HEX}{{8}}-(?:{_HEX}{{4}}-){{3}}{_HEX}{{12}}"  # a UUID
    r"""|(?<!\w)[bBfFrRuU]?(?:'[^']*'|"[^"]*"|`[^`]*`)(?!\w)"""
    rf"|0[xX]{_HEX}+"  # an address
    rf"|(?<![0-9A-Za-z])(?=[a-fA-F]*\d){_HEX}{{6,}}(?![0-9A-Za-z])"  # an id
    r"|(?:(?<!\w)[-+])?\d+(?:[.,]\d+)*(?:[eE][-+]?\d+)?"
)


class ErrorGroup(NamedTuple):
    """What unsuccessful outcomes of one kind have in common."""

    #: Signature: the first 8 hex digits of the SHA-1 of `text`, and of `where` on a second line.
    sig: str
    #: A line for people, `#` in place of what differs.
    text: str
    #: The innermost function of users' own code, as `file.py in f`; empty where there is none.
    where: str = ""


def group_of(
    status: str, fields: Mapping[str, Any], history: Sequence[Mapping[str, Any]] = ()
) -> ErrorGroup:
    """Return the group of an unsuccessful outcome: its status, its own fields, earlier attempts.

    `fields` has what an outcome of the status has: `error` (an ErrorInfo), `which` and `limit` (in
    seconds), or `by`.
    """
    match status:
        case "failed":
            error = fields["error"]
            text = f"{error.type}: {blanked(error.message)}" if error.message else error.type
            return _group(text, last_own_function(error.traceback))
        case "timed_out":
            return _group(f"timed out: {fields['which']} limit of {fields['limit']:.14g} s")
        case "cancelled":
            return _group(f"cancelled by: {fields['by']}")
        case _:
            return _group(f"lost: {_last_death(history)[:_KEPT]}")


def blanked(message: str) -> str:
    """Return a message with `#` for numbers, ids, addresses and quoted texts, as one line."""
    return " ".join(_VARIABLE.sub("#", message[:_READ]).split())[:_KEPT]


def _group(text: str, where: str = "") -> ErrorGroup:
    whole = f"{text}\n{where}" if where else text
    digest = sha1(whole.encode("utf-8", "replace"), usedforsecurity=False).hexdigest()
    return ErrorGroup(digest[:8], text, where)


def _last_death(history: Sequence[Mapping[str, Any]]) -> str:
    """Return how the worker of the last attempt died."""
    for entry in reversed(history):
        error = entry.get("error")
        message = error.get("message") if isinstance(error, dict) else getattr(error, "message", "")
        if entry.get("status") == "died" and isinstance(message, str) and message:
            return message
    return "its worker died"
