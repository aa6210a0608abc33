"""What portals see of people."""

import datetime
from enum import StrEnum
from typing import Annotated, Literal

import msgspec

from gateway_clients.edge.access import Role
from gateway_clients.edge.output import ViewModel


class User(ViewModel):
    """The account that is signed in."""

    id: Annotated[str, msgspec.Meta(description="The unique identifier of the account.")]
    email: Annotated[str, msgspec.Meta(description="The e-mail address that the account signs in with.")]
    name: Annotated[str, msgspec.Meta(description="The name of the person.")]
    roles: Annotated[list[Role], msgspec.Meta(description="The roles of the account.")]
    member_id: Annotated[
        str | None, msgspec.Meta(description="The member that the account belongs to; null without the role `member`.")
    ]
    provider_id: Annotated[
        str | None,
        msgspec.Meta(description="The provider that the account belongs to; null without the role `provider`."),
    ]


class SignedIn(ViewModel):
    """A pair of tokens, and the account that they belong to."""

    access_token: Annotated[str, msgspec.Meta(description="The token to send as `Authorization: Bearer`.")]
    refresh_token: Annotated[
        str, msgspec.Meta(description="The token to exchange for the next pair. It can be used once.")
    ]
    expires_in: Annotated[int, msgspec.Meta(description="How many seconds the access token is valid for.", ge=1)]
    user: User
    token_type: Literal["Bearer"] = "Bearer"  # noqa: S105 - a kind of token, no secret


class SessionState(ViewModel):
    """The session of a browser. `expires_in`: seconds until it ends unless it is used."""

    expires_in: Annotated[int, msgspec.Meta(ge=1)]
    user: User


class SignInKind(StrEnum):
    """How somebody is signed in: a browser by a `cookie`, any other client by a `token`."""

    COOKIE = "cookie"
    TOKEN = "token"  # noqa: S105 - a kind, no secret


class SignInSession(ViewModel):
    """One place where the account is signed in."""

    id: str
    kind: SignInKind
    created_at: datetime.datetime
    last_seen_at: Annotated[datetime.datetime, msgspec.Meta(description="To the minute; of tokens the last renewal.")]
    address: Annotated[str, msgspec.Meta(description="The client's network address.", examples=["198.51.100.7"])]
    user_agent: str
    is_current: Annotated[bool, msgspec.Meta(description="Whether this request was made with it.")]


class SignInSessions(ViewModel):
    """Where the account is signed in, the last used first."""

    items: tuple[SignInSession, ...]


class OtpEnrolment(ViewModel):
    """A secret for an authenticator. It holds once a first code has confirmed it."""

    secret: Annotated[str, msgspec.Meta(description="Base32, to be typed in where no QR code can be read.")]
    otpauth_url: Annotated[str, msgspec.Meta(description="What a QR code shows.")]


class RecoveryCodes(ViewModel):
    """Codes that stand in for the authenticator, each once. They are told this once."""

    recovery_codes: tuple[str, ...]
