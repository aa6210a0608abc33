"""How ids stand in an address: what is not an id is not found."""

from django.urls import register_converter

from gateway_clients.caching.keys import ID_RULE


class IdConverter:
    """1 to 64 letters, digits, `_` or `-`: `<id:member_id>`."""

    regex = ID_RULE

    def to_python(self, value: str) -> str:
        """As it stands."""
        return value

    def to_url(self, value: str) -> str:
        """As it stands."""
        return value


def register_converters() -> None:
    """Make `<id:…>` known to the URL patterns."""
    register_converter(IdConverter, "id")
