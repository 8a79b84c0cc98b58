"""Pools, URLs and arq's settings of one server: each made of another."""

from dataclasses import fields
from typing import Any
from urllib.parse import quote

from arq.connections import ArqRedis, RedisSettings
from redis.asyncio import ConnectionPool
from redis.asyncio.connection import SSLConnection, UnixDomainSocketConnection
from redis.asyncio.sentinel import Sentinel, SentinelConnectionPool

from gatherq.contract.records import job_deserializer, job_serializer
from gatherq.store.server.driver import SOCKET_TIMEOUT, fast_connection
from gatherq.store.server.pools import OURS, connection_pool
from gatherq.store.server.urls import UnreadableURL, check_url


def arq_pool(pool: ConnectionPool, queue: str) -> ArqRedis:
    """Make the client that handlers find as `ctx["redis"]`."""
    return ArqRedis(
        pool,
        job_serializer=job_serializer,
        job_deserializer=job_deserializer,
        default_queue_name=queue,
    )


def pool_like(theirs: ConnectionPool, lease: float) -> ConnectionPool:
    """Make a pool for the same server or sentinels; a silent server fails within a lease."""
    options = {
        **theirs.connection_kwargs,
        "socket_timeout": min(SOCKET_TIMEOUT, lease),
        **OURS,
        "connection_class": fast_connection(theirs.connection_class),
    }
    options.pop("retry", None)
    if not isinstance(theirs, SentinelConnectionPool):
        return ConnectionPool(**options)
    options.pop("connection_pool", None)
    return SentinelConnectionPool(
        theirs.service_name,
        _sentinel(theirs.sentinel_manager),
        is_master=theirs.is_master,
        check_connection=theirs.check_connection,
        **options,
    )


def redis_settings(url: str) -> RedisSettings:
    """Return arq's settings of a URL, with the TLS options that arq's own reader drops.

    Raises RedisUnavailable for what is not a Redis URL.
    """
    pool = connection_pool(url)
    options = pool.connection_kwargs
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
    return f"redis://{settings.host}:{settings.port}/{settings.database}"


def _sentinel(theirs: Any) -> Sentinel:
    """Make another client of the same sentinels: connections belong to the loop that made them."""
    places = [sentinel.connection_pool.connection_kwargs for sentinel in theirs.sentinels]
    ours = Sentinel(
        [(place["host"], place["port"]) for place in places],
        min_other_sentinels=theirs.min_other_sentinels,
        sentinel_kwargs=theirs.sentinel_kwargs,
    )
    for sentinel in ours.sentinels:
        pool = sentinel.connection_pool
        pool.connection_class = fast_connection(pool.connection_class)
    return ours


def url_of(pool: ConnectionPool) -> str | None:
    """Return the URL of a pool's server; None for Sentinel, TLS and credential providers."""
    kind, options = pool.connection_class, pool.connection_kwargs
    if isinstance(pool, SentinelConnectionPool) or issubclass(kind, SSLConnection):
        return None
    if options.get("credential_provider"):
        return None
    url = _url(kind, options)
    try:
        check_url(url)
    except UnreadableURL:  # of a host or path that no URL can name
        return None
    return url


def _url(kind: Any, options: dict[str, Any]) -> str:
    user, password = (quote(options.get(name) or "", safe="") for name in ("username", "password"))
    who = f"{user}:{password}@" if user or password else ""
    database = options.get("db") or 0
    if issubclass(kind, UnixDomainSocketConnection):
        return f"unix://{who}{quote(options['path'])}?db={database}"
    host = options.get("host", "localhost")
    host = f"[{host}]" if ":" in host else host
    return f"redis://{who}{host}:{options.get('port', 6379)}/{database}"
