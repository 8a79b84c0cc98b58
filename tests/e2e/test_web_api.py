"""The API on a pool with batches: each answer is as the document says, whatever is asked."""

import json
import random
from contextlib import suppress
from urllib.parse import quote

import httpx
import pytest
from jsonschema import Draft202012Validator

from gatherq import BatchNotFound, Inspector, call
from gatherq_web import Access, app
from gatherq_web.api.document import answer_schema, document
from gatherq_web.api.table import OPERATIONS

from ..conftest import until
from .hidden import WORD
from .test_redaction import submit, told

GETS = [each for each in OPERATIONS if each.method == "GET"]
PLACES = {"slot": "1", "worker": "", "job": "raises"}


def closed(schema):
    """Return a schema that allows nothing that it does not name."""
    if isinstance(schema, list):
        return [*map(closed, schema)]
    if not isinstance(schema, dict):
        return schema
    made = {key: closed(each) for key, each in schema.items()}
    return made | ({"additionalProperties": False} if "properties" in schema else {})


COMPONENTS = {"components": {"schemas": closed(document()["components"]["schemas"])}}


def check(operation, answer):
    schema = closed(answer_schema(operation)) | COMPONENTS
    Draft202012Validator(schema, format_checker=Draft202012Validator.FORMAT_CHECKER).validate(
        answer
    )


@pytest.fixture
async def pool(server_url, queue, producer, start_worker, tmp_path):
    """A client of a pool in which all is told: `ended`, `going`, and a plain arq job."""
    await submit(start_worker, producer, tmp_path)
    async with until(60), Inspector(server_url, queue=queue) as inspector:
        await told(inspector)
        worker, *_ = await inspector.workers()
    for job in ("plain", "team/etl/load?x=1#y"):
        await producer.redis.set(
            f"arq:job:{job}", json.dumps({"f": "g", "a": [1], "k": {}, "t": 1})
        )
    made = app(server_url, queue=queue, access=lambda request: Access.write(by="anna"))
    transport = httpx.ASGITransport(made, raise_app_exceptions=False)
    base = "http://127.0.0.1/api/v1"
    async with httpx.AsyncClient(transport=transport, base_url=base, timeout=30) as client:
        client.places = {**PLACES, "worker": worker.name, "queue": queue}
        yield client
    await made.state.site.aclose()


def path_of(client, operation, batch="ended"):
    return operation.path.format(**{"batch": batch, **client.places})


async def test_every_answer_is_as_the_document_says(pool):
    async with until(60):
        for batch in ("ended", "going", "plain", "team%2Fetl%2Fload%3Fx=1%23y", "@", "end"):
            for operation in GETS:
                slot = "0" if batch[:1] in "pt" else "1"
                path = path_of(pool, operation, batch).replace("slots/1", f"slots/{slot}")
                answer = await pool.get(path)
                assert answer.status_code == 200, (path, answer.text)
                check(operation, answer.json())
        lists = [each for each in GETS if each.listed]
        for operation in lists:
            path = path_of(pool, operation)
            records = (await pool.get(path)).json()[operation.listed]
            lines = await pool.get(path, headers={"accept": "application/jsonl"})
            assert lines.headers["content-type"].startswith("application/jsonl")
            assert len(lines.text.splitlines()) == len(records)
        described = {each.listed for each in lists if (await pool.get(path_of(pool, each))).json()}
        assert described == {each.listed for each in lists}


async def test_slots_are_paged_and_filtered(pool):
    async with until(60):
        path = "/batches/ended/slots"
        first = (await pool.get(path, params={"limit": 3})).json()
        assert ([slot["slot"] for slot in first["slots"]], first["next"]) == ([0, 1, 2], 3)
        rest = (await pool.get(path, params={"from": 3})).json()
        assert ([slot["slot"] for slot in rest["slots"]], rest["next"]) == ([3], None)
        assert (await pool.get(path, params={"from": 4})).json() == {"slots": [], "next": None}
        failed = (await pool.get(path, params={"q": "status:failed -job:raises"})).json()["slots"]
        assert [slot["name"] for slot in failed] == ["raises_many"]
        whole = (await pool.get("/batches/ended/slots/1")).json()
        assert whole["args"] == [WORD]
        assert whole["error"]["message"] == f"no {WORD}"
        assert [phase["kind"] for phase in whole["phases"]][-1] == "run"


async def test_prometheus_is_told_beside_it(pool):
    told = await pool.get("http://127.0.0.1/metrics")
    assert "gatherq_redis_up 1.0" in told.text.splitlines()
    assert "gatherq_queue_demand{" in told.text


async def test_events_are_paged(pool):
    async with until(60):
        every = (await pool.get("/events")).json()
        first = (await pool.get("/events", params={"limit": 2})).json()
        assert first["events"] == every["events"][:2]
        rest = (await pool.get("/events", params={"before": first["next"]})).json()
        assert rest["events"] == every["events"][2:]


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/batches/nobody", 404, "batch_not_found"),
        ("/batches/waiting/slots/99", 404, "not_found"),
        ("/batches/nobody/slots", 404, "batch_not_found"),
        ("/batches/waiting/slots?q=color:red", 400, "invalid_selector"),
        ("/batches?q=color:red", 400, "invalid_selector"),
        ("/events?q=color:red", 400, "invalid_selector"),
        ("/events?before=yesterday", 400, "invalid_selector"),
        ("/batches/waiting/errors?slots=9-3", 400, "invalid_selector"),
        ("/batches/waiting/slots?slots=9-3", 400, "invalid_selector"),
        ("/batches/waiting/slots?slots=3-9", 400, "invalid_selector"),
        ("/workers/nobody", 404, "not_found"),
        ("/jobs/nothing", 404, "not_found"),
    ],
)
@pytest.mark.parametrize("accept", ["*/*", "application/jsonl"])
async def test_what_is_not_there_is_said(client, path, status, code, accept):
    answer = await client.get(path, headers={"accept": accept})
    assert answer.status_code == status
    assert answer.json()["error"]["code"] == code


@pytest.mark.parametrize(
    ("query", "found", "further"),
    [
        ("slots=1,3-4", [1, 3, 4], None),
        ("slots=1,3-4&from=2", [3, 4], None),
        ("slots=1,3-4&from=5", [], None),
        ("slots=4,0-1&limit=2", [0, 1], 4),
        ("slots=1-4&q=args.0:>2", [3, 4], None),
        ("from=3", [3, 4], None),
    ],
)
async def test_slots_are_chosen_by_number(client, query, found, further):
    answer = (await client.get(f"/batches/waiting/slots?{query}")).json()
    assert ([slot["slot"] for slot in answer["slots"]], answer["next"]) == (found, further)
    lines = await client.get(
        f"/batches/waiting/slots?{query}", headers={"accept": "application/jsonl"}
    )
    listed = [json.loads(line)["slot"] for line in lines.text.splitlines()]
    assert listed == found + ([further] if further else [])


async def test_of_many_slots_some_are_looked_at_for_an_answer(client, monkeypatch):
    monkeypatch.setattr("gatherq_web.api.batches._LOOKED_AT", 2)
    for query, found, further in (("slots=1-4", [1, 2], 3), ("slots=1-4&from=3", [3, 4], None)):
        answer = (await client.get(f"/batches/waiting/slots?{query}")).json()
        assert ([slot["slot"] for slot in answer["slots"]], answer["next"]) == (found, further)


@pytest.fixture
async def client(server_url, queue, producer):
    """A client of a pool with a batch and without a worker."""
    with suppress(BatchNotFound):  # of a test before
        await (await producer.batch("waiting")).delete()
    await producer.submit([call("raises", n) for n in range(5)], batch_id="waiting")
    made = app(server_url, queue=queue, access=lambda request: Access.write(by="anna"))
    transport = httpx.ASGITransport(made, raise_app_exceptions=False)
    base = "http://127.0.0.1/api/v1"
    async with httpx.AsyncClient(transport=transport, base_url=base, timeout=30) as client:
        yield client
    await made.state.site.aclose()


async def test_acts_are_done_and_say_what_they_did(client, producer):
    async with until(60):
        would = await client.post("/batches/waiting/cancel?slots=1-3&dry_run=true")
        done = {"action": "cancel", "batch": "waiting", "slots": 3, "statuses": {"queued": 3}}
        assert would.json() == {**done, "dry_run": True}
        did = await client.post("/batches/waiting/cancel?slots=1-3")
        assert did.json() == {**done, "dry_run": False}
        batch = await producer.batch("waiting")
        assert (await batch.counts()).cancelled == 3
        outcomes = (await client.get("/batches/waiting/slots?q=status:cancelled")).json()["slots"]
        assert {slot["by"] for slot in outcomes} == {"anna"}
        again = await client.post("/batches/waiting/redrive?q=status:cancelled&slots=1-2")
        assert again.json()["slots"] == 2
        none = await client.post("/batches/waiting/redrive?q=job:other")
        assert (none.json()["slots"], (await batch.counts()).cancelled) == (0, 1)
        kept = await client.post("/batches/waiting/keep?for=7d")
        assert (kept.status_code, kept.json()["action"]) == (200, "keep")
        missing = await client.post("/batches/waiting/keep")
        assert missing.json()["error"]["code"] == "invalid_parameter"


async def test_an_act_wants_the_whole_id(client, producer):
    async with until(60):
        for batch in ("wait", "@"):
            refused = await client.delete(f"/batches/{batch}")
            assert (refused.status_code, refused.json()["error"]["code"]) == (
                404,
                "batch_not_found",
            )
            assert "waiting may be meant: write the whole id" in str(refused.json())
        would = await client.delete("/batches/waiting?dry_run=true")
        assert (would.status_code, would.json()["slots"]) == (200, 5)
        assert (await client.delete("/batches/waiting")).status_code == 200
        assert (await client.get("/batches/waiting")).status_code == 404


JUNK = [
    *(
        "",
        "0",
        "-1",
        "99999999999999999999",
        "1e999",
        "nan",
        "@",
        "@0",
        "waiting",
        "waiting:0",
        "%00",
    ),
    *(
        "status:failed",
        "args.0:x",
        "error:",
        "-",
        ":",
        "a:b:c",
        "\x00",
        "\ud7ff",
        "é" * 300,
        "*" * 99,
    ),
    *(
        "[",
        "(",
        "0-9",
        "1,2",
        "9" * 4301,
        "took:>1s",
        "args.%s:1" % ("9" * 4301),
        "true",
        "1h",
        "9d",
    ),
    *(
        "size:>1",
        "since",
        "..",
        "a/b",
        "?",
        "#",
        "&q=1",
        "waiting/0",
        "error:ab*?[",
        '"',
        "' OR 1=1",
    ),
]


@pytest.mark.long
async def test_whatever_is_asked_the_answer_is_no_failure(client):
    """Hundreds of questions of junk: each has an answer, or is told what is wrong with it."""
    chance = random.Random(7)
    client.places = dict(PLACES, worker="w", queue="arq:queue")
    async with until(120):
        for _ in range(300):
            operation = chance.choice(OPERATIONS)
            junk = {each.name: chance.choice(JUNK) for each in operation.parameters}
            names = ("slot", "worker", "job", "queue")
            places = {name: quote(junk.get(name) or "x", safe="") for name in names}
            places["batch"] = chance.choice(["waiting", quote(chance.choice(JUNK) or "x", safe="")])
            path = operation.path.format(**places)
            if operation.act:
                junk["dry_run"] = "true"
            keep = [name for name in junk if chance.random() < 0.7 or name == "dry_run"]
            answer = await client.request(
                operation.method,
                path,
                params={name: junk[name] for name in keep if name not in places},
                headers={"accept": chance.choice(["*/*", "application/jsonl", "text/html"])},
            )
            asked = (operation.name, places, junk)
            assert answer.status_code in (200, 307, 400, 404, 405, 409), (asked, answer.text)
            meant = "%2F" not in path and answer.request.url.raw_path.partition(b"?")[0].endswith(
                path.encode()
            )
            json_ = answer.headers.get("content-type") == "application/json"
            if answer.status_code == 200 and meant and json_:
                check(operation, answer.json())


VALUES = [
    *("NaN", "[1e999, -Infinity]", "1" + "0" * 5000, "[" * 150 + "]" * 150, '{"a": {"b": 1}}'),
    *('"\\ud800"', '"\\u0000\\u001b[31m"', "true", "null", "[]", '"' + "x" * 100_000 + '"'),
]


async def test_whatever_stands_in_redis_it_is_answered(client, producer):
    """Values that JSON cannot say, records that are none, and keys of another type."""
    redis, size = producer.redis, len(VALUES)
    await producer.submit([call("f", n) for n in range(size + 2)], batch_id="odd")
    for slot, value in enumerate(VALUES):
        record = f'{{"t":1,"f":"f","a":[{value}],"k":{{}},"s":true,"r":{value},"id":"odd:{slot}",'
        record += f'"st":1,"ft":2,"et":1,"worker":"w","status":"succeeded","slot":{slot}}}'
        await redis.set(f"arq:result:odd:{slot}", record)
    await redis.set(f"arq:result:odd:{size}", b"\x80\x04junk")
    await redis.delete(f"arq:job:odd:{size + 1}")
    await redis.hset(f"arq:job:odd:{size + 1}", "a", "b")
    client.places = dict(PLACES, worker="w", queue="arq:queue")
    async with until(60):
        for operation in GETS:
            for slot in range(size + 2):
                path = path_of(client, operation, "odd").replace("slots/1", f"slots/{slot}")
                for accept in ("*/*", "application/jsonl"):
                    answer = await client.get(path, headers={"accept": accept})
                    assert answer.status_code in (200, 404), (path, answer.text)
                if answer.status_code == 200 and not operation.listed:
                    check(operation, json.loads(answer.text, parse_constant=pytest.fail))
                if "slots/" not in path:
                    break
        slots = (await client.get("/batches/odd/slots")).json()["slots"]
        values = [slot.get("value") for slot in slots]
        assert values[:2] == ["nan", ["inf", "-inf"]]
        assert values[4] == {"a": {"b": 1}}
    await (await producer.batch("odd")).delete()


async def test_two_thousand_slots_come_as_lines(server_url, queue, producer):
    await producer.submit([call("f", n) for n in range(2000)], batch_id="long")
    made = app(server_url, queue=queue)
    transport = httpx.ASGITransport(made)
    async with until(60), httpx.AsyncClient(transport=transport, base_url="http://h") as client:
        lines = await client.get(
            "/api/v1/batches/long/slots", headers={"accept": "application/jsonl"}
        )
        assert [json.loads(line)["slot"] for line in lines.text.splitlines()] == [*range(2000)]
        page = (await client.get("/api/v1/batches/long/slots?limit=1000")).json()
        assert (len(page["slots"]), page["next"]) == (1000, 1000)
    await (await producer.batch("long")).delete()
    await made.state.site.aclose()
