"""How views and input are told in the OpenAPI document."""

from gateway_clients.edge.openapi.inputs import OperationSchema, describe_inputs
from gateway_clients.edge.openapi.operations import (
    PAGE_PARAMETERS,
    SEARCH_PARAMETER,
    UPSTREAM_ERRORS,
    choice_parameter,
    date_parameter,
    flag_parameter,
    id_parameter,
    key_parameter,
    names_parameter,
    query_parameter,
    reference_to,
    shows,
)
from gateway_clients.edge.openapi.responses import describe_responses

__all__ = [
    "PAGE_PARAMETERS",
    "SEARCH_PARAMETER",
    "UPSTREAM_ERRORS",
    "OperationSchema",
    "choice_parameter",
    "date_parameter",
    "describe_inputs",
    "describe_responses",
    "flag_parameter",
    "id_parameter",
    "key_parameter",
    "names_parameter",
    "query_parameter",
    "reference_to",
    "shows",
]
