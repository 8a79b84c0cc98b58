"""A client whose commands make no spans, where redis-py is instrumented."""

from typing import Any

from redis.asyncio import Redis
from redis.asyncio.client import Pipeline

from gatherq.telemetry.suppression import suppressed


class QuietRedis(Redis):
    """Redis, of whose commands and pipelines OpenTelemetry's instrumentation hears nothing."""

    async def execute_command(self, *args: Any, **options: Any) -> Any:
        """Send one command."""
        with suppressed():
            return await Redis.execute_command(self, *args, **options)

    def pipeline(self, transaction: bool = True, shard_hint: str | None = None) -> "QuietPipeline":
        """Make a pipeline."""
        return QuietPipeline(self.connection_pool, self.response_callbacks, transaction, shard_hint)


class QuietPipeline(Pipeline):
    """A pipeline of which the instrumentation hears nothing."""

    async def execute(self, raise_on_error: bool = True) -> list[Any]:
        """Send all commands."""
        with suppressed():
            return await super().execute(raise_on_error)
