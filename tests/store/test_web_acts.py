"""What can be done to batches on the page, over a real server: it asks, does it, and says so."""

import pytest

from gatherq import Inspector, call
from gatherq.contract.keys import KeySpace
from gatherq_web import Access

from .outcomes import failed, succeeded
from .steps import claim
from .web import Browser

keys = KeySpace()


@pytest.fixture
async def browser(server_url, queue):
    made = Browser(server_url, queue, "/ops", access=lambda request: Access.write(by="anna"))
    yield made
    await made.close()


@pytest.fixture
async def batch(producer, store):
    """Ten slots: one has succeeded, four have failed in two ways, two run, three are queued."""
    batch = await producer.submit([call("f", n) for n in range(10)], label="ten")
    attempts = (await claim(store(), 7)).attempts
    await store().record([succeeded(attempts[0])])
    await store().record([failed(each, "a 1") for each in attempts[1:4]])
    await store().record([failed(attempts[4], "b")])
    return batch.id


@pytest.fixture
async def statuses(server_url, queue, batch):
    """Read them; `begun` is what runs, and waits for another attempt once its lease is over."""
    begun = {"running": "begun", "retrying": "begun"}

    async def read():
        async with Inspector(server_url, queue=queue) as inspector:
            return [begun.get(s.status, s.status) async for s in inspector.slots(batch)]

    return read


async def group_of(redis, batch, count):
    """Return the signature of the error group of so many slots."""
    fields = await redis.hgetall(keys.errors(batch))
    return next(each.decode() for each in fields[b"groups"].split() if int(fields[each]) == count)


async def test_it_asks_before_it_cancels_and_says_what_it_did(browser, batch, statuses):
    asked = await browser.see(f"/batches/{batch}/cancel")
    assert f"Cancel 5 slots of batch {batch} (3 queued, 2 running)?" in asked
    before = await statuses()
    status, said = await browser.act(f"/batches/{batch}/cancel")
    assert status == 200
    assert "Cancelled 5 slots: what ran was asked to end, and will in a moment." in said
    assert before.count("queued") == 3
    assert (await statuses()).count("cancelled") == 3
    assert "cancelled by: anna" in await browser.see(f"/batches/{batch}/9")


async def test_filters_and_numbers_say_which_slots_are_meant(browser, batch, statuses):
    assert "1 slot of batch" in await browser.see(f"/batches/{batch}/cancel?q=args.0:9")
    assert "1 slot of batch" in await browser.see(f"/batches/{batch}/cancel?slots=0,7")
    _, said = await browser.act(f"/batches/{batch}/cancel?q=args.0:9")
    assert "Cancelled 1 slot:" in said
    _, said = await browser.act(f"/batches/{batch}/cancel?slots=0,7")
    assert "Cancelled 1 slot:" in said
    assert (await statuses())[7:] == ["cancelled", "queued", "cancelled"]


@pytest.mark.parametrize("asked", ["q=args.0:77", "slots=0", "q=status:succeeded"])
async def test_what_means_no_slot_does_nothing(browser, batch, statuses, asked):
    """Of no slots, the client would cancel all."""
    assert "There is nothing to cancel" in await browser.see(f"/batches/{batch}/cancel?{asked}")
    before = await statuses()
    _, said = await browser.act(f"/batches/{batch}/cancel?{asked}")
    assert "Nothing was done" in said
    assert await statuses() == before


@pytest.mark.parametrize("asked", ["q=x", "q=sate:failed", "slots=x", "slots=99"])
async def test_what_means_nothing_is_refused(browser, batch, statuses, asked):
    before = await statuses()
    for verb in ("cancel", "redrive"):
        answer = await browser.get(f"/ops/batches/{batch}/{verb}?{asked}")
        assert answer.status_code == 400
        assert (await browser.act(f"/batches/{batch}/{verb}?{asked}"))[0] == 400
    assert await statuses() == before


async def test_an_error_group_is_run_again(browser, redis, batch, statuses):
    group = await group_of(redis, batch, 3)
    asked = await browser.see(f"/batches/{batch}/redrive?error={group}")
    assert f"Redrive 3 slots of batch {batch} (3 failed)?" in asked
    _, said = await browser.act(f"/batches/{batch}/redrive?error={group}")
    assert "Redrove 3 slots" in said
    assert "redriven once" in said
    assert (await statuses())[:5] == ["succeeded", *["begun"] * 3, "failed"]
    assert "3 went" in said
    assert "There is nothing to redrive" in await browser.see(
        f"/batches/{batch}/redrive?error={group}"
    )


async def test_a_group_that_its_workers_do_not_count_is_run_again(browser, redis, batch, statuses):
    group = await group_of(redis, batch, 3)
    await redis.delete(keys.errors(batch))
    _, said = await browser.act(f"/batches/{batch}/redrive?error={group}")
    assert "Redrove 3 slots" in said
    assert (await statuses()).count("failed") == 1


async def test_all_that_did_not_succeed_is_run_again(browser, batch, statuses):
    assert "Redrive 4 slots" in await browser.see(f"/batches/{batch}/redrive")
    _, said = await browser.act(f"/batches/{batch}/redrive")
    assert "Redrove 4 slots" in said
    assert (await statuses()).count("failed") == 0


async def test_a_batch_stays_for_another_time(browser, redis, batch):
    assert "For how long" in await browser.see(f"/batches/{batch}/keep")
    _, said = await browser.act(f"/batches/{batch}/keep", **{"for": "30d"})
    assert "stays for as long as was asked" in said
    assert await redis.ttl(keys.batch(batch)) > 29 * 86_400


@pytest.mark.parametrize("given", ["", "soon", "-1s", "0", "99999999d", "7 d"])
async def test_what_is_no_time_is_said_beside_the_box(browser, redis, batch, given):
    before = await redis.ttl(keys.batch(batch))
    answer = await browser.post(f"/ops/batches/{batch}/keep", data={"for": given})
    assert answer.status_code == 400
    assert f'value="{given}"' in answer.text
    assert 'id="for-wrong"' in answer.text
    assert await redis.ttl(keys.batch(batch)) <= before


async def test_a_batch_is_removed(browser, redis, batch):
    asked = await browser.see(f"/batches/{batch}/remove")
    assert f"Remove batch {batch} of 10 slots?" in asked
    assert "5 of them have not ended: 2 run and will be cancelled" in asked
    _, said = await browser.act(f"/batches/{batch}/remove")
    assert "Removed a batch of 10 slots." in said
    assert not await redis.exists(keys.batch(batch))
    assert (await browser.act(f"/batches/{batch}/remove"))[0] == 404


@pytest.mark.parametrize("act", ["cancel", "redrive", "keep", "remove"])
async def test_who_may_only_look_is_refused(server_url, queue, batch, statuses, act):
    others = Access.write(*({"cancel", "redrive", "keep", "remove"} - {act}))
    for options in ({"read_only": True}, {"access": lambda request: others}):
        browser = Browser(server_url, queue, **options)
        before = await statuses()
        assert not any(f"/{act}" in each for each in await browser.links(f"/batches/{batch}"))
        await browser.see(f"/batches/{batch}/{act}", 403)
        assert (await browser.act(f"/batches/{batch}/{act}"))[0] == 403
        assert await statuses() == before
        await browser.close()


@pytest.mark.parametrize("act", ["cancel", "redrive", "keep", "remove"])
async def test_a_form_of_another_site_is_refused(browser, batch, statuses, act):
    before = await statuses()
    headers = {"sec-fetch-site": "cross-site"}
    answer = await browser.post(f"/ops/batches/{batch}/{act}", headers=headers)
    assert answer.status_code == 403
    assert await statuses() == before


@pytest.mark.parametrize(
    "did", ["did=hacked&slots=3", "did=cancelled&slots=<b>", "did=", "slots=1"]
)
async def test_an_address_puts_no_words_into_the_page(browser, batch, did):
    text = await browser.see(f"/batches/{batch}?{did}")
    assert "hacked" not in text
    assert "<b>" not in text


async def test_only_arq_acts_on_its_jobs(browser, redis, queue):
    await redis.set(keys.job("plain"), '{"t": null, "f": "g", "a": [], "k": {}, "et": 1}')
    await redis.zadd(queue, {"plain": 1})
    for act in ("cancel", "redrive", "keep", "remove"):
        assert "plain arq job" in await browser.see(f"/batches/plain/{act}", 404)
    await redis.delete(keys.job("plain"))


@pytest.mark.parametrize("act", ["cancel", "redrive", "keep", "remove"])
async def test_an_act_is_for_a_whole_id(browser, batch, statuses, act):
    """The newest batch may be another one by the time of the answer."""
    before, form = await statuses(), {"for": "1d"} if act == "keep" else {}
    for given in ("@", batch[:8]):
        assert "may be meant: write the whole id" in await browser.see(
            f"/batches/{given}/{act}", 404
        )
        assert (await browser.act(f"/batches/{given}/{act}", **form))[0] == 404
    assert await statuses() == before
