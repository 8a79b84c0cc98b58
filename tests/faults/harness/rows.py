"""A row of the matrix is a test: it does a fault, and says what must hold then."""

import asyncio
import functools
import json
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from signal import Signals
from typing import Any

import pytest

from .pool import Pool

#: A file to which each row appends what was seen, for docs/faults.md.
VARIABLE = "FAULTS_RECORD"
#: Seconds that a row may take in all, and may take arq.
LONGEST, LONGEST_OF_ARQ = 90.0, 45.0


def row(
    number: str,
    fault: str,
    *,
    arq: str = "",
    quick: bool = False,
    longest: float = LONGEST,
    server: dict[str, str] | None = None,
) -> Callable[[Callable[..., Awaitable[None]]], Any]:
    """Make a row of a function of a `Pool`; its docstring says what is done and what must hold.

    `arq` says why the row means nothing to stock arq; without it the row is run against that too,
    and what did not hold is noted. A `quick` row is run by `make test`. `server` has arguments of
    `Pool.open`.
    """

    def decorate(function: Callable[..., Awaitable[None]]) -> Any:
        @functools.wraps(function)
        async def test(pool: Pool, **others: Any) -> None:
            begun = time.monotonic()
            try:
                async with asyncio.timeout(longest if pool.is_ours else LONGEST_OF_ARQ):
                    await function(pool, **others)
                    await pool.settle()
            except Exception as error:
                stuck = isinstance(error, TimeoutError) and "nothing more happened"
                pool.violations.append(stuck or f"{type(error).__name__}: {error}".strip(": "))
                pool.check_workers()
                if pool.is_ours:
                    raise
            finally:
                if pool.violations and pool.is_ours:
                    print(pool.said())  # shown by pytest
                took = time.monotonic() - begun
                _record(pool, took, function, others, row=number, fault=fault, arq=arq)
            if pool.is_ours:
                assert not pool.violations, "\n".join(pool.violations)

        sides = ["gatherq"] if arq else ["gatherq", "arq"]
        test = pytest.mark.parametrize("pool", sides, indirect=True)(test)
        return pytest.mark.row(quick=quick, server=server or {})(test)

    return decorate


def _record(pool: Pool, took: float, function: Any, others: dict[str, Any], **said: str) -> None:
    if path := os.environ.get(VARIABLE):
        about = {
            **said,
            "done": " ".join((function.__doc__ or "").split()),
            "case": ", ".join(each for each in map(_name, others.values()) if len(each) < 60),
            "side": pool.side_name,
            "seen": pool.seen,
            "recovery": pool.recovery,
            "violations": pool.violations,
            "seconds": round(took, 1),
        }
        with Path(path).open("a") as file:
            file.write(json.dumps(about) + "\n")


def _name(value: object) -> str:
    """Return how a case of a row is named in the page."""
    if isinstance(value, Signals):
        return value.name
    return str(getattr(value, "__name__", value)).replace("_", " ")
