"""The pages for portal developers at `/docs/`: the repository's Markdown as HTML, made once in each process."""

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Final

from csp.constants import NONE, SELF
from csp.decorators import csp
from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.http import require_safe

if TYPE_CHECKING:
    from markdown_it.token import Token

#: The first page, whose address is the folder itself.
INDEX: Final = ""
#: Each page's address below `/docs/`, in the order in which they are listed, and where its text is.
PAGES: Final[Mapping[str, str]] = {
    INDEX: "portals.md",
    "sign-in": "portals/sign-in.md",
    "sections": "portals/sections.md",
    "errors": "portals/errors.md",
    "submit": "portals/submit.md",
    "lists": "portals/lists.md",
    "files": "portals/files.md",
    "graphql": "graphql.md",
    "graphql-clients": "portals/graphql-clients.md",
    "persisted-documents": "portals/persisted-documents.md",
    "limits": "portals/limits.md",
    "versions": "portals/versions.md",
}
#: Addresses of a gateway on the reader's own machine are those of the gateway that serves the page.
HERE: Final = "http://localhost:4000"
#: What of a cell names a code: its row gets the code as its anchor.
CODE: Final = re.compile(r"`([a-z_]+)`\Z")
NO_WORD: Final = re.compile(r"[^a-z0-9]+")
FRESH_SECONDS: Final = 300
#: Nothing but the gateway's own style sheet and picture is loaded, and nothing is run.
POLICY: Final = {
    "default-src": [NONE],
    "style-src": [SELF],
    "img-src": [SELF],
    "base-uri": [NONE],
    "form-action": [NONE],
    "frame-ancestors": [NONE],
}


@dataclass(frozen=True, slots=True)
class DocumentationPage:
    """One page: its title, and its text as HTML of which every character that was written is escaped."""

    title: str
    html: str


class StrayLinkError(Exception):
    """A page links to a file that is not served."""


@require_safe
@csp(POLICY)
def documentation(request: HttpRequest, name: str = INDEX) -> HttpResponse:
    """A page, and links to the others."""
    if name not in PAGES:
        raise Http404
    page = page_of(name)
    links = [(f"/docs/{each}", page_of(each).title, each == name) for each in PAGES]
    response = render(request, "gateway/documentation.html", {"page": page, "links": links})
    response.headers["Cache-Control"] = f"public, max-age={FRESH_SECONDS}"
    return response


@cache
def page_of(name: str) -> DocumentationPage:
    """The page of that name. Raises StrayLinkError."""
    from markdown_it import MarkdownIt  # takes a megabyte, which most processes never need

    path = settings.BASE_DIR / "docs" / PAGES[name]
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(path.read_text())
    for token in _all(tokens):
        if token.type == "link_open":
            token.attrs["href"] = _address_of(str(token.attrs["href"]), path.parent)
    _anchor(tokens)
    title = next(token.content for token in tokens if token.type == "inline")
    html = markdown.renderer.render(tokens, markdown.options, {})
    return DocumentationPage(title=title, html=html.replace("<pre><code", '<pre tabindex="0"><code'))


def _all(tokens: Sequence["Token"]) -> Iterator["Token"]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _address_of(link: str, folder: Path) -> str:
    """Where a link of the Markdown leads among the pages. Raises StrayLinkError."""
    if link.startswith(HERE):
        return link.removeprefix(HERE) or "/"
    if "://" in link or link.startswith("#"):
        return link
    target, _, anchor = link.partition("#")
    path = (folder / target).resolve().relative_to((settings.BASE_DIR / "docs").resolve()).as_posix()
    name = next((name for name, file in PAGES.items() if file == path), None)
    if name is None:
        raise StrayLinkError(link)
    return f"/docs/{name}{f'#{anchor}' if anchor else ''}"


def _anchor(tokens: Sequence["Token"]) -> None:
    """Gives anchors to headings, and to the rows of tables that are about a code."""
    row: Token | None = None
    taken: set[str] = set()
    for token, following in zip(tokens, [*tokens[1:], None], strict=True):
        if token.type == "heading_open" and following is not None:
            token.attrSet("id", NO_WORD.sub("-", following.content.lower()).strip("-"))
        elif token.type == "tr_open":
            row = token
        elif token.type == "inline" and row is not None and (code := CODE.match(token.content)):
            if code[1] not in taken:
                row.attrSet("id", code[1])
                taken.add(code[1])
            row = None
