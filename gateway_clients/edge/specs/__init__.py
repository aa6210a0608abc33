"""A view of one upstream in one declaration, from which its REST view and its GraphQL field are made."""

from gateway_clients.edge.specs.filters import (
    SEARCH,
    Filter,
    FilterKind,
    choice_filter,
    date_filter,
    id_filter,
)
from gateway_clients.edge.specs.lists import ListSpec
from gateway_clients.edge.specs.reads import ReadSpec
from gateway_clients.edge.specs.records import RecordSpec
from gateway_clients.edge.specs.sections import SectionPage, sections_model

__all__ = [
    "SEARCH",
    "Filter",
    "FilterKind",
    "ListSpec",
    "ReadSpec",
    "RecordSpec",
    "SectionPage",
    "choice_filter",
    "date_filter",
    "id_filter",
    "sections_model",
]
