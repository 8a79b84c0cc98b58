"""Addresses that nobody makes by a link."""

import pytest


@pytest.mark.parametrize("of", ["batches", "workers", "jobs"])
async def test_nothing_has_no_name(client_of, of):
    """It would be the beginning of every name."""
    answer = await client_of(prefix="/ops").get(f"/{of}/?queue=q")
    assert answer.status_code == 307
    assert answer.headers["location"].endswith(f"/ops/{of}?queue=q")


async def test_a_number_that_no_slot_has_is_no_failure(client_of):
    """Python refuses to read one of so many digits."""
    answer = await client_of().get(f"/batches/b/{'9' * 5000}")
    assert answer.status_code == 503  # it is asked for in Redis, which is away
