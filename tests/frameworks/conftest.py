"""Jobs that wait until they are cancelled, on a server of the test's own."""

import secrets

import pytest

from gatherq import Producer
from gatherq.testing.server import REAL, embedded_server

from ..parity.conftest import pool, workers  # noqa: F401
from ..parity.worlds import world


@pytest.fixture(scope="session")
def server_url():
    """A server that no other test sends commands to, so that they can be counted."""
    with embedded_server() as (url, kind):
        assert kind in REAL
        yield url


@pytest.fixture
async def w(pool):  # noqa: F811
    async with world("pool") as w:
        yield w


@pytest.fixture
async def producer(pool):  # noqa: F811
    async with Producer() as producer:
        yield producer


@pytest.fixture
def w_name():
    return secrets.token_hex(4)
