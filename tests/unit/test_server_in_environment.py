"""The server of the environment, and the password of its file."""

from urllib.parse import quote

import pytest
from redis.asyncio.connection import parse_url

from gatherq import Producer
from gatherq.errors import InvalidSetting
from gatherq.server_in_environment import named_url, with_password
from gatherq.settings import Settings
from gatherq_worker.settings import WorkerSettings

PASSWORD = "s3cret /@:#?%é"


@pytest.fixture
def file(tmp_path, monkeypatch):
    path = tmp_path / "password"
    path.write_text(f"{PASSWORD}\n")
    monkeypatch.setenv("GATHERQ_REDIS_PASSWORD_FILE", str(path))
    return path


@pytest.mark.parametrize(
    "url",
    [
        "redis://h:1/2",
        "redis://h",
        "rediss://jobs@h:1/2?ssl_check_hostname=false",
        "unix:///run/redis.sock?db=3",
        "redis://[::1]:6379/0",
    ],
)
def test_redis_py_reads_the_password_and_all_else_as_before(url):
    read = parse_url(with_password(url, PASSWORD))
    assert read.pop("password") == PASSWORD
    assert read == parse_url(url)


def test_a_url_of_sentinels_gets_the_password_of_the_server():
    url = with_password("redis+sentinel://jobs@h:1,[::1]/m/2?sentinel_password=x", PASSWORD)
    assert (
        url == f"redis+sentinel://jobs:{quote(PASSWORD, safe='')}@h:1,[::1]/m/2?sentinel_password=x"
    )


@pytest.mark.parametrize(
    "url", ["redis://:own@h", "redis://u:@h", "redis://h?password=own", "", "h:6379", "redis://[h"]
)
def test_a_url_that_has_a_password_or_is_none_stays_as_it_is(url):
    assert with_password(url, PASSWORD) == url


def test_both_sides_read_the_file(file, monkeypatch):
    for settings in (Settings, WorkerSettings):
        assert parse_url(settings.read().redis_url)["password"] == PASSWORD
        monkeypatch.setenv("GATHERQ_REDIS_URL", "redis://h/1")
        assert parse_url(settings.read().redis_url) == {
            "host": "h",
            "db": 1,
            "password": PASSWORD,
        }


def test_a_url_that_is_given_may_be_of_another_server(file):
    assert Settings.read(redis_url="redis://other").redis_url == "redis://other"
    assert WorkerSettings(redis_url="redis://other").redis_url == "redis://other"


@pytest.mark.parametrize("state", ["missing", "empty", "a folder", "no text"])
def test_a_file_without_a_password_is_refused(file, state):
    file.unlink()
    if state == "a folder":
        file.mkdir()
    elif state != "missing":
        file.write_bytes(b"\n" if state == "empty" else b"\xff")
    with pytest.raises(InvalidSetting, match="^GATHERQ_REDIS_PASSWORD_FILE must be the path of a"):
        Producer()


def test_without_a_file_the_url_is_as_it_stands(monkeypatch):
    assert named_url() is None
    monkeypatch.setenv("GATHERQ_REDIS_URL", "")
    assert named_url() == ""
