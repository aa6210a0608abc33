"""The groups that a migration makes: seeing, steering and revealing are three."""

import pytest
from django.contrib.auth.models import Group
from django.core.management import call_command

from gateway_clients.console.groups import GROUPS


def rights(name: str) -> set[tuple[str, str]]:
    found = Group.objects.get(name=name).permissions.values_list("content_type__app_label", "codename")
    return {(app, codename) for app, codename in found}


@pytest.mark.django_db
@pytest.mark.parametrize("name", GROUPS)
def test_each_group_has_its_rights(name: str) -> None:
    assert rights(name) == set(GROUPS[name])


@pytest.mark.django_db
def test_who_sees_can_neither_steer_nor_reveal() -> None:
    assert {codename.partition("_")[0] for _, codename in rights("Gateway: see")} == {"view"}
    assert ("console", "reveal_cacheentry") not in rights("Gateway: steer")
    more = rights("Gateway: reveal") - rights("Gateway: see")
    assert more == {("console", "reveal_cacheentry"), ("gateway_clients", "view_auditentry")}


@pytest.mark.long
@pytest.mark.django_db(transaction=True)
def test_the_migration_goes_back_and_forth() -> None:
    call_command("migrate", "console", "zero", verbosity=0)
    assert not Group.objects.filter(name__in=GROUPS).exists()
    call_command("migrate", "console", verbosity=0)
    assert rights("Gateway: steer") == set(GROUPS["Gateway: steer"])
