"""Asks the API what schemathesis thinks of, for a minute: `make api`.

By what the document says, and by what it does not allow. It has an environment of its own: as a
plugin of pytest it would take part in all other tests. Acts are tried too, on a server of this run.
"""

import asyncio
import subprocess
import sys
import threading
import venv
from pathlib import Path

import uvicorn

from gatherq import Producer, call
from gatherq.testing.server import embedded_server
from gatherq_web import app

VENV = Path(__file__).parents[2] / ".venv-api"
#: What is not wrong: that a batch which would fit the document is not there.
_CHECKS = ["--checks", "all", "--exclude-checks", "positive_data_acceptance"]


def installed() -> Path:
    """Return the program, which is installed once."""
    program = VENV / "bin" / "schemathesis"
    if not program.exists():
        venv.create(VENV, with_pip=True)
        pip = [VENV / "bin" / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check"]
        subprocess.run([*pip, "schemathesis>=4"], check=True)
    return program


async def fill(url: str) -> None:
    """Submit some batches, which wait, and one that has ended."""
    async with Producer(url) as producer:
        for name in ("nightly", "weekly", "import-17"):
            await producer.submit([call("fetch", n, host="a") for n in range(20)], batch_id=name)
        ended = await producer.submit([call("fetch", 1)], batch_id="ended")
        await ended.cancel()


def main() -> int:
    """Run it; return its exit code."""
    program = installed()
    with embedded_server() as (url, _):
        asyncio.run(fill(url))
        server = uvicorn.Server(uvicorn.Config(app(url), port=0, log_level="error"))
        serving = threading.Thread(target=server.run)
        serving.start()
        try:
            while not server.started:
                serving.join(0.05)
            port = server.servers[0].sockets[0].getsockname()[1]
            document = f"http://127.0.0.1:{port}/api/v1/openapi.json"
            how = ["--max-time", "60", "--no-color", *_CHECKS, *sys.argv[1:]]
            return subprocess.run([program, "run", document, *how], check=False).returncode
        finally:
            server.should_exit = True
            serving.join()


if __name__ == "__main__":
    sys.exit(main())
