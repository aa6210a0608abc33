"""Staff's pages of accounts, and their sign-in, which counts in the same limiter as the portals'."""

import math
from typing import TYPE_CHECKING, Any, ClassVar

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.core.exceptions import ValidationError

from gateway_clients.edge import limits
from gateway_clients.edge.errors import RateLimitedError
from members.models import Account

if TYPE_CHECKING:
    CreationForm = BaseUserCreationForm[Account]
    Admin = UserAdmin[Account]
else:
    CreationForm, Admin = BaseUserCreationForm, UserAdmin


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
    """Who may sign in, and what they may see."""

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


admin.site.login_form = StaffSignInForm
admin.site.site_header = admin.site.site_title = "Web BFF"
