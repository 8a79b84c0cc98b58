"""A Django project in one file: `uvicorn django_app:application` and `gatherq worker kitchen`."""

from django.conf import settings
from django.core.asgi import get_asgi_application
from django.http import HttpRequest, HttpResponse
from django.urls import path
from kitchen import chop

from gatherq import Producer

settings.configure(
    ROOT_URLCONF=__name__,
    SECRET_KEY="only-for-an-example",
    ALLOWED_HOSTS=["localhost", "127.0.0.1"],
)
#: One for all views: under ASGI they run in one event loop, and the first request opens it.
producer = Producer()


async def chopped(request: HttpRequest, vegetable: str) -> HttpResponse:
    """Chop on some worker; Django cancels the view, and so the job, if the client goes away."""
    seconds = float(request.GET.get("seconds", 3))
    try:
        (text,) = await producer.gather(chop.call(vegetable, seconds), timeout=10)
    except TimeoutError as error:
        return HttpResponse(str(error), status=504)
    return HttpResponse(text)


urlpatterns = [path("chop/<vegetable>", chopped)]
application = get_asgi_application()
