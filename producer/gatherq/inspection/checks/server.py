"""The server: what it is, how fast it answers, and what it lets us do."""

from collections.abc import Iterator

from gatherq.inspection.durations import show_duration
from gatherq.store.inspection.server_report import ServerReport

from .finding import Finding, ok, problem, unchecked, warning

#: The oldest version of Redis.
_OLDEST = (6, 2)
#: Seconds of a slow answer, and of a clock that is off.
_SLOW, _OFF = 0.02, 1.0
#: The share of connections from which on there is little room.
_CROWDED = 0.8
_INFO = "let this user run INFO (ACL SETUSER NAME +info)"


def check_server(report: ServerReport) -> Iterator[Finding]:
    """Yield findings on what the server is."""
    if report.info:
        yield _version(report)
        yield _role(report)
    elif "unknown command" in report.refused.get("INFO", "").lower():
        text = "it does not know INFO: a fake server, for tests, or one whose commands were renamed"
        yield warning("server", text, "work that matters wants Redis or Valkey as they are")
    else:
        yield unchecked("server", "its version, role, memory and persistence", _INFO)
    yield _scripts(report)
    yield _latency(report)
    yield _clock(report)
    yield from _connections(report)


def _version(report: ServerReport) -> Finding:
    info = report.info
    name = info.get("server_name", "redis").capitalize()
    version = info.get("valkey_version") or info.get("redis_version", "?")
    if name == "Redis" and _numbers(version) < _OLDEST:
        hint = "gatherq needs Redis 6.2 or later, or Valkey: install a newer one"
        return problem("server", f"Redis {version} is too old", hint)
    return ok("server", f"{name} {version}")


def _numbers(version: str) -> tuple[int, ...]:
    parts = version.split(".")
    return tuple(int(part) if part.isdigit() else 0 for part in parts)


def _role(report: ServerReport) -> Finding:
    if report.info.get("cluster_enabled") == "1":
        hint = "name a server that is none: steps touch keys of several slots"
        return problem("role", "it is a node of a Redis Cluster", hint)
    if report.info.get("loading") == "1":
        return problem("role", "it is reading its data from disk", "wait until that is done")
    if report.info.get("role") not in ("master", None):
        return problem("role", "it is a replica: nothing can be written", "name its master")
    return ok("role", "it takes writes")


def _scripts(report: ServerReport) -> Finding:
    if not report.scripts:
        return ok("scripts", "it takes all steps")
    name, said = next(iter(report.scripts.items()))
    if said.startswith("NOPERM") or "permission" in said:
        hint = "a worker's or producer's user does not need it: they send steps by EVALSHA and EVAL"
        return unchecked("scripts", "whether it takes our steps (SCRIPT LOAD)", hint)
    hint = "gatherq needs Redis 6.2 or later, or Valkey, with scripts enabled"
    return problem("scripts", f"it refuses the step {name}: {said}", hint)


def _latency(report: ServerReport) -> Finding:
    took = report.latencies
    if not took:
        return unchecked("latency", "how fast it answers", "let this user run PING")
    middle, late = took[len(took) // 2], took[len(took) * 99 // 100]
    text = f"answers within {show_duration(middle)}, 99 % within {show_duration(late)}"
    if middle > _SLOW:
        hint = "a job takes several answers: run producers and workers nearer to it"
        return warning("latency", text, hint)
    return ok("latency", text)


def _clock(report: ServerReport) -> Finding:
    off = show_duration(abs(report.ahead))
    text = f"its clock is {off} {'ahead of' if report.ahead > 0 else 'behind'} this machine's"
    if abs(report.ahead) > _OFF:
        hint = "nothing is decided by this machine's clock, but times in logs differ: use NTP"
        return warning("clock", text, hint)
    return ok("clock", text)


def _connections(report: ServerReport) -> Iterator[Finding]:
    now = report.info.get("connected_clients", "")
    most = report.config.get("maxclients") or report.info.get("maxclients", "")
    if now.isdigit() and most.isdigit() and int(most):
        text = f"{int(now):,} of {int(most):,} connections are in use"
        crowded = int(now) > _CROWDED * int(most)
        hint = "raise maxclients, or run fewer processes: a worker process has some four"
        yield warning("clients", text, hint) if crowded else ok("clients", text)
    idle = report.config.get("timeout", "0")
    if idle.isdigit() and int(idle):
        text = f"it closes connections that are idle for {idle} s"
        yield warning("timeout", text, "CONFIG SET timeout 0 saves reconnections")
