"""What Prometheus asks for."""

from starlette.requests import Request
from starlette.responses import Response

from gatherq_web.site import site_of


async def metrics(request: Request) -> Response:
    """Answer with the metrics of all queues of the server."""
    content_type, text = await site_of(request).metrics().render(request.headers.get("accept", ""))
    return Response(text, headers={"content-type": content_type})
