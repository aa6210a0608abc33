"""What this process has of each upstream: breaker, bulkhead, retry budget, connections."""

from dataclasses import dataclass
from typing import Final

from django.conf import settings
from django.core.signals import setting_changed

from gateway_clients.conf import SERVICES, UpstreamConf, upstream_conf
from gateway_clients.resilience.breaker import Breaker
from gateway_clients.resilience.breaker_sync import breaker_sync
from gateway_clients.resilience.bulkhead import Admission, Bulkhead, Followers
from gateway_clients.resilience.retry import RetryBudget
from gateway_clients.runtime.singletons import process_singleton
from gateway_clients.transport.multiplexed.connection_pool import connection_pool_of
from gateway_clients.transport.requests_client import RequestsClient

#: Of the reads that may wait on upstreams this share may wait for calls of others to one that is in trouble.
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
    #: Whether its calls can go side by side on one thread; others have to be spread over threads.
    is_multiplexed: bool


@process_singleton
def upstream(name: str) -> Upstream:
    """The upstream of that name. Raises KeyError."""
    conf = upstream_conf(name)
    sharing = breaker_sync()
    breaker = Breaker(
        conf,
        on_trip=sharing.publish_trip,
        on_pause=sharing.publish_pause,
        may_probe=sharing.may_probe,
        on_probe_end=sharing.end_probe,
    )
    sharing.add(breaker)
    return Upstream(
        conf=conf,
        breaker=breaker,
        bulkhead=Bulkhead(name, conf.bulkhead_limit),
        waiters=Followers(
            name,
            most=settings.ADMISSION_LIMIT,
            share=int(settings.ADMISSION_LIMIT * FOLLOWERS_SHARE),
            is_in_trouble=lambda: breaker.is_hanging,
        ),
        retries=RetryBudget(conf.retry_budget, has_reserve=True),
        client=RequestsClient(conf),
        is_multiplexed=conf.base_url.startswith("http://"),
    )


def all_upstreams() -> list[Upstream]:
    """All eight."""
    return [upstream(name) for name in SERVICES]


@process_singleton
def multiplex_all() -> bool:
    """Whether the calls of any upstreams can go side by side on one thread."""
    return all(each.is_multiplexed for each in all_upstreams())


@process_singleton
def admission() -> Admission:
    """The limit of this process's reads that wait on upstreams."""
    return Admission(settings.ADMISSION_LIMIT)


@process_singleton
def reserved_admission() -> Admission:
    """The same for writes and what else has reserved places: their threads are their limit."""
    return Admission(settings.THREADS)


def forget(**_: object) -> None:
    """Start anew with other settings; for tests."""
    for made in upstream.instances():
        made.client.close()
        connection_pool_of(made.conf).close()
    upstream.cache_clear()
    multiplex_all.cache_clear()
    admission.cache_clear()
    reserved_admission.cache_clear()


setting_changed.connect(forget)
