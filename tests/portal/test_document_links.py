"""Links to documents for `<a href>`: once, for a minute, for whom they stand, and told to nobody."""

import datetime
import re
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from structlog.testing import capture_logs

from gateway_clients.edge.errors import UnauthenticatedError
from members import document_links
from members.document_links import forget_old_links
from members.models import Account, DocumentLink
from tests.support.answering import AnsweringUpstreams

PDF = b"%PDF-1.4\n"
CONTENT = "/api/v1/members/m-1/documents/d-1/content"
LINK = "/api/v1/members/m-1/documents/d-1/link"


@pytest.fixture
def link(as_: Callable[..., Client], upstreams: AnsweringUpstreams) -> str:
    """The path and query of a member's new link; nothing asked for yet."""
    answer = as_("member").post(LINK)
    assert answer.status_code == 201
    upstreams.asked.clear()
    url = urlsplit(answer.json()["url"])
    return f"{url.path}?{url.query}"


def follow(link: str) -> tuple[int, bytes]:
    answer = Client().get(link)
    return answer.status_code, b"".join(answer) if answer.streaming else answer.content


def test_a_link_is_the_whole_address_and_says_when_it_ends(as_, upstreams) -> None:
    answer = as_("member").post(LINK).json()

    assert re.fullmatch(rf"http://testserver{CONTENT}\?link=[A-Za-z0-9_-]{{43}}", answer["url"])
    left = datetime.datetime.fromisoformat(answer["expires_at"]) - timezone.now()
    assert datetime.timedelta(seconds=55) < left <= datetime.timedelta(seconds=60)


def test_who_follows_it_gets_the_file_as_an_attachment_and_tells_no_other_site(link: str, upstreams) -> None:
    answer = Client().get(link)

    assert (answer.status_code, b"".join(answer)) == (200, PDF)
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["Cache-Control"] == "private, no-store"
    assert upstreams.operations == ["getDocument", "downloadDocument"]


def test_it_is_good_once_and_a_head_does_not_use_it_up(link: str, upstreams) -> None:
    assert Client().head(link).status_code == 200
    assert follow(link) == (200, PDF)
    upstreams.asked.clear()

    status, body = follow(link)

    assert (status, b'"code":"unauthenticated"' in body, upstreams.asked) == (401, True, [])


def test_it_ends_after_a_minute_and_is_forgotten(link: str, upstreams, monkeypatch: pytest.MonkeyPatch) -> None:
    later = timezone.now() + datetime.timedelta(seconds=61)
    monkeypatch.setattr(timezone, "now", lambda: later)

    assert follow(link)[0] == 401
    forget_old_links()
    assert (DocumentLink.objects.count(), upstreams.asked) == (0, [])


@pytest.mark.parametrize("change", [{"is_active": False}, {"token_epoch": 7}], ids=["disabled", "another password"])
def test_it_dies_with_its_account(link: str, upstreams, change) -> None:
    Account.objects.update(**change)

    assert follow(link)[0] == 401
    assert upstreams.asked == []


def test_it_is_worth_what_its_account_may_see_when_it_is_followed(link: str, upstreams) -> None:
    Account.objects.update(member_id="m-2")

    assert follow(link)[0] == 403
    assert upstreams.asked == []


@pytest.mark.parametrize(
    "elsewhere",
    [
        "/api/v1/members/m-1/documents/d-2/content",
        "/api/v1/members/m-1/documents",
        "/api/v1/dashboard/m-1",
        "/api/v1/auth/me",
    ],
)
def test_it_opens_no_other_address(link: str, upstreams, elsewhere: str) -> None:
    assert Client().get(f"{elsewhere}?{link.partition('?')[2]}").status_code == 401
    graphql = f"/graphql?{link.partition('?')[2]}"
    assert Client().post(graphql, {"query": "{ me { id } }"}, "application/json").json()["data"] is None
    assert upstreams.asked == []


def test_who_may_not_download_a_document_gets_no_link_to_it(as_, upstreams) -> None:
    assert as_("other member").post(LINK).status_code == 403
    assert as_("other provider").post(LINK).status_code == 404
    assert DocumentLink.objects.count() == 0


def test_of_two_who_follow_it_at_once_one_gets_the_document(
    link: str, upstreams, monkeypatch: pytest.MonkeyPatch
) -> None:
    is_alive = DocumentLink.is_alive

    def followed_by_another(self: DocumentLink, now: datetime.datetime) -> bool:
        DocumentLink.objects.filter(pk=self.pk).delete()
        return is_alive(self, now)

    monkeypatch.setattr(DocumentLink, "is_alive", followed_by_another)
    status, _ = follow(link)

    assert (status, upstreams.asked) == (401, [])


def test_neither_the_log_nor_the_database_has_what_opens_it(as_, upstreams, capfd: pytest.CaptureFixture[str]) -> None:
    with capture_logs() as lines:
        url = as_("member").post(LINK).json()["url"]
        token = url.rpartition("=")[2]
        follow(f"{CONTENT}?link={token}")

    written = capfd.readouterr()
    assert token not in f"{lines}{written.out}{written.err}"
    assert not DocumentLink.objects.filter(digest__contains=token).exists()


@pytest.mark.django_db
def test_for_an_account_that_is_gone_there_is_none() -> None:
    with pytest.raises(UnauthenticatedError):
        document_links.make(404, "/api/v1/documents/doc-1/content")
