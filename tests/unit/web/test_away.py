"""Pages of batches while Redis is away: each says so, and no act is said to be done."""

import asyncio

PAGES = ("", "/nightly", "/nightly/slots", "/nightly/3", "/nightly/columns", "/nightly/slots.csv")
ACTS = ("cancel", "redrive", "keep", "remove")


async def test_each_page_and_each_act_says_that_redis_does_not_answer(client_of):
    client = client_of(prefix="/ops")
    asked = [client.get(f"/batches{path}") for path in PAGES]
    asked += [client.get(f"/batches/nightly/{act}") for act in ACTS]
    forms = [(act, {"for": "1d"} if act == "keep" else {}) for act in ACTS]
    asked += [client.post(f"/batches/nightly/{act}", data=form) for act, form in forms]
    for answer in await asyncio.gather(*asked):
        assert answer.status_code == 503
        assert "127.0.0.1:1" in answer.text
