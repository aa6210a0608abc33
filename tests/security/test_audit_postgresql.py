"""The audit trail on PostgreSQL: partitions, triggers, retention by month, a million rows."""

import datetime
import json
import subprocess
import sys
import time
from collections.abc import Iterator
from typing import Final

import psycopg
import pytest

from tests.database.conftest import prepare
from tests.support.gateway import ROOT
from tests.support.processes import clean_environment
from tests.writes.servers import postgres

SETUP: Final = """
import json, datetime, django; django.setup()
from gateway_clients.audit.entries import AuditRow
from gateway_clients.audit.recorder import Recorder
from gateway_clients.audit.retention import drop_before
from gateway_clients.audit.verification import verify
from gateway_clients.audit.disclosures import looks_at
DAY = 86_400_000_000
def rows(count, first_at, step, members=10):
    trail = Recorder(clock=iter(range(first_at, first_at + count * step + 1, step)).__next__)
    for begin in range(0, count, 1000):
        trail.commit([AuditRow(action="a-view", outcome="shown", account_id=str(n % 97), role="admin",
                               member_id=f"m-{n % members}", sections="member", origins="cache", request_id=f"r-{n}")
                      for n in range(begin, min(count, begin + 1000))])
"""
NEXT_MONTH: Final = """
now = datetime.datetime.now(datetime.UTC)
this = now.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
later = (this + datetime.timedelta(days=32)).replace(day=1)
start = int(later.timestamp() * 1e6) - 5 * DAY // 10
"""

#: Two threads do `work` side by side: behind a lock that keeps either from changing tables until both are that far.
SIDE_BY_SIDE: Final = """
import threading, time
from concurrent.futures import ThreadPoolExecutor
from django.db import connection, connections
from gateway_clients.audit import partitions
from gateway_clients.audit.partitions import make_partitions
FAR = datetime.datetime(2051, 1, 15, tzinfo=datetime.UTC)
WAITING = "SELECT count(*) FROM pg_locks WHERE NOT granted AND database = (" \
    "SELECT oid FROM pg_database WHERE datname = current_database())"
def side_by_side(work):
    def alone():
        try:
            return work()
        finally:
            connections.close_all()
    with ThreadPoolExecutor(2) as pool:
        with django.db.transaction.atomic(), connection.cursor() as cursor:
            cursor.execute("LOCK TABLE gateway_clients_auditentry IN SHARE ROW EXCLUSIVE MODE")
            running = [pool.submit(alone) for _ in range(2)]
            give_up_at = time.monotonic() + 20
            while time.monotonic() < give_up_at:
                cursor.execute(WAITING)
                if cursor.fetchone()[0] + sum(each.done() for each in running) == 2:
                    break
                time.sleep(0.02)
        return [each.result() for each in running]
def far_ones(named="r.relname"):
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {named} FROM pg_class r WHERE relkind = 'r' AND relname LIKE '%audit_20%' "
                       "AND relname > 'gateway_clients_audit_205' ORDER BY relname")
        return [row[0] for row in cursor.fetchall()]
def with_trigger():
    return far_ones("(SELECT count(*) FROM pg_trigger t WHERE t.tgrelid = r.oid AND t.tgname = 'refuse_truncate')")
"""


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with postgres() as made:
        prepare(made)
        yield made


def told(url: str, script: str, seconds: int = 100) -> object:
    """What a process of the gateway's says of this database."""
    done = subprocess.run(
        [sys.executable, "-c", SETUP + script],
        cwd=ROOT,
        env={
            **clean_environment(),
            "ENVIRONMENT": "development",
            "DJANGO_SETTINGS_MODULE": "bff_project.settings",
            "DATABASE_URL": url,
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=seconds,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_rows_are_in_partitions_that_nobody_changes_and_a_month_goes_at_once(url: str) -> None:
    # Ten rows, a tenth of a day apart: five before the next month begins, and five in it.
    said = told(
        url,
        NEXT_MONTH
        + """
rows(10, start, DAY // 10)
whole = [str(each) for each in verify().findings]
drop_before(later)
left = verify()
print(json.dumps({"whole": whole, "left": [str(each) for each in left.findings], "rows": left.rows}))
""",
    )

    assert said == {"whole": [], "left": [], "rows": 5}
    with psycopg.connect(url, autocommit=True) as connection:
        named = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relname LIKE 'gateway_clients_audit_2%'"
        months = {name for (name,) in connection.execute(named).fetchall()}
        assert f"gateway_clients_audit_{datetime.datetime.now(datetime.UTC):%Y_%m}" not in months
        for statement in (
            "UPDATE gateway_clients_auditentry SET member_id = 'm-9'",
            "DELETE FROM gateway_clients_auditentry",
            "TRUNCATE gateway_clients_auditentry",
            *(f"TRUNCATE {month}" for month in months),
            "DELETE FROM gateway_clients_auditchain",
        ):
            with pytest.raises(psycopg.errors.IntegrityConstraintViolation):
                connection.execute(statement)


def test_two_processes_write_each_its_own_chain(url: str) -> None:
    script = NEXT_MONTH + "rows(50, start + DAY, 1000)\nprint(json.dumps(len(verify().findings)))"
    assert [told(url, script), told(url, script)] == [0, 0]
    with psycopg.connect(url) as connection:
        found = connection.execute("SELECT count(*) FROM gateway_clients_auditchain WHERE length = 50").fetchone()
    assert found == (2,)


def test_a_chain_that_begins_beside_another_names_it(url: str) -> None:
    said = told(
        url,
        """
import threading
from django.db import connection, transaction
from gateway_clients.audit import chain as chains
first, second, is_placed, is_written = chains._begun(), chains.ChainWriter(), threading.Event(), threading.Event()
def write():
    is_placed.wait()
    second.append([AuditRow(action="a-view", outcome="shown", at=1)])
    is_written.set()
    connection.close()
beside = threading.Thread(target=write)
beside.start()
with transaction.atomic():
    chains._place(first, chains.audit_keys()[0])
    is_placed.set()
    is_early = is_written.wait(1)
beside.join()
print(json.dumps({"early": is_early, "named": second.chain.predecessor == first.name}))
""",
    )

    assert said == {"early": False, "named": True}


def test_a_second_row_with_a_number_and_another_time_is_found_at_the_end_of_a_batch(url: str) -> None:
    said = told(
        url,
        NEXT_MONTH
        + """
from django.db import transaction
from gateway_clients.audit import verification
from gateway_clients.models import AuditEntry
rows(6, start + 2 * DAY, 1000)
verification.BATCH = 3
with transaction.atomic():
    row = AuditEntry.objects.filter(number=3).latest("pk")
    row.pk, row.at = None, row.at + datetime.timedelta(days=1)
    row.save(force_insert=True)
    found = [each.number for each in verify().findings]
    transaction.set_rollback(True)
print(json.dumps(found))
""",
    )

    assert said == [3]


def test_rows_without_a_partition_go_before_the_months_behind_them(url: str) -> None:
    said = told(
        url,
        NEXT_MONTH
        + """
from gateway_clients.models import AuditChain, AuditEntry
rows(6, int(later.timestamp() * 1e6) - 400 * DAY, 100 * DAY)
drop_before(later + datetime.timedelta(days=32))
left = AuditEntry.objects.filter(chain=AuditChain.objects.latest("pk")).values_list("number", flat=True)
print(json.dumps([list(left), [str(each) for each in verify().findings]]))
""",
    )

    assert said == [[6], []]


def test_two_workers_at_once_make_each_partition_once(url: str) -> None:
    said = told(
        url,
        SIDE_BY_SIDE
        + """
made = sorted(side_by_side(lambda: make_partitions(connection, FAR)))
print(json.dumps([made, with_trigger()]))
""",
    )

    assert said == [[[], [f"gateway_clients_audit_2051_0{month}" for month in (1, 2, 3)]], [1, 1, 1]]


def test_two_workers_at_once_drop_each_partition_once(url: str) -> None:
    said = told(
        url,
        SIDE_BY_SIDE
        + """
drop_before(FAR)  # what the tests before this one have left
make_partitions(connection, FAR)
dropped = side_by_side(lambda: drop_before(FAR + datetime.timedelta(days=50)))
print(json.dumps([dropped, far_ones()]))
""",
    )

    assert said == [[0, 0], ["gateway_clients_audit_2051_03"]]


def test_no_partition_is_left_without_its_trigger_by_a_process_that_ends_in_between(url: str) -> None:
    said = told(
        url,
        SIDE_BY_SIDE
        + """
later = FAR.replace(year=2052)
whole = partitions._statements
partitions._statements = lambda *given: [next(iter(whole(*given))), "SELECT pg_terminate_backend(pg_backend_pid())"]
try:
    make_partitions(connection, later)
except django.db.Error:
    connection.close()
partitions._statements = whole
make_partitions(connection, later)
print(json.dumps(with_trigger()[-3:]))
""",
    )

    assert said == [1, 1, 1]


def test_a_partition_that_an_older_version_left_without_its_trigger_is_given_it(url: str) -> None:
    said = told(
        url,
        """
from django.db import connection
from gateway_clients.audit.partitions import make_partitions
with connection.cursor() as cursor:
    cursor.execute("CREATE TABLE gateway_clients_audit_2061_05 PARTITION OF gateway_clients_auditentry "
                   "FOR VALUES FROM ('2061-05-01Z') TO ('2061-06-01Z')")
    cursor.execute("DROP TRIGGER refuse_truncate ON gateway_clients_audit_default")
    make_partitions(connection, datetime.datetime.now(datetime.UTC))
    refused = []
    for name in ("2061_05", "default"):
        try:
            cursor.execute(f"TRUNCATE gateway_clients_audit_{name}")
        except django.db.IntegrityError:
            refused.append(name)
print(json.dumps(refused))
""",
    )

    assert said == ["2061_05", "default"]


@pytest.mark.long
@pytest.mark.timeout(900)
def test_who_saw_a_member_is_answered_in_two_seconds_on_a_million_rows() -> None:
    with postgres() as url:
        prepare(url)
        told(url, NEXT_MONTH + "rows(1_000_000, start + DAY, 1000, members=1000)\nprint(1)", 600)
        asked = """
import time
began = time.monotonic()
found = list(looks_at("m-7", since=later, until=later + datetime.timedelta(days=30)))
print(json.dumps([len(found), time.monotonic() - began]))
"""
        count, seconds = told(url, NEXT_MONTH + asked)  # type: ignore[misc]  # two numbers
        assert count == 1000
        assert seconds < 2
        began = time.monotonic()
        assert told(url, "found = verify()\nprint(json.dumps([found.rows, found.findings]))", 600) == [1_000_000, []]
        assert time.monotonic() - began < 300
