"""The page as a process of its own: by which names and prefixes it answers, where it listens."""

import re

import httpx
import pytest

from gatherq.errors import InvalidSetting
from gatherq_web import app
from gatherq_web.serving.prefix import Prefix
from gatherq_web.serving.sockets import is_everywhere, is_loopback, listen, shown

from .conftest import NOWHERE

ALLOWED = ["localhost", "ops.example"]


@pytest.mark.parametrize(
    "host",
    [
        *("localhost", "localhost:8420", "LOCALHOST:1", "ops.example", "127.0.0.1:8420"),
        *("[::1]", "[::1]:8420", "10.0.0.5:80", "[fd00::1]:8420"),
    ],
)
async def test_allowed_names_and_any_address_are_answered(client_of, host):
    client = client_of(hosts=ALLOWED)
    assert (await client.get("/livez", headers={"host": host})).status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "evil.example:8420", "localhost.evil.example", "ops.example.", ""),
        *("localhost@evil", "[::1].evil:80", "[evil]", "127.0.0.1.evil", "localhost:80:80", "::1"),
    ],
)
async def test_other_names_are_refused_and_how_to_allow_one_is_said(client_of, host):
    client = client_of(hosts=ALLOWED)
    refused = await client.get("/batches", headers={"host": host})
    assert refused.status_code == 400
    assert "--host-name NAME" in refused.text


@pytest.mark.parametrize("strips", [True, False], ids=["stripped", "as it is"])
async def test_a_proxy_may_take_the_prefix_from_the_path_or_leave_it(strips):
    made = app(NOWHERE, token="secret")
    transport = httpx.ASGITransport(Prefix(made, "/ops/jobs"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        before = "" if strips else "/ops/jobs"
        page = await client.get(f"{before}/login")
        assert page.status_code == 200
        addresses = re.findall(r'(?:href|src|action)="([^"#]*)"', page.text)
        assert addresses
        assert [each for each in addresses if not each.startswith("/ops/jobs/")] == []
        right = await client.post(f"{before}/login", data={"token": "secret"})
        assert right.headers["location"] == "/ops/jobs/"
        assert "Path=/ops/jobs" in right.headers["set-cookie"]


async def test_what_begins_like_the_prefix_is_below_it():
    transport = httpx.ASGITransport(Prefix(app(NOWHERE), "/live"))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        assert (await client.get("/livez")).text == "alive\n"


def test_a_port_in_use_is_told_with_what_to_do():
    (taken,) = listen("127.0.0.1", 0)
    with taken:
        port = taken.getsockname()[1]
        with pytest.raises(InvalidSetting) as refusal:
            listen("127.0.0.1", port)
    assert str(refusal.value) == (
        f"cannot listen on 127.0.0.1:{port}: the port is in use; give another with --port, "
        "0 for any that is free"
    )


def test_a_host_that_is_not_here_is_told():
    with pytest.raises(InvalidSetting, match=r"^cannot listen on 192\.0\.2\.1:0: no network of"):
        listen("192.0.2.1", 0)
    with pytest.raises(InvalidSetting, match=r"^cannot listen on nowhere\.invalid:80: "):
        listen("nowhere.invalid", 80)


def test_hosts():
    assert all(map(is_loopback, ["127.0.0.1", "127.9.9.9", "::1", "localhost"]))
    assert not any(map(is_loopback, ["0.0.0.0", "::", "", "10.0.0.5", "localhost.example"]))
    assert all(map(is_everywhere, ["0.0.0.0", "::", ""]))
    assert shown("::1", 80) == "[::1]:80"
