"""The pages of a pool, made of what stands in a real server; at the root, and below a prefix."""

import json
from contextlib import asynccontextmanager
from html import unescape

import httpx
import pytest

from gatherq.contract.keys import KeySpace
from gatherq.contract.statistics import BUCKETS
from gatherq_web import Access, app

from .test_inspector_statistics import ADD

HOSTILE = "<script>hit()</script>\x1b[31m/a b"
SHOWN = r"&lt;script&gt;hit()&lt;/script&gt;\x1b[31m/a b"
PAGES = ["/", "/workers", "/jobs", "/queues", "/queues?all=yes", "/events", "/doctor"]


@asynccontextmanager
async def site(url, queue, prefix="", **options):
    made = app(url, queue=queue, **options)
    transport = httpx.ASGITransport(made, root_path=prefix)
    base = f"http://127.0.0.1:8420{prefix}"
    async with httpx.AsyncClient(transport=transport, base_url=base) as client:
        yield client
    await made.state.site.aclose()


@pytest.fixture(params=["", "/ops/jobs"], ids=["root", "prefix"])
async def client(server_url, queue, request):
    async with site(server_url, queue, request.param) as client:
        yield client


@pytest.fixture
def worker(redis, queue):
    """Write the record of a worker, with a sign of life so many seconds ago."""

    async def worker(name, ago=0.0, **fields):
        seconds, _ = await redis.time()
        keys = KeySpace(queue)
        await redis.zadd(keys.workers, {name: (seconds - ago) * 1000})
        given = {
            key: each if isinstance(each, str) else json.dumps(each) for key, each in fields.items()
        }
        await redis.hset(
            keys.worker(name), mapping={"handlers_cut": "0", "handlers": "[]", **given}
        )
        await redis.expire(keys.worker(name), 60)
        return seconds * 1000

    return worker


async def text(client, path, status=200):
    answer = await client.get(path, headers={"accept": "text/html"})
    assert answer.status_code == status, answer.text
    assert "<script>hit" not in answer.text
    assert "\x1b" not in answer.text
    return answer.text


@pytest.mark.parametrize("path", PAGES)
async def test_an_empty_pool_says_what_to_do(client, path, queue):
    page = await text(client, path)
    if path in ("/", "/workers", "/jobs"):
        assert f"gatherq worker MODULE --queue {queue}" in page


async def test_links_keep_the_prefix_and_the_queue(client, redis, queue, worker):
    other = f"{queue}:other"
    seconds, _ = await redis.time()
    await redis.zadd(KeySpace(other).workers, {"w-there": seconds * 1000})
    page = await text(client, f"/workers?queue={other}")
    root = client.base_url.path.rstrip("/")
    assert f'href="{root}/workers/w-there?queue={other.replace(":", "%3A")}"' in page
    assert "w-there" not in await text(client, "/workers")


async def test_a_worker_with_what_it_runs(client, worker):
    now = await worker(
        "w1", state="running", running=2, held=3, places={"loop": 10}, handlers=["fetch"]
    )
    jobs = [
        {
            "id": "nightly:7",
            "name": "fetch",
            "started": now - 4000,
            "limit": 10,
            "attempt": 2,
            "where": "loop",
            "progress": {"done": 30, "total": 60, "note": HOSTILE},
        },
        {"id": HOSTILE, "name": HOSTILE, "started": now, "limit": None},
    ]
    await worker(
        "w1", state="running", running=2, held=3, places={"loop": 10}, handlers=["fetch"], jobs=jobs
    )
    assert ">w1</a>" in await text(client, "/workers")
    page = await text(client, "/workers/w1")
    assert "/batches/nightly/7" in page
    assert 's left of 10s"' in page
    assert "50% 30/60" in page
    assert "no limit" in page
    assert page.count(SHOWN) >= 3  # a note, an id, a name
    assert "no worker" not in await text(client, "/jobs/fetch")


async def test_workers_in_trouble_come_first_and_say_why(client, worker):
    await worker("a-well", state="running")
    await worker("b-blocked", state="blocked", blocked_by="nightly:3 jobs.py:41")
    await worker("c-silent", ago=20, lease=5000)
    page = await text(client, "/workers")
    assert page.index("b-blocked") < page.index("c-silent") < page.index("a-well")
    assert "loop held by nightly:3 jobs.py:41" in page
    blocked = await text(client, "/workers/b-blocked")
    assert "/batches/nightly/3" in blocked
    assert "No sign of life for" in await text(client, "/workers/c-silent")
    overview = await text(client, "/")
    assert "1 in trouble, 1 silent" in overview
    assert "c-silent gives no sign of life" in overview


async def test_plain_arq_workers_and_what_they_hold(client, redis, queue):
    seconds, _ = await redis.time()
    await redis.zadd(queue, {"import 9": (seconds + 600) * 1000})
    await redis.set(KeySpace(queue).in_progress("import 9"), b"1", ex=60)
    assert "/batches/import%209" in await text(client, "/workers")
    assert "not fenced" in await text(client, "/workers/arq")
    assert "holds 1" in await text(client, "/queues")


async def test_what_there_is_not_leads_to_what_resembles_it(client, worker):
    await worker("web-3.7", handlers=["fetch"])
    page = await text(client, "/workers/web-3.8", 404)
    assert '/workers/web-3.7">web-3.7</a>' in page
    assert '/jobs/fetch">fetch</a>' in await text(client, "/jobs/fecth", 404)
    assert "no worker &lt;b&gt; on" in await text(client, "/workers/%3Cb%3E", 404)
    assert "All jobs" in await text(client, "/jobs/zzz", 404)


async def test_names_with_slashes_have_pages(client, worker):
    await worker("host/a.1", handlers=["a/b", HOSTILE])
    assert "<h1>host/a.1</h1>" in await text(client, "/workers/host%2Fa.1")
    assert "<h1>a/b</h1>" in await text(client, "/jobs/a%2Fb")
    assert SHOWN in await text(client, "/jobs")


@pytest.fixture
async def counted(redis, queue):
    """Count nine jobs of a name as succeeded and one as failed, in this minute and in all."""
    seconds, _ = await redis.time()
    keys = KeySpace(queue)
    run = [10 if n == 9 else 0 for n in range(BUCKETS)]
    vector = [9, 1, 0, 0, 0, 4, 9000, 0, *run, *run]
    for key in (
        keys.totals,
        keys.statistics(str(seconds // 60)),
        keys.statistics(f"h{seconds // 3600}"),
    ):
        await redis.eval(ADD, 1, key, "fetch", 60, *vector)


@pytest.mark.usefixtures("counted")
async def test_what_was_counted_is_drawn_and_told(client):
    for path in ("/", "/jobs/fetch"):
        for since in ("1h", "8h", "30d"):
            page = await text(client, f"{path}?since={since}")
            data = json.loads(unescape(page.split('data-charts="')[1].split('"')[0]))
            assert sum(data["ended"]["succeeded"]) == 9
            assert sum(data["ended"]["failed"]) == 1
            assert "The numbers: 10 ended" in page
        again = await text(client, f"{path}?charts=no")
        assert 'id="charts"' in again
        assert "data-charts" not in again
    assert "10.0%" in await text(client, "/")
    page = await text(client, "/jobs/fetch")
    assert "no worker that tells" in page
    assert "4 retries" in page
    assert "up to 1.0s" in page
    assert "up to 5ms" not in page


async def test_events_lead_back_and_are_filtered(client, redis, queue):
    for n in range(230):
        await redis.xadd(
            KeySpace(queue).events, {"event": "submitted", "batch": f"b{n}", "by": HOSTILE, "n": 3}
        )
    await redis.xadd(
        KeySpace(queue).events, {"event": "worker_died", "worker": "w9", "how": HOSTILE}
    )
    newest = await text(client, "/events")
    assert "worker died" in newest
    assert "hx-sse:connect" in newest
    older = unescape(newest.split(">Older</a>")[0].rsplit('href="', 1)[1].split('"')[0])
    page = await text(client, older.removeprefix(client.base_url.path.rstrip("/")))
    assert ">b130</a>" in page
    assert ">b131</a>" not in page
    assert "hx-sse:connect" not in page
    found = await text(client, "/events?q=worker:w*")
    assert (found.count("/workers/w9"), found.count("/batches/b")) == (1, 0)
    assert "let through" in await text(client, "/events?q=batch:nobody")


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("/?since=77", "give 1h or 8h or 30d, or leave it out"),
        ("/?charts=yes", "give no, or leave it out"),
        ("/jobs/fetch?since=77", "give 1h or 8h or 30d"),
        ("/queues?all=true", "give yes, or leave it out"),
        ("/batches?skip=zzz", "give a whole number from 0 to 1,000,000"),
        ("/batches?skip=1000001", "give a whole number from 0 to 1,000,000"),
    ],
)
async def test_junk_in_an_address_is_not_taken_for_none(client, worker, path, said):
    await worker("w1", handlers=["fetch"])
    assert said in await text(client, path, 400)
    assert await text(client, path.partition("?")[0])


@pytest.mark.parametrize("query", ["q=nope:1", "q=event", "before=junk", "before=1-1-1"])
async def test_a_filter_that_is_none_keeps_the_page(client, query):
    page = await text(client, f"/events?{query}", 400)
    assert 'role="alert"' in page
    if query.startswith("q"):
        assert f'value="{query[2:]}"' in page


async def test_newest_errors_and_batches_in_progress(client, redis, submit, batch, queue):
    keys = KeySpace(queue)
    await submit(12)
    await redis.zadd(keys.batch_index, {batch: 1})
    fields = {"groups": "3fa9c1d2", "3fa9c1d2": 5}
    fields["3fa9c1d2:text"] = json.dumps({"text": HOSTILE, "where": "jobs.py in fetch"})
    await redis.hset(keys.errors(batch), mapping=fields)
    await redis.hset(keys.batch(batch), mapping={"failed": 5, "label": HOSTILE})
    page = await text(client, "/")
    assert page.count(SHOWN) >= 3  # the batch, its error, and where that is
    assert f"/batches/{batch}/slots?q=error%3A3fa9c1d2" in page
    assert '5 <span class="soft">of 12' in page
    await redis.delete(keys.errors(batch), keys.batch_index)


async def test_gates_and_lanes_of_the_queue(client, redis, queue):
    keys, name = KeySpace(queue), f"f:{json.dumps(HOSTILE)}"
    await redis.hset(keys.gates, mapping={"b:1": name, "b:2": name})
    await redis.hset(keys.gate(name), mapping={"most": 1})
    await redis.zadd(keys.holders(name), {"b:1": 1})
    await redis.zadd(keys.waiting(name), {"b:2": 1})
    await redis.sadd(keys.lanes, "process", f"job-{HOSTILE}")
    await redis.zadd(keys.lane("process"), {"b:3": 1})
    await redis.zadd(queue, {"b:2": 1e14 + 0.25, "b:3": 1e14 + 0.25})
    page = await text(client, "/queues")
    assert "Held back by limits" in page
    assert "1 waits for a free process" in page
    assert "&lt;script&gt;" in page
    answer = await client.get(f"/api/v1/queues/{queue}/gates")
    (gate,) = answer.json()["gates"]
    assert (gate["name"], gate["max_at_once"], gate["waiting"], gate["full"]) == (name, 1, 1, True)
    for key in (keys.gates, keys.lanes, keys.lane("process"), queue):
        await redis.delete(key)
    assert "Held back by limits" not in await text(client, "/queues")


async def test_whatever_stands_in_the_keys_there_is_a_page(client, redis, queue):
    keys = KeySpace(queue)
    for key in (keys.totals, keys.events, keys.batch_index, keys.quarantine):
        await redis.set(key, "x", ex=60)
    seconds, _ = await redis.time()
    await redis.zadd(keys.workers, {b"\xff<b>": seconds * 1000})
    await redis.set(keys.worker("\\xff<b>"), "x", ex=60)
    for path in PAGES:
        await text(client, path)
    assert "<h1>\\xff&lt;b&gt;</h1>" in await text(client, "/workers/%5Cxff%3Cb%3E")
    await redis.delete(keys.workers)
    await redis.hset(
        keys.worker("w"), mapping={"jobs": '[{"id": 1}, {"id": "x", "limit": 0, "started": 1e300}]'}
    )
    await redis.hset(
        keys.worker("w"), mapping={"places": '{"loop": 0, "threads": -1}', "running": "9"}
    )
    await redis.zadd(keys.workers, {"w": seconds * 1000})
    await redis.expire(keys.worker("w"), 60)
    await text(client, "/workers")
    await text(client, "/workers/w")


async def test_who_may_not_look_sees_none_of_it(server_url, queue):
    async with site(server_url, queue, access=lambda request: Access.none()) as client:
        for path in PAGES:
            assert (await client.get(path)).status_code == 403
