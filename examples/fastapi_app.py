"""A FastAPI service before a pool: `uvicorn fastapi_app:app`, beside `gatherq worker kitchen`."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Annotated, Any

from ends_with_its_client import EndsWithItsClient
from fastapi import Depends, FastAPI, HTTPException, Request
from kitchen import chop

from gatherq import Producer


@asynccontextmanager
async def lifespan(app: FastAPI) -> AsyncIterator[dict[str, Producer]]:
    """Keep one producer for as long as the service runs."""
    async with Producer() as producer:
        yield {"producer": producer}


def the_producer(request: Request) -> Any:
    """Give it to who depends on it."""
    return request.state.producer


Pool = Annotated[Producer, Depends(the_producer)]
app = FastAPI(lifespan=lifespan)
app.add_middleware(EndsWithItsClient)


@app.get("/chop/{vegetable}")
async def chopped(vegetable: str, producer: Pool, seconds: float = 3) -> str:
    """Chop on some worker, for ten seconds at most."""
    try:
        return (await producer.gather(chop.call(vegetable, seconds), timeout=10))[0]
    except TimeoutError as error:
        raise HTTPException(504, str(error)) from error
