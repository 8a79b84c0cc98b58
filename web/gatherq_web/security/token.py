"""Access by one secret: a program sends it, a browser gets a signed cookie for it."""

import hashlib
import secrets

from itsdangerous import BadSignature, TimestampSigner
from starlette.requests import HTTPConnection
from starlette.responses import Response

from .access import Access

COOKIE: str = "gatherq"
#: Seconds for which a browser need not be asked again.
_VALID = 30 * 86_400


class Token:
    """A secret that lets whoever has it look and act."""

    def __init__(self, token: str) -> None:
        self._token = token.encode()
        # Not the token itself: from a cookie nobody learns it by trying.
        self._signer = TimestampSigner(hashlib.sha256(b"gatherq cookie:" + self._token).digest())

    def access(self, request: HTTPConnection) -> Access:
        """Return all access for the token or a cookie for it, and none otherwise."""
        allowed = self._of_header(request) or self._of_cookie(request)
        return Access.write(by="web") if allowed else Access.none()

    def is_right(self, given: str) -> bool:
        """Tell whether this is the token."""
        return secrets.compare_digest(given.encode(), self._token)

    def remember(self, request: HTTPConnection, response: Response) -> None:
        """Give a browser a cookie for the token."""
        response.set_cookie(
            COOKIE,
            self._signer.sign(b"in").decode(),
            max_age=_VALID,
            path=request.scope.get("root_path") or "/",
            secure=request.url.scheme == "https",
            httponly=True,
            samesite="strict",
        )

    def _of_header(self, request: HTTPConnection) -> bool:
        kind, _, given = request.headers.get("authorization", "").partition(" ")
        return kind.lower() == "bearer" and self.is_right(given.strip())

    def _of_cookie(self, request: HTTPConnection) -> bool:
        try:
            self._signer.unsign(request.cookies.get(COOKIE, ""), max_age=_VALID)
        except BadSignature:
            return False
        return True


def token_of(request: HTTPConnection) -> Token:
    """Return the token of the site that a request is for, which has one."""
    token: Token = request.app.state.token
    return token
