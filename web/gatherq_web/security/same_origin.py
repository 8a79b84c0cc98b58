"""Whether a request that changes something comes from a page of this site."""

from urllib.parse import urlsplit

from starlette.requests import Request

#: Methods that change nothing.
SAFE: frozenset[str] = frozenset({"GET", "HEAD", "OPTIONS"})


def is_same_origin(request: Request) -> bool:
    """Tell whether a page of this site, or a program that is no browser, has sent it.

    Browsers say it in Sec-Fetch-Site, where the site is one that they trust (https, localhost);
    elsewhere by Origin. A program says neither; it has no cookies of somebody else to abuse.
    """
    site = request.headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = request.headers.get("origin")
    return origin is None or urlsplit(origin).netloc == request.headers.get("host")
