"""Who may look and act, and what a browser is told."""

from urllib.parse import quote

import pytest

from gatherq_web import Access, app
from gatherq_web.security.access import ACTS

HTML = {"accept": "text/html"}
SECRET = "correct horse"


async def test_every_answer_says_what_a_browser_may_do(client_of):
    client = client_of()
    for path in ("/livez", "/assets/page.css", "/nothing", "/batches"):
        headers = (await client.get(path)).headers
        policy = dict(each.split(" ", 1) for each in headers["content-security-policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert policy["script-src"] == policy["style-src"] == policy["connect-src"] == "'self'"
        assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
        assert headers["x-content-type-options"] == "nosniff"


async def test_a_site_may_be_shown_in_frames_of_others(client_of):
    client = client_of(frame_ancestors="https://ops.example.org")
    policy = (await client.get("/livez")).headers["content-security-policy"]
    assert "frame-ancestors https://ops.example.org" in policy


async def test_another_name_of_this_machine_is_refused(client_of):
    """A page of elsewhere that has its name point at 127.0.0.1 gets nothing."""
    client = client_of(hosts=["127.0.0.1", "localhost"])
    other = {"host": "evil.example:8420"}
    assert (await client.get("/nothing")).status_code == 404
    assert (await client.get("/nothing", headers=other)).status_code == 400
    refused = await client.get("/api/v1/batches", headers=other)
    assert refused.json()["error"]["code"] == "unknown_host"
    assert (await client.get("/livez", headers=other)).status_code == 200  # probes come by any name


@pytest.mark.parametrize("path", ["/batches", "/live", "/metrics", "/nothing"])
async def test_without_the_token_nothing_is_told(client_of, path):
    client = client_of(token=SECRET)
    refused = await client.get(path)
    assert refused.status_code == 401
    assert refused.text == "You may not look at this.\n"
    led = await client.get(path, headers=HTML)
    wanted = f"/login?next={quote(path, safe='')}"
    assert (led.status_code, led.headers["location"]) == (303, wanted)


async def test_a_probe_needs_no_token_and_learns_no_address(client_of):
    client = client_of(token=SECRET)
    assert (await client.get("/livez")).status_code == 200
    unready = await client.get("/readyz")
    assert (unready.status_code, unready.text) == (503, "not ready: Redis does not answer\n")


@pytest.mark.parametrize(
    "given", ["Bearer wrong", "Bearer", "Basic " + SECRET, SECRET, "Bearer \xe9"]
)
async def test_another_token_is_none(client_of, given):
    client = client_of(token=SECRET)
    headers = {"authorization": given.encode("latin-1")}
    assert (await client.get("/nothing", headers=headers)).status_code == 401


async def test_a_program_sends_the_token(client_of):
    client = client_of(token=SECRET)
    headers = {"authorization": f"bearer {SECRET}"}
    assert (await client.get("/nothing", headers=headers)).status_code == 404


async def test_a_browser_gets_a_cookie_for_the_token(client_of):
    client = client_of(token=SECRET, prefix="/ops")
    assert (await client.get("/login")).status_code == 200
    wrong = await client.post("/login", data={"token": "wrong"})
    assert (wrong.status_code, "set-cookie" in wrong.headers) == (401, False)
    right = await client.post("/login", data={"token": SECRET})
    assert (right.status_code, right.headers["location"]) == (303, "/ops/")
    cookie = right.headers["set-cookie"]
    for each in ("HttpOnly", "SameSite=strict", "Path=/ops"):
        assert each in cookie
    assert SECRET not in cookie
    assert (await client.get("/nothing", headers=HTML)).status_code == 404


@pytest.mark.parametrize(
    ("wanted", "led"),
    [
        ("/batches?q=state:failed", "/ops/batches?q=state:failed"),
        ("//evil.example/", "/ops/"),
        ("/\\evil.example", "/ops/"),
        ("https://evil.example/", "/ops/"),
        ("/a\r\nx: y", "/ops/"),
        ("", "/ops/"),
    ],
)
async def test_who_was_asked_for_the_token_comes_where_they_were_going(client_of, wanted, led):
    client = client_of(token=SECRET, prefix="/ops")
    right = await client.post("/login", params={"next": wanted}, data={"token": SECRET})
    assert (right.status_code, right.headers["location"]) == (303, led)


async def test_a_page_that_cannot_be_made_now_is_tried_again(client_of):
    away = await client_of().get("/batches", headers=HTML)
    assert (away.status_code, away.headers["refresh"]) == (503, "5")


async def test_a_cookie_of_another_token_is_none(client_of):
    other = client_of(token="another")
    cookie = (await other.post("/login", data={"token": "another"})).cookies["gatherq"]
    client = client_of(token=SECRET)
    for each in (cookie, cookie[:-1], "in", "", "in.x.y"):
        client.cookies.set("gatherq", each)
        assert (await client.get("/nothing")).status_code == 401


async def test_no_form_asks_for_a_token_where_there_is_none(client_of):
    assert (await client_of().get("/login")).status_code == 404
    refused = await client_of(access=lambda request: Access.none()).get("/batches", headers=HTML)
    assert refused.status_code == 403


FROM_ELSEWHERE = [
    {"sec-fetch-site": "cross-site"},
    {"sec-fetch-site": "same-site"},
    {"sec-fetch-site": "cross-site", "origin": "http://127.0.0.1:8420"},
    {"origin": "http://evil.example"},
    {"origin": "http://127.0.0.1:9999"},
    {"origin": "null"},
]


@pytest.mark.parametrize("headers", FROM_ELSEWHERE, ids=str)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH"])
async def test_a_form_of_elsewhere_does_nothing(client_of, method, headers):
    refused = await client_of().request(method, "/nothing", headers=headers)
    assert refused.status_code == 403


@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "same-origin"}, {"origin": "http://127.0.0.1:8420"}, {}],
    ids=str,
)
async def test_a_form_of_this_site_is_heard(client_of, headers):
    assert (await client_of().post("/nothing", headers=headers)).status_code == 404


async def test_what_decides_may_be_a_coroutine_function_and_knows_the_request(client_of):
    async def access(request):
        return Access.read() if request.headers.get("x-user") == "anna" else Access.none()

    client = client_of(access=access)
    assert (await client.get("/nothing", headers={"x-user": "anna"})).status_code == 404
    assert (await client.get("/nothing")).status_code == 403


async def test_what_decides_must_return_access(client_of):
    with pytest.raises(TypeError, match=r"must return gatherq_web\.Access, not True"):
        await client_of(access=lambda request: True).get("/nothing")


def test_access_by_its_names():
    assert (Access.none().reads, Access.none().acts) == (False, frozenset())
    assert (Access.read().reads, Access.read().acts) == (True, frozenset())
    assert Access.write(by="anna") == Access(reads=True, acts=ACTS, by="anna")
    assert Access.write("cancel").acts == {"cancel"}
    with pytest.raises(ValueError, match="no such act: delete; there are cancel, keep, redrive"):
        Access.write("delete")


def test_a_token_and_a_function_are_one_too_many():
    with pytest.raises(ValueError, match="give access or token, not both"):
        app(token=SECRET, access=lambda request: Access.read())
