"""Settings from the environment: every field is read from `GATHERQ_<FIELD>`."""

from collections.abc import Mapping
from typing import Any, ClassVar, Literal, Self, TypeAlias

from pydantic import Field, ValidationError, ValidationInfo, field_validator
from pydantic_core import PydanticCustomError
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from . import server_in_environment
from .contract import defaults
from .contract.keys import DEFAULT_QUEUE
from .contract.short_repr import value_repr
from .errors import InvalidSetting

#: What becomes of who waits for jobs that no worker is there to run.
NoWorkersPolicy: TypeAlias = Literal["warn", "raise", "ignore"]
#: How the spans of jobs belong to those of the code that submits them.
TracePolicy: TypeAlias = Literal["auto", "child", "link", "off"]


class Settings(BaseSettings):
    """The server and the queue, which both sides must agree on, and options of a producer.

    The description of a field says what its value must be.
    """

    model_config: ClassVar[SettingsConfigDict] = SettingsConfigDict(
        env_prefix="GATHERQ_", frozen=True, hide_input_in_errors=True
    )

    redis_url: str = Field(
        default=defaults.REDIS_URL,
        repr=False,
        description="the text of a URL, redis://HOST:PORT/DATABASE",
    )
    #: Whose password the URL of the environment has, where it has none of its own.
    redis_password_file: str | None = Field(
        default=None, description="the path of a file that has a password and can be read"
    )
    queue: str = Field(
        default=DEFAULT_QUEUE, min_length=1, description="a name of 1 or more characters"
    )
    #: Seconds that a batch and its results stay in Redis after its end. A batch may take an eighth
    #: more than that.
    keep: float = Field(
        default=86_400.0,
        gt=0,
        allow_inf_nan=False,
        description="a number of seconds greater than 0",
    )
    #: Seconds that a producer goes on trying while Redis is away.
    patience: float = Field(
        default=30.0, ge=0, allow_inf_nan=False, description="a number of seconds, 0 or more"
    )
    #: Replicas that are to have a write before it counts.
    replicas: int = Field(default=0, ge=0, le=64, description="a number of replicas from 0 to 64")
    #: What a producer does while no worker is there to run what it waits for.
    no_workers: NoWorkersPolicy = Field(default="warn", description="'warn', 'raise' or 'ignore'")
    #: How the spans of jobs belong to those of their producer; `off`: there are no spans.
    trace: TracePolicy = Field(default="auto", description="'auto', 'child', 'link' or 'off'")

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        *others: PydanticBaseSettingsSource,
        **more: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the URL with its password, unless an argument gives it."""
        return (
            init_settings,
            InitSettingsSource(settings_cls, _named_server()),
            *others,
            *more.values(),
        )

    @field_validator("redis_password_file")
    @classmethod
    def _is_readable(cls, value: str | None) -> str | None:
        """Refuse a file that no password can be read from; what it says is not repeated."""
        try:
            if value is not None:
                server_in_environment.read_password(value)
        except (OSError, ValueError):
            wanted = cls.model_fields["redis_password_file"].description
            raise PydanticCustomError(
                "password_file", "give {wanted}", {"wanted": wanted}
            ) from None
        return value

    @field_validator("*", mode="before")
    @classmethod
    def _no_number(cls, value: object, info: ValidationInfo) -> object:
        """Refuse True and False where a number is wanted: pydantic takes them for 1 and 0."""
        wanted = cls.model_fields[info.field_name or ""].annotation
        if isinstance(value, bool) and wanted is not bool:
            raise ValueError("it is True or False")
        return value

    @classmethod
    def read(cls, **given: Any) -> Self:
        """Return settings as arguments give them, or else the environment; None is not given.

        Raises InvalidSetting, which names the argument or the variable, on one line.
        """
        given = {name: value for name, value in given.items() if value is not None}
        try:
            return cls(**given)
        except ValidationError as error:
            refusal = _refusal(cls, error, given)
        raise refusal  # without the error, which holds the value


def _named_server() -> dict[str, Any]:
    try:
        url = server_in_environment.named_url()
    except (OSError, ValueError):  # the check of the file's name says so
        return {}
    return {} if url is None else {"redis_url": url}


def _refusal(
    settings: type[Settings], error: ValidationError, given: Mapping[str, Any]
) -> InvalidSetting:
    """Say what the first bad setting must be, and what it is, unless that is a URL."""
    fault = error.errors(include_url=False)[0]
    field = str(fault["loc"][0])
    name = field if field in given else f"GATHERQ_{field.upper()}"
    known = settings.model_fields[field]
    wanted = f"must be {known.description}" if known.description else f"is refused: {fault['msg']}"
    value = fault["input"]
    shown = value_repr(value) if known.repr else f"of type {type(value).__name__}"
    return InvalidSetting(f"{name} {wanted}, not {shown}", name=name)
