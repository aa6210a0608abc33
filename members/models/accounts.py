"""Accounts: who may sign in."""

from collections.abc import Collection, Iterable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final

from django.contrib.auth.base_user import AbstractBaseUser, BaseUserManager
from django.contrib.auth.hashers import make_password
from django.contrib.auth.models import PermissionsMixin
from django.contrib.auth.password_validation import password_changed
from django.core.validators import RegexValidator
from django.db import models, transaction
from django.db.models import F
from django.db.models.functions import Lower
from django.utils import timezone

from gateway_clients.caching.keys import ID_LETTERS, ID_RULE
from gateway_clients.edge.access import Caller
from gateway_clients.edge.errors import UnauthenticatedError
from gateway_clients.outbox import publisher
from gateway_clients.outbox.notifications import notification
from members import password_checks
from members.account_changes import tell_account
from members.caller import roles_of

IS_ID: Final = RegexValidator(rf"^{ID_RULE}\Z", f"Must be {ID_LETTERS}.")

#: What an account writes only together: a new password is never without the epoch that voids the tokens before it.
SECRETS: Final = frozenset({"password", "token_epoch"})
#: Equal to no value of a column.
NOT_LOADED: Final = object()
#: What the account is told of a new password, whoever has set it.
TOLD_OF_CHANGE: Final = "password_changed"


class AccountManager(BaseUserManager["Account"]):
    """Makes accounts and finds them by e-mail, whatever its letters' case."""

    def create_user(self, email: str, password: str | None = None, **fields: Any) -> "Account":
        """A checked and saved account. Raises ValidationError naming the fields."""
        account = self.model(email=self.normalize_email(email), **fields)
        account.set_password(password)
        account.full_clean()
        account.save(using=self._db)
        return account

    def create_superuser(self, email: str, password: str | None = None, **fields: Any) -> "Account":
        """An account that may do everything in Django admin."""
        return self.create_user(email, password, **{"is_staff": True, "is_superuser": True, **fields})

    def signed_in(self, caller: Caller) -> "Account":
        """The account of a caller. Raises UnauthenticatedError where it has been deleted since."""
        account = self.filter(pk=caller.pk).first()
        if account is None:
            raise UnauthenticatedError
        return account

    def get_by_natural_key(self, username: str | None) -> "Account":
        """The account of an e-mail. Raises Account.DoesNotExist."""
        return self.get(email=self.normalize_email(username))

    @classmethod
    def normalize_email(cls, email: str | None) -> str:
        """In lower case, without spaces around it."""
        return (email or "").strip().lower()


class Account(AbstractBaseUser, PermissionsMixin):
    """Somebody who may sign in. What they may see follows from their ids and `is_admin`; `/admin/` from `is_staff`."""

    email = models.EmailField("e-mail", unique=True, error_messages={"unique": "This e-mail has an account already."})
    name = models.CharField(max_length=200, blank=True)
    member_id = models.CharField(  # noqa: DJ001 - the access rules tell "none" from any text
        max_length=64, null=True, blank=True, validators=[IS_ID], help_text="Makes the account a member's."
    )
    provider_id = models.CharField(  # noqa: DJ001 - the access rules tell "none" from any text
        max_length=64, null=True, blank=True, validators=[IS_ID], help_text="Makes the account a provider's."
    )
    is_admin = models.BooleanField("admin", default=False, help_text="Sees every member and provider.")
    is_active = models.BooleanField("active", default=True, help_text="An inactive account is out at once.")
    is_staff = models.BooleanField("staff", default=False, help_text="May use these pages.")
    created_at = models.DateTimeField(default=timezone.now, editable=False)
    token_epoch = models.PositiveIntegerField(default=0, editable=False)

    #: The columns as the database has them, as far as this object knows.
    _loaded: Mapping[str, Any] = MappingProxyType({})

    objects: ClassVar[AccountManager] = AccountManager()

    USERNAME_FIELD = "email"
    EMAIL_FIELD = "email"

    class Meta:
        constraints: ClassVar = [models.UniqueConstraint(Lower("email"), name="members_account_email_any_case")]

    def __str__(self) -> str:
        return self.email

    def clean(self) -> None:
        """E-mails are kept in lower case, ids that are not given as None."""
        self.email = Account.objects.normalize_email(self.email)
        self.member_id = self.member_id or None
        self.provider_id = self.provider_id or None

    @classmethod
    def from_db(cls, db: str | None, field_names: Collection[str], values: Collection[Any], **more: Any) -> "Account":
        """An account of the database, which knows what it came with."""
        account = super().from_db(db, field_names, values, **more)
        account._loaded = account._columns()
        return account

    def refresh_from_db(
        self,
        using: str | None = None,
        fields: Iterable[str] | None = None,
        from_queryset: "models.QuerySet[Account] | None" = None,
    ) -> None:
        """Also knows anew what the database has."""
        fields = None if fields is None else list(fields)
        super().refresh_from_db(using=using, fields=fields, from_queryset=from_queryset)
        read = self._columns()
        self._loaded = (
            read if fields is None else {**self._loaded, **{name: read[name] for name in fields if name in read}}
        )

    def save(
        self,
        *,
        force_insert: Any = False,
        force_update: bool = False,
        using: str | None = None,
        update_fields: Iterable[str] | None = None,
    ) -> None:
        """Writes what was changed here, or of that what `update_fields` names; a password always with a new epoch.

        An account that was loaded before somebody else changed it, its password or its rights, would else bring the old
        values back, and an epoch that was counted here would leave out whatever was given out since.
        """
        if self._state.adding:
            super().save(force_insert=force_insert, force_update=force_update, using=using, update_fields=update_fields)
            self._loaded = self._columns()
            return
        changed = {name for name, value in self._columns().items() if value != self._loaded.get(name, NOT_LOADED)}
        written = (changed if update_fields is None else set(update_fields)) - SECRETS
        is_new = "password" in changed
        if is_new and (update_fields is None or "password" in update_fields):
            self.token_epoch = F("token_epoch") + 1
            written |= SECRETS
        with transaction.atomic(using=using):
            super().save(force_insert=force_insert, force_update=force_update, using=using, update_fields=written)
            if written >= SECRETS:
                self._tell_of_new_password()
        if written >= SECRETS:
            self.refresh_from_db(using=using, fields=["token_epoch"])
        columns = self._columns()
        self._loaded = {**self._loaded, **{name: columns[name] for name in written if name in columns}}

    def _columns(self) -> dict[str, Any]:
        """What is set of the columns; nothing is read for it."""
        names = (field.attname for field in self._meta.concrete_fields if not field.primary_key)
        return {name: self.__dict__[name] for name in names if name in self.__dict__}

    @property
    def roles(self) -> frozenset[str]:
        """The roles by which the access rules decide."""
        return roles_of(
            is_member=self.member_id is not None, is_provider=self.provider_id is not None, is_admin=self.is_admin
        )

    def replace_password(self, raw_password: str) -> bool:
        """Sets a password at once, which voids every token given out so far.

        False, and nothing is set, when the password is another since this account was loaded.
        """
        password = make_password(raw_password)
        with transaction.atomic():
            if not self._with_this_password().update(password=password, token_epoch=F("token_epoch") + 1):
                return False
            self._tell_of_new_password()
            tell_account(self.pk)
        password_changed(raw_password, self)
        self.refresh_from_db()
        return True

    def check_password(self, raw_password: str | None) -> bool:
        """Whether it is the password; one kept in an old way is kept anew, unless it was changed meanwhile.

        To keep it anew voids no token. Raises OverloadedError.
        """
        is_right, is_old = password_checks.check(raw_password, self.password)
        if is_old:
            kept = make_password(raw_password)
            if self._with_this_password().update(password=kept):
                self.password = kept
                self._loaded = {**self._loaded, "password": kept}
        return is_right

    def _tell_of_new_password(self) -> None:
        publisher.put(*notification(TOLD_OF_CHANGE, account_id=str(self.pk)))

    def _with_this_password(self) -> "models.QuerySet[Account]":
        """This account, as long as its password is the one that it was loaded with."""
        return Account.objects.filter(pk=self.pk, password=self.password)

    def get_full_name(self) -> str:
        """Returns the name with which Django admin greets."""
        return self.name or self.email

    get_short_name = get_full_name
