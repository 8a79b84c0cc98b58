"""Jobs on a schedule, which write into a file that they ran."""

import os

from gatherq import cron, current_job, job


@cron("* * * * * *")
@job(timeout=5)
async def tick() -> str:
    return note()


@job(isolation="process", retries=1, backoff=0)
@cron("*/2 * * * * *", tz="Europe/Berlin")
def tock() -> str:
    if current_job().attempt == 1:
        raise ConnectionError("not yet")
    return note()


@job()
@cron("0 0 1 1 *")
async def yearly() -> None:
    note()


def note() -> str:
    """Write the job's id and its worker into a line."""
    line = f"{current_job().job_id} {current_job().worker}"
    with open(os.environ["GATHERQ_TEST_LEDGER"], "a") as file:
        file.write(f"{line}\n")
    return line
