"""Ways to wait for one job, each of which cancels it if it is cancelled itself."""


async def handle(producer, call):
    await (await producer.submit_one(call))


async def gather(producer, call):
    await producer.gather(call)


async def group(producer, call):
    async with producer.task_group() as group:
        group.create_task(call)


async def awaited_in_group(producer, call):
    async with producer.task_group() as group:
        await group.create_task(call)


async def mapped(producer, call):
    async for _ in producer.map(lambda _: call, [1]):
        pass
