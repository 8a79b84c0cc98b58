"""Numbers in the address of a page."""

from starlette.requests import Request


def number_in(request: Request, name: str, *, most: int) -> int:
    """Return a whole number of the query, 0 where there is none, or another text."""
    text = request.query_params.get(name, "")
    return min(int(text), most) if text.isascii() and text.isdigit() and len(text) < 10 else 0
