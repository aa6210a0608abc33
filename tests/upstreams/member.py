"""The member service."""

from gateway_clients.gateway import Gateway
from gateway_clients.services.member import ContactChange
from tests.upstreams.samples import Change, Effect, Example, Foreign, Json, Read, UpstreamSamples, a_page

member = Gateway.member
MEMBER: Json = {
    "id": "m-1",
    "first_name": "Siti",
    "last_name": "Rahayu",
    "status": "active",
    "enrollment_date": "2019-03-01",
    "plan": {"id": "pl-1", "name": "Askes Gold", "tier": "gold"},
}

SAMPLES = UpstreamSamples(
    well={"getMember": MEMBER, "searchMembers": a_page(MEMBER)},
    done={"updateMemberContact": MEMBER},
    reads=[
        Read(member.get_member("m-1"), "getMember", "GET /members/m-1", "member:member:m-1:personal", {"member:m-1"}),
        Read(
            member.search_members(q="Siti R", status="active"),
            "searchMembers",
            "GET /members?q=Siti+R&status=active&limit=20&offset=0",
            None,
            set(),
        ),
    ],
    changes=[
        Change(
            member.update_member_contact("m-1", ContactChange(phone="+62 21 555")),
            "updateMemberContact",
            "PATCH /members/m-1",
            {"phone": "+62 21 555"},
            None,
            False,
        ),
    ],
    foreign=[
        Foreign(member.get_member("m-1"), MEMBER, MEMBER | {"id": "m-2"}),
        Foreign(member.update_member_contact("m-1", ContactChange(phone="1")), MEMBER, MEMBER | {"id": "m-2"}),
    ],
    examples={
        "searchMembers": Example(200, "GET", "/members?q=rahayu&status=active"),
        "getMember": Example(200, "GET", "/members/m-1"),
        "updateMemberContact": Example(200, "PATCH", "/members/m-9", {"phone": "+62 000 1"}),
    },
    effects=[
        Effect(
            "member.updated",
            {"member_id": "m-1"},
            "member",
            "dashboard/m-1",
            {"member", "recent_claims", "benefits_summary", "coverage_status", "notifications"},
        ),
        Effect("member.updated", {"member_id": "m-2"}, "member", "dashboard/m-1", set()),
    ],
)
