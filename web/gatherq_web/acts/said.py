"""What a page says of an act that has just been done: known words, and a number."""

from starlette.requests import Request

from gatherq.inspection.choosing.choice import slots_in_words

_MOST = 1_000_000_000
_SAID = {
    "cancelled": "Cancelled {slots}: what ran was asked to end, and will in a moment.",
    "redriven": "Redrove {slots}: they are queued again, in their places.",
    "kept": "The batch stays for as long as was asked.",
    "removed": "Removed a batch of {slots}.",
    "nothing": "Nothing was done: no slot was left to do it to.",
}


def said_of(request: Request) -> str:
    """Return the line for `did` and `slots` of an address; empty for any other text."""
    asked = request.query_params
    text = _SAID.get(asked.get("did", ""), "")
    return text.format(slots=slots_in_words(_number(asked.get("slots", ""))))


def _number(text: str) -> int:
    """Return how many slots it was; it is of no weight, so that junk is none."""
    return min(int(text), _MOST) if text.isascii() and text.isdigit() and len(text) < 12 else 0
