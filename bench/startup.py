"""CPU time of what starts often: an import, a help text, and the probe that containers run.

    python bench/startup.py

Seconds of CPU, the best of several runs, and how often the start of the interpreter alone that is.
"""

import resource
import socket
import subprocess
import sys

from redis import Redis

from gatherq.contract.keys import KeySpace
from gatherq.testing.server import embedded_server

_RUNS = 10


def cpu_seconds(words: list[str]) -> float:
    """Return the CPU time of one run of the interpreter, in seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([sys.executable, *words], check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    with embedded_server() as (url, _), Redis.from_url(url) as redis:
        seconds, _ = redis.time()
        redis.zadd(KeySpace("startup").workers, {f"{socket.gethostname()}.1.abc": seconds * 1000})
        gatherq = ["-m", "gatherq_worker"]
        probe = [*gatherq, "health", "--redis", url, "--queue", "startup"]
        commands = {
            "python -c pass": ["-c", "pass"],
            "import gatherq": ["-c", "import gatherq"],
            "from gatherq import job": ["-c", "from gatherq import job"],
            "from gatherq import Producer": ["-c", "from gatherq import Producer"],
            "gatherq --help": [*gatherq, "--help"],
            "gatherq worker --help": [*gatherq, "worker", "--help"],
            "gatherq health": probe,
        }
        alone = 0.0
        for name, words in commands.items():
            best = min(cpu_seconds(words) for _ in range(_RUNS))
            alone = alone or best
            print(f"{name:30} {best:.3f} s of CPU {best / alone:6.1f} x")


if __name__ == "__main__":
    main()
