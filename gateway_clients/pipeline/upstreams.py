"""This process's breaker, bulkhead, retry budget and connections of each upstream."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.signals import setting_changed

from gateway_clients.conf import SERVICES, UpstreamConf, upstream_conf
from gateway_clients.instrumentation.breaker_metrics import BreakerMetrics
from gateway_clients.resilience.admission import Admission, Followers
from gateway_clients.resilience.breaker import Breaker
from gateway_clients.resilience.breaker_sync import breaker_sync
from gateway_clients.resilience.bulkhead import Bulkhead
from gateway_clients.resilience.retry import RetryBudget
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.transport.requests_client import RequestsClient

#: The share of the waiting reads that may wait for other requests' calls to one upstream in trouble.
FOLLOWERS_SHARE: Final = 0.25


@dataclass(frozen=True, slots=True, eq=False)
class Upstream:
    """One upstream as this process sees it."""

    conf: UpstreamConf
    breaker: Breaker
    bulkhead: Bulkhead
    waiters: Followers
    retries: RetryBudget
    client: RequestsClient


@process_singleton
def upstream(name: str) -> Upstream:
    """Returns the upstream of that name. Raises KeyError."""
    conf = upstream_conf(name)
    sharing = breaker_sync()
    breaker = Breaker(
        conf,
        listeners=[BreakerMetrics()],
        on_pause=sharing.publish_pause,
        may_probe=sharing.may_probe,
        on_probe_end=sharing.end_probe,
    )
    sharing.add(breaker)
    return Upstream(
        conf=conf,
        breaker=breaker,
        bulkhead=Bulkhead(name, conf.bulkhead_limit, timeout_seconds=conf.timeout_seconds),
        waiters=Followers(
            name,
            most=settings.ADMISSION_LIMIT,
            share=int(settings.ADMISSION_LIMIT * FOLLOWERS_SHARE),
            is_in_trouble=lambda: breaker.is_hanging,
        ),
        retries=RetryBudget(conf.retry_budget, has_reserve=True),
        client=RequestsClient(conf),
    )


def all_upstreams() -> list[Upstream]:
    """Returns every upstream, in the order of the settings."""
    return [upstream(name) for name in SERVICES]


@process_singleton
def admission() -> Admission:
    """Returns the limit of this process's reads that wait on upstreams."""
    return Admission(settings.ADMISSION_LIMIT)


@process_singleton
def reserved_admission() -> Admission:
    """Returns the limit of writes and of whatever else has reserved places: that of their threads."""
    return Admission(settings.THREADS)


def forget(**_: object) -> None:
    """Start anew with other settings; for tests."""
    for made in upstream.instances():
        made.client.close()
    upstream.cache_clear()
    admission.cache_clear()
    reserved_admission.cache_clear()


setting_changed.connect(forget)
