"""What a page says of an act that has just been done: known words, and a number."""

from starlette.requests import Request

from gatherq.inspection.choosing.choice import slots_in_words
from gatherq_web.rendering.numbers import number_in

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
    text = _SAID.get(request.query_params.get("did", ""), "")
    return text.format(slots=slots_in_words(number_in(request, "slots", most=_MOST)))
