"""Whether what is written stays, and who can read and write it."""

from collections.abc import Iterator, Mapping

from gatherq.inspection.durations import show_duration
from gatherq.store.inspection.server_report import ServerReport
from gatherq.store.server.urls import hosts_of

from .finding import Finding, ok, problem, unchecked, warning

_KEEP = "CONFIG SET appendonly yes keeps all but the last second"
_LOOPBACK = ("localhost", "127.", "::1")
#: The share of memory from which on there is little room.
_FULL = 0.9


def check_safety(report: ServerReport, url: str) -> Iterator[Finding]:
    """Yield findings on memory, disk, passwords and encryption."""
    if report.info:
        yield _eviction(report.info)
        yield from _memory(report.info)
        yield _persistence(report)
    yield _access(report)
    yield _encryption(url)


def _eviction(info: Mapping[str, str]) -> Finding:
    policy, limited = info.get("maxmemory_policy", ""), _number(info, "maxmemory") > 0
    evicted = _number(info, "evicted_keys")
    hint = "CONFIG SET maxmemory-policy noeviction, and in redis.conf"
    if evicted:
        return problem("eviction", f"{evicted:,} keys were thrown away for want of memory", hint)
    if not policy:
        return unchecked("eviction", "what goes where memory is full", "see maxmemory-policy")
    if policy == "noeviction":
        return ok("eviction", "nothing is thrown away where memory is full (noeviction)")
    if limited:
        return problem("eviction", f"{policy}: a full server throws jobs and outcomes away", hint)
    return warning("eviction", f"{policy}, which counts once maxmemory is set", hint)


def _memory(info: Mapping[str, str]) -> Iterator[Finding]:
    used, most = _number(info, "used_memory"), _number(info, "maxmemory")
    if most:
        text = f"{used / most:.0%} of maxmemory is in use"
        hint = "raise maxmemory, or let batches expire sooner (GATHERQ_KEEP)"
        yield warning("memory", text, hint) if used > _FULL * most else ok("memory", text)


def _persistence(report: ServerReport) -> Finding:
    info = report.info
    for name in ("aof_last_write_status", "rdb_last_bgsave_status"):
        if info.get(name, "ok") != "ok":
            text = f"its last write to disk failed ({name})"
            return problem("persistence", text, "see its log: is the disk full?")
    if info.get("aof_enabled") == "1":
        return ok("persistence", "writes are appended to a file")
    saves = report.config.get("save")
    if saves == "":
        return warning("persistence", "nothing is kept where the server restarts", _KEEP)
    ago = _ago(report)
    text = f"a crash loses what came after the last save{f', {ago} ago' if ago else ''}"
    return warning("persistence", text, _KEEP)


def _ago(report: ServerReport) -> str:
    saved, now = (
        _number(report.info, "rdb_last_save_time"),
        _number(report.info, "server_time_usec"),
    )
    return show_duration(max(now / 1e6 - saved, 0)) if saved and now else ""


def _access(report: ServerReport) -> Finding:
    if report.open_to_all is None:
        return unchecked("access", "whether it wants a password", "ACL GETUSER default says so")
    if not report.open_to_all:
        return ok("access", f"a password is wanted; we are {report.user or 'default'}")
    where = report.config.get("bind")
    if where is None:
        return unchecked("access", "where it listens; it wants no password", "see bind")
    if report.config.get("protected-mode") == "yes":
        return ok("access", "no password, for this machine alone (protected-mode)")
    addresses = where.split()
    if addresses and all(_is_loopback(address.strip("-")) for address in addresses):
        return ok("access", f"no password, and it listens on {where} alone")
    text = f"whoever reaches it may read and change all: no password, it listens on {where or '*'}"
    hint = "set one (ACL SETUSER default on >PASSWORD, requirepass), and name it in the URL"
    return problem("access", text, hint)


def _encryption(url: str) -> Finding:
    if url.lower().startswith("rediss"):
        return ok("encryption", "TLS")
    far = [host for host in hosts_of(url) if not _is_loopback(host)]
    if not far:
        return ok("encryption", "none is needed: it is on this machine")
    text = f"what goes to {', '.join(far)}, the password too, can be read on its way"
    return warning("encryption", text, "use TLS (rediss://), or a network that is yours alone")


def _is_loopback(host: str) -> bool:
    return host.startswith(_LOOPBACK)


def _number(info: Mapping[str, str], name: str) -> int:
    text = info.get(name, "")
    return int(text) if text.isdigit() else 0
