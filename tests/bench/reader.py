"""One process of one checkout, which answers reads to itself and says what each took of the processor.

It is started by `pairs` with the checkout as its working directory. A line `dashboard 0 40` asks
for 40 dashboards of members that nobody has read yet, `dashboard 5 40` for those of 5 members in
turn; the answer is the processor time of one read, in microseconds. `dashboard 0 0` asks what
one such read enters.
"""

import io
import json
import sys
import time
import uuid
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from types import FrameType
from typing import Any

sys.path.insert(0, str(Path.cwd()))  # the checkout's own packages, not those beside this file


class Reader:
    """Reads as one account, through the checkout's WSGI application."""

    def __init__(self, email: str, password: str) -> None:
        import django

        django.setup()
        from django.test import Client

        from bff_project.wsgi import application

        self._application = application
        client = Client(HTTP_HOST="localhost")
        reply = client.post("/api/v1/auth/login", {"email": email, "password": password}, "application/json")
        self._token = reply.json()["access_token"]
        self._run, self._number = uuid.uuid4().hex[:8], count()

    def microseconds(self, what: str, members: int, reads: int) -> float:
        """What one read takes of the processor, all threads of the process together."""
        paths = [path for path, _ in zip(self._paths(what, members), range(reads), strict=False)]
        began = time.process_time()
        for path in paths:
            self._read(path)
        return (time.process_time() - began) / reads * 1e6

    def traced(self, what: str) -> str:
        """How many of the checkout's functions and files one read enters, and its frames at the first socket write."""
        root, entered, frames = Path.cwd(), set(), []

        def note(frame: FrameType, event: str, argument: object) -> None:
            code = frame.f_code
            if event == "call" and is_own(code.co_filename, root):
                entered.add((code.co_filename, code.co_qualname))
            is_write = event == "call" and code.co_name in {"send_now", "send_packed_command"}
            if is_write and not frames:
                frames.append(sum(is_own(each.f_code.co_filename, root) for each in _stack(frame)))

        self._read(next(self._paths(what, 0)))
        sys.setprofile(note)
        try:
            self._read(next(self._paths(what, 0)))
        finally:
            sys.setprofile(None)
        return f"{len(entered)} / {len({file for file, _ in entered})} / {frames[0]}"

    def _paths(self, what: str, members: int) -> Iterator[str]:
        for number in self._number:
            yield f"/api/v1/{what}/m-{number % members if members else f'{self._run}-{number}'}"

    def _read(self, path: str) -> None:
        started: list[Any] = []
        environ = {
            "REQUEST_METHOD": "GET",
            "PATH_INFO": path,
            "QUERY_STRING": "",
            "SERVER_NAME": "localhost",
            "SERVER_PORT": "80",
            "SERVER_PROTOCOL": "HTTP/1.1",
            "REMOTE_ADDR": "127.0.0.1",
            "HTTP_HOST": "localhost",
            "HTTP_AUTHORIZATION": f"Bearer {self._token}",
            "wsgi.input": io.BytesIO(),
            "wsgi.errors": sys.stderr,
            "wsgi.url_scheme": "http",
            "wsgi.version": (1, 0),
            "wsgi.multithread": True,
            "wsgi.multiprocess": False,
            "wsgi.run_once": False,
        }
        answer = self._application(environ, lambda status, headers, failure=None: started.append(status))
        body = b"".join(answer)
        answer.close()
        if not started[0].startswith("200"):
            raise SystemExit(f"{path}: {started[0]} {body[:300]!r}")


def is_own(file: str, root: Path) -> bool:
    """Whether a file is the checkout's own, and not of a package in a virtual environment within it."""
    return file.startswith(f"{root}/") and "/site-packages/" not in file


def _stack(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def main() -> None:
    """Answers lines until there are no more."""
    reader = Reader(*sys.argv[1:3])
    print("READY", flush=True)
    for line in sys.stdin:
        what, members, reads = line.split()
        if int(reads) == 0:
            print("TRACED", reader.traced(what), flush=True)
            continue
        print("MICROSECONDS", json.dumps(reader.microseconds(what, int(members), int(reads))), flush=True)


if __name__ == "__main__":
    main()
