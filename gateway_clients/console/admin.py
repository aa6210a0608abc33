"""The console's pages, on the index of Django admin."""

from django.contrib import admin

from gateway_clients.console.breakers import BreakerAdmin
from gateway_clients.console.entries import CacheEntryAdmin
from gateway_clients.console.models import Breaker, CacheEntry, Upstream
from gateway_clients.console.upstreams import UpstreamAdmin

admin.site.register(Breaker, BreakerAdmin)
admin.site.register(CacheEntry, CacheEntryAdmin)
admin.site.register(Upstream, UpstreamAdmin)
