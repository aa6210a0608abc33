"""Events that upstreams send: webhooks, and what each makes untrue."""

from gateway_clients.edge.events.views import EventsViewSet, forget_old_events

__all__ = ["EventsViewSet", "forget_old_events"]
