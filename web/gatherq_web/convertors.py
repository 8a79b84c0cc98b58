"""Which parts of a path an address may have: `{slot:slot_number}` and `{name:name}` of routes."""

from typing import ClassVar

from starlette.convertors import IntegerConvertor, PathConvertor, register_url_convertor


class _SlotNumber(IntegerConvertor):
    """Numbers that a slot can have: Python reads none of more than 4,300 digits."""

    regex: ClassVar[str] = "[0-9]{1,9}"


class _Name(PathConvertor):
    """Names that may have slashes, of a letter at least: `/batches/` is no batch of no name."""

    regex: ClassVar[str] = ".+"


def register() -> None:
    """Let routes name these convertors; to do it again changes nothing."""
    register_url_convertor("slot_number", _SlotNumber())
    register_url_convertor("name", _Name())
