import httpx
import pytest

from gatherq_web import app

#: Nobody listens there: what these tests ask for needs no Redis.
NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
async def client_of():
    """Make a client of an application with these options, below a prefix if one is given."""
    clients = []

    def make(*, prefix="", host="127.0.0.1:8420", **options):
        made = app(NOWHERE, **options)
        transport = httpx.ASGITransport(made, root_path=prefix)
        client = httpx.AsyncClient(transport=transport, base_url=f"http://{host}{prefix}")
        clients.append((client, made))
        return client

    yield make
    for client, made in clients:
        await client.aclose()
        await made.state.site.aclose()
