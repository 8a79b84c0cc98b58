"""The Redis server of a run, as the harness sees it: by a connection of its own."""

import os
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from redis import Redis
from redis.exceptions import ResponseError

#: Seconds between two looks at how far a batch is.
LOOK = 0.02
#: The first part of a batch is not timed: workers start in it.
WARM = 0.2


class Server:
    """Asks, and flushes."""

    def __init__(self, url: str) -> None:
        self.url = url
        client: Any = Redis.from_url(url)
        self._redis = client
        with suppress(ResponseError):  # a histogram a command, made at its first use: it is no data
            self._redis.config_set("latency-tracking", "no")
        self.pid = int(self._redis.info("server")["process_id"])

    def version(self) -> str:
        """Name the server."""
        info = self._redis.info("server")
        name = "valkey" if "valkey_version" in info else "redis"
        return f"{name} {info.get('valkey_version') or info['redis_version']}"

    def flush(self) -> None:
        """Remove all data."""
        self._redis.execute_command("FLUSHALL", "SYNC")  # else it goes on beside what follows

    def used(self) -> int:
        """Return the bytes in use, but for scripts; nobody else should be connected any more."""
        time.sleep(0.1)
        found = self._redis.info("memory")
        others = ("used_memory_scripts", "used_memory_functions")
        return int(found["used_memory"] - sum(found.get(name, 0) for name in others))

    def commands(self) -> int:
        """Return how many commands were executed, but the one that asks."""
        return int(self._redis.info("stats")["total_commands_processed"])

    def total(self, commands: list[list[str]]) -> int:
        """Return the sum of what these answer."""
        return sum(int(self._redis.execute_command(*each) or 0) for each in commands)

    def cpu_seconds(self) -> float:
        """Return the time of the processors that it has used."""
        found = self._redis.info("cpu")
        return float(found["used_cpu_user"] + found["used_cpu_sys"])

    def requests(self) -> int:
        """Return how often it has read what a client sent."""
        return int(self._redis.info("stats")["total_reads_processed"])

    def calls(self) -> dict[str, int]:
        """Return how often each command was executed, also by scripts."""
        found = self._redis.info("commandstats")
        return {name.removeprefix("cmdstat_"): row["calls"] for name, row in found.items()}

    def waiting(self) -> int:
        """Return how many clients wait for an element of a list."""
        clients = self._redis.client_list()
        return sum(each["cmd"] == "blpop" and "b" in each["flags"] for each in clients)

    def watch(
        self,
        jobs: int,
        left: Callable[[], int],
        most: float,
        check: Callable[[], None],
        warmed: Callable[[], None] = lambda: None,
        look: float = LOOK,
    ) -> tuple[float, float]:
        """Wait until no job is left; return jobs a second, and the seconds of it all.

        Counted from when a fifth of them has ended, which `warmed` is told. `check` raises if there
        is no use in waiting.
        """
        began = time.monotonic()
        before, first = (began, jobs), (0.0, 0)
        while True:
            now, count = time.monotonic(), left()
            if count <= 0:
                since, counted = first if first[1] else before
                return counted / (now - since), now - began
            if not first[1] and count <= jobs * (1 - WARM):
                first = now, count
                warmed()
            before = now, count
            if now - began > most:
                raise TimeoutError(f"{count} of {jobs} jobs were left after {most:.0f} s")
            check()
            time.sleep(look)

    def left(self, jobs: int, progress: dict[str, Any]) -> int:
        """Return how many jobs have not ended.

        `progress` has the commands that tell, and what those of `done` answered before.
        """
        left = self.total(progress["left"])
        if progress["done"]:
            left += max(0, jobs - (self.total(progress["done"]) - progress["base"]))
        return left


def about(server: Server, rounds: int, sizes: dict[str, Any]) -> dict[str, Any]:
    """Say what a run is: when, where, on what, and how much of it."""
    return {
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": _machine(),
        "server": server.version(),
        "rounds": rounds,
        "sizes": sizes,
    }


def _machine() -> dict[str, Any]:
    """Say what this runs on."""
    import platform

    model = ""
    with open("/proc/cpuinfo") as file:
        model = next((line.partition(":")[2] for line in file if "model name" in line), "")
    with open("/proc/meminfo") as file:
        memory = int(file.readline().split()[1]) // 1024
    return {
        "processor": model.strip() or platform.processor(),
        "cores": os.cpu_count(),
        "memory_mib": memory,
        "kernel": platform.release(),
        "python": platform.python_version(),
    }
