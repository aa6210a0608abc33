"""Staff at a running gateway: signed in to Django admin, with the CSRF token in every form."""

from collections.abc import Mapping
from typing import Final

import requests

from bff_project.processes.ports import LOOPBACK
from tests.support.gateway import ACCOUNTS, RunningGateway

WHO: Final = "staff, for /admin/"
SECONDS: Final = 30


class Staff:
    """Somebody who may do everything."""

    def __init__(self, gateway: RunningGateway, *, who: str = WHO) -> None:
        self._origin = f"http://{LOOPBACK}:{gateway.port}"
        self._session = requests.Session()
        self.get("/admin/login/")
        account = ACCOUNTS[who]
        self.post("/admin/login/", {"username": account.email, "password": account.password, "next": "/admin/"})

    def get(self, path: str) -> requests.Response:
        """A page. Raises `requests.HTTPError` for one that does not open."""
        answer = self._session.get(f"{self._origin}{path}", timeout=SECONDS)
        answer.raise_for_status()
        return answer

    def post(self, path: str, data: Mapping[str, str]) -> requests.Response:
        """Sends a form: the redirection that says it was taken. Raises `requests.HTTPError`."""
        token = self._session.cookies["csrftoken"]
        answer = self._session.post(
            f"{self._origin}{path}",
            {**data, "csrfmiddlewaretoken": token},
            headers={"Referer": f"{self._origin}{path}"},
            allow_redirects=False,
            timeout=SECONDS,
        )
        answer.raise_for_status()
        assert answer.status_code == 302, answer.text
        return answer
