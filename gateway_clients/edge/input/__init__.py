"""What comes in: headers, parameters, bodies and files, each checked once, at the door."""

from gateway_clients.edge.input.converters import register_converters
from gateway_clients.edge.input.files import ANY_TYPE, KINDS, attachment, safe_name, shown_type
from gateway_clients.edge.input.idempotency_key import checked_key
from gateway_clients.edge.input.ids import ID_SCHEMA, IS_NO_ID, is_id
from gateway_clients.edge.input.parameters import (
    MAX_LIMIT,
    Page,
    checked_choice,
    checked_page,
    choice_of,
    date_of,
    flag_of,
    id_of,
    names_of,
    page_of,
    required_id_of,
)
from gateway_clients.edge.input.parsers import StrictJSONParser
from gateway_clients.edge.input.request_context import context_of
from gateway_clients.edge.input.search import checked_search_text, search_text_of
from gateway_clients.edge.input.serializers import (
    BoundedListField,
    CalendarDateField,
    IdField,
    StrictCharField,
    StrictSerializer,
    WholeNumberField,
)
from gateway_clients.edge.input.uploads import FORM_TYPE, UploadedForm, uploaded_form
from gateway_clients.edge.input.wrapped_request import django_request

__all__ = [
    "ANY_TYPE",
    "FORM_TYPE",
    "ID_SCHEMA",
    "IS_NO_ID",
    "KINDS",
    "MAX_LIMIT",
    "BoundedListField",
    "CalendarDateField",
    "IdField",
    "Page",
    "StrictCharField",
    "StrictJSONParser",
    "StrictSerializer",
    "UploadedForm",
    "WholeNumberField",
    "attachment",
    "checked_choice",
    "checked_key",
    "checked_page",
    "checked_search_text",
    "choice_of",
    "context_of",
    "date_of",
    "django_request",
    "flag_of",
    "id_of",
    "is_id",
    "names_of",
    "page_of",
    "register_converters",
    "required_id_of",
    "safe_name",
    "search_text_of",
    "shown_type",
    "uploaded_form",
]
