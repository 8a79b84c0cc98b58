"""What stands in place of a worker or a job that there is not."""

from starlette.requests import Request
from starlette.responses import Response

from gatherq.inspection.choosing.by_name import NoSuchName
from gatherq_web.rendering.render import page


async def missing(request: Request, error: NoSuchName, section: str, name: str) -> Response:
    """Say that nothing has this name, and lead to what resembles it."""
    message = str(error).partition("; ")[0]
    values = {"message": message, "near": error.near, "section": section, "name": name}
    return await page(request, "pool/missing.html", 404, **values)
