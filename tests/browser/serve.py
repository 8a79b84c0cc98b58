"""Serves the page at a prefix, on a port of its own: `serve.py URL PREFIX OPTIONS`.

Options are JSON, `port` among them. Prints its address once it answers.
"""

import asyncio
import json
import sys

import uvicorn
from starlette.applications import Starlette
from starlette.routing import Mount

from gatherq_web import app


async def main(url, prefix, port=0, **options):
    made = app(url, **options)
    whole = Starlette(routes=[Mount(prefix, made)]) if prefix else made
    server = uvicorn.Server(uvicorn.Config(whole, port=port, log_level="critical"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    print(f"http://127.0.0.1:{port}{prefix}", flush=True)
    await serving


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], **json.loads(sys.argv[3])))
