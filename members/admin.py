"""Staff's pages of accounts, and their sign-in, which counts in the same limiter as the portals'."""

import math
from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, ClassVar, Final

from django import forms
from django.contrib import admin
from django.contrib.admin.forms import AdminAuthenticationForm
from django.contrib.auth.admin import GroupAdmin, UserAdmin
from django.contrib.auth.forms import BaseUserCreationForm
from django.contrib.auth.models import Group
from django.core.exceptions import ValidationError
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse

from gateway_clients.console.actions import ReasonActionForm, reason_of, record_action
from gateway_clients.edge.errors import RateLimitedError, SecondFactorRequiredError, WrongCredentialsError
from gateway_clients.edge.rate_limit import SignInTry, count_sign_in
from members import known_devices, second_factor, user_agents
from members.device import device_of
from members.models import Account
from members.serializers import OTP_MAX_LENGTH
from members.sign_in import account_of
from members.sign_in_sessions import end_others
from members.staff_passwords import counting_tries

if TYPE_CHECKING:
    CreationForm = BaseUserCreationForm[Account]
    Admin = UserAdmin[Account]
    Groups = GroupAdmin
else:
    CreationForm, Admin, Groups = BaseUserCreationForm, UserAdmin, GroupAdmin

#: What an account may see and do, which superusers alone decide.
RIGHTS: Final = ("member_id", "provider_id", "is_admin", "is_staff", "is_superuser", "groups", "user_permissions")


class StaffSignInForm(AdminAuthenticationForm):
    """Django's own, behind the limits of sign-ins, with a code for accounts that have a second factor."""

    otp = forms.CharField(
        label="Code of the second factor, if you have one",
        required=False,
        max_length=OTP_MAX_LENGTH,
        widget=forms.TextInput(attrs={"autocomplete": "one-time-code", "inputmode": "numeric"}),
    )

    def clean(self) -> dict[str, Any]:
        """Counts before it looks at the password; a right one counts for nothing."""
        if self.request is None:
            return super().clean()
        email = str(self.cleaned_data.get("username", ""))
        try:
            tried = count_sign_in(self.request, email, device=known_devices.device_known_to(self.request, email))
        except RateLimitedError as error:
            seconds = math.ceil(error.retry_after_seconds or 60)
            raise ValidationError(f"{error.title} in {seconds} s.", code=error.code) from None
        with tried.counted_for(ValidationError):
            self._check_password(email)
            self._check_second_factor(tried)
        account = self.get_user()
        if isinstance(account, Account):
            user_agents.note_sign_in(account, device_of(self.request).user_agent)
        return self.cleaned_data

    def _check_password(self, email: str) -> None:
        """Finds the account as the portals' sign-in does. Raises ValidationError where it is none of staff's."""
        password = self.cleaned_data.get("password")
        if not email or not password:
            return
        try:
            self.user_cache = account_of(email, password)
        except WrongCredentialsError:
            raise self.get_invalid_login_error() from None
        self.confirm_login_allowed(self.user_cache)

    def _check_second_factor(self, tried: SignInTry) -> None:
        """Raises ValidationError for a code that is missing, or wrong, which counts as a wrong try."""
        account = self.get_user()
        if not isinstance(account, Account):
            return
        try:
            second_factor.require(account, self.cleaned_data.get("otp"))
        except SecondFactorRequiredError as error:
            tried.succeeded()
            raise ValidationError(error.detail, code=error.code) from None
        except WrongCredentialsError as error:
            raise ValidationError(error.detail, code=error.code) from None


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
    list_display = ("email", "is_active", "name", "member_id", "provider_id", "is_admin", "is_staff")
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

    actions = ("disable", "enable", "end_sessions")
    action_form = ReasonActionForm
    change_list_template = "console/change_list.html"

    def has_lock_permission(self, request: HttpRequest) -> bool:
        """Whether the account of staff may disable accounts and end their sessions."""
        return bool(request.user.has_perm("console.change_accountlock"))

    @admin.action(description="Disable, and end their sessions", permissions=["lock"])
    def disable(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        """Nobody signs in with them any more, and their tokens are dead."""
        self._lock(request, queryset, "Disabled", is_active=False)

    @admin.action(description="Enable again", permissions=["lock"])
    def enable(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        """They may sign in again; tokens that were ended stay dead."""
        self._lock(request, queryset, "Enabled", is_active=True)

    @admin.action(description="End their sessions", permissions=["lock"])
    def end_sessions(self, request: HttpRequest, queryset: QuerySet[Account]) -> None:
        """Their tokens are dead; they may sign in anew."""
        self._lock(request, queryset, "Sessions ended", is_active=None)

    def _lock(self, request: HttpRequest, queryset: QuerySet[Account], text: str, *, is_active: bool | None) -> None:
        reason = reason_of(request)
        if reason is None:
            return
        chosen = [account for account in queryset if _is_in_reach(request, account) and account.pk != request.user.pk]
        for account in chosen:
            record_action(
                self,
                request,
                account,
                action="account.lock",
                text=text,
                reason=reason,
                member=account.member_id or "",
            )
            if is_active is not None:
                account.is_active = is_active
                account.save(update_fields=["is_active"])
            if not is_active:
                end_others(account, None)
        self.message_user(request, f"{text}: {len(chosen)} accounts. Yours and those above you are left alone.")

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


def _remembering_device(login: Callable[..., HttpResponse]) -> Callable[..., HttpResponse]:
    """The console's sign-in, which marks the device, so that strangers' tries do not make staff wait there."""

    @wraps(login)
    def remembering(request: HttpRequest, extra_context: dict[str, Any] | None = None) -> HttpResponse:
        response = login(request, extra_context)
        if request.method == "POST" and response.status_code == HTTPStatus.FOUND and isinstance(request.user, Account):
            known_devices.remember(request, response, request.user)
        return response

    return remembering


admin.site.login = _remembering_device(admin.site.login)  # type: ignore[method-assign]  # Django's site is made already
admin.site.password_change = counting_tries(admin.site.password_change)  # type: ignore[assignment, method-assign]
admin.site.login_form = StaffSignInForm
admin.site.login_template = "members/staff_sign_in.html"
admin.site.site_header = admin.site.site_title = "Web BFF"
