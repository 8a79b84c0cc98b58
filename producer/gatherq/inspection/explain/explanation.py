"""What `explain` answers: causes, each with its evidence and what helps."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

#: `stuck`: it does not resolve by itself. `slow`: it does, and holds things up. `info`: as it is.
Level: TypeAlias = Literal["stuck", "slow", "info"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Cause:
    """One reason: a code, the evidence in a line, and a command that helps, if there is one."""

    code: str
    level: Level
    text: str
    command: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Explanation:
    """Why a batch, or a slot of it, is not finished."""

    #: What was asked about: `BATCH` or `BATCH:SLOTS`.
    target: str
    #: How it stands, in a line.
    summary: str
    finished: bool = False
    #: The worst first.
    causes: Sequence[Cause] = ()

    @property
    def stuck(self) -> bool:
        """Whether something cannot resolve by itself."""
        return any(cause.level == "stuck" for cause in self.causes)


def by_level(causes: Sequence[Cause]) -> list[Cause]:
    """Put the worst first; within a level they stay as they are."""
    order = {"stuck": 0, "slow": 1, "info": 2}
    return sorted(causes, key=lambda cause: order[cause.level])
