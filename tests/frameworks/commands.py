"""What a producer sends."""

import asyncio
from contextlib import contextmanager

#: Tasks that send something each second or so, whatever a program does.
BY_THE_CLOCK = ("gatherq-janitor", "gatherq-leases")


@contextmanager
def counted(producer):
    """Give a list of the commands that a producer sends inside of the block, by their names.

    What it sends by the clock is left out: a machine that is busy would have more of it.
    """
    sent, execute = [], producer.redis.execute_command

    async def counting(*args, **options):
        if asyncio.current_task().get_name() not in BY_THE_CLOCK:
            sent.append(args[0])
        return await execute(*args, **options)

    producer.redis.execute_command = counting
    try:
        yield sent
    finally:
        del producer.redis.execute_command


def connections(producer):
    """Return how many connections a producer has made."""
    pool = producer.redis.connection_pool
    return len(pool._in_use_connections) + len(pool._available_connections)
