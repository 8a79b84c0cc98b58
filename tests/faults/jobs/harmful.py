"""Jobs for gatherq that do harm, each in every place where a job may run: `NAME_in_PLACE`."""

from collections.abc import Callable
from typing import Any

import harm
import leftovers
import results
from native import noted
from notes import note

from gatherq import current_job, job

PLACES = ("loop", "thread", "process")


def placed(body: Callable[..., Any], place: str, **options: Any) -> Any:
    """Make a job of a plain function, in a place; it writes each execution into the ledger."""

    def noting(*args: Any) -> Any:
        me = current_job()
        note("start", me.job_id, me.attempt)
        value = body(*args)
        note("end", me.job_id, me.attempt)
        return value

    async def in_the_loop(*args: Any) -> Any:
        return noting(*args)

    name = f"{body.__name__}_in_{place}"
    function = in_the_loop if place == "loop" else noting
    function.__name__ = function.__qualname__ = name
    return job(name=name, isolation=place, **options)(function)


def everywhere(body: Callable[..., Any], **options: Any) -> dict[str, Any]:
    """Make a job of a plain function for each place."""
    made = [placed(body, place, **options) for place in PLACES]
    return {each.definition.name: each for each in made}


for poison in harm.POISONS:
    globals().update(everywhere(poison))
for blocker in harm.BLOCKERS:
    globals().update(everywhere(blocker, timeout=1.0))
globals().update(everywhere(harm.nap_here))
for ending in results.ENDS:
    globals().update(everywhere(ending))
globals().update(everywhere(leftovers.leave, timeout=1.0))
leave_in_its_loop = job(name="leave_in_its_loop")(noted(leftovers.leave_in_its_loop))
ask_an_executor = job(name="ask_an_executor", timeout=2.0)(noted(leftovers.ask_an_executor))
