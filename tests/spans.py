"""Spans that tests look at: of this process, and of workers that write them into a folder."""

import asyncio
import json

import pytest
from opentelemetry import trace


def set_provider(patch: pytest.MonkeyPatch, provider) -> None:
    """Set a tracer provider for one test: an application can set one only once."""
    patch.setattr(trace, "_TRACER_PROVIDER", provider)


async def all_spans(folder, *names):
    """Wait until spans with these names, and no others, are in a folder; return them."""
    while True:
        found = spans_in(folder)
        if sorted(each["name"] for each in found) == sorted(names):
            return found
        assert len(found) <= len(names), [each["name"] for each in found]
        await asyncio.sleep(0.02)


async def spans_of(folder, *names):
    """Wait until spans with these names, and no others, are in a folder; return them by name."""
    return {each["name"]: each for each in await all_spans(folder, *names)}


def spans_in(folder):
    """Return all spans of a folder so far."""
    lines = [line for file in folder.glob("*.jsonl") for line in file.read_text().splitlines(True)]
    return [json.loads(line) for line in lines if line.endswith("\n")]


def trace_of(span):
    return span["context"]["trace_id"]


def id_of(span):
    return span["context"]["span_id"]


def links_of(span):
    return [link["context"]["span_id"] for link in span["links"]]
