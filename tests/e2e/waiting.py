"""Jobs that fail, and are to be tried again much later; and jobs that hold the only place."""

from pathlib import Path

from gatherq import current_job, job


@job(retries=3, backoff=600, jitter=0)
async def again_later(path: str) -> None:
    with Path(path).open("a") as file:  # noqa: ASYNC230
        file.write(f"{current_job().job_id} tried {current_job().attempt}\n")
    raise OSError("not now")
