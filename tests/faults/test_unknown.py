"""Names of jobs that a worker does not know."""

from .harness.rows import row

#: Names that would be found, if somebody looked for them by an import.
TEMPTING = ["tempting.run", "tempting:run", "tempting", "os.getpid", "harm.leave_at_once"]
TEMPTING += ["builtins.exec", "__import__", "native.nap", "bodies.nap", "gatherq.job"]


@row("22", "names of jobs that nobody knows", quick=True)
async def test_unknown_names(pool):
    """Jobs whose names are misspelt, or those of modules and functions that could be imported."""
    await pool.start(2, "--unknown-for", "0.5")
    others = await pool.submit([("nap", (0.5,))] * 10, executions=1)
    misspelt = await pool.submit([("napp", (0.1,)), ("give_bak", (1,))])
    tempting = await pool.submit([(name, ()) for name in TEMPTING])
    async with pool.recovers(0.5 + 2, "all had ended"):
        await pool.outcomes(misspelt)
        await pool.outcomes(tempting)
    pool.all_are(misspelt, "failed", "did you mean '(nap|give_back)'")
    pool.all_are(tempting, "failed", "not found|no job named")
    for each, name in zip(tempting.endings, TEMPTING, strict=True):
        pool.must(name in each.error, f"{each.id} does not name {name}")
    pool.must(not pool.ledger.lines("imported"), "a module was imported by the name of a job")
    await pool.outcomes(others)
    pool.all_are(others, "succeeded")


@row("22", "a new job meets old workers", arq="arq fails it at once, and its producers must wait")
async def test_a_new_job_meets_old_workers(pool):
    """Two workers do not know a job, until a third one starts that does; others run meanwhile."""
    await pool.start(2)
    new = await pool.submit([("nap_here_in_loop", (0.1,))] * 5, executions=1)
    others = await pool.submit([("nap", (0.5,))] * 10, executions=1)
    async with pool.recovers(0.5 + 1, "jobs that are known had ended"):
        await pool.outcomes(others)
    pool.all_are(others, "succeeded")
    pool.must(not pool.ledger.lines("start", new.ids[0]), "a new job ran where nobody knows it")
    pool.worker("harmful")
    await pool.ready()
    async with pool.recovers(2.0, "new jobs had ended"):
        await pool.outcomes(new)
    pool.all_are(new, "succeeded")
    charged = [each.id for each in new.endings if each.attempts != 1]
    pool.must(not charged, f"charged for not being known: {charged}")
