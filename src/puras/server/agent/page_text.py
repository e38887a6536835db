"""Turns a web page into text that a model reads: headings, paragraphs, lists, links, tables. Pure.

What is there for looks or for browsers (scripts, styles, pictures, forms' buttons) is left out.
"""

from __future__ import annotations

import re
from html.parser import HTMLParser
from urllib.parse import urljoin

_LEFT_OUT = frozenset(
    {"script", "style", "noscript", "template", "svg", "canvas", "iframe", "select", "button"}
)
_NAMES = """
    address article aside blockquote dd details div dl dt fieldset figcaption figure footer form
    h1 h2 h3 h4 h5 h6 header hr li main nav ol p pre section summary table tr ul
"""
_BLOCKS = frozenset(_NAMES.split())
_HEADINGS = {f"h{level}": "#" * level for level in range(1, 7)}
_CHARSET = re.compile(rb"""charset\s*=\s*["']?\s*([A-Za-z0-9_.:-]+)""", re.IGNORECASE)
_BLANK = re.compile(r"[ \t\r\f\v\n]+")
_CHARSET_WITHIN = 2048


def page_text(page: bytes, *, url: str) -> str:
    """Return a page's text; links are absolute, as `[text](address)`."""
    reader = _Reader(url)
    reader.feed(decoded(page))
    reader.close()
    return reader.text()


def decoded(data: bytes) -> str:
    """Decode a page or a text: as it says itself, else UTF-8, else what browsers take it for."""
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    found = _CHARSET.search(data[:_CHARSET_WITHIN])
    for name in (found[1].decode("ascii") if found else "utf-8", "utf-8", "cp1252"):
        try:
            return data.decode(name).removeprefix("\ufeff")
        except (LookupError, UnicodeDecodeError):
            continue
    return data.decode("latin-1")


class _Reader(HTMLParser):
    def __init__(self, url: str) -> None:
        super().__init__(convert_charrefs=True)
        self._base = url
        self._lines: list[str] = []
        self._line = ""
        self._left_out = 0
        self._verbatim = 0
        self._links: list[tuple[str, int]] = []

    def text(self) -> str:
        self._end_line()
        whole = "\n".join(self._lines)
        return re.sub(r"\n{3,}", "\n\n", whole).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _LEFT_OUT:
            self._left_out += 1
        if self._left_out:
            return
        given = dict(attrs)
        if tag == "base" and given.get("href"):
            self._base = urljoin(self._base, given["href"] or "")
        elif tag in _BLOCKS or tag == "title":
            self._begin_block(tag)
        elif tag == "br":
            self._end_line()
        elif tag in ("td", "th") and self._line.strip():
            self._line += " | "
        elif tag == "a":
            self._links.append((given.get("href") or "", len(self._line)))
        elif tag == "img" and given.get("alt"):
            self._line += f"[image: {given['alt']}]"

    def handle_endtag(self, tag: str) -> None:
        if tag in _LEFT_OUT:
            self._left_out = max(0, self._left_out - 1)
        elif self._left_out:
            return
        elif tag == "a" and self._links:
            self._end_link(*self._links.pop())
        elif tag in _BLOCKS or tag == "title":
            self._end_line()
            self._verbatim -= tag == "pre" and self._verbatim > 0
            if tag in _HEADINGS or tag in ("p", "table", "ul", "ol", "pre", "title"):
                self._lines.append("")

    def handle_data(self, data: str) -> None:
        if self._left_out:
            return
        if self._verbatim:
            first, *rest = data.split("\n")
            self._line += first
            for line in rest:
                self._end_line()
                self._line = line
            return
        blank = _BLANK.sub(" ", data)
        self._line += blank.lstrip() if not self._line or self._line.endswith(" ") else blank

    def _begin_block(self, tag: str) -> None:
        self._end_line()
        self._verbatim += tag == "pre"
        if tag in _HEADINGS or tag in ("p", "table", "pre"):
            self._lines.append("")
        self._line = {"li": "- ", "title": "# "}.get(tag, "")
        if tag in _HEADINGS:
            self._line = f"{_HEADINGS[tag]} "

    def _end_line(self) -> None:
        line = self._line.rstrip() if self._verbatim else self._line.strip()
        if self._verbatim or line not in ("", "-", *_HEADINGS.values()):
            self._lines.append(line)
        self._line = ""
        self._links = [(address, 0) for address, _ in self._links]

    def _end_link(self, address: str, start: int) -> None:
        text = self._line[start:].strip()
        if not text or not address or address.startswith(("#", "javascript:")):
            return
        before = self._line[:start]
        gap = " " if self._line[start : start + 1] == " " else ""
        self._line = f"{before}{gap}[{text}]({self._absolute(address)})"

    def _absolute(self, address: str) -> str:
        try:
            return urljoin(self._base, address.strip())
        except ValueError:
            return address
