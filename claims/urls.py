"""Addresses of claims and providers, below `/api/v1/`."""

from django.urls import path

from claims.submission_views import SubmissionsViewSet
from claims.views import ClaimsViewSet, MemberClaimsViewSet, ProvidersViewSet

urlpatterns = [
    path("claims", ClaimsViewSet.as_view({"get": "list", "post": "create"})),
    path("claims/submissions/<id:submission_id>", SubmissionsViewSet.as_view({"get": "retrieve"})),
    path("claims/<id:member_id>", MemberClaimsViewSet.as_view({"get": "list"})),
    path("claims/<id:member_id>/<id:claim_id>", MemberClaimsViewSet.as_view({"get": "retrieve"})),
    path("claims/<id:member_id>/<id:claim_id>/cancel", MemberClaimsViewSet.as_view({"post": "cancel"})),
    path("claims/<id:member_id>/<id:claim_id>/appeal", MemberClaimsViewSet.as_view({"post": "appeal"})),
    path("providers", ProvidersViewSet.as_view({"get": "list"})),
    path("providers/<id:provider_id>", ProvidersViewSet.as_view({"get": "retrieve"})),
]
