"""The meaning of an error of Redis: its code, whether it passes, and advice for the operator."""

import re
import ssl
from collections.abc import Iterator

from redis.exceptions import (
    AskError,
    AuthenticationError,
    AuthorizationError,
    BusyLoadingError,
    ClusterCrossSlotError,
    ClusterDownError,
    DataError,
    MasterDownError,
    MovedError,
    NoPermissionError,
    OutOfMemoryError,
    ReadOnlyError,
    RedisError,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from gatherq.errors import RedisUnavailable

from .urls import is_of_this_machine, masked

#: What a call to Redis raises: an answer of the server, or a connection that failed.
REDIS_ERRORS = (RedisError, OSError)

#: redis-py takes these codes off their errors, those of a cluster from version 6 on. A kind comes
#: before those that it is also of.
_CLASSES = (
    (OutOfMemoryError, "OOM"),
    (BusyLoadingError, "LOADING"),
    (ReadOnlyError, "READONLY"),
    (MasterDownError, "MASTERDOWN"),
    (NoPermissionError, "NOPERM"),
    (AuthenticationError, "NOAUTH"),
    (ClusterDownError, "CLUSTERDOWN"),
    (TryAgainError, "TRYAGAIN"),
    (MovedError, "MOVED"),
    (AskError, "ASK"),
    (ClusterCrossSlotError, "CROSSSLOT"),
)
_CODE = re.compile(r"-?([A-Z]{2,}) ")
#: Before Redis 7 the code of a command that failed in a script stands inside the script's error.
_IN_SCRIPT = re.compile(r"@user_script: ?\d+: -?([A-Z]{2,}) ")
_TOO_MANY_CLIENTS = "max number of clients"
_ADVICE_BY_TEXT = (
    (re.compile(_TOO_MANY_CLIENTS), "it has no room for more connections: see its maxclients"),
    # A server without room says so before it closes a connection; that is often lost on the way.
    (
        re.compile("^(Connection closed by server|Error while (writing|reading))"),
        "it takes connections and closes them: see its log, and its maxclients",
    ),
)

#: States of a server that pass by themselves.
_PASSING = {
    *("UNBLOCKED", "READONLY", "MASTERDOWN", "NOREPLICAS", "LOADING", "BUSY", "MISCONF", "OOM"),
    *("CLUSTERDOWN", "TRYAGAIN"),
}
#: Those in which a server answers, and no worker can renew a lease.
_READ_ONLY = {"UNBLOCKED", "READONLY", "MASTERDOWN", "NOREPLICAS", "MISCONF"}
#: States that last until somebody mends them: passwords, rights, keys of another program.
_MENDABLE = {"NOAUTH", "WRONGPASS", "NOPERM", "WRONGTYPE"}
_PASSWORD = "check user and password: redis://USER:PASSWORD@HOST:PORT/DATABASE"
_REPLICA = "it is a replica: name the master, or wait until the failover is over"
_CLUSTER = "it is a node of a Redis Cluster: name a server that is none"
_ADVICE = {
    "NOAUTH": _PASSWORD,
    "WRONGPASS": _PASSWORD,
    "NOPERM": "this user may not do that: give it the permission (ACL SETUSER), or name another",
    "WRONGTYPE": "another program has written a key of ours: use a database of your own",
    "OOM": "its memory is full: raise maxmemory, or let batches expire sooner (GATHERQ_KEEP)",
    "MISCONF": "it cannot write to its disk, and refuses writes: see its log",
    "READONLY": _REPLICA,
    "UNBLOCKED": _REPLICA,
    "MASTERDOWN": "it is a replica without its master: name the master",
    "NOREPLICAS": "too few of its replicas are there: see min-replicas-to-write",
    "LOADING": "it is reading its data from disk: wait until that is done",
    "BUSY": "a script keeps it busy: wait for it, or end it with SCRIPT KILL",
    "CLUSTERDOWN": "its cluster is down: see CLUSTER INFO",
    "TRYAGAIN": "its cluster is moving keys: wait until that is done",
    "MOVED": _CLUSTER,
    "ASK": _CLUSTER,
    "CROSSSLOT": _CLUSTER,
}
#: By OpenSSL's codes, X509_V_ERR_...
_CERTIFICATES = {
    9: "the server's certificate is not valid yet: check the clocks",
    10: "the server's certificate has expired: renew it",
    62: "the server's certificate is for another host: use its name in the URL",
    64: "the server's certificate is for another address: use its name in the URL",
}
#: For who has no server: most are new here.
_NO_SERVER = "`gatherq dev MODULE` starts one, and `gatherq.local()` has one for a block of code"
_UNTRUSTED = "no authority trusted here has signed the certificate: name its file in ssl_ca_certs"


def code(error: BaseException | None) -> str:
    """Return the code of a server's error, such as WRONGTYPE; empty if it has none."""
    for kind, name in _CLASSES:
        if isinstance(error, kind):
            return name
    if not isinstance(error, ResponseError):
        return ""
    found = _CODE.match(str(error)) or _IN_SCRIPT.search(str(error))
    return found[1] if found else ""


def refusal_of(error: BaseException | None) -> str:
    """Return what names the reason of a server that answers and refuses; empty if it is away."""
    return _TOO_MANY_CLIENTS if _TOO_MANY_CLIENTS in str(error) else code(error)


def is_cut_off(error: BaseException | None) -> bool:
    """Tell whether a connection was lost, on which the server may have been about to say why."""
    refused = any(isinstance(each, ConnectionRefusedError) for each in _led_to(error))
    return isinstance(error, RedisConnectionError) and not refused and not refusal_of(error)


def is_read_only(error: BaseException | None) -> bool:
    """Tell whether the server refuses all writes for now: what only reads goes on."""
    return code(error) in _READ_ONLY


def is_transient(error: BaseException | None) -> bool:
    """Tell whether an error may pass by itself.

    A wrong password, which redis-py counts as a connection error, does not.
    """
    if isinstance(error, AuthenticationError | AuthorizationError) or _certificate(error):
        return False
    if isinstance(error, RedisConnectionError | RedisTimeoutError | OSError):
        return True
    if not isinstance(error, RedisError):
        return False
    return code(error) in _PASSING or _TOO_MANY_CLIENTS in str(error)


def is_poison(error: BaseException) -> bool:
    """Tell whether the server refuses the command itself, and would refuse it again.

    Not poison: whatever passes, and what holds for any command until somebody mends it.
    """
    if not isinstance(error, ResponseError | DataError) or is_transient(error):
        return False
    return code(error) not in _MENDABLE and "permission" not in str(error)


def unavailable(error: BaseException, url: str) -> RedisUnavailable:
    """Say in one line which server failed, how, and what to do.

    Raised `from None` where `error` is caught, which stays its `__context__`: a traceback of
    redis-py's own tries tells nobody more.
    """
    where = masked(url)
    text = f"cannot use Redis at {where}: {str(error).removesuffix('.')}; {_advice(error, where)}"
    return RedisUnavailable(text, url=where)


def unreadable(error: BaseException, url: str) -> RedisUnavailable:
    """Say in one line that a server gave a reply that Redis would never give, and what to do.

    Raised `from None` where `error` is caught, which stays its `__context__`.
    """
    where = masked(url)
    text = (
        f"cannot use Redis at {where}: its reply cannot be read ({type(error).__name__}: {error}); "
        "is it Redis or Valkey, and does nothing between change what it says?"
    )
    return RedisUnavailable(text, url=where)


def is_refusal(error: BaseException | None) -> bool:
    """Tell whether the server has answered with an error that a repetition would get again."""
    return isinstance(error, ResponseError) and not is_transient(error)


def _advice(error: BaseException, where: str) -> str:
    """Return what to do about an error."""
    text = str(error)
    if found := str(getattr(error, "advice", "")) or _tls_advice(error) or _ADVICE.get(code(error)):
        return found
    for said, advice in _ADVICE_BY_TEXT:
        if said.search(text):
            return advice
    if "DB index" in text:
        return "check the database number at the end of the URL"
    if "unknown command" in text:
        return "gatherq needs Redis 6.2 or later, or Valkey, with no command renamed"
    if is_of_this_machine(where):
        return f"is a server running there? {_NO_SERVER}"
    return "is the server running, and is that its URL?"


def _tls_advice(error: BaseException) -> str:
    if refused := _certificate(error):
        return _CERTIFICATES.get(refused.verify_code, _UNTRUSTED)
    if any(isinstance(each, ssl.SSLError) for each in _led_to(error)):
        return "TLS failed: does this port speak TLS (rediss://), and does it want ssl_certfile?"
    return ""


def _certificate(error: BaseException | None) -> ssl.SSLCertVerificationError | None:
    """Return the error of a refused server certificate, if that is the cause."""
    found = (each for each in _led_to(error) if isinstance(each, ssl.SSLCertVerificationError))
    return next(found, None)


def _led_to(error: BaseException | None) -> Iterator[BaseException]:
    """Yield an error and its causes: redis-py's own errors carry nothing but a text."""
    for _ in range(10):
        if error is None:
            return
        yield error
        error = error.__cause__ or error.__context__
