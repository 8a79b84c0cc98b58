"""Settings from the environment: every field is read from `GATHERQ_<FIELD>`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from .contract import defaults
from .contract.keys import DEFAULT_QUEUE


class Settings(BaseSettings):
    """What both sides must agree on, and what a producer asks for."""

    model_config = SettingsConfigDict(env_prefix="GATHERQ_", frozen=True, hide_input_in_errors=True)

    redis_url: str = Field(default=defaults.REDIS_URL, repr=False)
    queue: str = Field(default=DEFAULT_QUEUE, min_length=1)
    #: How long a batch and all its results stay in Redis after it has ended, in seconds; and how
    #: long it may take, an eighth more.
    keep: float = Field(default=86_400.0, gt=0)
    #: How long a producer goes on trying while Redis is away, in seconds.
    patience: float = Field(default=30.0, ge=0)
