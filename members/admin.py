"""Staff's pages of accounts, and their sign-in, which counts in the same limiter as the portals'."""

import math
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.http import HttpRequest

from gateway_clients.edge import limits
from gateway_clients.edge.errors import RateLimitedError
from members.models import Account

if TYPE_CHECKING:
    CreationForm = BaseUserCreationForm[Account]
    Admin = UserAdmin[Account]
    Groups = GroupAdmin
else:
    CreationForm, Admin, Groups = BaseUserCreationForm, UserAdmin, GroupAdmin

#: What an account may see and do, which superusers alone decide.
RIGHTS: Final = ("member_id", "provider_id", "is_admin", "is_staff", "is_superuser", "groups", "user_permissions")


class StaffSignInForm(AdminAuthenticationForm):
    """Django's own, behind the limits of sign-ins."""

    def clean(self) -> dict[str, Any]:
        """Counts before it looks at the password."""
        if self.request is not None:
            try:
                limits.count_sign_in(self.request, str(self.cleaned_data.get("username", "")))
            except RateLimitedError as error:
                minutes = math.ceil((error.retry_after_seconds or 60) / 60)
                raise ValidationError(f"{error.title} in {minutes} min.", code=error.code) from None
        return super().clean()


class NewAccountForm(CreationForm):
    """An account with its first password."""

    class Meta:
        model = Account
        fields = ("email",)
        field_classes: ClassVar[dict[str, type[forms.Field]]] = {"email": forms.EmailField}


@admin.register(Account)
class AccountAdmin(Admin):
    """Who may sign in, and what they may see.

    Superusers alone give rights. Others change accounts that have none beyond a member's or a provider's, and the names
    of their own: whoever sets the password of an account may do what it may.
    """

    add_form = NewAccountForm
    ordering = ("email",)
    list_display = ("email", "name", "member_id", "provider_id", "is_admin", "is_staff", "is_active")
    list_filter = ("is_active", "is_admin", "is_staff")
    search_fields = ("email", "name", "member_id", "provider_id")
    readonly_fields = ("created_at", "last_login")
    fieldsets = (
        (None, {"fields": ("email", "name", "password", "is_active")}),
        ("Roles", {"fields": ("member_id", "provider_id", "is_admin")}),
        ("Staff", {"fields": ("is_staff", "is_superuser", "groups", "user_permissions")}),
        ("Dates", {"fields": ("created_at", "last_login")}),
    )
    add_fieldsets = (
        (None, {"fields": ("email", "name", "member_id", "provider_id", "is_admin", "password1", "password2")}),
    )

    def get_readonly_fields(self, request: HttpRequest, obj: Account | None = None) -> list[str] | tuple[str, ...]:
        """Also what an account may, for all but superusers."""
        shown = super().get_readonly_fields(request, obj)
        return shown if request.user.is_superuser else (*shown, *RIGHTS)

    def has_change_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Whether they may change it, its password too."""
        return super().has_change_permission(request, obj) and _is_in_reach(request, obj)

    def has_delete_permission(self, request: HttpRequest, obj: Account | None = None) -> bool:
        """Whether they may delete it."""
        return super().has_delete_permission(request, obj) and _is_in_reach(request, obj)


def _is_in_reach(request: HttpRequest, account: Account | None) -> bool:
    if account is None or request.user.is_superuser or account.pk == request.user.pk:
        return True
    return not (account.is_superuser or account.is_staff or account.is_admin)


class RightsAdmin(Groups):
    """Groups of staff and what they may do: for superusers alone, whose rights are beyond those of any group."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Superusers."""
        return bool(request.user.is_superuser)

    def has_change_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Superusers."""
        return bool(request.user.is_superuser)

    def has_delete_permission(self, request: HttpRequest, obj: Group | None = None) -> bool:
        """Superusers."""
        return bool(request.user.is_superuser)


admin.site.unregister(Group)
admin.site.register(Group, RightsAdmin)

admin.site.login_form = StaffSignInForm
admin.site.site_header = admin.site.site_title = "Web BFF"
