"""A finding: what was looked at, how it is, and what to do."""

from dataclasses import dataclass
from typing import Literal, TypeAlias

#: `problem`: jobs or outcomes are at risk, or stand still. `warning`: it may be meant. `unchecked`:
#: this user, or this server, does not let anybody look.
Level: TypeAlias = Literal["ok", "warning", "problem", "unchecked"]


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was looked at."""

    #: What was looked at, in a word: `eviction`, `workers`, ...
    code: str
    level: Level
    #: How it is.
    text: str
    #: What to do; empty where nothing is to be done.
    hint: str = ""


def ok(code: str, text: str) -> Finding:
    """Make a finding that all is well."""
    return Finding(code, "ok", text)


def warning(code: str, text: str, hint: str) -> Finding:
    """Make a finding of what may be meant."""
    return Finding(code, "warning", text, hint)


def problem(code: str, text: str, hint: str) -> Finding:
    """Make a finding of what puts jobs at risk, or stops them."""
    return Finding(code, "problem", text, hint)


def unchecked(code: str, text: str, hint: str) -> Finding:
    """Make a finding that nobody could look."""
    return Finding(code, "unchecked", f"not checked: {text}", hint)
