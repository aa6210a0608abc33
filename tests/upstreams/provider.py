"""The provider service."""

from gateway_clients.gateway import Gateway
from gateway_clients.services.base import digest_of
from tests.upstreams.samples import Effect, Example, Foreign, Json, Read, UpstreamSamples, a_page, first_page

provider = Gateway.provider
PROVIDER: Json = {"id": "p-1", "name": "RS Sehat", "is_active": True, "type": "hospital"}
SHOWN: Json = {
    "id": "p-1",
    "name": "RS Sehat",
    "type": "hospital",
    "location": None,
    "address": None,
    "phone": None,
    "is_active": True,
    "network_tier": None,
}
DASHBOARD = "providers/prov-1/dashboard"

SAMPLES = UpstreamSamples(
    well={"getProvider": PROVIDER, "searchProviders": a_page(PROVIDER, total=17)},
    reads=[
        Read(
            provider.get_provider("p-1"),
            "getProvider",
            "GET /providers/p-1",
            "provider:provider:p-1:detail",
            {"provider:p-1"},
        ),
        Read(
            provider.search_providers(q="sehat & co", is_active=True, limit=10),
            "searchProviders",
            "GET /providers?q=sehat+%26+co&is_active=true&limit=10&offset=0",
            f"provider:list:q={digest_of('sehat & co')}&is_active=true&limit=10&offset=0",
            set(),
        ),
        Read(
            provider.search_providers(ids=["p-2", "p-1", "p-2"], limit=100),
            "searchProviders",
            "GET /providers?ids=p-1%2Cp-2&limit=100&offset=0",
            "provider:list:ids=p-1%2Cp-2&limit=100&offset=0",
            {"provider:p-1", "provider:p-2"},
        ),
    ],
    shown={
        "providers/p-1": SHOWN,
        "providers": first_page("items", SHOWN),
    },
    foreign=[
        Foreign(provider.get_provider("p-1"), PROVIDER, PROVIDER | {"id": "p-2"}),
        Foreign(provider.search_providers(ids=["p-1"]), a_page(PROVIDER), a_page(PROVIDER | {"id": "p-2"})),
    ],
    examples={
        "searchProviders": Example(200, "GET", "/providers?is_active=true&limit=100"),
        "getProvider": Example(200, "GET", "/providers/prov-40"),
    },
    effects=[
        Effect("provider.updated", {"provider_id": "2026/7"}, "provider", DASHBOARD, set()),
        Effect(
            "provider.updated",
            {"provider_id": "prov-1"},
            "provider",
            DASHBOARD,
            {"provider", "notifications", "recent_claims", "claims_summary"},
        ),
        Effect("provider.updated", {"provider_id": "prov-1"}, "provider", "providers", {"items"}),
    ],
)
