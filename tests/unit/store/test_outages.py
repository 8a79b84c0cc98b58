"""What is logged of an outage, and how tries are spaced out."""

import logging

import pytest
from redis.exceptions import AuthenticationError

from gatherq.store.server import outages
from gatherq.store.server.outages import OutageLog


@pytest.fixture
def pauses(monkeypatch):
    """The lengths of the pauses, none of which is waited for."""
    pauses = []

    async def sleep(seconds):
        pauses.append(seconds)

    monkeypatch.setattr(outages.asyncio, "sleep", sleep)
    monkeypatch.setattr(outages.random, "uniform", lambda low, high: high)
    return pauses


async def test_each_change_is_logged_once(pauses, caplog):
    caplog.set_level(logging.WARNING, "gatherq.worker")
    log = OutageLog()
    log.note_answer()
    for _ in range(3):
        await log.note_error("renew leases", ConnectionError("reset"))
    assert not log.ok
    log.note_answer()
    log.note_answer()
    assert log.ok
    assert caplog.messages == [
        "Redis fails to renew leases: ConnectionError: reset; trying on",
        "Redis is back",
    ]


async def test_a_refusal_with_a_new_reason_is_logged_too(pauses, caplog):
    """A server that has no room, or has got a password, often closes the connection first."""
    full = ConnectionError("max number of clients reached")
    password = AuthenticationError("Authentication required.")
    log = OutageLog()
    for error in (ConnectionError("closed"), full, full, password, full, ConnectionError("closed")):
        await log.note_error("give work", error)
    assert [text.split(": ")[2] for text in caplog.messages] == [
        "closed; trying on",
        "max number of clients reached; trying on",
        "Authentication required.; trying on",
    ]
    log.note_answer()
    await log.note_error("give work", full)
    assert len(caplog.messages) == 5


async def test_it_may_be_told_in_detail_alone(pauses, caplog):
    caplog.set_level(logging.DEBUG, "gatherq.worker")
    log = OutageLog(logging.DEBUG)
    await log.note_outage("away")
    log.note_answer()
    assert [(r.levelname, r.message) for r in caplog.records] == [
        ("DEBUG", "away"),
        ("DEBUG", "Redis is back"),
    ]


async def test_pauses_grow_to_half_a_second_and_begin_anew_after_an_answer(pauses):
    log = OutageLog()
    for _ in range(6):
        await log.note_outage("away")
    log.note_answer()
    await log.note_outage("away again")
    assert pauses == [0.05, 0.1, 0.2, 0.4, 0.5, 0.5, 0.05]
