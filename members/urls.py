"""Addresses of people, below `/api/v1/`."""

from django.urls import path

from members.views.accounts import AuthViewSet
from members.views.documents import DocumentsViewSet
from members.views.insured import MemberSectionsViewSet, MembersViewSet, NotificationsViewSet

urlpatterns = [
    path("auth/login", AuthViewSet.as_view({"post": "login"})),
    path("auth/refresh", AuthViewSet.as_view({"post": "refresh"})),
    path("auth/logout", AuthViewSet.as_view({"post": "logout"})),
    path("auth/password", AuthViewSet.as_view({"post": "password"})),
    path("auth/me", AuthViewSet.as_view({"get": "me"})),
    path("members", MembersViewSet.as_view({"get": "list"})),
    path("members/<id:member_id>/documents", DocumentsViewSet.as_view({"get": "documents", "post": "upload"})),
    path("members/<id:member_id>/documents/<id:document_id>/content", DocumentsViewSet.as_view({"get": "content"})),
    path(
        "members/<id:member_id>/notifications/<id:notification_id>/read",
        NotificationsViewSet.as_view({"post": "read_by_member"}),
    ),
    path(
        "providers/<id:provider_id>/notifications/<id:notification_id>/read",
        NotificationsViewSet.as_view({"post": "read_by_provider"}),
    ),
    *(
        path(f"members/<id:member_id>/{section}", MemberSectionsViewSet.as_view({"get": section}))
        for section in ("benefits", "coverage", "payments", "notifications", "eligibility")
    ),
]
