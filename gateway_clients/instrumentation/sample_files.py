"""The files in which processes keep their samples for prometheus-client's multiprocess mode, written without a map.

prometheus-client maps its files into memory, sparse ones: on a full disk the kernel ends the process (SIGBUS) at the
first sample that needs another block. Here every sample goes through `pwrite`, so that a disk that is full, read-only
or gone is an OSError, the sample waits in memory, and the process serves on. The files are prometheus-client's own:
its collector reads them. They have names of their own, as prometheus-client may have mapped some before.
"""

import os
import struct
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from errno import ENOSPC, errorcode
from pathlib import Path
from typing import Any, Final
from weakref import WeakSet

import structlog
from prometheus_client import values
from prometheus_client.mmap_dict import mmap_key

#: The environment's name of the directory; prometheus-client's own.
DIRECTORY: Final = "PROMETHEUS_MULTIPROC_DIR"
#: Seconds between two tries to write what a full disk did not take.
CATCH_UP_SECONDS: Final = 1.0
_INTEGER: Final = struct.Struct("i")
_HEADER: Final = struct.Struct("i4x")
_PAIR: Final = struct.Struct("dd")
log = structlog.get_logger(__name__)


class DamagedFileError(Exception):
    """A file of samples cannot be read."""


def read_samples(content: bytes) -> dict[str, tuple[float, int]]:
    """The samples in a file's bytes, by key: each value and its place. Raises DamagedFileError."""
    found: dict[str, tuple[float, int]] = {}
    try:
        used = _INTEGER.unpack_from(content)[0]
        start = _HEADER.size
        while start < used:
            length = _INTEGER.unpack_from(content, start)[0]
            place = start + _key_bytes(length)
            if length < 0 or place + _PAIR.size > used:
                raise DamagedFileError
            key = content[start + _INTEGER.size :][:length].decode()
            found[key] = (_PAIR.unpack_from(content, place)[0], place)
            start = place + _PAIR.size
    except (struct.error, UnicodeDecodeError) as error:
        raise DamagedFileError from error
    return found


def _key_bytes(length: int) -> int:
    """Bytes of a key with its length in front, padded so that the value behind it is aligned."""
    return _INTEGER.size + length + 8 - (length + _INTEGER.size) % 8


def _entry(key: str, value: float) -> bytes:
    encoded = key.encode()
    padded = encoded.ljust(_key_bytes(len(encoded)) - _INTEGER.size)
    return _INTEGER.pack(len(encoded)) + padded + _PAIR.pack(value, 0.0)


def file_of(samples: Mapping[str, float]) -> bytes:
    """The bytes of a file with these samples."""
    entries = b"".join(_entry(key, value) for key, value in samples.items())
    return _HEADER.pack(_HEADER.size + len(entries)) + entries


class SampleFile:
    """The file of one kind of metrics of one process. Not thread-safe: its owner locks."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._descriptor = -1
        self._used = _HEADER.size
        self._places: dict[str, int] = {}

    def write(self, key: str, value: float) -> None:
        """Writes a sample over its earlier value, or behind the others. Raises OSError."""
        self._open()
        place = self._places.get(key)
        if place is not None:
            self._put(_PAIR.pack(value, 0.0), place)
            return
        entry = _entry(key, value)
        self._put(entry, self._used)
        # A reader sees the entry from here on: it is there whole.
        self._put(_HEADER.pack(self._used + len(entry)), 0)
        self._used += len(entry)
        self._places[key] = self._used - _PAIR.size

    def close(self) -> None:
        """Lets go of the file."""
        if self._descriptor >= 0:
            with suppress(OSError):
                os.close(self._descriptor)
        self._descriptor = -1

    def _open(self) -> None:
        """Opens the file, without what an earlier process of the same id may have left in it."""
        if self._descriptor < 0:
            self._descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o644)

    def _put(self, part: bytes, place: int) -> None:
        if os.pwrite(self._descriptor, part, place) < len(part):
            raise OSError(ENOSPC, os.strerror(ENOSPC))


class FileValue:
    """A number of a metric, in memory and, as soon as its file takes it, in the file of this process."""

    _multiprocess = True

    def __init__(self, typ: str, *named: Any, multiprocess_mode: str = "", **_: object) -> None:
        self.kind: Final = f"{typ}_{multiprocess_mode}" if typ == "gauge" else typ
        self.key: Final[str] = mmap_key(*named)
        self.value = 0.0
        _book.add(self)

    def inc(self, amount: float) -> None:
        """Adds to the value."""
        with _book.lock:
            self.value += amount
            _book.write(self)

    def set(self, value: float, timestamp: float | None = None) -> None:
        """Sets the value."""
        with _book.lock:
            self.value = value
            _book.write(self)

    def get(self) -> float:
        """Returns the value."""
        return self.value

    def set_exemplar(self, exemplar: object) -> None:
        """There are none over several processes."""

    def get_exemplar(self) -> None:
        """There are none over several processes."""


class _Book:
    """The files of this process, and the numbers that they have not taken yet."""

    def __init__(self) -> None:
        self.lock = threading.Lock()
        self._files: dict[str, SampleFile] = {}
        self._values: WeakSet[FileValue] = WeakSet()
        self._unwritten: WeakSet[FileValue] = WeakSet()
        self._catch_up_at = 0.0

    def add(self, value: FileValue) -> None:
        """Writes a new number."""
        with self.lock:
            self._values.add(value)
            self.write(value)

    def write(self, value: FileValue) -> None:
        """Writes a number, or keeps it until the disk takes it. The lock is held."""
        try:
            self._put(value)
        except OSError as error:
            if not self._unwritten:
                log.warning("metrics.not_written", reason=errorcode.get(error.errno or 0, type(error).__name__))
            self._unwritten.add(value)
        else:
            if self._unwritten and time.monotonic() >= self._catch_up_at:
                self._catch_up()

    def _catch_up(self) -> None:
        """Writes what could not be written before, as far as that goes."""
        self._catch_up_at = time.monotonic() + CATCH_UP_SECONDS
        with suppress(OSError):
            for value in list(self._unwritten):
                self._put(value)

    def _put(self, value: FileValue) -> None:
        self._file(value.kind).write(value.key, value.value)
        self._unwritten.discard(value)

    def _file(self, kind: str) -> SampleFile:
        if kind not in self._files:
            self._files[kind] = SampleFile(Path(os.environ[DIRECTORY]) / f"{kind}_{os.getpid()}.own.db")
        return self._files[kind]

    def forget(self) -> None:
        """A forked process begins with files of its own, and with nothing counted."""
        self.lock = threading.Lock()
        for file in self._files.values():
            file.close()
        self._files.clear()
        for value in self._values:
            value.value = 0.0
        self._unwritten.update(self._values)


def use_sample_files() -> None:
    """Has prometheus-client keep the numbers of metrics made from now on in such files, where a directory is named."""
    if DIRECTORY in os.environ:
        values.ValueClass = FileValue


def _forget() -> None:
    _book.forget()


_book: Final = _Book()
os.register_at_fork(after_in_child=_forget)
