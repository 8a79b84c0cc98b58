"""Tasks that run up to their first wait inside of `create_task`, on any Python."""

import asyncio
import sys
from asyncio import tasks


class _EagerTask(tasks._PyTask):  # type: ignore[misc, name-defined]
    """As `asyncio.eager_task_factory` (3.12) makes them."""

    def __init__(self, coro, *, loop, **options):
        self._begun = False
        super().__init__(coro, loop=loop, **options)
        caller = asyncio.current_task(loop)
        if caller is not None:
            tasks._leave_task(loop, caller)
        try:
            self._context.run(super()._Task__step)
        finally:
            if caller is not None:
                tasks._enter_task(loop, caller)

    def _Task__step(self, exc=None):
        if not self._begun:  # the step that the constructor put off
            self._begun = True
        else:
            super()._Task__step(exc)


def eager_task_factory(loop, coro, **options):
    if sys.version_info >= (3, 12):
        return asyncio.eager_task_factory(loop, coro, **options)
    kind = _EagerTask if loop.is_running() else asyncio.Task
    return kind(coro, loop=loop, **options)
