"""Frames: whatever the pieces are in which their bytes come."""

import io

import pytest

from gatherq_worker.ipc import frames

MESSAGES = [None, 1, "é", {"a": [1.5, True]}, [], "x" * 100_000]


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: repr(message)[:10])
def test_what_is_packed_is_read(message):
    assert frames.read(io.BytesIO(frames.pack(message))) == message


def test_frames_are_read_one_after_the_other_until_the_end():
    stream = io.BytesIO(b"".join(map(frames.pack, MESSAGES[1:])))
    assert [frames.read(stream) for _ in MESSAGES[1:]] == MESSAGES[1:]
    assert frames.read(stream) is None


@pytest.mark.parametrize("size", [1, 7, 8, 9, 1000])
def test_they_are_unpacked_from_pieces_of_any_size(size):
    sent = frames.pack({"a": 1}) + frames.framed(b'"b"')
    received, found = bytearray(), []
    for start in range(0, len(sent), size):
        received += sent[start : start + size]
        while (body := frames.unpack(received)) is not None:
            found.append(body)
    assert found == [b'{"a":1}', b'"b"']
    assert not received


def test_what_has_no_json_form_is_refused():
    with pytest.raises(ValueError, match="."):
        frames.pack(object())
