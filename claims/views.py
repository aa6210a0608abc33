"""Claims over REST; what is declared in the aggregators is made from there."""

from django.http import HttpResponse
from rest_framework.request import Request

from claims.aggregators import CLAIMS, MEMBER_CLAIMS, claim_detail
from claims.submission_views import ChangingMixin, SubmittingMixin
from claims.view_models import ClaimDetail
from gateway_clients.edge.access import Resource, allowed
from gateway_clients.edge.openapi import shows
from gateway_clients.edge.rest import list_action


class MemberClaimsViewSet(ChangingMixin):
    """The claims of one member."""

    list = list_action(MEMBER_CLAIMS)

    @shows(ClaimDetail, headers={200: ("Age",)}, tags=["claims"], operation_id="getClaim")
    @allowed(Resource.MEMBER_CLAIMS)
    def retrieve(self, _request: Request, member_id: str, claim_id: str) -> HttpResponse:
        """A claim with its items, its history and what may be done with it.

        404 also for a claim of another member, or one at another provider than the one that asks.
        """
        detail, section = claim_detail(self.gateway, member_id, claim_id, scope=self.scope, caller=self.caller).result()
        return self.answer_record(detail, section, name="claim")


class ClaimsViewSet(SubmittingMixin):
    """Claims over all that the caller may see."""

    list = list_action(CLAIMS)
