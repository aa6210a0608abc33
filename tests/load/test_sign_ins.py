"""Many who sign in at once: a few passwords are hashed at a time, the memory comes back, and the rest goes on."""

import json
import statistics
import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.load.conftest import Start
from tests.support.gateway import ACCOUNTS, Reply, resident_bytes

pytestmark = pytest.mark.alone

AT_ONCE = 64
#: One hash, and what a worker keeps for threads that had not served yet.
MOST_BYTES_MORE = 48 * 2**20
MOST_BYTES_KEPT = 20 * 2**20
LONGEST_SECONDS = 3.5
BODY = json.dumps({"email": ACCOUNTS["member"].email, "password": ACCOUNTS["member"].password}).encode()


@pytest.mark.long
def test_64_sign_ins_at_once_cost_little_memory_and_give_it_back(start: Start) -> None:
    gateway = start()

    def sign_in(_number: int) -> Reply:
        headers = {"Content-Type": "application/json"}
        return gateway.ask("POST", "/api/v1/auth/login", headers=headers, body=BODY)

    def all_at_once() -> list[Reply]:
        with ThreadPoolExecutor(AT_ONCE) as pool:
            return list(pool.map(sign_in, range(AT_ONCE)))

    def at_most(field: str = "VmRSS") -> int:
        return max(resident_bytes(worker, field) for worker in gateway.workers)

    assert sign_in(0).status == 200
    before = at_most()
    is_over = threading.Event()
    waits: list[float] = []

    def look() -> None:
        while not is_over.is_set():
            waits.append(gateway.ask("GET", "/health/live").seconds)

    looking = threading.Thread(target=look)
    looking.start()
    replies = all_at_once()
    is_over.set()
    looking.join()

    assert at_most("VmHWM") - before < MOST_BYTES_MORE
    assert at_most() - before < MOST_BYTES_KEPT
    assert {reply.status for reply in replies} <= {200, 503}
    assert sum(reply.status == 200 for reply in replies) >= 2
    refused = [reply for reply in replies if reply.status == 503]
    # By the queue of hashes, or by the places of threads.
    assert {(reply.code, reply.headers["retry-after"]) for reply in refused} <= {
        ("overloaded", "2"),
        ("overloaded", "1"),
    }
    assert all(reply.seconds < LONGEST_SECONDS for reply in refused)
    assert statistics.median(waits) < 0.1
    assert sign_in(0).status == 200
