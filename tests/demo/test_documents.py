"""100 MB in and out of the running gateway, with no more memory than a few pieces of them."""

import hashlib
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.demo.conftest import Demo

pytestmark = [pytest.mark.long, pytest.mark.timeout(300)]
MEMBER = "siti.rahayu@example.com"
PIECE = bytes(range(256)) * 256
MOST_MORE_BYTES = 40_000_000
HEAD = (
    b'--b\r\nContent-Disposition: form-data; name="file"; filename="large.pdf"\r\n'
    b"Content-Type: application/pdf\r\n\r\n%PDF-1.4\n"
)
END = b"\r\n--b--\r\n"


class Form:
    """A form with a PDF of so many bytes, made as it is sent."""

    def __init__(self, size: int) -> None:
        self.size = size
        self.digest = hashlib.sha256(b"%PDF-1.4\n")

    def __len__(self) -> int:
        return len(HEAD) - 9 + self.size + len(END)

    def __iter__(self) -> Iterator[bytes]:
        yield HEAD
        left = self.size - 9
        while left:
            piece = PIECE[:left]
            self.digest.update(piece)
            left -= len(piece)
            yield piece
        yield END


def peak_bytes(pid: int) -> int:
    """The most memory a process has had so far."""
    line = next(line for line in Path(f"/proc/{pid}/status").read_text().splitlines() if line.startswith("VmHWM"))
    return int(line.split()[1]) * 1024


def send(demo: Demo, form: Form, headers: dict[str, str]) -> requests.Response:
    return requests.post(
        f"{demo.gateway}/api/v1/members/m-1/documents",
        data=form,  # type: ignore[arg-type]  # requests streams what it can iterate over and measure
        headers={**headers, "Content-Type": "multipart/form-data; boundary=b"},
        timeout=120,
    )


def test_100_megabytes_pass_in_and_out_with_bounded_memory(demo: Demo) -> None:
    headers = demo.headers(MEMBER)
    send(demo, Form(1_000_000), headers).raise_for_status()
    before = {pid: peak_bytes(pid) for pid in demo.workers()}
    assert len(before) >= 3
    form = Form(100_000_000)

    stored = send(demo, form, headers)

    assert (stored.status_code, stored.json()["size_bytes"]) == (201, 100_000_000)
    address = f"{demo.gateway}/api/v1/members/m-1/documents/{stored.json()['id']}/content"
    digest = hashlib.sha256()
    with requests.get(address, headers=headers, stream=True, timeout=120) as answer:
        for piece in answer.iter_content(65_536):
            digest.update(piece)
    assert digest.digest() == form.digest.digest()
    after = {pid: peak_bytes(pid) for pid in demo.workers()}
    assert max(after[pid] - before[pid] for pid in before) < MOST_MORE_BYTES


def test_a_byte_more_is_too_large(demo: Demo) -> None:
    answer = send(demo, Form(100_000_001), demo.headers(MEMBER))

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


def test_places_come_back_from_clients_that_go_away(demo: Demo) -> None:
    headers = demo.headers(MEMBER)
    document = send(demo, Form(20_000_000), headers).json()
    address = f"{demo.gateway}/api/v1/members/m-1/documents/{document['id']}/content"
    for _ in range(20):
        with requests.get(address, headers=headers, stream=True, timeout=30) as answer:
            assert answer.status_code == 200
            next(answer.iter_content(65_536))

    assert len(requests.get(address, headers=headers, timeout=60).content) == 20_000_000
