"""A value that is not of its annotation: one line says where, and what is wanted."""

from dataclasses import dataclass
from typing import Annotated

import pytest
from pydantic import AfterValidator, BaseModel, ValidationError

from gatherq import job
from gatherq.contract.values.codec import Codec
from gatherq.contract.values.error_text import text_of
from gatherq_worker.registry import Handler


@dataclass
class Vegetable:
    name: str
    weight: float


class Box(BaseModel):
    inside: dict[str, list[Vegetable]]


def _even(number: int) -> int:
    if number % 2:
        raise ValueError("odd\nvery odd")
    return number


@pytest.mark.parametrize(
    ("annotation", "value", "text"),
    [
        (Vegetable, 3, "Input should be an object"),
        (Vegetable, {"name": "leek"}, "weight: Field required"),
        (list[Vegetable], [{"name": 3}], "[0].name: Input should be a valid string (and 1 more)"),
        (
            Box,
            {"inside": {"a": [{"name": "x", "weight": 1}, 3]}},
            "inside.a[1]: Input should be an object",
        ),
        (
            dict[str, Vegetable],
            {"k\n" * 100: 3},
            "k\\n" * 48 + "k...: Input should be an object",
        ),
        (Annotated[int, AfterValidator(_even)], 3, "Value error, odd\\nvery odd"),
    ],
)
def test_the_place_of_the_first_fault_is_told(annotation, value, text):
    with pytest.raises(ValidationError) as caught:
        Codec(annotation).decode(value)
    assert text_of(caught.value) == text


def test_a_worker_says_what_an_argument_must_be():
    @job(name="chop")
    def chop(vegetables: list[Vegetable], *more: "Vegetable"):
        pass

    handler = Handler.of(chop)
    with pytest.raises(TypeError) as caught:
        handler.bind([[{"name": 3}]], {})
    assert str(caught.value) == (
        "chop() argument vegetables must be list[Vegetable]: "
        "[0].name: Input should be a valid string (and 1 more)"
    )
    with pytest.raises(TypeError) as caught:
        handler.bind([[], 3], {})
    assert str(caught.value) == "chop() argument more must be Vegetable: Input should be an object"
