"""What an SDK holds is exported before a process ends, and a collector that hangs keeps nobody."""

import sys
from threading import Event

import pytest

from gatherq.telemetry.sdk_flush import flush_sdk
from tests.spans import set_provider


class Provider:
    """A provider of traces that hangs, if told so, until it is let go."""

    def __init__(self, error=None):
        self.flushed, self.let_go = [], Event()
        self.error = error

    def force_flush(self, timeout_millis):
        self.flushed.append(timeout_millis)
        if self.error:
            raise self.error
        self.let_go.wait()


@pytest.mark.parametrize(("remaining", "ms"), [(None, 1000), (60, 1000), (0.2, 100)])
def test_it_takes_a_second_or_half_of_what_is_left(monkeypatch, remaining, ms):
    provider = Provider()
    provider.let_go.set()
    set_provider(monkeypatch, provider)
    flush_sdk(remaining)
    assert provider.flushed == [ms]


def test_one_that_hangs_is_left_behind(monkeypatch):
    provider = Provider()
    set_provider(monkeypatch, provider)
    flush_sdk(0.02)
    assert provider.flushed == [10]
    provider.let_go.set()


def test_nobody_is_asked_where_no_time_is_left(monkeypatch):
    provider = Provider()
    set_provider(monkeypatch, provider)
    flush_sdk(0.0)
    assert provider.flushed == []


def test_what_it_raises_is_its_own(monkeypatch):
    provider = Provider(OSError("no collector"))
    set_provider(monkeypatch, provider)
    flush_sdk()
    assert provider.flushed == [1000]


def test_an_api_without_an_sdk_has_nothing_to_flush(monkeypatch):
    flush_sdk()
    monkeypatch.delitem(sys.modules, "opentelemetry.trace")
    flush_sdk()
    assert "opentelemetry.trace" not in sys.modules
