"""Addresses that nobody makes by a link."""


async def test_a_number_that_no_slot_has_is_no_failure(client_of):
    """Python refuses to read one of so many digits."""
    answer = await client_of().get(f"/batches/b/{'9' * 5000}")
    assert answer.status_code == 503  # it is asked for in Redis, which is away
