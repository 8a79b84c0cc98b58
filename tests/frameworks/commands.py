"""What a producer sends."""

from contextlib import contextmanager


@contextmanager
def counted(producer):
    """Give a list of the commands that a producer sends inside of the block, by their names."""
    sent, execute = [], producer.redis.execute_command

    async def counting(*args, **options):
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
