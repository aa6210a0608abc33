"""Private names of other packages in the production code: each has a row here, and the list only shrinks."""

import importlib
import re
import sys
from collections import Counter
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType

import pytest

from tests.architecture.foreign_names import Use, foreign_names, foreign_uses

HEADERS = "gateway_clients/edge/output/headers.py"
REDIS = "gateway_clients/redis_access/connection.py"
POSTGRESQL = "gateway_clients/database/postgresql/base.py"
#: The module that defines the name, the name, and the file of ours that uses it.
ROWS = (
    ("django.core.handlers.wsgi", "_stream", "gateway_clients/edge/http/admission.py"),
    ("django.db.backends.postgresql.base", "_configure_connection", POSTGRESQL),
    ("django.db.backends.postgresql.base", "_connection_pools", POSTGRESQL),
    ("django.db.backends.postgresql.base", "_set_autocommit", POSTGRESQL),
    ("django.http.response", "_charset", HEADERS),
    ("django.http.response", "_container", HEADERS),
    ("django.http.response", "_handler_class", HEADERS),
    ("django.http.response", "_reason_phrase", HEADERS),
    ("django.http.response", "_resource_closers", HEADERS),
    ("django.http.response", "_resource_closers", "gateway_clients/edge/http/admission.py"),
    ("django.http.response", "_store", HEADERS),
    ("django.utils.log", "_has_been_logged", "gateway_clients/edge/output/problems.py"),
    ("drf_spectacular.openapi", "_map_serializer", "gateway_clients/edge/openapi/inputs.py"),
    ("drf_spectacular.openapi", "_map_serializer_field", "gateway_clients/edge/openapi/inputs.py"),
    ("http.client", "_read_status", "gateway_clients/transport/deadline_pools.py"),
    ("prometheus_client.metrics", "_buckets", "gateway_clients/instrumentation/histograms.py"),
    ("prometheus_client.metrics", "_sum", "gateway_clients/instrumentation/histograms.py"),
    ("prometheus_client.metrics", "_upper_bounds", "gateway_clients/instrumentation/histograms.py"),
    ("redis.connection", "_connect", REDIS),
    ("redis.connection", "_wrap_socket_with_ssl", REDIS),
    ("rest_framework.request", "_request", "gateway_clients/edge/input/wrapped_request.py"),
    ("urllib3.connection", "_dns_host", "gateway_clients/transport/deadline_pools.py"),
    ("urllib3.connection", "_new_conn", "gateway_clients/transport/deadline_pools.py"),
)


def test_every_use_has_a_row_and_every_row_a_use() -> None:
    listed = {Use(file, name) for _, name, file in ROWS}
    found = foreign_uses()

    assert sorted(found - listed) == [], "used without a row: use what the package documents instead"
    assert sorted(listed - found) == [], "rows without a use: delete them"


def test_no_row_is_there_twice() -> None:
    assert [row for row, count in Counter(ROWS).items() if count > 1] == []


@pytest.mark.parametrize(("module", "name"), sorted({(module, name) for module, name, _ in ROWS}))
def test_package_still_has_the_name(module: str, name: str) -> None:
    source = Path(importlib.import_module(module).__file__ or "").read_text(encoding="utf-8")

    assert re.search(rf"\b{name}\b", source)


FOREIGN_BASE = "from http.client import HTTPResponse\nclass Answer(HTTPResponse):\n    {body}\n"


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("def f(given): return given._request", {"_request"}),
        ("class A:\n    def __init__(self): self._x = 1\n    def same(self, other): return other._x", set()),
        ("from redis._parsers import _RESP2Parser", {"_parsers", "_RESP2Parser"}),
        ("import redis._parsers", {"_parsers"}),
        ("def f(given): given._cookies = None", {"_cookies"}),
        ("def f(make): make(_hidden=1)", {"_hidden"}),
        ("def f(given): return getattr(given, '_store')", {"_store"}),
        ("def f(given): return vars(given)['_sum'], given.__dict__['_lock']", {"_sum", "_lock"}),
        ("def f(given): return given._meta, given.__dict__, given.public", set()),
        (FOREIGN_BASE.format(body="def _read_status(self): ..."), {"_read_status"}),
        (FOREIGN_BASE.format(body="def close(self): self._close_conn()"), {"_close_conn"}),
        (FOREIGN_BASE.format(body="def _own(self): self._own()"), set()),
    ],
)
def test_finder_tells_whose_a_name_is(text: str, names: set[str], tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "sample.py"
    path.write_text(text)

    def load(_: Path) -> ModuleType:
        spec = spec_from_file_location("claims.sample", path)
        assert spec is not None
        assert spec.loader is not None
        module = module_from_spec(spec)
        monkeypatch.setitem(sys.modules, spec.name, module)  # so that the source of its classes is found
        spec.loader.exec_module(module)
        return module

    assert foreign_names(path, load) == names
