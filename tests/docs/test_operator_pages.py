"""The pages for operators name every setting, metric and log event that there is."""

import ast
import re
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import cache

from tests.docs.pages import ROOT, marked, page, rows, section, syntax_trees
from tests.platform.settings_of import settings_with

LEVELS = {"info": "info", "warning": "warning", "error": "error", "exception": "error"}
METRIC_KINDS = {"Counter", "Histogram", "Gauge", "Summary", "GaugeMetricFamily"}
LOGGERS = re.compile(r"(\w+_)?log|structlog\.get_logger\(\)")
SETTING = re.compile(r"^(?:# )?([A-Z_]+)=(.*)$", re.MULTILINE)


def nodes(kind: type[ast.AST]) -> Iterator[ast.AST]:
    """The nodes of that kind in the gateway's modules."""
    for tree in syntax_trees():
        yield from (node for node in ast.walk(tree) if isinstance(node, kind))


def names_in(node: ast.expr) -> list[str]:
    """The texts in an expression, such as both of `"a" if … else "b"`."""
    parts = (node.body, node.orelse) if isinstance(node, ast.IfExp) else (node,)
    return [part.value for part in parts if isinstance(part, ast.Constant) and isinstance(part.value, str)]


@cache
def logged_events() -> set[tuple[str, str, frozenset[str]]]:
    """Name, level and fields of every event that the code logs."""
    found = set()
    for call in nodes(ast.Call):
        assert isinstance(call, ast.Call)
        name = call.func
        if isinstance(name, ast.Attribute) and name.attr in LEVELS and LOGGERS.fullmatch(ast.unparse(name.value)):
            fields = frozenset(each.arg for each in call.keywords if each.arg and each.arg != "exc_info")
            found |= {(event, LEVELS[name.attr], fields) for event in names_in(call.args[0])}
    for line in nodes(ast.Dict):
        assert isinstance(line, ast.Dict)
        pairs = {
            name.value: value
            for name, value in zip(line.keys, line.values, strict=True)
            if isinstance(name, ast.Constant)
        }
        event, level = pairs.get("event"), pairs.get("level")
        if isinstance(event, ast.Constant) and isinstance(level, ast.Constant):
            found.add((event.value, level.value, frozenset(pairs) - {"event", "level", "time"}))
    return found


def metrics_made() -> set[tuple[str, str, tuple[str, ...]]]:
    """Name, kind and labels of every metric that the code makes."""
    found = set()
    for call in nodes(ast.Call):
        assert isinstance(call, ast.Call)
        if isinstance(call.func, ast.Name) and call.func.id in METRIC_KINDS and len(call.args) >= 2:
            labels = [*call.args[2:], *(each.value for each in call.keywords if each.arg == "labels")]
            named = tuple(ast.literal_eval(labels[0])) if labels and isinstance(labels[0], ast.Tuple) else ()
            kind = call.func.id.removesuffix("MetricFamily").lower()
            found.add((ast.literal_eval(call.args[0]), kind, named))
    return found


def fits(text: str, told: str) -> bool:
    """Whether a text is the one that is told, where `*` stands for any."""
    return text == told or ("*" in told and fnmatch(text, told))


def test_every_setting_is_told_with_its_default() -> None:
    _, read = settings_with({})
    example = dict(SETTING.findall((ROOT / ".env.example").read_text()))
    told: dict[str, str] = {}
    for names, _unit, default, _why in rows(section("operations.md", "## Settings")):
        values = marked(default) or [""]
        told |= dict(zip(marked(names), values * (len(marked(names)) // len(values)), strict=True))
    off = {name for name in example if re.search(rf"^# {name}=", (ROOT / ".env.example").read_text(), re.MULTILINE)}
    row_of = {name: next((row for row in [name, *told] if row in told and fits(name, row)), None) for name in read}
    assert [name for name, row in row_of.items() if row is None] == []
    assert set(row_of.values()) == set(told)
    assert {
        (name, value, told[row_of[name]])
        for name, value in example.items()
        if name not in off and not fits(value, told[row_of[name]])
    } == set()


def test_every_metric_is_told_with_its_labels() -> None:
    told = rows(section("operations.md", "## Metrics"))
    assert {(marked(name)[0], kind, tuple(marked(labels))) for name, kind, labels, _ in told} == metrics_made()


def test_every_log_event_is_told_with_its_level_and_fields() -> None:
    told = rows(section("operations.md", "## Logs"))
    events = [(marked(name)[0], level, frozenset(marked(fields))) for name, level, fields, _ in told]
    assert set(events) == logged_events()
    assert len(events) == len(set(events))


def test_each_warning_and_error_of_redis_the_database_and_the_outbox_has_a_runbook() -> None:
    runbooks = page("runbooks.md")
    watched = ("cache.", "database.", "outbox.", "submission.", "metrics.", "worker.database")
    wanted = {name for name, level, _ in logged_events() if level != "info" and name.startswith(watched)}
    assert {name for name in wanted if f"`{name}`" not in runbooks} == set()
