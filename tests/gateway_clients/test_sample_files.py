"""The files of metrics, on disks that are full, in files that are damaged, of processes that are gone."""

import json
import mmap
import os
import struct
import subprocess
import sys
from contextlib import suppress
from errno import ENOSPC
from pathlib import Path

import pytest
from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest, values
from prometheus_client.mmap_dict import MmapedDict, mmap_key
from structlog.testing import capture_logs

from gateway_clients.instrumentation import sample_files
from gateway_clients.instrumentation.sample_files import FileValue, SampleFile, file_of, read_samples
from gateway_clients.instrumentation.worker_metrics import WorkerMetrics, exposition_of

#: A process that has ended: process ids go to 2²² at most.
GONE = 2**22 + 1
OWN = f"counter_{os.getpid()}.own.db"


@pytest.fixture
def directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where this process keeps its samples from now on."""
    monkeypatch.setenv(sample_files.DIRECTORY, str(tmp_path))
    monkeypatch.setattr(sample_files, "_book", sample_files._Book())
    monkeypatch.setattr(values, "ValueClass", FileValue)
    return tmp_path


def counter(name: str = "hits") -> Counter:
    return Counter(name, "Some.", ("a",), registry=CollectorRegistry())


def key(a: str = "x", name: str = "hits") -> str:
    return mmap_key(name, f"{name}_total", ["a"], [a], "Some.")


def shown(directory: Path) -> list[str]:
    """The samples of metrics of these tests; the gateway's own may count what tests before them did."""
    return [line for line in exposition_of(directory).decode().splitlines() if line.startswith(("hits", "h_"))]


def test_prometheus_reads_what_is_written_as_what_it_would_have_written(
    directory: Path, tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch
) -> None:
    texts = []
    for kind, place in ((FileValue, directory), (values.MultiProcessValue(), tmp_path_factory.mktemp("mapped"))):
        monkeypatch.setenv(sample_files.DIRECTORY, str(place))
        monkeypatch.setattr(values, "ValueClass", kind)
        for number in range(40):
            counter(f"hits{number}").labels("é" * number).inc(number)
        histogram = Histogram("h", "Some.", ("a",), registry=CollectorRegistry())
        for seconds in (0.001, 0.2, 30):
            histogram.labels("x").observe(seconds)
        Gauge("g", "Some.", registry=CollectorRegistry(), multiprocess_mode="sum").set(7)
        texts.append(exposition_of(place))
    assert texts[0] == texts[1]
    assert b"h_count" in texts[0]


def test_a_file_is_read_as_it_was_written() -> None:
    samples = {key(): 1.5, key("y" * 5000): -2.0}
    content = file_of(samples)
    found = read_samples(content)
    assert {name: value for name, (value, _) in found.items()} == samples
    assert [struct.unpack_from("d", content, place)[0] for _, place in found.values()] == [1.5, -2.0]


def test_on_a_disk_that_is_full_the_sample_waits_and_the_process_goes_on(directory: Path) -> None:
    (directory / OWN).symlink_to("/dev/full")
    hits = counter()
    with capture_logs() as lines:
        for _ in range(3):
            hits.labels("x").inc()
    assert [(line["event"], line["reason"]) for line in lines] == [("metrics.not_written", "ENOSPC")]
    assert shown(directory) == []

    (directory / OWN).unlink()
    sample_files._book._files.clear()
    hits.labels("y").inc()
    assert sorted(shown(directory)) == ['hits_total{a="x"} 3.0', 'hits_total{a="y"} 1.0']


def test_an_entry_that_is_not_written_whole_is_not_seen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = SampleFile(tmp_path / "counter_1.db")
    file.write(key("x"), 1.0)
    with monkeypatch.context() as patch:
        whole = os.pwrite
        patch.setattr(os, "pwrite", lambda where, part, place: whole(where, part[:7], place))
        with pytest.raises(OSError, match=os.strerror(ENOSPC)):
            file.write(key("y"), 2.0)
    assert shown(tmp_path) == ['hits_total{a="x"} 1.0']
    file.write(key("y"), 2.0)
    file.close()
    assert shown(tmp_path) == ['hits_total{a="x"} 1.0', 'hits_total{a="y"} 2.0']


@pytest.mark.parametrize("trouble", ["gone", "a file"])
def test_without_a_directory_the_sample_waits(directory: Path, trouble: str, monkeypatch: pytest.MonkeyPatch) -> None:
    place = directory / "place"
    if trouble == "a file":
        place.touch()
    monkeypatch.setenv(sample_files.DIRECTORY, str(place))
    hits = counter()
    hits.labels("x").inc()
    assert shown(place) == []
    place.unlink(missing_ok=True)
    place.mkdir()
    hits.labels("x").inc()
    assert shown(place) == ['hits_total{a="x"} 2.0']


def test_a_forked_process_counts_in_a_file_of_its_own_from_nothing(directory: Path) -> None:
    hits = counter()
    hits.labels("x").inc(5)
    child = os.fork()
    if child == 0:
        status = 1
        with suppress(BaseException):
            hits.labels("x").inc(2)
            status = 0
        os._exit(status)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    content = (directory / f"counter_{child}.own.db").read_bytes()
    assert {name: value for name, (value, _) in read_samples(content).items()} == {key(): 2.0}
    assert shown(directory) == ['hits_total{a="x"} 7.0']


def whole_key(*parts: object) -> bytes:
    return file_of({json.dumps(parts): 1.0})


GOOD = file_of({key("damaged"): 1.0, key("as well"): 2.0})
DAMAGED = {
    "nothing but noise": os.urandom(4096),
    "cut off in the middle": GOOD[: len(GOOD) // 2],
    "cut off in the header": GOOD[:3],
    "zeros in front": bytes(64) + GOOD[64:],
    "more used than there is": struct.pack("i", 10**6) + GOOD[4:],
    "used below nothing": struct.pack("i", -8) + GOOD[4:],
    "a key of no length": GOOD[:8] + struct.pack("i", -4) + GOOD[12:],
    "a key that is too long": GOOD[:8] + struct.pack("i", 2**31 - 1) + GOOD[12:],
    "a key that is no text": GOOD.replace(b"damaged", b"\xff\xfe\xfd\xfc\xfb\xfa\xf9"),
    "a key that is no JSON": GOOD.replace(b'["hits"', b'["hits\\'),
    "too few parts": whole_key("hits", "hits_total", {}),
    "labels that are no object": whole_key("hits", "hits_total", 7, "Some."),
    "a label that is a number": whole_key("hits", "hits_total", {"a": 7}, "Some."),
    "a name that is a list": whole_key([], "hits_total", {}, "Some."),
    "half a character": whole_key("hits", "hits_total", {"a": "\ud800"}, "Some."),
}


@pytest.mark.parametrize("damage", DAMAGED.values(), ids=DAMAGED.keys())
@pytest.mark.parametrize("is_gone", [False, True])
def test_a_damaged_file_costs_its_samples_only(tmp_path: Path, damage: bytes, is_gone: bool) -> None:
    (tmp_path / f"counter_{os.getppid()}.db").write_bytes(file_of({key("well"): 3.0}))
    damaged = tmp_path / f"counter_{GONE if is_gone else os.getpid()}.db"
    damaged.write_bytes(damage)
    metrics = WorkerMetrics(tmp_path)
    registry = CollectorRegistry()
    registry.register(metrics)
    with capture_logs() as lines:
        texts = [generate_latest(registry).decode().splitlines() for _ in range(3)]
    assert [[line for line in text if line[0] != "#"] for text in texts] == [['hits_total{a="well"} 3.0']] * 3
    assert damaged.exists() != is_gone
    assert sum(line["event"] == "metrics.damaged" for line in lines) <= 1


@pytest.mark.parametrize("name", ["counter.db", "other_1.db", "counter_x.db", "counter_1.db.bak", "_.db"])
def test_what_is_no_file_of_samples_is_passed_over(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_bytes(GOOD)
    (tmp_path / f"histogram_{os.getpid()}.db").mkdir()
    (tmp_path / f"counter_{os.getpid()}.db").write_bytes(file_of({key(): 3.0}))
    assert shown(tmp_path) == ['hits_total{a="x"} 3.0']


def test_files_of_processes_that_are_gone_become_one_and_nothing_is_lost(tmp_path: Path) -> None:
    for number in range(3):
        mapped = MmapedDict(str(tmp_path / f"counter_{GONE + number}.db"))
        mapped.write_value(key(), 2.0, 0.0)
        mapped.close()
        (tmp_path / f"histogram_{GONE + number}.own.db").write_bytes(
            file_of({mmap_key("h", "h_bucket", ["le"], ["+Inf"], "Some."): 1.0})
        )
        (tmp_path / f"gauge_liveall_{GONE + number}.db").write_bytes(GOOD)
    own = tmp_path / f"counter_{os.getpid()}.db"
    own.write_bytes(file_of({key(): 1.0, key("y"): 1.0}))
    for _ in range(2):
        assert shown(tmp_path) == [
            'hits_total{a="x"} 7.0', 'hits_total{a="y"} 1.0', 'h_bucket{le="+Inf"} 3.0', "h_count 3.0",
        ]  # fmt: skip
        names = {path.name for path in tmp_path.iterdir()}
        assert names == {own.name, "counter_gone.db", "histogram_gone.db"}


def test_exemplars_of_processes_that_are_gone_go_with_them(tmp_path: Path) -> None:
    own = {f"exemplars_{os.getpid()}.json", "exemplars_of_somebody.json"}
    for name in (*own, f"exemplars_{GONE}.json", f"exemplars_{GONE}.new"):
        (tmp_path / name).write_bytes(b"[]")

    assert shown(tmp_path) == []
    assert {path.name for path in tmp_path.iterdir()} == own


def test_on_a_full_disk_files_of_the_gone_stay_and_are_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / f"counter_{GONE}.db"
    path.write_bytes(file_of({key(): 2.0}))

    def full(*_: object) -> None:
        raise OSError(ENOSPC, "full")

    with monkeypatch.context() as patch:
        patch.setattr(Path, "write_bytes", full)
        for _ in range(2):
            assert shown(tmp_path) == ['hits_total{a="x"} 2.0']
    assert [found.name for found in tmp_path.iterdir()] == [path.name]


MAPPED = f"""
import mmap, os, sys
file = open(sys.argv[1], "w+b")
file.truncate({1 << 20})
mapped = mmap.mmap(file.fileno(), {1 << 20})
for place in range(0, {1 << 20}, {mmap.PAGESIZE}):
    mapped[place] = 1
"""

COUNTING = """
import os, sys
os.environ["PROMETHEUS_MULTIPROC_DIR"] = sys.argv[1]
import django
django.setup()
from gateway_clients.instrumentation import CallRecord, DriftRecord, metrics
counted = metrics.metrics()
for number in range(300):
    counted.request_finished(method="GET", route=f"/route/{number}", status=200, seconds=0.1)
    counted.answer_drifted(DriftRecord(service="claims", operation="x", fields=(f"f{number}",), omitted=1))
    counted.event_received(kind=f"kind{number}", is_repeat=False)
counted.exposition()
print("served")
"""


def run(source: str, argument: Path) -> "subprocess.CompletedProcess[str]":
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "bff_project.settings"}
    return subprocess.run(
        [sys.executable, "-c", source, str(argument)],
        env=environment, capture_output=True, text=True, timeout=60, check=False,
    )  # fmt: skip


def test_a_process_outlives_a_disk_that_is_full(small_disk: Path) -> None:
    assert run(MAPPED, small_disk / "mapped").returncode == -7, "a mapped file on this disk ends a process: SIGBUS"
    (small_disk / "mapped").unlink()
    ended = run(COUNTING, small_disk)
    assert (ended.returncode, ended.stdout.splitlines()[-1:]) == (0, ["served"]), ended.stderr
