"""`python -m tests.budget.run SCENARIO` prints its counts, as JSON; `-v`: each command, too.

It is a process of its own, in which nothing else is, and in which all is the same each time.
"""

import functools
import gc
import json
import os
import socket
import sys
import time

from .rounds import Clock


def main():
    clock = time.monotonic = Clock()  # before anything of gatherq's imports it
    # They stand in every batch and outcome, and are not to be longer elsewhere.
    socket.gethostname = functools.partial(str, "host")
    os.getpid = functools.partial(int, 12345)
    gc.disable()  # what it calls would be counted where it happens to run
    from .scenarios import run

    run(sys.argv[1], clock, _report)


def _report(found, counts):
    print(json.dumps([[*key, n] for key, n in sorted(found.items())]))
    all_details = (counts.requests, counts.within, counts.functions)
    for details in all_details if "-v" in sys.argv else ():
        print(*details.most_common(), sep="\n")
    sys.stdout.flush()
    os._exit(0)  # the server ends with it


if __name__ == "__main__":
    main()
