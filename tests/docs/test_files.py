"""Files for other programs that how-to pages show: those programs take them."""

import re

from ..house import DOCS, REPOSITORY

HOWTO = DOCS / "howto"


def files_of(page, language):
    """Return the blocks of a page in a language."""
    text = (HOWTO / page).read_text()
    return re.findall(rf"^```{language}\n(.*?)^```$", text, re.MULTILINE | re.DOTALL)


def test_the_override_is_of_the_services_that_there_are():
    (override,) = files_of("your-own-jobs.md", "yaml")
    services = re.compile(r"^  ([a-z]+):$", re.MULTILINE)
    compose = (REPOSITORY / "docker-compose.yml").read_text()
    assert {"worker", "producer"} == set(services.findall(override))
    assert set(services.findall(override)) <= set(services.findall(compose))
    assert "WORKDIR /app" in (REPOSITORY / "Dockerfile").read_text()
