"""The member service: who the insured are."""

import datetime

import msgspec

from gateway_clients.caching.keys import CacheKey, Subject
from gateway_clients.conf import DataClass
from gateway_clients.pipeline.call import Call
from gateway_clients.services.base import Service
from gateway_clients.services.payload_parser import Page, Parser, Payload, one, page


class PlanPayload(Payload, frozen=True):
    """The plan a member is on."""

    id: str | None = None
    name: str | None = None
    tier: str | None = None


class MemberPayload(Payload, frozen=True):
    """A member. Dependants are out of scope."""

    id: str
    first_name: str
    last_name: str
    status: str
    enrollment_date: datetime.date
    member_number: str | None = None
    date_of_birth: datetime.date | None = None
    email: str | None = None
    phone: str | None = None
    address: str | None = None
    plan: PlanPayload | None = None


class ContactChange(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What of a member's contact changes; None stays as it is."""

    email: str | None = None
    phone: str | None = None
    address: str | None = None


class MemberService(Service):
    """The typed client of the member service."""

    name = "member"

    def sample(self, member_id: str) -> Call[MemberPayload]:
        return self.get_member(member_id)

    def search_members(
        self, *, q: str | None = None, status: str | None = None, limit: int = 20, offset: int = 0
    ) -> Call[Page[MemberPayload]]:
        """Members by part of a name, e-mail or number, by last name; never kept, being about nobody in particular."""
        query = {"q": q, "status": status, "limit": limit, "offset": offset}
        return self._read("searchMembers", ("members",), page(MemberPayload), query=query)

    def get_member(self, member_id: str) -> Call[MemberPayload]:
        """Gets one member."""
        key = CacheKey(DataClass.MEMBER, "personal", subject=Subject.member(member_id))
        return self._read("getMember", ("members", member_id), _member(member_id), key=key)

    def update_member_contact(self, member_id: str, change: ContactChange) -> Call[MemberPayload]:
        """Changes a member's e-mail, phone or address; at least one."""
        path = ("members", member_id)
        return self._write("updateMemberContact", path, _member(member_id), body=change, method="PATCH")


def _member(member_id: str) -> Parser[MemberPayload]:
    return one(MemberPayload, is_asked_for=lambda member: member.id == member_id)
