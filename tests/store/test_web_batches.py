"""The pages of batches and their slots, over a real server, at the root and below a prefix."""

import csv
import json
from io import StringIO

import pytest

from gatherq import Producer, call
from gatherq.contract import records
from gatherq.contract.keys import KeySpace

from .outcomes import failed, succeeded
from .steps import claim
from .web import Browser

keys = KeySpace()
CANARY = "canarybird"
HOSTILE = "</title><script>alert(1)</script>\x1b[31m\u202e"


@pytest.fixture(params=["", "/ops/jobs"], ids=["root", "prefix"])
async def browser(request, server_url, queue):
    made = Browser(server_url, queue, request.param)
    yield made
    await made.close()


@pytest.fixture
async def half_done(producer, store, redis):
    """A batch of five slots: one succeeds, one fails, one runs."""
    calls = [call("f", n, host=HOSTILE) for n in range(5)]
    batch = await producer.submit(calls, label="half")
    await redis.hset(keys.batch(batch.id), "label", HOSTILE)
    first, second, _ = (await claim(store(), 3)).attempts
    await store().record([succeeded(first), failed(second, HOSTILE)])
    return batch.id


async def test_the_list_has_each_batch_with_how_it_stands(browser, half_done):
    text = await browser.see("/batches")
    assert half_done in text
    assert "running" in text
    assert f"{browser.prefix}/batches/{half_done}" in await browser.links("/batches")


async def test_a_filter_that_is_wrong_is_said_beside_it(browser, half_done):
    answer = await browser.get(f"{browser.prefix}/batches?q=sate:failed")
    assert answer.status_code == 400
    assert 'value="sate:failed"' in answer.text
    assert "did you mean state?" in answer.text
    assert 'aria-describedby="q-wrong"' in answer.text
    assert half_done in await browser.see('/batches?q=state:running -label:"a b"')
    assert "No batch is let through" in await browser.see("/batches?q=state:failed")


async def test_older_batches_are_on_further_pages(browser, producer):
    ids = [(await producer.submit([call("f")] * 10)).id for _ in range(53)]
    first, second = await browser.see("/batches"), await browser.see("/batches?skip=50")
    assert [id_ in first for id_ in (ids[0], ids[52])] == [False, True]
    assert [id_ in second for id_ in (ids[0], ids[52])] == [True, False]
    assert f"{browser.prefix}/batches?skip=50" in await browser.links("/batches")
    assert f"{browser.prefix}/batches" in await browser.links("/batches?skip=50")
    assert await browser.see("/batches?skip=50000")
    for skip in ("-1", "x", "9" * 30):
        assert "give a whole number" in await browser.see(f"/batches?skip={skip}", 400)


async def test_a_batch_tells_how_it_stands_and_leads_to_its_slots(browser, half_done):
    text = await browser.see(f"/batches/{half_done}")
    for each in ("5 slots", "f 5", "succeeded 1", "failed 1", "Why is it not finished?", "QUEUED"):
        assert each in text
    assert "\\x1b[31m\\u202e" in text
    links = await browser.links(f"/batches/{half_done}")
    at = f"{browser.prefix}/batches/{half_done}"
    assert f"{at}/slots?q=status%3Afailed" in links
    assert f"{at}/cancel" in links
    assert any(link.startswith(f"{at}/redrive?error=") for link in links)


async def test_nothing_of_others_is_html(browser, half_done):
    for path in ("", "/slots", "/0", "/1", "/why", "/cancel", "/redrive", "/keep", "/remove"):
        answer = await browser.get(f"{browser.prefix}/batches/{half_done}{path}")
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "\x1b" not in answer.text
        assert "\u202e" not in answer.text


@pytest.mark.parametrize("reference", ["@", "prefix"])
async def test_a_reference_leads_to_the_batch(browser, half_done, reference):
    given = half_done[:10] if reference == "prefix" else reference
    answer = await browser.get(f"{browser.prefix}/batches/{given}")
    assert answer.headers["location"] == f"{browser.prefix}/batches/{half_done}"


@pytest.mark.parametrize("path", ["", "/slots", "/0", "/columns", "/cancel", "/slots.csv"])
async def test_what_is_not_there_is_said(browser, path):
    text = await browser.see(f"/batches/nosuch{path}", 404)
    assert "no batch nosuch in Redis" in text


async def test_a_batch_of_another_queue_is_found_by_its_id(browser, server_url, queue):
    async with Producer(server_url, queue=f"{queue}:other") as other:
        batch = (await other.submit([call("g")] * 12)).id
    assert f"on queue {queue}:other" in await browser.see(f"/batches/{batch}")
    links = await browser.links(f"/batches/{batch}?queue={queue}:other")
    assert (
        f"{browser.prefix}/batches/{batch}/cancel?queue={queue.replace(':', '%3A')}%3Aother"
        in links
    )
    assert (await browser.act(f"/batches/{batch}/cancel"))[0] == 200
    assert "cancelled 12" in await browser.see(f"/batches/{batch}")


async def test_slots_come_a_hundred_a_page(browser, producer):
    batch = (await producer.submit([call("f", n) for n in range(250)])).id
    text = await browser.see(f"/batches/{batch}/slots?from=100")
    assert "f(100)" in text
    assert "f(199)" in text
    assert "f(200)" not in text
    links = await browser.links(f"/batches/{batch}/slots?from=100")
    at = f"{browser.prefix}/batches/{batch}/slots"
    assert {at, f"{at}?from=200"} <= {*links}
    assert "no slot 999" in await browser.see(f"/batches/{batch}/slots?from=999")
    found = await browser.see(f"/batches/{batch}/slots?q=args.0:>247")
    assert "f(248)" in found
    assert "f(247)" not in found
    assert "None of the slots 0 to 249" in await browser.see(f"/batches/{batch}/slots?q=job:g")
    wrong = await browser.get(f"{browser.prefix}/batches/{batch}/slots?q=jab:g")
    assert (wrong.status_code, "did you mean job?" in wrong.text) == (400, True)


async def test_of_many_slots_a_page_looks_at_some(browser, redis, producer, monkeypatch):
    monkeypatch.setattr("gatherq_web.pages.batch.listing._LOOKED_AT", 20)
    batch = (await producer.submit([call("f", n) for n in range(50)])).id
    text = await browser.see(f"/batches/{batch}/slots?q=args.0:>45")
    assert "None of the slots 0 to 19 is let through" in text
    assert "go on from slot 20" in text
    assert "f(46)" in await browser.see(f"/batches/{batch}/slots?q=args.0:>45&from=40")


async def test_slots_as_lines_and_as_a_table(browser, half_done):
    at = f"{browser.prefix}/batches/{half_done}/slots"
    answer = await browser.get(f"{at}.jsonl?q=status:succeeded,failed")
    lines = [json.loads(line) for line in answer.text.splitlines()]
    assert [(each["slot"], each["status"]) for each in lines] == [(0, "succeeded"), (1, "failed")]
    assert lines[1]["error"]["message"] == HOSTILE
    answer = await browser.get(f"{at}.csv")
    rows = list(csv.DictReader(StringIO(answer.text)))
    assert [row["slot"] for row in rows] == [*"01234"]
    assert (rows[0]["value"], rows[1]["status"]) == ("1", "failed")
    assert answer.headers["content-disposition"] == f'attachment; filename="{half_done}-slots.csv"'
    assert (await browser.get(f"{at}.csv?q=x")).status_code == 400


async def test_a_table_has_no_formulas(browser, redis, half_done):
    await _put(redis, half_done, 0, "=1+1")
    answer = await browser.get(f"{browser.prefix}/batches/{half_done}/slots.csv?q=status:succeeded")
    assert "'=1+1" in answer.text


async def test_half_a_character_ends_no_file(browser, redis, half_done):
    await _put(redis, half_done, 0, "SURROGATE")
    raw = await redis.get(keys.result(f"{half_done}:0"))
    await redis.set(keys.result(f"{half_done}:0"), raw.replace(b"SURROGATE", b"\\ud800"))
    for path in ("slots.csv", "slots.jsonl", "0", "slots", "columns", "report.html"):
        assert (
            await browser.get(f"{browser.prefix}/batches/{half_done}/{path}")
        ).status_code == 200


async def test_a_slot_in_full(browser, half_done):
    text = await browser.see(f"/batches/{half_done}/1")
    for each in ("Slot 1 failed", "f(1, host=", "queued", "run 1", "Error group", "args.host"):
        assert each in text
    assert f"redis-cli GET arq:result:{half_done}:1" in text
    links = await browser.links(f"/batches/{half_done}/1")
    assert f"{browser.prefix}/api/v1/batches/{half_done}/slots/1" in links
    assert "not attempted yet" in await browser.see(f"/batches/{half_done}/4")
    assert "has slots 0 to 4, not 5" in await browser.see(f"/batches/{half_done}/5", 404)
    assert "is not finished" in await browser.see(f"/batches/{half_done}:4/why")


async def test_a_plain_arq_job_is_shown_by_its_id(browser, redis, queue):
    job = f"{queue}/a b:7"
    await redis.set(keys.job(job), json.dumps({"t": None, "f": "g", "a": [1], "k": {}, "et": 1}))
    await redis.zadd(queue, {job: 1})
    text = await browser.see(f"/batches/{queue}%2Fa%20b:7")
    assert f"plain arq job {job} queued g(1)" in text
    assert "Cancel" not in text


async def test_columns_are_compressed_for_who_understands_it(browser, half_done):
    answer = await browser.get(f"{browser.prefix}/batches/{half_done}/columns")
    assert answer.headers["content-encoding"] == "gzip"
    data = answer.json()
    assert [data["statuses"][number] for number in data["status"]][:2] == ["succeeded", "failed"]
    assert [row[:2] for row in data["runTimes"]] == [["f", 5]]
    plain = {"accept-encoding": "identity"}
    answer = await browser.get(f"{browser.prefix}/batches/{half_done}/columns", headers=plain)
    assert "content-encoding" not in answer.headers
    assert answer.json()["batch"] == half_done


async def test_too_many_slots_are_not_drawn(browser, redis, half_done):
    await redis.hset(keys.batch(half_done), "size", 300_000)
    assert "too many to be drawn" in await browser.see(f"/batches/{half_done}")
    for name in ("columns", "report.html", "trace.json"):
        answer = await browser.get(f"{browser.prefix}/batches/{half_done}/{name}")
        assert answer.status_code == 413
        assert f"gatherq report {half_done}" in answer.text


async def test_junk_in_any_key_is_shown_all_the_same(browser, redis, half_done):
    await redis.set(keys.result(f"{half_done}:0"), b"\xff{")
    await redis.delete(
        keys.result(f"{half_done}:1"), keys.job(f"{half_done}:3"), keys.errors(half_done)
    )
    await redis.hset(keys.result(f"{half_done}:1"), "a", "b")
    await redis.set(keys.errors(half_done), "x")
    junk = {"created": "x", "label": "\x1b[31m", "names": "[", "parent": "::", "expires": "-1"}
    await redis.hset(keys.batch(half_done), mapping=junk)
    for path in ("", "/slots", "/0", "/1", "/3", "/why", "/columns", "/cancel", "/slots.csv"):
        answer = await browser.get(f"{browser.prefix}/batches/{half_done}{path}")
        assert answer.status_code == 200, (path, answer.text)


async def test_a_batch_of_an_older_version_is_shown(browser, redis, half_done):
    """Without its record it has no times, no names, no counted errors."""
    record = ("kind", "label", "names", "by", "parent", "started", "ended", "generation")
    await redis.hdel(keys.batch(half_done), *record)
    await redis.delete(keys.errors(half_done), keys.batch_index)
    text = await browser.see(f"/batches/{half_done}")
    assert "Not succeeded, by error group" in text


async def _put(redis, batch, slot, value):
    raw = records.decode_result(await redis.get(keys.result(f"{batch}:{slot}")))
    assert raw.status == "succeeded"
    text = (await redis.get(keys.result(f"{batch}:{slot}"))).decode()
    await redis.set(
        keys.result(f"{batch}:{slot}"), text.replace('"r":1', f'"r":{json.dumps(value)}')
    )


async def test_what_is_hidden_stands_nowhere(server_url, queue, producer, store):
    batch = await producer.submit([call("f", CANARY, key=CANARY) for _ in range(3)], label="hidden")
    first, second, _ = (await claim(store(), 3)).attempts
    await store().record([succeeded(first, value=CANARY), failed(second, CANARY)])
    browser = Browser(server_url, queue, hide_values=True)
    shown = Browser(server_url, queue)
    paths = ("", "/slots", "/0", "/1", "/2", "/columns", "/report.html", "/trace.json", "/why")
    for path in (*paths, "/slots.csv", "/slots.jsonl", "/redrive"):
        answer = await browser.get(f"/batches/{batch.id}{path}")
        assert answer.status_code == 200
        assert CANARY not in answer.text, path
    found = await browser.see(f"/batches/{batch.id}/slots?q=args.0:{CANARY}")
    assert "None of the slots 0 to 2" in found
    for path in ("", "/slots", "/0", "/1", "/2", "/columns", "/slots.csv"):
        assert CANARY in (await shown.get(f"/batches/{batch.id}{path}")).text, path
    for each in (browser, shown):
        await each.close()


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("slots?from=zzz", "from is 'zzz' give a whole number from 0 to 100,000,000"),
        ("slots?from=-5", "from is '-5' give a whole number"),
        ("slots?from=" + "9" * 5000, "give a whole number"),
        ("slots?slots=5-1", "no slots are chosen by slots= here filter by q="),
        ("slots.csv?slots=0-1", "no slots are chosen by slots= here"),
        ("slots.jsonl?slots=0-1", "no slots are chosen by slots= here"),
    ],
)
async def test_junk_in_an_address_is_not_taken_for_none(browser, half_done, query, said):
    assert said in await browser.see(f"/batches/{half_done}/{query}", 400)


async def test_an_empty_list_says_where_a_batch_is_found_by_its_id(browser, half_done):
    text = await browser.see("/batches?queue=nope")
    address = f"{browser.prefix}/batches/ID?queue=nope"
    assert address in text
    there = address.removeprefix(browser.prefix).replace("ID", half_done)
    assert half_done in await browser.see(there)
