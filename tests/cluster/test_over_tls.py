"""Two machines over a Redis that speaks TLS alone, with a password."""

from collections.abc import Iterator

import pytest

from tests.cluster.network import REDIS, Machine, Network
from tests.cluster.site import Site, tell
from tests.support.certificates import Authority
from tests.support.gateway import RunningGateway
from tests.support.tls_redis import TLSRedis
from tests.support.waiting import wait_until

pytestmark = [pytest.mark.alone, pytest.mark.long, pytest.mark.timeout(300)]

MEMBER = "/api/v1/members/m-6"


@pytest.fixture
def pair(
    site: Site,
    machines: tuple[Machine, Machine, Machine],
    network: Network,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[list[RunningGateway]]:
    authority = Authority(tmp_path_factory.mktemp("tls"), addresses=[REDIS])
    redis = TLSRedis(authority, address=REDIS)
    started = site.pair(machines, REDIS_URL=redis.url, CA_BUNDLE=str(authority.bundle))
    yield started
    for gateway in started:
        gateway.remove()
    redis.remove()


def test_what_one_is_told_the_other_does_not_show_any_more(pair: list[RunningGateway], site: Site) -> None:
    def are_near() -> bool:
        return all(each.get(MEMBER).headers["cache-status"].endswith("detail=near") for each in pair)

    seen = []
    for number, told in enumerate(pair * 5):
        wait_until(are_near)
        site.rename("m-6", f"+62 813 {number:06}")
        assert tell(told, "member.updated", member_id="m-6").status == 202
        seen.append([each.get(MEMBER).json["personal"]["phone"] for each in pair])

    assert seen == [[f"+62 813 {number:06}"] * 2 for number in range(10)]
