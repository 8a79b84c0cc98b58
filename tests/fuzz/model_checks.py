"""Compares Redis with the model, key by key; and has plain workers end all that is left."""

from gatherq.store.outside import FIELDS, outside_of

from .model_world import QUEUES, WORKERS

ENDED = ("succeeded", "failed", "timed_out", "cancelled", "lost")
#: Beginnings of the keys of batches, and of the keys of their jobs.
OF_BATCHES = ("gatherq:batch:", "gatherq:done:", "gatherq:digests:", "gatherq:again:")
OF_BATCHES += ("gatherq:errors:",)
OF_JOBS = ("arq:job:", "arq:in-progress:", "arq:retry:", "arq:result:", "gatherq:attempts:")


async def check(world):
    """Check that Redis has what the model has, and nothing else."""
    await world.settle()
    keys = {key.decode(errors="replace") for key in await world.redis.keys("*")}
    scores = [await world.scores(queue) for queue in range(len(QUEUES))]
    for known in world.batches.values():
        await _check_slots(world, known, scores[known.queue], keys)
        await _check_hash(world, known)
        await _check_done(world, known)
    names = {*world.batches, *world.deleting}
    ids = [id_ for each in scores for id_ in each]
    ids += [_after(key, OF_JOBS) for key in keys if key.startswith(OF_JOBS)]
    found = {id_.rpartition(":")[0] for id_ in ids}
    found |= {_after(key, OF_BATCHES) for key in keys if key.startswith(OF_BATCHES)}
    assert found <= names, f"of no batch: {sorted(found - names)}"
    await _check_marks(world)


def _after(key, heads):
    return next(key.removeprefix(head) for head in heads if key.startswith(head))


async def _check_slots(world, known, scores, keys):
    ids, key = [f"{known.name}:{at}" for at in range(known.size)], world.keys[0]
    tokens, retries, results = [
        await world.redis.mget([make(id_) for id_ in ids])
        for make in (key.in_progress, key.retry, key.result)
    ]
    for at, (id_, slot) in enumerate(zip(ids, known.slots, strict=True)):
        said = f"{id_}: {slot} of {known.size}, {known.written} written, cancelled by {known.by!r}"
        assert (results[at] or b"") == slot.result, f"{said} has the outcome {results[at]}"
        assert (tokens[at] or b"").decode() == slot.token, f"{said} has the token {tokens[at]}"
        assert int(retries[at] or 0) == slot.retry, f"{said} has {retries[at]} attempts"
        assert place_of(scores.get(id_)) == slot.place, f"{said} stands at {scores.get(id_)}"
        assert (key.job(id_) in keys) == slot.data, f"{said}: its data"
        vanished = at < known.written and not (slot.status or slot.place or known.is_gradual)
        assert not vanished, f"{said} has vanished"


def place_of(score):
    """Say what a score tells."""
    if score is None:
        return ""
    return {0.0: "lease", 0.5: "back"}.get(score % 1, "fresh")


async def _check_hash(world, known):
    raw = await world.redis.hgetall(world.keys[0].batch(known.name))
    fields = {name.decode(): value.decode() for name, value in raw.items()}
    said = f"{known.name}: {fields}"
    assert (fields["size"], fields["life"]) == (str(known.size), known.life), said
    assert int(fields.get("written", 0)) == known.written, said
    assert fields.get("cancelled_by", "") == known.by, f"{said}, not by {known.by!r}"
    for status in ENDED:
        assert int(fields.get(status, 0)) == known.count(status), f"{said}: {status}"
    begun = sum(slot.is_begun for slot in known.slots)
    assert int(fields.get("running", 0)) == begun, f"{said}: {begun} are begun"
    assert ("ended" in fields) == (known.left == 0), f"{said}: {known.left} are left"
    assert int(fields.get("generation", 0)) == known.generation, said
    if known.is_gradual:
        await _check_admission(world, known, fields, said)


async def _check_admission(world, known, fields, said):
    inside = sum(bool(slot.place) for slot in known.slots)
    outside = outside_of({name: fields.get(name) for name in FIELDS})
    unwritten = known.size - known.written  # which of them have ended is not counted
    said_so = outside.total - len(known.outside)
    assert 0 <= said_so <= unwritten, f"{said}: {known.outside} are outside, not {outside.total}"
    assert await world.redis.zcard(world.keys[0].again(known.name)) == outside.again, said
    if known.most is not None:
        assert inside <= known.most, f"{said}: {inside} are inside"
        full = inside == known.most or not known.outside or known.by
        assert full, f"{said}: {inside} are inside, and {outside.total} wait"


async def _check_done(world, known):
    entries = await world.redis.xrange(world.keys[0].done(known.name))
    pairs = [pair for _, fields in entries for pair in fields.items() if pair[0].isdigit()]
    found = [(int(at), status.decode()) for at, status in pairs]
    new = sorted(known.done[known.checked :])
    assert sorted(found[known.checked :]) == new, f"{known.name}: {found}, and not {new} at its end"
    known.done, known.checked = found, len(found)


async def _check_marks(world):
    for queue, keys in enumerate(world.keys):
        raw = await world.redis.hgetall(keys.cancel_marks)
        found = {id_.decode(): by.decode() for id_, by in raw.items()}
        found = {id_: by for id_, by in found.items() if _name(id_) not in world.deleting}
        marked = {
            f"{known.name}:{at}": slot.marked
            for known in world.batches.values()
            for at, slot in enumerate(known.slots)
            if slot.marked and known.queue == queue
        }
        assert found == marked, f"marked are {found}, and not {marked}"


def _name(id_):
    return id_.rpartition(":")[0]


async def drain(world):
    """Let plain workers end all, after all others have died; then check what is left."""
    await world.lapse(world.held)
    for n, known in enumerate(list(world.batches.values())):
        if n % 2 or not known.named:
            await world.write(known)
        else:
            await world.give_up(n)
    while world.deleting:
        await world.delete_rest(0)
    await world.later()
    for worker in (WORKERS.index(queue) for queue in range(len(QUEUES))):
        await _work(world, worker)
    for n, known in enumerate(list(world.batches.values())):
        await world.sweep(n, contact=True, twice=False)
        assert known.left == 0, f"{known.name}: {known.left} of {known.size} never end"
    await check(world)
    await _check_left(world)


async def _work(world, worker):
    while True:
        found = await world.claim(worker, 200)
        mine = [c for c in world.held if c.worker == worker and world.holds(c)]
        await world.finish(worker, mine, "succeeded", twice=False)
        if not found.jobs and found.next_in != 0 and not await _woken(world, worker):
            return


async def _woken(world, worker):
    return await world.redis.lpop(world.keys[WORKERS[worker]].wake)


async def _check_left(world):
    """Nothing runs, nothing waits, and all that stays goes by itself."""
    keys = sorted(await world.redis.keys("*"))
    heads = (
        b"arq:in-progress:",
        b"arq:retry:",
        b"gatherq:again:",
        b"gatherq:cancel:",
        b"gatherq:g",
    )
    heads = (*heads, b"gatherq:holders:", b"gatherq:waiting:", b"gatherq:lane")
    left = [key for key in keys if key.startswith(heads)]
    assert left == [], left
    assert not [key for key in keys if key.decode() in QUEUES]
    for key in keys:
        assert await world.redis.pttl(key) > 0, f"{key} stays for ever"
