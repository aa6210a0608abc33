from django.db import migrations

from gateway_clients.console.groups import make_groups, remove_groups


class Migration(migrations.Migration):
    dependencies = [
        ("console", "0001_pages_and_levers"),
        ("admin", "0003_logentry_add_action_flag_choices"),
        ("auth", "0012_alter_user_first_name_max_length"),
        ("claims", "0001_initial"),
        ("gateway_clients", "0005_audit_trail"),
        ("members", "0002_token_family_earlier"),
    ]
    operations = [migrations.RunPython(make_groups, remove_groups)]
