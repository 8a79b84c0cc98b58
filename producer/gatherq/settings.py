"""Settings from the environment: every field is read from `GATHERQ_<FIELD>`."""

from typing import ClassVar, Literal, TypeAlias

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from .contract import defaults
from .contract.keys import DEFAULT_QUEUE

#: What becomes of who waits for jobs that no worker is there to run.
NoWorkersPolicy: TypeAlias = Literal["warn", "raise", "ignore"]


class Settings(BaseSettings):
    """The server and the queue, which both sides must agree on, and options of a producer."""

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="GATHERQ_", frozen=True, hide_input_in_errors=True
    )

    redis_url: str = Field(default=defaults.REDIS_URL, repr=False)
    queue: str = Field(default=DEFAULT_QUEUE, min_length=1)
    #: Seconds that a batch and its results stay in Redis after its end. A batch may take an eighth
    #: more than that.
    keep: float = Field(default=86_400.0, gt=0)
    #: Seconds that a producer goes on trying while Redis is away.
    patience: float = Field(default=30.0, ge=0)
    #: What a producer does while no worker is there to run what it waits for.
    no_workers: NoWorkersPolicy = "warn"
