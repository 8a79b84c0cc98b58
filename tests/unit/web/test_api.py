"""The API without a server: its document, what is refused, and how values become JSON."""

import json
from datetime import UTC, datetime

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator
from starlette.routing import Route

from gatherq.contract.values.sayable_json import json_of
from gatherq_web import Access
from gatherq_web.api.document import document
from gatherq_web.api.routes import API
from gatherq_web.api.table import OPERATIONS

JSON = "application/json"


def test_the_document_is_one_of_openapi():
    OpenAPIV31SpecValidator(json.loads(json_of(document()))).validate()


def test_the_document_has_every_route_and_each_route_its_parameters():
    routes = {(route.path_format, method) for route in API for method in route.methods - {"HEAD"}}
    paths = document()["paths"]
    described = {(f"/api/v1{path}", verb.upper()) for path, of in paths.items() for verb in of}
    assert described | {("/api/v1/openapi.json", "GET")} == routes
    for operation in OPERATIONS:
        given = {each.name for each in operation.parameters if each.place == "path"}
        assert given == set(Route(operation.path, document).param_convertors)


def test_what_changes_something_is_no_get():
    assert {each.name for each in OPERATIONS if each.act} == {
        *("cancelBatch", "redriveBatch", "keepBatch", "removeBatch"),
    }
    assert all((each.method == "GET") == (each.act is None) for each in OPERATIONS)


async def test_the_document_names_the_site_that_answers(client_of):
    answer = await client_of(prefix="/ops/jobs").get("/api/v1/openapi.json")
    assert answer.headers["content-type"] == JSON
    assert answer.json()["servers"] == [{"url": "/ops/jobs/api/v1"}]


def refusal(answer):
    assert answer.headers["content-type"] == JSON
    return answer.status_code, answer.json()["error"]["code"]


@pytest.mark.parametrize("accept", ["*/*", "text/html"])
async def test_without_the_token_nothing_is_told(client_of, accept):
    client = client_of(token="secret")
    for path in ("/api/v1/batches", "/api/v1/openapi.json", "/api/v1/nothing"):
        answer = await client.get(path, headers={"accept": accept})
        assert refusal(answer) == (401, "unauthorized")


async def test_what_is_wrong_is_said_as_json(client_of):
    client = client_of()
    assert refusal(await client.get("/api/v1/nothing")) == (404, "not_found")
    put = await client.put("/api/v1/batches/b")
    assert refusal(put) == (405, "method_not_allowed")
    assert {*put.headers["allow"].split(", ")} == {"GET", "HEAD", "DELETE"}
    away = await client.get("/api/v1/batches", headers={"accept": "text/html"})
    assert refusal(away) == (503, "redis_unavailable")
    elsewhere = {"sec-fetch-site": "cross-site"}
    answer = await client.post("/api/v1/batches/b/cancel", headers=elsewhere)
    assert refusal(answer) == (403, "forbidden")


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("batches?limit=0", "limit is '0': give a whole number from 1 to 1,000"),
        ("batches?limit=-1", "limit is '-1': give a whole number from 1 to 1,000"),
        ("batches?limit=٣", "limit is '٣': give a whole number from 1 to 1,000"),
        ("batches?since=soon", "since is 'soon': 'soon' is no duration: write 250ms, 10s, 5m, "),
        (f"statistics?since={'9' * 400}", "give at most 366d"),
        ("batches?limit=", "limit is '': give a whole number from 1 to 1,000"),
        ("check?scan=", "scan is '': give true or false"),
        ("check?scan=perhaps", "scan is 'perhaps': give true or false"),
        ("batches/b/slots/seven", "slot is 'seven': give a whole number from 0 to 100,000,000"),
        (f"batches/b/slots/{'9' * 5000}", "give a whole number from 0 to 100,000,000"),
    ],
)
async def test_a_parameter_that_cannot_be_is_refused(client_of, query, said):
    answer = await client_of().get(f"/api/v1/{query}")
    assert refusal(answer) == (400, "invalid_parameter")
    assert said in answer.json()["error"]["message"]


ACTS = [
    ("post", "/api/v1/batches/b/cancel"),
    ("post", "/api/v1/batches/b/redrive"),
    ("post", "/api/v1/batches/b/keep?for=1d"),
    ("delete", "/api/v1/batches/b"),
]


@pytest.mark.parametrize(("method", "path"), ACTS)
async def test_who_may_not_act_does_not(client_of, method, path):
    for client in (
        client_of(read_only=True),
        client_of(access=lambda request: Access.read()),
    ):
        assert refusal(await client.request(method, path)) == (403, "forbidden")
    # Whoever may gets as far as Redis, which is away.
    assert refusal(await client_of().request(method, path)) == (503, "redis_unavailable")


async def test_only_acts_that_are_allowed_are_done(client_of):
    client = client_of(access=lambda request: Access.write("redrive"))
    allowed = [await client.request(method, path) for method, path in ACTS]
    assert [answer.status_code for answer in allowed] == [403, 503, 403, 403]


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"x": [1, "é", None]}, '{"x": [1, "\\u00e9", null]}'),
        ([float("nan"), {"y": float("-inf")}], '["nan", {"y": "-inf"}]'),
        ("\ud800", '"\\ud800"'),
        ([2**20_000], '["a whole number of 20,001 bits"]'),
        (datetime(2026, 11, 28, tzinfo=UTC), '"2026-11-28 00:00:00+00:00"'),
    ],
    ids=["usual", "not finite", "half a pair", "large", "of another type"],
)
def test_whatever_a_value_is_it_becomes_json(value, text):
    assert json_of(value).decode() == text


@pytest.mark.parametrize(("method", "path"), [*ACTS, ("get", "/api/v1/batches")])
async def test_a_body_is_refused_for_nobody_would_read_it(client_of, method, path):
    """`curl -d dry_run=true` is no dry run: it would be done."""
    client = client_of()
    for body in ({"content": b"dry_run=true"}, {"json": {"dry_run": True}}):
        refused = await client.request(method, path, **body)
        assert refused.status_code == 400
        assert "not in a body" in refused.json()["error"]["message"]


@pytest.mark.parametrize(("method", "path"), [*ACTS, ("get", "/api/v1/batches/b/slots")])
async def test_a_parameter_that_is_not_known_is_refused_for_it_could_mean_all(
    client_of, method, path
):
    client = client_of()
    for name in ("dryrun", "slot", "filter", "junk"):
        refused = await client.request(method, path.partition("?")[0], params={name: "1"})
        assert refused.status_code == 400
        assert f"no parameter '{name}' is known here" in refused.json()["error"]["message"]
    twice = await client.request(method, f"{path.partition('?')[0]}?queue=a&queue=b")
    assert twice.json()["error"]["message"] == "queue stands 2 times in the address"


@pytest.mark.parametrize("act", ["cancel", "redrive", "keep", "remove"])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_misspelt_choice_of_slots_is_refused_on_the_page_too(client_of, method, act):
    refused = await client_of().request(method, f"/batches/b/{act}?slot=0")
    assert refused.status_code == 400
    assert refused.text.startswith("no parameter 'slot' is known here; did you mean slots?")


@pytest.mark.parametrize("what", ["workers", "jobs", "queues"])
async def test_a_name_may_have_slashes(client_of, what):
    for path in (f"{what}/team%2Fetl/load%3Fx=1%23y", "queues/team/etl/demand"):
        assert refusal(await client_of().get(f"/api/v1/{path}")) == (503, "redis_unavailable")
    nameless = await client_of(prefix="/ops").get(f"/api/v1/{what}/?queue=q")
    assert nameless.status_code == 307
    assert nameless.headers["location"].endswith(f"/ops/api/v1/{what}?queue=q")


CHOOSING = ["/batches/b/cancel", "/batches/b/redrive", "/api/v1/batches/b/cancel"]


@pytest.mark.parametrize("act", ["cancel", "redrive", "remove"])
async def test_a_body_is_refused_on_the_page_too(client_of, act):
    """`curl -d slots=0 /batches/b/cancel` is not for all slots."""
    refused = await client_of().post(f"/batches/b/{act}", data={"slots": "0"})
    assert refused.status_code == 400
    assert "not in a body" in refused.text


async def test_a_body_is_seen_whatever_the_headers_say_of_it(client_of):
    """HTTP/2 has neither a length nor chunks; and what is sent in chunks may be empty."""

    async def body(*chunks):
        for chunk in chunks:
            yield chunk

    client = client_of()
    for headers in ({"transfer-encoding": "chunked"}, {"content-length": "0"}):
        some = client.build_request(
            "DELETE", "/api/v1/batches/b", content=body(b"", b"dry_run=true"), headers=headers
        )
        assert refusal(await client.send(some)) == (400, "invalid_parameter")
    empty = await client.request("DELETE", "/api/v1/batches/b", content=body(b""))
    assert refusal(empty) == (503, "redis_unavailable")


@pytest.mark.parametrize("path", CHOOSING)
@pytest.mark.parametrize("query", ["slots=", "q=", "q=%20", "q=&slots=0"])
async def test_an_empty_choice_of_slots_is_refused_for_it_could_mean_all(client_of, path, query):
    """As `?q=$FILTER` does where the variable is not set."""
    refused = await client_of().post(f"{path}?{query}")
    assert refused.status_code == 400
    assert "is empty" in refused.text
    assert "leave it out to mean all slots" in refused.text
