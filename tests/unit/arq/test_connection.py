"""URLs, arq's settings and pools, from one to the other."""

import pytest
from redis.asyncio import ConnectionPool, Sentinel
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.credentials import UsernamePasswordCredentialProvider

from gatherq.errors import RedisUnavailable
from gatherq.store.server.connection import connection_pool
from gatherq.store.server.sentinels import MasterPool
from gatherq_worker.arq.connection import place_of, pool_maker, redis_settings, url_of

URLS = [
    "redis://h:6379/0",
    "redis://me:p%2Fw%40@h:1/3",
    "redis://:pw@127.0.0.1:1/0",
    "redis://[::1]:7/1",
    "unix:///run/redis.sock?db=2",
    "unix://me:pw@/run/a%20b.sock?db=0",
]


@pytest.mark.parametrize("url", URLS)
def test_the_url_of_a_pool_is_the_one_that_it_was_made_of(url):
    assert url_of(connection_pool(url)) == url


@pytest.mark.parametrize(
    "pool",
    [
        connection_pool("rediss://h"),
        SentinelConnectionPool("master", Sentinel([("h", 1)], sentinel_kwargs={"ssl": True})),
        ConnectionPool(credential_provider=UsernamePasswordCredentialProvider("me", "pw")),
        ConnectionPool(host="not a host"),
    ],
    ids=["tls", "sentinel", "credentials", "host"],
)
def test_there_is_none_where_a_url_does_not_say_it_all(pool):
    assert url_of(pool) is None


def test_arqs_settings_say_what_the_url_says():
    settings = redis_settings("redis://me:p%2Fw@h:1/3")
    assert (settings.host, settings.port, settings.database) == ("h", 1, 3)
    assert (settings.username, settings.password, settings.ssl) == ("me", "p/w", False)
    assert settings.conn_retries == 0, "who starts a worker waits for its server"
    assert redis_settings("unix:///run/redis.sock").unix_socket_path == "/run/redis.sock"
    tls = redis_settings("rediss://h?ssl_cert_reqs=none")
    assert (tls.ssl, tls.ssl_cert_reqs, tls.ssl_check_hostname) == (True, "none", False)


def test_what_is_no_url_is_refused():
    with pytest.raises(RedisUnavailable, match="is not a Redis URL"):
        redis_settings("http://h")


def test_a_pool_like_another_reads_bytes_and_gives_up_within_a_lease():
    theirs = ConnectionPool(host="h", port=1, db=3, decode_responses=True, socket_timeout=60)
    ours = pool_maker(theirs, 2.0)().connection_kwargs
    assert (ours["host"], ours["port"], ours["db"]) == ("h", 1, 3)
    assert (ours["decode_responses"], ours["socket_timeout"]) == (False, 2.0)
    assert theirs.connection_kwargs["decode_responses"] is True


SENTINELS = [("a", 1), ("b", 2)]
OF_SENTINELS = "redis+sentinel://me:p%2Fw@a:1,b:2/master/3?sentinel_password=s%26p"


def redis_pys_pool(**options):
    sentinel = Sentinel(SENTINELS, sentinel_kwargs={"password": "s&p"})
    return SentinelConnectionPool("master", sentinel, **options)


@pytest.mark.parametrize(
    "theirs",
    [redis_pys_pool(db=3, username="me", password="p/w"), connection_pool(OF_SENTINELS)],
    ids=["redis-py", "url"],
)
def test_a_pool_like_one_of_sentinels_asks_the_same_sentinels_for_the_master(theirs):
    ours = pool_maker(theirs, 2.0)()
    assert isinstance(ours, MasterPool)
    assert (ours.service_name, ours.is_master) == ("master", True)
    assert ours.sentinel_manager.places == tuple(SENTINELS)
    assert ours.sentinel_manager.options["password"] == "s&p"
    assert ours.sentinel_manager is not theirs.sentinel_manager
    assert ours.connection_kwargs["password"] == "p/w"
    assert url_of(theirs) == OF_SENTINELS


def test_pools_of_one_worker_share_where_the_master_is():
    make = pool_maker(redis_pys_pool(), 2.0)
    first, second = make().sentinel_manager, make().sentinel_manager
    assert first is not second
    assert first.known is second.known


def test_arqs_settings_name_the_sentinels_of_a_url():
    settings = redis_settings(OF_SENTINELS)
    assert (settings.sentinel, settings.host) == (True, SENTINELS)
    assert (settings.sentinel_master, settings.database) == ("master", 3)
    assert (settings.username, settings.password) == ("me", "p/w")
    assert place_of(settings) == "redis+sentinel://a:1,b:2/master/3"
