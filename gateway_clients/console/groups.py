"""The groups of staff that a migration makes, and what each may do. They are staff's to change afterwards."""

from typing import Any, Final

from django.contrib.auth.management import create_permissions

SEE: Final = (
    ("console", "view_overview"),
    ("console", "view_breaker"),
    ("console", "view_cacheentry"),
    ("console", "view_upstream"),
    ("console", "view_explanation"),
    ("console", "view_contractdrift"),
    ("console", "view_gameday"),
    ("gateway_clients", "view_outboxmessage"),
    ("claims", "view_submission"),
    ("admin", "view_logentry"),
)
STEER: Final = (
    ("console", "change_breaker"),
    ("console", "delete_cacheentry"),
    ("console", "change_gameday"),
    ("console", "change_accountlock"),
    ("gateway_clients", "change_outboxmessage"),
    ("claims", "change_submission"),
    ("members", "view_account"),
)
REVEAL: Final = (("console", "reveal_cacheentry"), ("gateway_clients", "view_auditentry"))
#: By the name of the group: its permissions, as app and codename.
GROUPS: Final = {
    "Gateway: see": SEE,
    "Gateway: steer": (*SEE, *STEER),
    "Gateway: reveal": (*SEE, *REVEAL),
}


def make_groups(apps: Any, schema_editor: Any) -> None:
    """Makes the groups. Permissions, which Django makes behind the last migration, are made before."""
    alias = schema_editor.connection.alias
    for label in dict.fromkeys(app for permissions in GROUPS.values() for app, _ in permissions):
        config = apps.get_app_config(label)
        config.models_module = True
        create_permissions(config, apps=apps, verbosity=0, using=alias)
        config.models_module = None
    group_model, permission_model = apps.get_model("auth", "Group"), apps.get_model("auth", "Permission")
    for name, permissions in GROUPS.items():
        group, _ = group_model.objects.using(alias).get_or_create(name=name)
        for app, codename in permissions:
            found = permission_model.objects.using(alias).filter(content_type__app_label=app, codename=codename)
            group.permissions.add(*found)


def remove_groups(apps: Any, schema_editor: Any) -> None:
    """Removes the groups; who was in them is in none of them any more."""
    groups = apps.get_model("auth", "Group").objects.using(schema_editor.connection.alias)
    groups.filter(name__in=GROUPS).delete()
