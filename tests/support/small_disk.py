"""A disk that is soon full: a file system of its own, in memory, which only root can mount."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import pytest

from tests.support.programs import NOT_RUN

#: More than the samples of a gateway take, so that they fit once there is room.
SIZE_KILOBYTES: Final = 256


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A directory on a disk of 256 kB; leaves the test out, and says so loudly, where none can be mounted."""
    place = tmp_path / "disk"
    place.mkdir()
    mount, umount = shutil.which("mount"), shutil.which("umount")
    command = [mount or "", "-t", "tmpfs", "-o", f"size={SIZE_KILOBYTES}k", "tmpfs", str(place)]
    if not mount or not umount or subprocess.run(command, capture_output=True, check=False).returncode != 0:
        pytest.skip(f"{NOT_RUN} that may mount a small disk (root's mount)")
    yield place
    subprocess.run([umount, "-l", str(place)], check=True)


def fill(disk: Path) -> Path:
    """Fills the disk to the last byte with a file; remove it to have room again."""
    filler = disk / "filler"
    with filler.open("wb", buffering=0) as file:
        try:
            while file.write(b"x" * 4096):
                pass
        except OSError:
            return filler
    raise AssertionError("it is not full")
