"""Submits claims while processes are killed and the claims service fails in every way; then all must be found once."""

import http.client
import random
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from redis import Redis

from tests.support.waiting import wait_until
from tests.writes.cluster import Answer, Cluster, Gateway, Worker
from tests.writes.portal import a_claim

#: What the claims service does, for a tenth of a second each. A delay that the gateway does not wait for comes later.
WEATHER: Final = (
    {"kind": "error", "rate": 0.7},
    {"kind": "error_after", "rate": 0.7},
    {"kind": "lost", "rate": 0.7},
    {"kind": "mute", "rate": 0.4},
    {"kind": "reset", "rate": 0.7},
    {"kind": "down", "rate": 0.5},
    {"kind": "delay", "delay_seconds": 0.7, "rate": 0.3},
    {"kind": "garbage", "rate": 0.5},
    {"kind": "delay", "delay_seconds": 0.0},
)
REFUSED: Final = ({"member_id": "m-38"}, {"provider_id": "prov-14"})
#: A portal gives up after so many tries without an answer that settles it.
MOST_TRIES: Final = 8
HEALED_SECONDS: Final = 90.0
#: Threads that click.
CLICKERS: Final = 8


@dataclass
class Told:
    """What a portal was told about one claim."""

    statuses: Counter[int] = field(default_factory=Counter)
    claim_ids: set[str] = field(default_factory=set)
    submission_ids: set[str] = field(default_factory=set)

    def hear(self, answer: Answer) -> None:
        """Notes an answer."""
        self.statuses[answer.status] += 1
        if answer.status == 201:
            self.claim_ids.add(answer.body["id"])
        if answer.status == 202:
            self.submission_ids.add(answer.body["submission_id"])

    @property
    def is_final(self) -> bool:
        """Whether the portal has an answer that it need not ask for again."""
        return any(self.statuses[status] for status in (201, 202, 400, 422))


def run(
    cluster: Cluster, serving: list[Gateway], working: list[Worker], *, count: int, seed: int, kill_every_seconds: float
) -> str:
    """Fails where a claim is there twice, is missing, or is never settled. What happened, in a line."""
    chance = random.Random(seed)
    before = {service: len(cluster.sandbox.ledger(service)) for service in ("claims", "notification")}
    over = threading.Event()
    kills: Counter[str] = Counter()
    claims = {f"key-{number}": a_claim(notes=f"key-{number}", **_changes(number)) for number in range(count)}
    told = {key: Told() for key in claims}
    background = [
        threading.Thread(target=_weather, args=(cluster, over, random.Random(seed + 1))),
        threading.Thread(target=_killer, args=(cluster, serving, working, over, chance, kills, kill_every_seconds)),
    ]
    for thread in background:
        thread.start()
    try:
        with ThreadPoolExecutor(CLICKERS) as pool:
            clicks = [
                pool.submit(_click, cluster, serving, key, claims[key], told[key], seed * 1000 + number)
                for number, key in enumerate(key for key in claims for _ in range(2))
            ]
            for click in clicks:
                click.result()
    finally:
        over.set()
        for thread in background:
            thread.join()
        cluster.sandbox.clear()

    def are_all_ready() -> bool:
        _restart(cluster, working)
        return all(each.is_ready() for each in (*serving, *working))

    wait_until(are_all_ready, seconds=60)
    wait_until(cluster.is_idle, seconds=HEALED_SECONDS)
    _judge(cluster, serving[0], told, before)
    assert kills.total(), "nothing was killed"
    answers = sum((each.statuses for each in told.values()), Counter[int]())
    return f"{count} claims, killed {dict(kills)}, answered {dict(answers)}"


def _changes(number: int) -> dict[str, str]:
    return REFUSED[number // 10 % 2] if number % 10 == 9 else {}


def _token_of(cluster: Cluster, key: str) -> str:
    return cluster.tokens[int(key.rpartition("-")[2]) % len(cluster.tokens)]


def _click(cluster: Cluster, serving: list[Gateway], key: str, claim: dict[str, object], told: Told, seed: int) -> None:
    """One of two clicks: asks any gateway, again and again, until the answer settles it."""
    chance = random.Random(seed)
    time.sleep(chance.uniform(0.0, 0.5))
    token = _token_of(cluster, key)
    for _ in range(MOST_TRIES):
        try:
            told.hear(chance.choice(serving).ask("POST", "claims", token, claim, key))
        except (OSError, http.client.HTTPException, ValueError):
            told.statuses[0] += 1
        if told.is_final:
            return
        time.sleep(chance.uniform(0.05, 0.5))


def _weather(cluster: Cluster, over: threading.Event, chance: random.Random) -> None:
    while not over.wait(0.1):
        cluster.sandbox.fault("claims", **chance.choice(WEATHER), operation="submitClaim")
        cluster.sandbox.fault("notification", **chance.choice(WEATHER), operation="sendNotification")


def _killer(
    cluster: Cluster,
    serving: list[Gateway],
    working: list[Worker],
    over: threading.Event,
    chance: random.Random,
    kills: Counter[str],
    every_seconds: float,
) -> None:
    """Kills a process of a gateway, which its parent starts again, or of a worker, which is started again here."""
    redis = Redis.from_url(cluster.environment["REDIS_URL"])
    while not over.wait(chance.uniform(0.5, 1.5) * every_seconds):
        if chance.random() < 0.2:
            redis.flushdb()
            kills["all that Redis held"] += 1
        if chance.random() < 0.6:
            kills["gateway"] += chance.choice(serving).kill_one(chance)
        else:
            number = chance.randrange(len(working))
            working[number].kill_one(chance)
            kills["worker"] += 1
        _restart(cluster, working)
    redis.close()


def _restart(cluster: Cluster, working: list[Worker]) -> None:
    """Starts again the workers that have died."""
    for number, worker in enumerate(working):
        if worker.process.poll() is not None:
            working[number] = cluster.worker(is_awaited=False)


def _judge(cluster: Cluster, gateway: Gateway, told: dict[str, Told], before: dict[str, int]) -> None:
    entries = cluster.sandbox.ledger("claims")[before["claims"] :]
    made = {entry.body["notes"]: entry.id for entry in entries}
    assert len(made) == len(entries), "a claim is in the ledger twice"
    for number, (key, each) in enumerate(told.items()):
        assert len(each.claim_ids) <= 1, f"{key} was acknowledged as two claims"
        if each.claim_ids:
            assert each.claim_ids == {made.get(key)}, f"{key} was acknowledged and is not in the ledger"
        if _changes(number):
            assert key not in made, f"{key} was refused and is in the ledger"
            assert each.statuses.keys() <= {0, 400, 409, 503, 504}
        for submission_id in each.submission_ids:
            shown = gateway.ask("GET", f"claims/submissions/{submission_id}", _token_of(cluster, key)).body
            assert shown["status"] == "submitted", f"{key} is {shown['status']}"
            assert shown["claim"]["id"] == made[key]
    notices = Counter(
        entry.body["claim_id"] for entry in cluster.sandbox.ledger("notification")[before["notification"] :]
    )
    assert notices == Counter(made.values()), "not everybody was told exactly once"
