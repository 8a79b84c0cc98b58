"""What Prometheus gets of the page."""


async def test_a_scraper_with_the_token_is_told_even_that_redis_is_away(client_of):
    client = client_of(token="secret")
    headers = {"authorization": "Bearer secret"}
    told = await client.get("/metrics", headers=headers)
    assert told.status_code == 200
    assert told.headers["content-type"].startswith("text/plain")
    assert "gatherq_redis_up 0.0" in told.text.splitlines()
    assert (await client.get("/metrics")).status_code == 401
