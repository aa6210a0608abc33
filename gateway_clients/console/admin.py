"""The console's pages, on the index of Django admin."""

from django.contrib import admin
from django.contrib.admin.models import LogEntry

from gateway_clients.console.audit import AuditEntryAdmin
from gateway_clients.console.breakers import BreakerAdmin
from gateway_clients.console.drift import ContractDriftAdmin
from gateway_clients.console.entries import CacheEntryAdmin
from gateway_clients.console.explanations import ExplanationAdmin
from gateway_clients.console.game_days import GameDayAdmin
from gateway_clients.console.logentries import LogEntryAdmin
from gateway_clients.console.models import (
    Breaker,
    CacheEntry,
    ContractDrift,
    Explanation,
    GameDay,
    Overview,
    Upstream,
)
from gateway_clients.console.outbox import OutboxMessageAdmin
from gateway_clients.console.overview import OverviewAdmin
from gateway_clients.console.upstreams import UpstreamAdmin
from gateway_clients.models import AuditEntry, OutboxMessage

admin.site.register(AuditEntry, AuditEntryAdmin)
admin.site.register(Breaker, BreakerAdmin)
admin.site.register(CacheEntry, CacheEntryAdmin)
admin.site.register(ContractDrift, ContractDriftAdmin)
admin.site.register(Explanation, ExplanationAdmin)
admin.site.register(GameDay, GameDayAdmin)  # type: ignore[misc]  # a page that has rows of its own
admin.site.register(LogEntry, LogEntryAdmin)
admin.site.register(OutboxMessage, OutboxMessageAdmin)
admin.site.register(Overview, OverviewAdmin)
admin.site.register(Upstream, UpstreamAdmin)
admin.site.index_template = "console/index.html"
