"""Values of every kind, and for each a job that sees it and one that returns it."""

# Names that only the expressions below use.
# ruff: noqa: F401
import enum
import ipaddress
import itertools
import pathlib
import re
import types
from collections import Counter, OrderedDict, defaultdict, deque
from collections.abc import Collection, Generator, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import InitVar, dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from fractions import Fraction
from typing import (
    Annotated,
    Any,
    Generic,
    Literal,
    NamedTuple,
    NewType,
    NotRequired,
    Optional,
    TypeVar,
)
from uuid import UUID
from zoneinfo import ZoneInfo

from pydantic import (
    AliasGenerator,
    AnyUrl,
    BaseModel,
    ByteSize,
    ConfigDict,
    Field,
    PrivateAttr,
    RootModel,
    SecretBytes,
    SecretStr,
    computed_field,
    field_serializer,
    field_validator,
)
from pydantic.alias_generators import to_camel
from typing_extensions import TypedDict

from gatherq import job

T = TypeVar("T")
UserId = NewType("UserId", int)


class Colour(enum.Enum):
    RED = "red"


class Number(enum.IntEnum):
    ONE = 1


class Word(enum.StrEnum):
    YES = "yes"


class Bits(enum.Flag):
    A = 1
    B = 2


class Corner(enum.Enum):
    LEFT = (0, 1)


@dataclass
class Point:
    x: int
    at: datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Frozen:
    tags: frozenset[str]
    inner: Point | None = None


@dataclass
class Box(Generic[T]):
    item: T


@dataclass
class Started:
    n: InitVar[int]
    twice: int = field(init=False)

    def __post_init__(self, n: int) -> None:
        self.twice = 2 * n


class Movie(TypedDict):
    name: str
    seen: NotRequired[date]


class Partial(TypedDict, total=False):
    cost: Decimal


class Pair(NamedTuple):
    left: int
    right: date


class Plain(BaseModel):
    x: float | None = None


class Sub(Plain):
    y: int = 0


class Aliased(BaseModel):
    model_config = ConfigDict(extra="forbid")
    a: int = Field(validation_alias="a_in", serialization_alias="a_out")

    @computed_field
    def b(self) -> int:
        return self.a + 1


class Camel(BaseModel):
    model_config = ConfigDict(alias_generator=AliasGenerator(alias=to_camel))
    first_name: str


class Checked(BaseModel):
    n: int

    @field_validator("n")
    @classmethod
    def _more(cls, n: int) -> int:
        return n + 1


class Lossy(BaseModel):
    n: int

    @field_serializer("n")
    def _less(self, n: int) -> int:
        return n // 10


class Private(BaseModel):
    n: int
    _cache: int = PrivateAttr(default=0)


class Open(BaseModel):
    model_config = ConfigDict(extra="allow")


class Names(RootModel[set[str]]):
    pass


class Page(BaseModel, Generic[T]):
    items: list[T]
    tags: set[str] = set()


class Cat(BaseModel):
    kind: Literal["cat"] = "cat"


class Dog(BaseModel):
    kind: Literal["dog"] = "dog"


class Lazy(BaseModel):
    xs: Iterable[int]


class Login(BaseModel):
    password: SecretStr


class Told(BaseModel):
    password: SecretStr

    @field_serializer("password")
    def _tell(self, password: SecretStr) -> str:
        return password.get_secret_value()


Pet = Annotated[Cat | Dog, Field(discriminator="kind")]


class Stranger:
    """A class that nobody knows how to write."""


class Items:
    """Something of the user's to iterate over."""

    def __init__(self, items: Iterable[int]) -> None:
        self._items = items

    def __iter__(self) -> Iterator[int]:
        return iter(self._items)


class Array:
    """As numpy's."""

    def __array__(self) -> Any:
        return [1]


#: (annotation, value), both as they are written.
CASES = [
    *[("str", v) for v in ("''", "'é\\x00\\U0001f600'")],
    *[("int", v) for v in ("0", "-1", "2**63", "10**400")],
    *[("float", v) for v in ("0.1", "-0.0", "1e308", "float('inf')", "float('nan')", "1")],
    *[("bool", "True"), ("None", "None"), ("Optional[float]", "float('-inf')")],
    *[("complex", "1+2j"), ("Decimal", "Decimal('1.50')"), ("Decimal", "Decimal('1E+3')")],
    *[("Fraction", "Fraction(1, 3)"), ("Decimal", "'1.5'"), ("ByteSize", "ByteSize(1024)")],
    *[("date", "date(2026, 1, 2)"), ("time", "time(1, 2, 3, 4)"), ("time", "time(1, fold=1)")],
    *[("datetime", "datetime(2026, 1, 2, 3, 4, 5, 6)"), ("datetime", "datetime.min")],
    *[("datetime", "datetime.max"), ("datetime", "datetime(2026, 1, 2, tzinfo=UTC)")],
    ("datetime", "datetime(2026, 1, 2, tzinfo=timezone(timedelta(hours=-3, minutes=-30)))"),
    ("datetime", "datetime(2026, 7, 2, tzinfo=ZoneInfo('Europe/Paris'))"),
    ("datetime", "datetime(2026, 10, 25, 2, 30, fold=1)"),
    ("datetime", "datetime(2026, 10, 25, 2, 30, fold=1, tzinfo=ZoneInfo('Europe/Paris'))"),
    ("datetime", "'2026-01-02'"),
    *[("timedelta", "timedelta(days=-1, microseconds=1)"), ("timedelta", "timedelta(999_999_999)")],
    *[("timezone", "UTC"), ("ZoneInfo", "ZoneInfo('Europe/Paris')")],
    ("UUID", "UUID(int=7)"),
    ("ipaddress.IPv4Address", "ipaddress.IPv4Address('10.0.0.1')"),
    ("ipaddress.IPv6Network", "ipaddress.IPv6Network('::/64')"),
    ("AnyUrl", "AnyUrl('https://a.example/b')"),
    ("pathlib.Path", "pathlib.Path('/a/b')"),
    *[("re.Pattern[str]", "re.compile('a+')"), ("re.Pattern[str]", "re.compile('a+', re.I)")],
    *[("bytes", "b'hi'"), ("bytes", "b'\\xff\\x00'"), ("bytearray", "bytearray(b'hi')")],
    *[("memoryview", "memoryview(b'hi')"), ("list[bytes]", "[b'\\xff']"), ("str | bytes", "b'hi'")],
    *[("str | bytes", "'hi'"), ("bytes | None", "b'hi'"), ("dict[str, bytes]", "{'a': b'\\xff'}")],
    *[
        ("datetime | str", "'2026'"),
        ("datetime | str", "'tomorrow'"),
        ("date | datetime", "date(2026, 1, 2)"),
    ],
    *[
        ("datetime | None", "datetime(2026, 1, 2)"),
        ("int | datetime", "5"),
        ("Decimal | float", "1.5"),
    ],
    *[("Decimal | float", "Decimal('1.5')"), ("UUID | str", "str(UUID(int=7))")],
    *[("Point | Box[int]", "Box(1)"), ("Plain | Sub", "Sub(x=1.0, y=2)"), ("Pet", "Dog()")],
    *[
        ("Cat | Dog", "Dog()"),
        ("list[int] | set[int]", "{1}"),
        ("list[int] | tuple[int, ...]", "(1,)"),
    ],
    *[("list[int]", "[1, 2]"), ("list[int]", "iter([1, 2])"), ("list[datetime]", "[datetime.min]")],
    *[("tuple[int, str]", "(1, 'a')"), ("tuple[date, ...]", "(date.min,)"), ("tuple", "(1, [2])")],
    *[
        ("set[str]", "{'b', 'a', 'c'}"),
        ("frozenset[int]", "frozenset({3, 1})"),
        ("set", "{1, 'a'}"),
    ],
    *[("list[bytearray]", "[bytearray(b'\\xff')]"), ("list[int]", "range(3)")],
    *[("Iterable[int]", "range(3)"), ("Iterable[int]", "range(10**12)")],
    *[("dict[str, Iterable[int]]", "{'a': iter([1])}"), ("list[Corner]", "[Corner.LEFT]")],
    *[("dict[Corner, int]", "{Corner.LEFT: 1}"), ("Literal[Colour.RED] | None", "Colour.RED")],
    *[("dict[tuple[str, date], int]", "{('a', date.min): 1}"), ("Lazy", "Lazy(xs=[1])")],
    *[("dict[tuple[str, str], int]", "{('a,b', 'c'): 1}"), ("Login", "Login(password='x')")],
    *[("Literal[Corner.LEFT, 'a']", "Corner.LEFT"), ("Told", "Told(password='x')")],
    ("frozenset[frozenset[str]]", "frozenset({frozenset({'a', 'b'})})"),
    *[("dict[str, set[str]]", "{'a': {'c', 'b'}}"), ("dict[int, str]", "{1: 'a'}")],
    *[("dict[UUID, date]", "{UUID(int=7): date.min}"), ("dict[bool, int]", "{True: 1}")],
    *[("dict[tuple[int, int], str]", "{(1, 2): 'a'}"), ("dict[str | None, int]", "{None: 1}")],
    *[("dict[float, int]", "{1.5: 1}"), ("dict[Colour, int]", "{Colour.RED: 1}")],
    *[("dict[str | int, int]", "{1: 1}"), ("dict[bytes, int]", "{b'a': 1}")],
    *[("deque[int]", "deque([1, 2])"), ("defaultdict[str, list[int]]", "defaultdict(list, a=[1])")],
    *[("Counter[str]", "Counter('aab')"), ("OrderedDict[str, int]", "OrderedDict(b=1, a=2)")],
    *[("Iterable[float]", "[1.0, 2.0]"), ("Iterable[float]", "(float(n) for n in range(2))")],
    *[("Iterable[date]", "iter([date.min])"), ("Iterator[int]", "iter([1, 2])")],
    *[("Iterable[int]", "itertools.count()"), ("Generator[int, None, None]", "(n for n in [1])")],
    *[("Sequence[date]", "(date.min,)"), ("Sequence[int]", "range(3)"), ("Collection[int]", "[1]")],
    *[("Mapping[str, date]", "{'a': date.min}"), ("AbstractSet[int]", "{1, 2}")],
    *[("Colour", "Colour.RED"), ("Number", "Number.ONE"), ("Word", "Word.YES"), ("Bits", "Bits.A")],
    *[("Bits", "Bits.A | Bits.B"), ("Corner", "Corner.LEFT"), ("list[Colour]", "[Colour.RED]")],
    *[
        ("Point", "Point(1, datetime.min)"),
        ("Box[date]", "Box(date.min)"),
        ("Started", "Started(1)"),
    ],
    ("Frozen", "Frozen(tags=frozenset({'b', 'a'}), inner=Point(1, datetime.min))"),
    *[("Movie", "{'name': 'a', 'seen': date.min}"), ("Movie", "{'name': 'a'}"), ("Partial", "{}")],
    *[("Partial", "{'cost': Decimal('1.5')}"), ("Pair", "Pair(1, date.min)")],
    *[("Plain", "Plain(x=1.5)"), ("Plain", "Plain(x=float('inf'))"), ("Plain", "Sub(x=1.0, y=2)")],
    *[
        ("Aliased", "Aliased(a_in=1)"),
        ("Camel", "Camel(firstName='a')"),
        ("Checked", "Checked(n=1)"),
    ],
    *[("Lossy", "Lossy(n=15)"), ("Private", "Private(n=1)"), ("Open", "Open(a=1)")],
    *[("Open", "Open(a=date.min)"), ("Names", "Names({'b', 'a'})")],
    *[
        ("Page[date]", "Page[date](items=[date.min], tags={'b', 'a'})"),
        ("list[Plain]", "[Plain()]"),
    ],
    *[("SecretStr", "SecretStr('x')"), ("SecretStr", "'x'"), ("SecretBytes", "SecretBytes(b'x')")],
    *[("UserId", "UserId(7)"), ("Literal['a', 1]", "1"), ("Literal[Colour.RED]", "Colour.RED")],
    *[("Annotated[int, Field(gt=0)]", "5"), ("Annotated[date, 'when']", "date.min"), ("T", "1")],
    *[
        ("Stranger", "Stranger()"),
        ("type", "int"),
        ("Any", "len"),
        ("Any", "types"),
        ("Any", "Array()"),
    ],
    *[
        ("Any", v)
        for v in ("None", "1", "(1, 2)", "{'b', 'a'}", "{1: 'a'}", "{None: 1}", "{(1,): 1}")
    ],
    *[("Any", v) for v in ("b'hi'", "date.min", "Decimal('1.5')", "float('nan')", "Colour.RED")],
    *[
        ("Any", v)
        for v in ("(n for n in [1, 2])", "itertools.count()", "SecretStr('x')", "Plain()")
    ],
    *[
        ("Any", v)
        for v in ("Aliased(a_in=1)", "Lossy(n=15)", "[Pair(1, date.min)]", "[Corner.LEFT]")
    ],
    *[
        ("Any", v)
        for v in ("Login(password='x')", "Told(password='x')", "range(3)", "Lazy(xs=[1])")
    ],
    *[("dict", v) for v in ("{'a': Names({'b', 'a'})}", "{'a': Plain(x=float('inf'))}")],
    *[("Any", v) for v in ("{'b': 1, 'a': 2}.keys()", "Items([1])", "[date.min, {'a': b'x'}]")],
    *[("Iterable[int]", v) for v in ("Items([1])", "Items(itertools.count())", "{1: 2}.values()")],
    *[("Sequence[int] | None", "Items([1])"), ("Box[Any]", "Box(itertools.count())")],
    *[("list", "[Frozen(tags=frozenset({'b', 'a'}))]"), ("Any", "bytearray(b'\\xff')")],
    *[("Any", v) for v in ("[{'a': {2, 1}}]", "[SecretStr('x')]", "Stranger()", "b'\\xff'")],
]


def show(value: Any) -> str:
    """Write a value, the same in every process."""
    if isinstance(value, set | frozenset):
        inner = ", ".join(sorted(map(show, value)))
        return f"{type(value).__name__} {{{inner}}}"
    if isinstance(value, Iterator):
        return f"an iterator of {list(value)!r}"
    if isinstance(value, SecretStr | SecretBytes):
        return f"{type(value).__name__} {value.get_secret_value()!r}"
    if type(value) in (list, tuple):
        return f"{type(value).__name__} ({', '.join(map(show, value))})"
    if isinstance(value, BaseModel):
        inner = ", ".join(f"{n}={show(v)}" for n, v in value)
        return f"{type(value).__name__}({inner})"
    if isinstance(value, memoryview):
        return f"a memoryview of {bytes(value)!r}"
    if isinstance(value, Frozen):
        return f"Frozen({show(value.tags)}, {value.inner!r})"
    if type(value) is dict:
        return "{" + ", ".join(f"{show(k)}: {show(v)}" for k, v in value.items()) + "}"
    return re.sub(r" at 0x\w+", "", repr(value))


def made(index: int) -> Any:
    """Return a value anew: some are of one use."""
    return eval(CASES[index][1])


def _add(index: int, isolation: Any) -> None:
    async def sees(x: Any) -> Any:
        return show(x)

    async def returns() -> Any:
        return made(index)

    annotation = eval(CASES[index][0])
    sees.__annotations__ = {"x": annotation, "return": str}
    returns.__annotations__ = {"return": annotation}
    for function in (sees, returns):
        name = f"{function.__name__}_{index}_{isolation}"
        function.__qualname__ = name
        globals()[name] = job(name=name, isolation=isolation)(function)


for _index in range(len(CASES)):
    _add(_index, "loop")
    _add(_index, "process")
