"""Tells every process at once what has changed of an account, so that none goes on with what it knows of it.

The change is out everywhere before the call that made it is answered: behind its commit, whoever made it waits until
all processes have heard. Without Redis it is left in the outbox as a dropped view is (`now_and_later`). What goes past
the models, SQL or `QuerySet.update()`, is found out when what is kept of an account is over.
"""

import uuid
from functools import partial
from typing import Any, Final

from django.db import transaction
from django.db.models.signals import post_delete, post_save

from gateway_clients.invalidation.now_and_later import await_return, invalidate_or_leave

#: What Django writes of an account by itself when staff sign in.
LAST_LOGIN: Final = frozenset({"last_login"})


def tag_of_account(pk: int) -> str:
    """The tag of what is kept of an account."""
    return f"account:{pk}"


def tag_of_family(pk: uuid.UUID) -> str:
    """The tag of what is kept of a token family."""
    return f"family:{pk}"


def tell_account(pk: int) -> None:
    """Tells that an account has changed, once that is committed."""
    _tell_behind_commit(tag_of_account(pk))


def tell_family(pk: uuid.UUID) -> None:
    """Tells that a token family has ended, once that is committed."""
    _tell_behind_commit(tag_of_family(pk))


def _tell_behind_commit(tag: str) -> None:
    transaction.on_commit(partial(_tell, tag))


def _tell(tag: str) -> None:
    if not invalidate_or_leave((tag,)):
        await_return()


def _account_was_saved(*, instance: Any, created: bool, update_fields: frozenset[str] | None, **_: Any) -> None:
    if not created and update_fields != LAST_LOGIN:
        tell_account(instance.pk)


def _account_was_deleted(*, instance: Any, **_: Any) -> None:
    tell_account(instance.pk)


def _family_was_deleted(*, instance: Any, **_: Any) -> None:
    tell_family(instance.pk)


def connect() -> None:
    """Has the models' own ways tell."""
    post_save.connect(_account_was_saved, sender="members.Account", dispatch_uid="members.account_saved")
    post_delete.connect(_account_was_deleted, sender="members.Account", dispatch_uid="members.account_deleted")
    post_delete.connect(_family_was_deleted, sender="members.TokenFamily", dispatch_uid="members.family_deleted")
