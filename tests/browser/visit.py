"""A page that is open in a browser, with all that it asked for and complained about."""

from urllib.parse import urlsplit

from axe_playwright_python.sync_playwright import Axe


class Visit:
    """A page of the site; `page` is playwright's."""

    def __init__(self, page, site, path):
        self.page, self.site = page, site
        self.requests, self.complaints = [], []
        page.on("request", lambda request: self.requests.append(request.url))
        page.on("console", self._hear)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.go(path)

    def _hear(self, message):
        if message.type in ("error", "warning"):
            self.complaints.append(message.text)

    def go(self, path):
        """Open another page of the site."""
        self.page.goto(self.site + path, wait_until="load")

    @property
    def text(self):
        return self.page.inner_text("body")

    def elsewhere(self):
        """Return what it asked for that is not of this site, below its prefix."""
        at = urlsplit(self.site)
        return [
            url
            for url in self.requests
            if urlsplit(url).netloc != at.netloc or not urlsplit(url).path.startswith(at.path)
        ]

    def barriers(self):
        """Return what keeps people with a screen reader or a keyboard out, as axe finds it."""
        found = Axe().run(self.page).response["violations"]
        return [
            (each["id"], node["target"], node.get("failureSummary"))
            for each in found
            if each["impact"] in ("serious", "critical")
            for node in each["nodes"]
        ]

    def fits(self):
        """Tell whether nothing is wider than the window."""
        read = "[document.documentElement.scrollWidth, window.innerWidth]"
        wide, window = self.page.evaluate(read)
        return wide <= window
