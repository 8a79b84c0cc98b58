"""A server that sentinels know by a name: who is asked, and connections that follow the master.

redis-py asks the sentinels for each new connection. Here is what it leaves open: a connection to
what is no master any more is closed, whichever reply says so, and all others of its pool follow.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.connection import Connection, SSLConnection
from redis.asyncio.sentinel import (
    MasterNotFoundError,
    Sentinel,
    SentinelConnectionPool,
    SentinelManagedConnection,
    SentinelManagedSSLConnection,
)
from redis.exceptions import AuthenticationError, NoPermissionError, ResponseError
from redis.exceptions import ConnectionError as RedisConnectionError

from gatherq.telemetry.suppression import suppressed

from .driver import fast_connection
from .errors import REDIS_ERRORS, code
from .urls import Place

#: Seconds that one sentinel may take to connect, and to answer: then the next one is asked.
_SILENCE = 1.0
_NO_SENTINEL = "do they run, and are these their hosts and ports? Usual is port 26379"
#: What a server says that was a master. Before Redis 7 a script's READONLY is within other words.
_DEMOTED = {"READONLY", "UNBLOCKED", "MASTERDOWN"}


class NoMaster(MasterNotFoundError):
    """The sentinels name no master now; `advice` says what to do."""

    def __init__(self, text: str, advice: str) -> None:
        super().__init__(text)
        self.advice: str = advice


class SentinelRefusal(AuthenticationError):
    """No sentinel takes the password that was given for it, or all want one."""

    advice: str = "check sentinel_username and sentinel_password, options of the URL"


class _AskedSentinel:
    """One sentinel; each question goes over a connection of its own, since there are few."""

    def __init__(self, place: Place, kind: type[Connection], options: Mapping[str, Any]) -> None:
        self._place, self._kind = place, fast_connection(kind)
        self._options = {"socket_timeout": _SILENCE, "socket_connect_timeout": _SILENCE, **options}
        self._options |= {"host": place[0], "port": place[1], "protocol": 2}
        #: The masters that it knows, by name, or why it did not answer.
        self.said: Mapping[str, Any] | BaseException = {}

    def __str__(self) -> str:
        host, port = self._place
        return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"

    async def sentinel_masters(self) -> Mapping[str, Any]:
        """Return the masters that it knows, by name; raises redis-py's ConnectionError."""
        pool = ConnectionPool(connection_class=self._kind, **self._options)
        try:
            with suppressed():
                masters: Mapping[str, Any] = await Redis(connection_pool=pool).sentinel_masters()
        except REDIS_ERRORS as error:
            self.said = error
            raise RedisConnectionError(str(error)) from error
        finally:
            await pool.disconnect()
        self.said = masters
        return masters

    @property
    def refuses(self) -> bool:
        """Whether it did not take our password."""
        return isinstance(self.said, AuthenticationError | NoPermissionError)


class KnownMaster:
    """Where the last connection went of all that a worker, or a producer, has made."""

    place: Place | None = None


class Sentinels:
    """The sentinels that a URL, or arq's settings, name; the first is asked first."""

    def __init__(
        self,
        places: Sequence[Place],
        kind: type[Connection],
        options: Mapping[str, Any],
        known: KnownMaster | None = None,
    ) -> None:
        self.places: tuple[Place, ...] = tuple(places)
        #: What their connections are made with, a password too.
        self.options: Mapping[str, Any] = options
        #: Is of all copies: no part of a worker stays behind at what was the master.
        self.known: KnownMaster = known or KnownMaster()
        self._kind = kind
        self._sentinels = [_AskedSentinel(place, kind, options) for place in places]

    def copy(self) -> "Sentinels":
        """Return the same for another event loop."""
        return Sentinels(self.places, self._kind, self.options, self.known)

    async def discover_master(self, name: str) -> Place:
        """Return host and port of the master; raises NoMaster, or SentinelRefusal."""
        # redis-py puts the one that answers at the front of a list, which two at a time would
        # spoil: each question has a list of its own.
        asked: Any = Sentinel([], sentinel_kwargs={})
        asked.sentinels = [*self._sentinels]
        try:
            host, port = await asked.discover_master(name)
        except MasterNotFoundError:
            raise self._explained(name) from None
        self._sentinels.sort(key=lambda each: each is not asked.sentinels[0])
        return host, port

    def ask_another(self) -> None:
        """Begin with another one the next time: what the first one said did not hold."""
        self._sentinels.append(self._sentinels.pop(0))

    def _explained(self, name: str) -> RedisConnectionError:
        known = [each.said for each in self._sentinels if isinstance(each.said, Mapping)]
        if not known:
            return self._silent()
        if any(name in masters for masters in known):
            return NoMaster(
                f"the sentinels say that {name} is down, and have promoted no other server yet",
                f"wait for the failover, or ask one of them: SENTINEL CKQUORUM {name}",
            )
        names = sorted({each for masters in known for each in masters})
        return NoMaster(
            f"the sentinels know no master {name!r}, {_only(names)}",
            "name one that they know behind the hosts",
        )

    def _silent(self) -> RedisConnectionError:
        said = "; ".join(f"{each}: {str(each.said).removesuffix('.')}" for each in self._sentinels)
        if all(each.refuses for each in self._sentinels):
            return SentinelRefusal(f"no sentinel lets us in ({said})")
        return NoMaster(f"no sentinel answers ({said})", _NO_SENTINEL)


def _only(names: Sequence[str]) -> str:
    return f"only {', '.join(names)}" if names else "nor any other"


class _Follower(SentinelManagedConnection):
    """A connection to the master, and to nothing else.

    redis-py asks the sentinels before each connect. A pool gives a connection by `connect`, which
    does nothing to an open one, unless another has met a new master.
    """

    connection_pool: Any

    async def connect(self) -> None:
        """Connect to the master, unless that is so."""
        sentinels = self.connection_pool.sentinel_manager
        if self.is_connected:
            if (self.host, self.port) == sentinels.known.place:
                return
            await self.disconnect()
        try:
            await super().connect()  # type: ignore[no-untyped-call]
        except REDIS_ERRORS:
            sentinels.ask_another()
            raise
        sentinels.known.place = self.host, self.port

    async def read_response(self, *args: Any, **options: Any) -> Any:
        """Read a reply; raises redis-py's ConnectionError where a master says it is none."""
        try:
            return await super().read_response(*args, **options)
        except ResponseError as error:
            if code(error) not in _DEMOTED:
                raise
            await self.disconnect()
            self.connection_pool.sentinel_manager.ask_another()
            raise RedisConnectionError(f"it is the master no more: {error}") from None


class _TLSFollower(_Follower, SentinelManagedSSLConnection):
    """The same with TLS."""


class MasterPool(SentinelConnectionPool):
    """Connections to the master of a name, wherever it is."""

    service_name: str
    sentinel_manager: Any
    master_address: Place | None

    def __init__(self, name: str, sentinels: Sentinels, **options: Any) -> None:
        kind = options.pop("connection_class", Connection)
        tls = issubclass(kind, SSLConnection)
        options["connection_class"] = _TLSFollower if tls else _Follower
        options.setdefault("redis_connect_func", _greet)
        super().__init__(name, sentinels, **options)  # type: ignore[no-untyped-call]


async def _greet(connection: Any) -> None:
    """Say who we are, and refuse what is no master: a sentinel may be behind the others."""
    await connection.on_connect()
    await connection.send_command("ROLE")
    try:
        role = await connection.read_response()
    except ResponseError:  # this user may not ask
        return
    if role[0] != b"master":
        raise RedisConnectionError(f"{connection.host}:{connection.port} is not the master")
