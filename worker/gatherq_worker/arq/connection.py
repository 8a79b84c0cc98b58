"""Pools, URLs and arq's settings of one server: each made of another."""

from collections.abc import Callable, Sequence
from dataclasses import fields
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from arq.connections import ArqRedis, RedisSettings
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import SentinelConnectionPool

from gatherq.contract.records import job_deserializer, job_serializer
from gatherq.store.server.driver import SOCKET_TIMEOUT, fast_connection
from gatherq.store.server.pools import OURS, connection_pool
from gatherq.store.server.sentinels import MasterPool, Sentinels
from gatherq.store.server.urls import Place, UnreadableURL, check_url

#: What redis-py's Sentinel may tell its sentinels, as far as a URL can say it.
_OF_SENTINELS = {"username": "sentinel_username", "password": "sentinel_password"}


def arq_pool(pool: ConnectionPool, queue: str) -> ArqRedis:
    """Make the client that handlers find as `ctx["redis"]`."""
    return ArqRedis(
        pool,
        job_serializer=job_serializer,
        job_deserializer=job_deserializer,
        default_queue_name=queue,
    )


async def connect(url: str, **options: Any) -> ArqRedis:
    """Make the same client of a URL, once its server answers; raises redis-py's errors."""
    redis = ArqRedis(connection_pool(url), **options)
    try:
        await redis.ping()
    except BaseException:
        await redis.connection_pool.disconnect()
        raise
    return redis


def pool_maker(theirs: ConnectionPool, lease: float) -> Callable[[], ConnectionPool]:
    """Return what makes pools for the same server; a silent server fails within a lease.

    Where sentinels are asked, all of these pools follow the first that meets a new master.
    """
    options = {
        **theirs.connection_kwargs,
        "socket_timeout": min(SOCKET_TIMEOUT, lease),
        **OURS,
        "connection_class": theirs.connection_class,
    }
    options.pop("retry", None)
    if isinstance(theirs, SentinelConnectionPool):
        options.pop("connection_pool", None)
        return partial(_master_pool, str(theirs.service_name), _sentinels(theirs), options)
    options["connection_class"] = fast_connection(theirs.connection_class)
    return partial(ConnectionPool, **options)


def _master_pool(name: str, sentinels: Sentinels, options: dict[str, Any]) -> MasterPool:
    pool = MasterPool(name, sentinels.copy(), **options)
    pool.connection_class = fast_connection(pool.connection_class)
    return pool


def redis_settings(url: str) -> RedisSettings:
    """Return arq's settings of a URL, with the TLS options that arq's own reader drops.

    Raises RedisUnavailable for what is not a Redis URL.
    """
    pool = connection_pool(url)
    options = pool.connection_kwargs
    if isinstance(pool, MasterPool):
        sentinels = {"host": list(pool.sentinel_manager.places), "sentinel": True}
        options = {**options, **sentinels, "sentinel_master": pool.service_name}
    known = {field.name for field in fields(RedisSettings)}
    return RedisSettings(
        conn_retries=0,  # the worker process waits for its server itself, and logs it
        unix_socket_path=options.get("path"),
        database=options.get("db") or 0,
        ssl=issubclass(pool.connection_class, SSLConnection),
        **{name: value for name, value in options.items() if name in known},
    )


def place_of(settings: RedisSettings) -> str:
    """Name the server of arq's settings, without its password."""
    if settings.sentinel and not isinstance(settings.host, str):
        return _sentinel_url("", settings.host, settings.sentinel_master, settings.database, {})
    return f"redis://{settings.host}:{settings.port}/{settings.database}"


def _sentinels(theirs: SentinelConnectionPool) -> Sentinels:
    """Ask the same sentinels, in another loop perhaps."""
    known: Any = theirs.sentinel_manager
    if isinstance(known, Sentinels):
        return known.copy()
    pool = known.sentinels[0].connection_pool
    said = {name: value for name, value in pool.connection_kwargs.items() if value is not None}
    options = {**said, **OURS}
    options.pop("retry", None)
    return Sentinels(_places(known), pool.connection_class, options)


def _places(sentinel: Any) -> Sequence[Place]:
    if isinstance(sentinel, Sentinels):
        return sentinel.places
    places = (each.connection_pool.connection_kwargs for each in sentinel.sentinels)
    return [(place["host"], place["port"]) for place in places]


def url_of(pool: ConnectionPool) -> str | None:
    """Return the URL of a pool's server; None for TLS, credential providers, and odd sentinels."""
    kind, options = pool.connection_class, pool.connection_kwargs
    if issubclass(kind, SSLConnection) or options.get("credential_provider"):
        return None
    url = _url_by_name(pool) if isinstance(pool, SentinelConnectionPool) else _url(kind, options)
    try:
        check_url(url)
    except UnreadableURL:  # of a host or path that no URL can name
        return None
    return url


def _url_by_name(pool: SentinelConnectionPool) -> str:
    """Return the URL of a pool of redis-py's Sentinel; empty where none says it all."""
    known: Any = pool.sentinel_manager
    options = known.options if isinstance(known, Sentinels) else known.sentinel_kwargs
    told = {name: value for name, value in options.items() if value is not None}
    if any(name not in _OF_SENTINELS and not name.startswith("socket_") for name in told):
        return ""
    query = {said: told[name] for name, said in _OF_SENTINELS.items() if name in told}
    options = pool.connection_kwargs
    where = _places(known), str(pool.service_name), options.get("db") or 0
    return _sentinel_url(_who(options), *where, query)


def _sentinel_url(
    who: str, places: Sequence[Place], name: str, database: int, query: dict[str, str]
) -> str:
    hosts = ",".join(f"{_bracketed(host)}:{port}" for host, port in places)
    options = f"?{urlencode(query, quote_via=quote)}" if query else ""
    return f"redis+sentinel://{who}{hosts}/{name}/{database}{options}"


def _url(kind: Any, options: dict[str, Any]) -> str:
    who, database = _who(options), options.get("db") or 0
    if issubclass(kind, UnixDomainSocketConnection):
        return f"unix://{who}{quote(options['path'])}?db={database}"
    host = _bracketed(options.get("host", "localhost"))
    return f"redis://{who}{host}:{options.get('port', 6379)}/{database}"


def _who(options: dict[str, Any]) -> str:
    user, password = (quote(options.get(name) or "", safe="") for name in ("username", "password"))
    return f"{user}:{password}@" if user or password else ""


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host
