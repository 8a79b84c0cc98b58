"""A server, two worker processes and the kitchen, from one command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, nullcontext
from pathlib import Path

from gatherq.testing.server import embedded_server

HERE = Path(__file__).parent


@contextmanager
def workers(count: int, environment: dict[str, str], module: str = "kitchen") -> Iterator[None]:
    """Run worker processes; the block begins when all of them are ready."""
    command = [sys.executable, "-m", "gatherq_worker", "worker", module]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    command, cwd=HERE, env=environment, stderr=subprocess.PIPE, text=True
                )
            )
            for _ in range(count)
        ]
        try:
            for process in started:
                wait_until_ready(process)
            yield
        finally:
            for process in started:
                process.terminate()


def wait_until_ready(process: "subprocess.Popen[str]") -> None:
    """Read a worker's log until it says what it runs; exits with the log if it never does."""
    log = []
    for line in process.stderr or ():
        log.append(line)
        if " runs " in line:
            return
    sys.exit("".join(["a worker did not start:\n", *log]))


def main() -> int:
    """Run the demo; the exit code is the producer's."""
    url = os.environ.get("GATHERQ_REDIS_URL")
    with nullcontext((url, "GATHERQ_REDIS_URL")) if url else embedded_server() as (where, kind):
        print(f"server: {where} ({kind}); two workers\n", flush=True)
        environment = {**os.environ, "GATHERQ_REDIS_URL": where}
        with workers(2, environment):
            command = [sys.executable, str(HERE / "kitchen.py"), *sys.argv[1:]]
            return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
