"""What is told of every view of one upstream, whatever it shows."""

from dataclasses import dataclass

from gateway_clients.edge.access.resources import Resource
from gateway_clients.edge.output.deprecation import Deprecation
from gateway_clients.invalidation.rules import Changed


@dataclass(frozen=True, kw_only=True)
class ReadSpec:
    """A view of one upstream, told once.

    `name` is the view's in `meta`; `service` its upstream. `path` is its address below `/api/v1/`, `tag` its chapter
    in the OpenAPI document, `operation_id` its name there. `resource` is its row in
    the access table; `query_ids` are ids in the query that decide as well. `doc` is what portals read of it, over REST
    `rest_doc` where that says more. `field` is its root field over GraphQL, "" where it has none, and `field_doc` what
    is read there. `dropped_by` names the changes after which it is no longer true; none when it is never kept.
    `deprecation` is told where the view is going to go.
    """

    name: str
    service: str
    path: str
    operation_id: str
    resource: Resource
    tag: str
    doc: str
    dropped_by: tuple[Changed, ...]
    rest_doc: str = ""
    query_ids: tuple[str, ...] = ()
    field: str = ""
    field_doc: str = ""
    deprecation: Deprecation | None = None

    @property
    def deprecation_reason(self) -> str | None:
        """What its field over GraphQL is marked with."""
        return None if self.deprecation is None else self.deprecation.words

    @property
    def action(self) -> str:
        """The name of its action, as DRF calls a list of everything."""
        return self.name if "<" in self.path else "list"
