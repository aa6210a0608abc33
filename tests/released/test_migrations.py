"""The version before works on the database of this one: its models, made of its migrations, write and read there."""

import datetime
import uuid
from collections.abc import Callable, Iterator
from typing import Any, Final

import pytest
from django.apps.registry import Apps
from django.db import IntegrityError, connection, models
from django.db.migrations.loader import MigrationLoader
from django.db.utils import DatabaseError
from django.utils import timezone

from tests.released.migrations import released

#: What a row takes whose values do not matter.
VALUES: Final[dict[Any, Callable[[], Any]]] = {
    models.CharField: lambda: uuid.uuid4().hex[:8],
    models.TextField: lambda: uuid.uuid4().hex,
    models.IntegerField: lambda: 1,
    models.BooleanField: lambda: True,
    models.DateTimeField: timezone.now,
    models.DateField: lambda: datetime.date(2026, 1, 1),
    models.JSONField: dict,
    models.BinaryField: lambda: uuid.uuid4().bytes,
    models.UUIDField: uuid.uuid4,
    models.GenericIPAddressField: lambda: "192.0.2.1",
    models.FloatField: lambda: 1.0,
}
#: Tables that migrations make by themselves; the other models that Django does not manage have none.
AUDIT: Final = {"gateway_clients.auditchain", "gateway_clients.auditentry"}
#: Rows that a trigger keeps as they are.
UNCHANGING: Final = {"gateway_clients.auditentry"}

pytestmark = pytest.mark.django_db


def old_apps() -> Apps:
    """The apps as the last release had them."""
    loader = MigrationLoader(None)
    found: Apps = loader.project_state(list(released().items())).apps
    return found


def old_models() -> Iterator[type[models.Model]]:
    for model in old_apps().get_models():
        if model._meta.app_label in released() and (model._meta.managed or model._meta.label_lower in AUDIT):
            yield model


def a_row(model: type[models.Model]) -> dict[str, Any]:
    """What the old version would write, each of its columns given."""
    return {
        field.name: _value(field)
        for field in model._meta.concrete_fields
        if not (isinstance(field, models.AutoField) or field.null)
    }


def _value(field: Any) -> Any:
    if field.choices:
        return field.choices[0][0]
    if field.related_model is not None:
        return written(field.related_model)
    made = next(make for kind, make in VALUES.items() if isinstance(field, kind))()
    return made[: field.max_length] if isinstance(made, str) and field.max_length else made


def written(model: type[models.Model]) -> models.Model:
    """A row that the old version writes, then reads, then writes again."""
    row = model._default_manager.create(**a_row(model))
    again = model._default_manager.get(pk=row.pk)
    if model._meta.label_lower not in UNCHANGING:
        again.save()
    return again


@pytest.mark.parametrize("label", sorted(model._meta.label for model in old_models()))
def test_what_the_version_before_writes_and_reads_is_there(label: str) -> None:
    (model,) = (each for each in old_models() if each._meta.label == label)
    row = written(model)
    assert model._default_manager.filter(pk=row.pk).count() == 1


def test_a_column_that_the_version_before_does_not_know_and_must_fill_is_found() -> None:
    (model,) = (each for each in old_models() if each._meta.label == "members.Account")
    with connection.cursor() as cursor:
        cursor.execute(
            f"ALTER TABLE {model._meta.db_table} ADD COLUMN shoe_size integer NULL CHECK (shoe_size IS NOT NULL)"
        )
    with pytest.raises(IntegrityError):
        written(model)


def test_a_column_that_went_is_found() -> None:
    (model,) = (each for each in old_models() if each._meta.label == "claims.Submission")
    with connection.cursor() as cursor:
        cursor.execute(f"ALTER TABLE {model._meta.db_table} RENAME COLUMN state TO condition_of_it")
    with pytest.raises(DatabaseError):
        written(model)
