"""What is hidden is on no page and in no answer: all that can be reached is looked at."""

import html
import re
from urllib.parse import urljoin, urlsplit

import httpx

from gatherq_web import app

from ..conftest import until
from .hidden import WORD
from .test_redaction import submit, told, without

BATCHES = ("ended", "going")
#: What programs ask for, which no page has a link to.
UNLINKED = [
    *(
        "/",
        "/batches",
        "/workers",
        "/jobs",
        "/queues",
        "/events",
        "/metrics",
        "/api/v1/openapi.json",
    ),
    *(f"/batches/{batch}" for batch in BATCHES),
    *(f"/batches/{batch}/{slot}" for batch in BATCHES for slot in range(4)),
    *(f"/batches/{batch}/{what}" for batch in BATCHES for what in ("columns", "slots", "why")),
    *(f"/batches/{batch}/slots.{kind}" for batch in BATCHES for kind in ("jsonl", "csv")),
    *(f"/batches/{batch}/{file}" for batch in BATCHES for file in ("report.html", "trace.json")),
    *(f"/api/v1/{what}" for what in ("batches", "workers", "jobs", "queues", "events", "check")),
    *(f"/api/v1/batches/{batch}" for batch in BATCHES),
    *(f"/api/v1/batches/{batch}/slots/{slot}" for batch in BATCHES for slot in range(4)),
    *(
        f"/api/v1/batches/{batch}/{what}"
        for batch in BATCHES
        for what in ("slots", "errors", "explain", "changes", "running")
    ),
]
_ADDRESS = re.compile(r'(?:href|src|action|data-[\w-]+|hx-[\w-]+)="([/?][^"]*)"')


async def texts_of(made, accept):
    """Return the text of every address that can be reached by links, by address.

    Those that name the queue, which is the usual one here, show the same.
    """
    found, left = {}, [*UNLINKED]
    transport = httpx.ASGITransport(made)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
        while left:
            address = left.pop()
            if address in found or not address.startswith("/") or address.startswith("/live"):
                continue
            answer = await client.get(address, headers={"accept": accept})
            found[address] = answer.text if answer.status_code != 404 else ""
            for each in _ADDRESS.findall(answer.text) if accept == "text/html" else ():
                there = urlsplit(urljoin(address, html.unescape(each)))
                linked = there.path.startswith(("/batches", "/workers", "/jobs"))
                if linked and not there.netloc and "queue=" not in there.query:
                    left.append(there._replace(fragment="").geturl())
    return found


async def test_a_hidden_word_is_nowhere(server_url, queue, producer, start_worker, tmp_path):
    made = app(server_url, queue=queue)
    hiding = [
        app(server_url, queue=queue, hide_values=True),
        app(server_url, queue=queue, redact=lambda name, value: without(value)),
    ]
    async with until(120):
        await submit(start_worker, producer, tmp_path)
        await told(made.state.site.inspector())
        for accept in ("text/html", "application/json", "application/jsonl"):
            await check(made, hiding, accept)
        for each in (made, *hiding):
            await each.state.site.aclose()


async def check(made, hiding, accept):
    """Look for the word in all answers of this kind."""
    seen = await texts_of(made, accept)
    # What shows nothing of it anyway would pass below for nothing.
    assert sum(WORD in text for text in seen.values()) >= 10
    for each in hiding:
        found = await texts_of(each, accept)
        assert [address for address, text in found.items() if WORD in text] == []
        assert {address for address in UNLINKED if seen[address]} <= {
            address for address, text in found.items() if text
        }
