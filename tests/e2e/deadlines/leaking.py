"""Jobs that leave their process without a descriptor."""

import os

from gatherq import job


@job()
async def leaks() -> int:
    import resource  # not on Windows

    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (128, most))
    while True:
        try:
            os.open(os.devnull, os.O_RDONLY)
        except OSError:
            return os.getpid()


@job()
async def works() -> int:
    return os.getpid()


@job(isolation="process")
def works_apart() -> int:
    return 1
