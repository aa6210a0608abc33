"""Addresses of people, below `/api/v1/`."""

from django.urls import path

from gateway_clients.edge.rest import url_of
from members.aggregators import ADDRESSED
from members.views.accounts import AuthViewSet
from members.views.documents import DocumentsViewSet
from members.views.insured import MemberSectionsViewSet, NotificationsViewSet
from members.views.second_factor import SecondFactorViewSet
from members.views.sessions import SessionsViewSet, SessionViewSet

urlpatterns = [
    path("auth/login", AuthViewSet.as_view({"post": "login"})),
    path("auth/refresh", AuthViewSet.as_view({"post": "refresh"})),
    path("auth/logout", AuthViewSet.as_view({"post": "logout"})),
    path("auth/password", AuthViewSet.as_view({"post": "password"})),
    path("auth/me", AuthViewSet.as_view({"get": "me"})),
    path("auth/otp", SecondFactorViewSet.as_view({"post": "enrol", "delete": "remove"})),
    path("auth/otp/confirm", SecondFactorViewSet.as_view({"post": "confirm"})),
    path("auth/session", SessionViewSet.as_view({"get": "show", "delete": "end"})),
    path("auth/sessions", SessionsViewSet.as_view({"get": "show", "delete": "end_others"})),
    path("auth/sessions/<id:session_id>", SessionsViewSet.as_view({"delete": "end_one"})),
    *map(url_of, ADDRESSED),
    path("members/<id:member_id>/documents", DocumentsViewSet.as_view({"get": "documents", "post": "upload"})),
    path("members/<id:member_id>/documents/<id:document_id>/content", DocumentsViewSet.as_view({"get": "content"})),
    path("members/<id:member_id>/notifications/read", NotificationsViewSet.as_view({"post": "read_all_by_member"})),
    path("members/<id:member_id>/documents/<id:document_id>/link", DocumentsViewSet.as_view({"post": "link"})),
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
        for section in ("notifications", "eligibility")
    ),
]
