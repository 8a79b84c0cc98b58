"""What is well and what is wrong, as `gatherq doctor` finds it."""

from collections import Counter

from starlette.requests import Request
from starlette.responses import Response

from gatherq_web.rendering.render import page
from gatherq_web.site import site_of

#: What is worst comes first.
_LEVELS = ("problem", "warning", "unchecked", "ok")


async def doctor(request: Request) -> Response:
    """Show all findings; they are asked for once, since some hundred commands find them."""
    found = await site_of(request).inspector(request).check()
    return await page(
        request,
        "pool/doctor.html",
        findings=sorted(found, key=lambda finding: _LEVELS.index(finding.level)),
        levels=Counter(finding.level for finding in found),
    )
