"""Which address is answered by what."""

from starlette.routing import BaseRoute, Route

from .acts.acting import cancel, keep, redrive, remove
from .api.routes import API
from .convertors import register
from .live.streams import batch_stream, queue_stream
from .pages.batch.columns import columns, report, trace
from .pages.batch.listing import as_lines, as_table, listing
from .pages.batch.one_slot import one_slot
from .pages.batch.overview import overview, why
from .pages.batches import batches
from .pages.health import livez, readyz
from .pages.login import login
from .pages.metrics import metrics
from .pages.pool.doctor import doctor
from .pages.pool.events import events
from .pages.pool.jobs import job, jobs
from .pages.pool.overview import overview as pool_overview
from .pages.pool.queues import queues
from .pages.pool.workers import worker, workers
from .rendering.assets import assets

register()

#: The pages of a batch, and what can be done to it.
BATCH: list[BaseRoute] = [
    Route("/batches/{batch}/columns", columns),
    Route("/batches/{batch}/report.html", report),
    Route("/batches/{batch}/trace.json", trace),
    Route("/batches/{batch}/why", why),
    Route("/batches/{batch}/slots", listing),
    Route("/batches/{batch}/slots.jsonl", as_lines),
    Route("/batches/{batch}/slots.csv", as_table),
    Route("/batches/{batch}/{slot:slot_number}", one_slot),
    Route("/batches/{batch}/cancel", cancel, methods=["GET", "POST"]),
    Route("/batches/{batch}/redrive", redrive, methods=["GET", "POST"]),
    Route("/batches/{batch}/keep", keep, methods=["GET", "POST"]),
    Route("/batches/{batch}/remove", remove, methods=["GET", "POST"]),
    # Last: the id of a plain arq job may have slashes.
    Route("/batches/{batch:name}", overview),
]
#: The pages of a pool; names of workers and jobs may have slashes.
POOL: list[BaseRoute] = [
    Route("/", pool_overview),
    Route("/workers", workers),
    Route("/workers/{name:name}", worker),
    Route("/jobs", jobs),
    Route("/jobs/{name:name}", job),
    Route("/queues", queues),
    Route("/events", events),
    Route("/doctor", doctor),
]
ROUTES: list[BaseRoute] = [
    *POOL,
    Route("/batches", batches),
    *BATCH,
    Route("/live", queue_stream),
    Route("/live/batches/{batch}", batch_stream),
    Route("/livez", livez),
    Route("/readyz", readyz),
    Route("/metrics", metrics),
    Route("/assets/{name}", assets),
    *API,
]
#: Where a token is asked for.
LOGIN: list[BaseRoute] = [Route("/login", login, methods=["GET", "POST"])]
