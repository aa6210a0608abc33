"""What portals see of people."""

from typing import Annotated, Literal

import msgspec

from gateway_clients.edge.access import Role
from gateway_clients.edge.view_models import ViewModel


class User(ViewModel):
    """Who is signed in."""

    id: str
    email: str
    name: str
    roles: list[Role]
    member_id: str | None
    provider_id: str | None


class SignedIn(ViewModel):
    """A pair of tokens and whose they are. `expires_in`: seconds that the access token lives."""

    access_token: str
    refresh_token: str
    expires_in: Annotated[int, msgspec.Meta(ge=1)]
    user: User
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind of token, no secret
