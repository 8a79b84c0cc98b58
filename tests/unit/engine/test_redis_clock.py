"""For how long a worker has been in contact with Redis."""

import pytest
from redis.exceptions import OutOfMemoryError, ReadOnlyError, ResponseError

from gatherq_worker.engine.redis_clock import RedisClock


def test_contact_lasts_while_replies_come_within_half_a_lease():
    contact = RedisClock(lease=2.0)
    for now in (10_000, 10_900, 11_800):
        contact.seen(now)
    assert (contact.since, contact.last) == (10_000, 11_800)


@pytest.mark.parametrize("now", [11_001, 8_999])
def test_contact_begins_anew_after_a_silence_or_when_the_clock_goes_back(now):
    contact = RedisClock(lease=2.0)
    contact.seen(10_000)
    contact.seen(now)
    assert contact.since == now


@pytest.mark.parametrize(
    ("error", "since"),
    [
        (ResponseError("MISCONF cannot save"), 10_400),
        (ReadOnlyError("a replica"), 10_400),
        (ConnectionError("reset"), 10_000),
        (OutOfMemoryError("leases are renewed all the same"), 10_000),
    ],
)
def test_contact_begins_anew_where_nobody_can_renew(error, since):
    times = iter([1.0, 1.4])
    contact = RedisClock(lease=2.0, clock=lambda: next(times))
    contact.failed(error)
    contact.seen(10_000)
    contact.failed(error)
    assert contact.since == since


def test_a_reply_that_another_one_has_overtaken_breaks_nothing():
    contact = RedisClock(lease=2.0)
    for now in (10_000, 10_500, 10_488):
        contact.seen(now)
    assert (contact.since, contact.last) == (10_000, 10_500)


def test_time_is_redis_s_and_needs_one_reply():
    contact = RedisClock(lease=2.0)
    with pytest.raises(RuntimeError):
        contact.now()
    contact.seen(1_000_000_000_000)  # an hour or thirty years off: its own clock does not count
    assert 0 <= contact.now() - 1_000_000_000_000 < 60_000


def test_it_knows_when_it_heard_by_the_clock_of_its_process():
    contact = RedisClock(lease=2.0, clock=lambda: 7.0)
    assert contact.heard == 0.0
    contact.seen(1_000)
    assert contact.heard == 7.0
