"""Colors of states: names of rich's styles."""

_STYLES = {
    "succeeded": "green",
    "failed": "red",
    "timed_out": "yellow",
    "cancelled": "magenta",
    "lost": "bold red",
    "missing": "bold red",
    "running": "cyan",
    "retrying": "cyan",
    "queued": "dim",
    "waiting": "dim",
    "draining": "yellow",
    "blocked": "bold red",
    "away": "yellow",
    "silent": "bold red",
}


def style_of(state: str) -> str:
    """Return the style of a state of a slot, a batch or a worker; empty for none."""
    return _STYLES.get(state, "")
