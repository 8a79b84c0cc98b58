"""A server, two worker processes and the kitchen, from one command."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

from gatherq.embedded import embedded_server

HERE = Path(__file__).parent


@contextmanager
def worker(environment: dict[str, str]) -> Iterator[None]:
    """Run one worker process."""
    command = [sys.executable, "-m", "gatherq_worker", "worker", "kitchen"]
    process = subprocess.Popen(command, cwd=HERE, env=environment, stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait()


def main() -> int:
    """Run the demo; the exit code is the producer's."""
    url = os.environ.get("GATHERQ_REDIS_URL")
    with nullcontext((url, "GATHERQ_REDIS_URL")) if url else embedded_server() as (where, kind):
        print(f"server: {where} ({kind}); two workers\n", flush=True)
        environment = {**os.environ, "GATHERQ_REDIS_URL": where}
        with worker(environment), worker(environment):
            command = [sys.executable, str(HERE / "kitchen.py"), *sys.argv[1:]]
            return subprocess.run(command, env=environment, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
