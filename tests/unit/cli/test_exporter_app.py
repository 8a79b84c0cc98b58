"""What the exporter answers, and what it says where it cannot listen."""

import socket

import click
import httpx
import pytest

from gatherq import Inspector
from gatherq.errors import InvalidSetting
from gatherq_cli.run.exporter_app import ExporterApp
from gatherq_cli.run.exporter_server import serve

#: Nobody listens there.
NOWHERE = "redis://127.0.0.1:1"


@pytest.fixture
async def client():
    async with Inspector(NOWHERE, queue="q", patience=0) as inspector:
        transport = httpx.ASGITransport(ExporterApp(inspector, ["q"]).asgi())
        async with httpx.AsyncClient(transport=transport, base_url="http://here") as client:
            yield client


async def test_without_redis_it_answers_and_says_so(client):
    answer = await client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert "gatherq_redis_up 0.0" in answer.text.splitlines()


async def test_openmetrics_is_given_to_who_asks_for_it(client):
    answer = await client.get("/metrics", headers={"accept": "application/openmetrics-text"})
    assert answer.headers["content-type"].startswith("application/openmetrics-text")
    assert answer.text.endswith("# EOF\n")


async def test_a_probe_tells_this_process_from_redis(client):
    alive, ready = await client.get("/livez"), await client.get("/readyz")
    assert (alive.status_code, alive.text) == (200, "alive\n")
    assert ready.status_code == 503
    assert ready.text.startswith(f"cannot use Redis at {NOWHERE}")
    assert ready.text.count("\n") == 1


async def test_its_page_names_what_there_is_and_nothing_is_changed(client):
    page = await client.get("/")
    assert page.headers["content-type"].startswith("text/html")
    for name in ("metrics", "livez", "readyz"):
        assert f'<a href="{name}">' in page.text
        assert (await client.post(f"/{name}")).status_code == 405
    assert (await client.get("/nothing")).status_code == 404
    assert (await client.head("/metrics")).status_code == 200


async def test_an_address_that_is_taken_is_named():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(click.ClickException) as refused:
            await serve(NOWHERE, ["q"], "127.0.0.1", port)
    assert refused.value.message == (
        f"cannot listen on 127.0.0.1:{port}: Address already in use; "
        "name another address by --host and --port"
    )


async def test_an_empty_name_of_a_queue_is_refused(monkeypatch):
    with pytest.raises(InvalidSetting, match="queue"):
        await serve(NOWHERE, ["q", ""], "127.0.0.1", 0)
    monkeypatch.setenv("GATHERQ_QUEUE", "")
    with pytest.raises(InvalidSetting, match="GATHERQ_QUEUE"):
        await serve(NOWHERE, [], "127.0.0.1", 0)
