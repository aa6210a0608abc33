"""The audit trail: two tables that nobody changes, with triggers that see to it; in partitions on PostgreSQL."""

from typing import Any

import django.db.models.deletion
import django.utils.timezone
from django.db import migrations, models

import gateway_clients.models
from gateway_clients.audit.partitions import make_default_partition, make_partitions

CHAIN, ENTRY = "gateway_clients_auditchain", "gateway_clients_auditentry"

POSTGRESQL = (
    f"""CREATE TABLE {ENTRY} (
        id bigserial NOT NULL, number bigint NOT NULL, at timestamptz NOT NULL,
        account_id varchar(64) NOT NULL, role varchar(32) NOT NULL, member_id varchar(64) NOT NULL,
        action varchar(64) NOT NULL, sections varchar(255) NOT NULL, origins varchar(255) NOT NULL,
        outcome varchar(16) NOT NULL, count integer NOT NULL, request_id varchar(64) NOT NULL,
        reason varchar(300) NOT NULL, key_id varchar(16) NOT NULL, mac bytea NOT NULL, chain_id bigint NOT NULL,
        PRIMARY KEY (id, at)
    ) PARTITION BY RANGE (at)""",
    f"CREATE UNIQUE INDEX gateway_audit_number ON {ENTRY} (chain_id, number, at)",
    # A row is gone for good when its chain says so, which the chain's seal vouches for.
    f"""CREATE FUNCTION gateway_clients_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF TG_OP = 'DELETE' AND TG_TABLE_NAME <> '{CHAIN}' THEN
            IF EXISTS (SELECT 1 FROM {CHAIN} chain
                       WHERE chain.id = OLD.chain_id AND OLD.number <= chain.dropped_length) THEN
                RETURN OLD;
            END IF;
        END IF;
        RAISE EXCEPTION 'The audit trail is append-only.' USING ERRCODE = 'integrity_constraint_violation';
    END $$""",
    f"""CREATE FUNCTION gateway_clients_audit_forward() RETURNS trigger LANGUAGE plpgsql AS $$
    BEGIN
        IF NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.length < OLD.length
           OR NEW.dropped_length < OLD.dropped_length THEN
            RAISE EXCEPTION 'An audit chain only grows.' USING ERRCODE = 'integrity_constraint_violation';
        END IF;
        RETURN NEW;
    END $$""",
    f"""CREATE TRIGGER refuse_change BEFORE UPDATE OR DELETE ON {ENTRY}
        FOR EACH ROW EXECUTE FUNCTION gateway_clients_audit_refuse()""",
    f"""CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {ENTRY}
        FOR EACH STATEMENT EXECUTE FUNCTION gateway_clients_audit_refuse()""",
    f"""CREATE TRIGGER refuse_delete BEFORE DELETE ON {CHAIN}
        FOR EACH ROW EXECUTE FUNCTION gateway_clients_audit_refuse()""",
    f"""CREATE TRIGGER refuse_truncate BEFORE TRUNCATE ON {CHAIN}
        FOR EACH STATEMENT EXECUTE FUNCTION gateway_clients_audit_refuse()""",
    f"""CREATE TRIGGER only_forward BEFORE UPDATE ON {CHAIN}
        FOR EACH ROW EXECUTE FUNCTION gateway_clients_audit_forward()""",
)
SQLITE = (
    f"CREATE UNIQUE INDEX gateway_audit_number ON {ENTRY} (chain_id, number)",
    f"""CREATE TRIGGER gateway_audit_refuse_update BEFORE UPDATE ON {ENTRY}
        BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only.'); END""",
    f"""CREATE TRIGGER gateway_audit_refuse_delete BEFORE DELETE ON {ENTRY}
        WHEN NOT EXISTS (SELECT 1 FROM {CHAIN} chain
                         WHERE chain.id = OLD.chain_id AND OLD.number <= chain.dropped_length)
        BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only.'); END""",
    f"""CREATE TRIGGER gateway_audit_refuse_chain_delete BEFORE DELETE ON {CHAIN}
        BEGIN SELECT RAISE(ABORT, 'The audit trail is append-only.'); END""",
    f"""CREATE TRIGGER gateway_audit_only_forward BEFORE UPDATE ON {CHAIN}
        WHEN NEW.id <> OLD.id OR NEW.name <> OLD.name OR NEW.length < OLD.length
             OR NEW.dropped_length < OLD.dropped_length
        BEGIN SELECT RAISE(ABORT, 'An audit chain only grows.'); END""",
)
INDEXES = (
    f"CREATE INDEX gateway_audit_member ON {ENTRY} (member_id, at)",
    f"CREATE INDEX gateway_audit_account ON {ENTRY} (account_id, at)",
)


def make(apps: Any, schema_editor: Any) -> None:
    """Makes the tables, for which the models' own way has no words."""
    database = schema_editor.connection
    schema_editor.create_model(apps.get_model("gateway_clients", "AuditChain"))
    if database.vendor == "postgresql":
        statements = [*POSTGRESQL, *INDEXES]
    else:
        schema_editor.create_model(apps.get_model("gateway_clients", "AuditEntry"))
        statements = [*SQLITE, *INDEXES]
    for statement in statements:
        schema_editor.execute(statement, params=None)
    if database.vendor == "postgresql":
        make_default_partition(database)
        make_partitions(database, django.utils.timezone.now())


def unmake(_apps: Any, schema_editor: Any) -> None:
    """Drops the tables, and with them all that was written."""
    schema_editor.execute(f"DROP TABLE {ENTRY}", params=None)
    schema_editor.execute(f"DROP TABLE {CHAIN}", params=None)
    if schema_editor.connection.vendor == "postgresql":
        for name in ("refuse", "forward"):
            schema_editor.execute(f"DROP FUNCTION gateway_clients_audit_{name}()", params=None)


class Migration(migrations.Migration):

    dependencies = [
        ("gateway_clients", "0004_override_ticket"),
    ]

    operations = [
        migrations.CreateModel(
            name="AuditChain",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField(default=gateway_clients.models.new_key, max_length=32, unique=True)),
                ("predecessor", models.CharField(blank=True, max_length=32)),
                ("process", models.CharField(help_text="Host and process id.", max_length=128)),
                ("begun_at", models.DateTimeField()),
                ("key_id", models.CharField(max_length=16)),
                ("genesis", models.BinaryField()),
                ("length", models.PositiveBigIntegerField()),
                ("mac", models.BinaryField()),
                ("dropped_length", models.PositiveBigIntegerField()),
                ("dropped_mac", models.BinaryField()),
                ("dropped_seal", models.BinaryField()),
                ("seal", models.BinaryField()),
            ],
            options={"db_table": CHAIN, "managed": False, "default_permissions": ()},
        ),
        migrations.CreateModel(
            name="AuditEntry",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("number", models.PositiveBigIntegerField()),
                ("at", models.DateTimeField(verbose_name="time")),
                ("account_id", models.CharField(blank=True, max_length=64, verbose_name="account")),
                ("role", models.CharField(blank=True, max_length=32)),
                ("member_id", models.CharField(blank=True, max_length=64, verbose_name="member")),
                ("action", models.CharField(max_length=64)),
                ("sections", models.CharField(blank=True, max_length=255)),
                ("origins", models.CharField(blank=True, max_length=255, verbose_name="from")),
                ("outcome", models.CharField(max_length=16)),
                ("count", models.PositiveIntegerField(default=1)),
                ("request_id", models.CharField(blank=True, max_length=64, verbose_name="request")),
                ("reason", models.CharField(blank=True, max_length=300)),
                ("key_id", models.CharField(max_length=16)),
                ("mac", models.BinaryField()),
                (
                    "chain",
                    models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        to="gateway_clients.auditchain",
                    ),
                ),
            ],
            options={
                "verbose_name": "audit entry",
                "verbose_name_plural": "audit trail",
                "db_table": ENTRY,
                "managed": False,
                "default_permissions": ("view",),
            },
        ),
        migrations.RunPython(make, unmake),
    ]
