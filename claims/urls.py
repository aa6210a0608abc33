"""Addresses of claims and providers, below `/api/v1/`."""

from django.urls import path

from claims.aggregators import PROVIDER, PROVIDERS
from claims.submission_views import SubmissionsViewSet
from claims.views import ClaimsViewSet, MemberClaimsViewSet
from gateway_clients.edge.rest import url_of

urlpatterns = [
    path("claims", ClaimsViewSet.as_view({"get": "list", "post": "create"})),
    path("claims/submissions/<id:submission_id>", SubmissionsViewSet.as_view({"get": "retrieve"})),
    path("claims/<id:member_id>", MemberClaimsViewSet.as_view({"get": "list"})),
    path("claims/<id:member_id>/<id:claim_id>", MemberClaimsViewSet.as_view({"get": "retrieve"})),
    path("claims/<id:member_id>/<id:claim_id>/cancel", MemberClaimsViewSet.as_view({"post": "cancel"})),
    path("claims/<id:member_id>/<id:claim_id>/appeal", MemberClaimsViewSet.as_view({"post": "appeal"})),
    url_of(PROVIDERS),
    url_of(PROVIDER),
]
