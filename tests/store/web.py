"""A site over the server of these tests, as a browser asks it."""

import re
from html import unescape

import httpx

from gatherq_web import app

HTML = {"accept": "text/html"}


class Browser(httpx.AsyncClient):
    """Asks a site below a prefix; `close` closes the connections of the site too."""

    def __init__(self, url, queue, prefix="", **options):
        self.app, self.prefix = app(url, queue=queue, **options), prefix
        transport = httpx.ASGITransport(self.app, root_path=prefix)
        super().__init__(transport=transport, base_url="http://127.0.0.1:8420", headers=HTML)

    async def close(self):
        await self.aclose()
        await self.app.state.site.aclose()

    async def see(self, path, status=200):
        """Return the text of a page, as it is read."""
        answer = await self.get(self.prefix + path)
        assert answer.status_code == status, answer.text
        return words_of(answer.text)

    async def links(self, path):
        """Return where the links of a page lead to."""
        return links_of((await self.get(self.prefix + path)).text)

    async def act(self, path, **form):
        """Send a form of a page; return what the page says to which it leads."""
        answer = await self.post(self.prefix + path, data=form)
        if answer.status_code != 303:
            return answer.status_code, words_of(answer.text)
        there = await self.get(answer.headers["location"])
        return there.status_code, words_of(there.text)


def words_of(html):
    """Return what is read of a page, each run of blanks as one."""
    bare = re.sub(r"<(style|script|title)\b.*?</\1>|<[^>]*>", " ", html, flags=re.DOTALL)
    return " ".join(unescape(bare).split())


def links_of(html):
    """Return where its links lead to."""
    return [unescape(link) for link in re.findall(r'<a\b[^>]*\bhref="([^"]*)"', html)]
