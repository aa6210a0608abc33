"""A gateway with a history: half an hour of traffic, an upstream that fails, requests to explain, fields that drift."""

import math
import time
from datetime import timedelta

from django.utils import timezone

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.caching.store import default_cache
from gateway_clients.conf import SERVICES, DataClass
from gateway_clients.console.levers import Wish, fulfil, propose
from gateway_clients.console.management.deeds import record
from gateway_clients.console.models import Breaker, CacheEntry, GameDay
from gateway_clients.fleet.counters import FINE, CounterStore
from gateway_clients.fleet.drift import DriftBook, saw_name
from gateway_clients.fleet.explanations import CallExplained, Explanation, SectionExplained, StepExplained
from gateway_clients.fleet.processes import own_status
from gateway_clients.fleet.pulse import pulse
from gateway_clients.instrumentation.hooks import CallRecord, DriftRecord
from gateway_clients.instrumentation.tally import tally
from gateway_clients.pipeline.upstreams import upstream
from gateway_clients.resilience.breaker_sync import breaker_sync

DASHBOARD = "/api/v1/dashboard/<id:member_id>"
CLAIMS = "/api/v1/claims"
PROVIDER = "/api/v1/providers/<id:provider_id>/dashboard"
RIGHT = CallRecord(service="claims", operation="listClaims", outcome="ok", seconds=0.1, state="asked")
USERS = {
    DASHBOARD: ("member", "policy", "benefit", "claims", "notification", "payment"),
    CLAIMS: ("claims", "provider"),
    PROVIDER: ("provider", "claims", "payment"),
    "/graphql": ("member", "claims", "document"),
}


def play_traffic() -> None:
    """Counts of fifteen minutes, the last four of which hurt by payment."""
    own, now = pulse(), time.time()

    def count(redis) -> None:
        for number in range(FINE.slices):
            at = now - (FINE.slices - 1 - number) * FINE.seconds
            store = CounterStore(own.counters._prefix.removesuffix(":fleet:counts"), now=lambda at=at: at)
            pipeline = redis.pipeline(transaction=False)
            store.add(pipeline, _counts(number))
            pipeline.execute()

    own.circuit.run(count)


def _counts(number: int) -> dict[str, int]:
    is_bad = number >= FINE.slices - 16
    counts: dict[str, int] = {}
    for order, service in enumerate(SERVICES):
        calls = int(120 + 60 * math.sin(number / 6 + order) + 12 * ((number * 7 + order * 5) % 5))
        fails = is_bad and service == "payment"
        counts[f"call|{service}|calls"] = calls // 6 if fails else calls
        for offset, share in ((0, 0.5), (1, 0.3), (3, 0.15), (7, 0.05)):
            counts[f"call|{service}|d{12 + order % 4 + offset}"] = int(calls * share)
        if fails:
            counts["call|payment|errors"] = calls // 6
            counts["why|payment|circuit_open"] = calls
    for order, (route, services) in enumerate(USERS.items()):
        answers = 90 - 20 * order
        hurt = answers // 3 if is_bad and "payment" in services else 0
        counts |= {f"view|{route}|whole": answers - hurt, f"view|{route}|partial": hurt}
        counts |= {f"uses|{route}|{service}": answers // 2 for service in services}
        if hurt:
            counts[f"hurt|{route}|payment"] = hurt
    if is_bad:
        counts[f"view|{DASHBOARD}|shed"] = 2
    for order, kind in enumerate(DataClass):
        looks = 200 - 15 * order
        counts |= {f"cache|{kind}|hit": looks, f"cache|{kind}|miss": 12 + order, f"cache|{kind}|stale": order % 3}
        counts[f"cache|{kind}|coalesced"] = order % 4
    return counts


def play_processes() -> None:
    """Three more processes, on two hosts."""
    own = pulse()
    base = own_status(own.process)

    def tell(redis) -> None:
        pipeline = redis.pipeline(transaction=False)
        for number, host in enumerate(("gateway-a", "gateway-a", "gateway-b")):
            status = type(base)(
                process=f"{2100 + number}-4f1c{number}a",
                host=host,
                pid=2100 + number,
                version=base.version,
                started_at=time.time() - 86_400 - number,
                reported_at=time.time() + 300,
                places=base.places,
                breakers=base.breakers,
            )
            own.processes.tell(pipeline, status)
        pipeline.execute()

    own.circuit.run(tell)


def play_troubles() -> None:
    """The breaker of payment opens, Redis was away, a field of claims drifts."""
    own = pulse()
    own.listen()
    for _ in range(5):
        upstream("payment").breaker.admit().failed(0.1)
    own.timeline.hear_log({"event": "cache.down", "reason": "TimeoutError"})
    own.timeline.hear_log({"event": "cache.up"})
    own.timeline.add("deploy", "Version 1.0.0 started, after 0.9.4")
    own.drift.hear(RIGHT)
    own.drift.hear(
        DriftRecord(
            service="claims",
            operation="listClaims",
            fields=("items[].total_amount", "items[].provider.name"),
            omitted=1,
            shapes={"items[].total_amount": "a text of 7 letters", "items[].provider.name": "null"},
        )
    )
    for route, answers in ((DASHBOARD, 31), (CLAIMS, 12)):
        name = saw_name("items[].total_amount", service="claims", operation="listClaims", route=route)
        tally().add(name, answers)
    own.beat()


def play_earlier_drift() -> None:
    """A field of claims drifted yesterday and an hour ago, and read right again after a while."""
    own = pulse()
    prefix = own.counters._prefix.removesuffix(":fleet:counts")
    field = "items[].total_amount"
    for ago, lasted, answers in ((93_600, 5_400, 412), (3_600, 720, 37)):
        at = [time.time() - ago]
        book = DriftBook(prefix, now=lambda at=at: at[0])
        book.hear(RIGHT)
        book.hear(DriftRecord(service="claims", operation="listClaims", fields=(field,), omitted=0))
        saw = {
            saw_name(field, service="claims", operation="listClaims", route=route): answers // share
            for share, route in enumerate((DASHBOARD, CLAIMS), start=1)
        }
        own.circuit.run(lambda redis, book=book, saw=saw: book.tell(redis, saw))
        at[0] += lasted
        book.hear(RIGHT)
        own.circuit.run(lambda redis, book=book: book.tell(redis, {}))


def play_requests() -> None:
    """A partial, a slow, a shed, a failed and a sampled request."""
    own = pulse()
    for each in REQUESTS:
        own.explain(each)
        own.beat()


def play_entries(members: int = 12) -> None:
    """Entries of some members."""
    for number in range(members):
        for kind in (DataClass.CLAIMS, DataClass.BENEFITS, DataClass.MEMBER):
            default_cache().set(
                CacheKey(kind, "list:limit=20", Subject.member(f"m-{number}")),
                {"items": [{"id": f"c-{number}", "amount": 150_000, "name": "Siti Rahayu"}], "total": 1},
            )


def play_all() -> None:
    """All of it."""
    play_traffic()
    play_earlier_drift()
    play_troubles()
    play_processes()
    play_requests()
    play_entries()


def _call(service: str, operation: str, started: float, spent: float, state: str = "fresh", **more) -> CallExplained:
    given = {"planned_ms": 2000, "left_ms": 3000 - started - spent}
    steps = [StepExplained(started + 0.4, "looked up", "miss in Redis, took the lease")]
    if state != "circuit_open":
        steps += [StepExplained(started + 1.1, "sent"), StepExplained(started + spent, "answered")]
    else:
        steps = steps[:1]
    return CallExplained(
        service=service,
        operation=operation,
        state=state,
        started_ms=started,
        spent_ms=spent,
        **{**given, "steps": tuple(steps), **more},
    )


_PARTIAL = Explanation(
    request_id="7f3a2b1c9d8e4f60a1b2c3d4e5f60718",
    at=time.time() - 40,
    kind="partial",
    method="GET",
    route=DASHBOARD,
    status=200,
    spent_ms=186.4,
    budget_ms=3000,
    caller="member",
    code="circuit_open",
    process="2101-4f1c1a",
    version="1.0.0",
    calls=(
        _call("member", "getMember", 2.1, 38.2),
        _call("policy", "getPolicy", 2.1, 61.0),
        _call("benefit", "listBenefits", 2.1, 1.2, "cached", age_seconds=41.0, is_kept=True, steps=()),
        _call(
            "claims",
            "listClaims",
            2.1,
            181.3,
            steps=(
                StepExplained(2.5, "looked up", "miss in Redis, took the lease"),
                StepExplained(44.0, "got a place", "after 41 ms"),
                StepExplained(44.0, "sent"),
                StepExplained(96.0, "failed", "upstream_unavailable"),
                StepExplained(118.0, "tried again", "upstream_unavailable"),
                StepExplained(118.4, "sent"),
                StepExplained(183.0, "answered"),
            ),
        ),
        _call("notification", "listNotifications", 2.1, 64.9, is_follower=True, steps=()),
        _call("payment", "listPayments", 2.1, 0.9, "circuit_open", error="circuit_open"),
    ),
    sections=(
        SectionExplained(view="dashboard", name="member", state="fresh"),
        SectionExplained(view="dashboard", name="policy", state="fresh"),
        SectionExplained(view="dashboard", name="benefits", state="cached", age_seconds=41.0),
        SectionExplained(view="dashboard", name="claims", state="fresh", drifted=("total_amount",), omitted=1),
        SectionExplained(view="dashboard", name="notifications", state="fresh"),
        SectionExplained(view="dashboard", name="payments", state="unavailable", error="circuit_open"),
    ),
)


def _request(number: int, kind: str, status: int, spent_ms: float, **more) -> Explanation:
    given = {"at": time.time() - 60 * number, "method": "GET", "route": CLAIMS, "budget_ms": 3000}
    return Explanation(
        request_id=f"{number:02}9c4e7ab1d2f3a4b5c6d7e8f901a2b3",
        kind=kind,
        status=status,
        spent_ms=spent_ms,
        process="2100-4f1c0a",
        version="1.0.0",
        **{**given, **more},
    )


_TIMEOUT = _call("claims", "listClaims", 2.0, 2900.0, "upstream_timeout")
REQUESTS = (
    _request(5, "sample", 200, 12.4, caller="provider"),
    _request(
        4,
        "slow",
        200,
        1720.0,
        caller="admin",
        calls=(_call("claims", "listClaims", 3.0, 1702.0), _call("provider", "getProvider", 1706.0, 12.0)),
    ),
    _request(3, "shed", 503, 1.8, code="overloaded", is_crowded=True, route=DASHBOARD, caller="member"),
    _request(
        2,
        "failed",
        504,
        2950.0,
        code="upstream_timeout",
        calls=(_TIMEOUT,),
    ),
    _PARTIAL,
)
PARTIAL, SHED, SLOW = REQUESTS[4], REQUESTS[2], REQUESTS[1]


def play_deeds(by) -> None:
    """What staff did: an override, a proposal, a drop, a game day that is over."""
    wish = Wish(
        service="provider", action="forced_open", minutes=60, reason="its owners change the database", ticket="OPS-31"
    )
    fulfil(wish, by=str(by.pk), record=lambda text: _log(by, Breaker, "provider", text))
    propose(
        Wish(service="policy", action="forced_closed", minutes=15, reason="its 503 are none, says its team"),
        by=str(by.pk),
        record=lambda text: _log(by, Breaker, "policy", text),
    )
    _log(by, CacheEntry, "*:member:m-7:*", "Dropped: wrong since last night's import")
    now = timezone.now()
    GameDay.objects.create(
        service="payment",
        kind="error",
        percent=30,
        reason="is a dashboard without payments of use",
        started_by=str(by.pk),
        started_at=now - timedelta(minutes=9),
        ends_at=now - timedelta(minutes=4),
        before={"views": {"/dashboard/{member_id}": {"whole": 1790, "partial": 10, "failed": 0, "shed": 0}}},
        report={
            "calls": {"calls": 812, "errors": 251, "slow": 0, "refused": 0, "left_alone": 96},
            "views": {"/dashboard/{member_id}": {"whole": 1204, "partial": 588, "failed": 0, "shed": 2}},
        },
    )
    breaker_sync().read_rulings()


def _log(by, model, about: str, text: str) -> None:
    record(by, model, flag=2, about=about, text=text)
