"""The provider service: hospitals, clinics, pharmacies and laboratories."""

from collections.abc import Sequence

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import SAMPLE_ITEMS, Service, digest_of, representation_of
from gateway_clients.services.payload_parser import Page, Payload, one, page


class ProviderPayload(Payload, frozen=True):
    """A provider. `location` is city and province."""

    id: str
    name: str
    is_active: bool
    type: str | None = None
    location: str | None = None
    address: str | None = None
    phone: str | None = None
    network_tier: str | None = None


class ProviderService(Service):
    """The typed client of the provider service."""

    name = "provider"

    def sample(self, member_id: str) -> Call[Page[ProviderPayload]]:
        return self.search_providers(limit=SAMPLE_ITEMS)

    def search_providers(
        self,
        *,
        q: str | None = None,
        ids: Sequence[str] | None = None,
        is_active: bool | None = None,
        limit: int = 20,
        offset: int = 0,
    ) -> Call[Page[ProviderPayload]]:
        """Providers by name, or just those with these ids, 100 at most. The key does not hold the words."""
        asked_ids = None if ids is None else sorted(set(ids))
        query = {
            "q": q,
            "ids": None if asked_ids is None else ",".join(asked_ids),
            "is_active": is_active,
            "limit": limit,
            "offset": offset,
        }
        key = CacheKey(
            DataClass.PROVIDER,
            representation_of("list", {**query, "q": None if q is None else digest_of(q)}),
            also_about=tuple(map(Subject.provider, asked_ids or ())),
        )
        parse = page(
            ProviderPayload,
            is_asked_for=None if asked_ids is None else lambda provider: provider.id in asked_ids,
        )
        return self._read("searchProviders", ("providers",), parse, query=query, key=key)

    def get_provider(self, provider_id: str) -> Call[ProviderPayload]:
        """Gets one provider."""
        parse = one(ProviderPayload, is_asked_for=lambda provider: provider.id == provider_id)
        key = CacheKey(DataClass.PROVIDER, "detail", subject=Subject.provider(provider_id))
        return self._read("getProvider", ("providers", provider_id), parse, key=key)
