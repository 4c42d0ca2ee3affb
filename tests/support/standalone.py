"""A file of HTML as a browser would take it: what stands in it, and what must not."""

from html.parser import HTMLParser

ACTIVE = {"script", "iframe", "object", "embed", "link", "base", "form", "svg", "video", "audio", "template"}
LOADING = {"src", "href", "srcset", "action", "data", "poster", "background", "ping", "style", "formaction"}


class Page(HTMLParser):
    """`wrongs` are tags that do something, and attributes that load or run something from elsewhere."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.wrongs: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.images: list[tuple[str, str]] = []
        self.metas: dict[str, str] = {}
        self.headings: list[str] = []
        self.text = ""
        self._in_heading = False
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag in ACTIVE:
            self.wrongs.append(f"<{tag}>")
        for name, value in given.items():
            if name.startswith("on") or (
                name in LOADING
                and not value.startswith(("#", "data:image/svg+xml;base64,", "data:image/png"))
            ):
                self.wrongs.append(f"<{tag} {name}={value[:60]!r}>")
        if "id" in given:
            self.ids.append(given["id"])
        if tag == "a":
            self.links.append(given.get("href", ""))
        if tag == "img":
            self.images.append((given["src"], given["alt"]))
        if tag == "meta":
            self.metas[given.get("http-equiv") or given.get("name", "")] = given.get("content", "")
        if tag in ("h1", "h2"):
            self._in_heading = True
            self.headings.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag in ("h1", "h2"):
            self._in_heading = False

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._in_heading:
            self.headings[-1] += data
