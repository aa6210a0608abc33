"""What is too large is refused before it is carried out, quickly, with a clear error, and nobody is called."""

import json
import time
from typing import Any

import pytest
from graphql import get_introspection_query

from bff_project.schema import schema
from gateway_clients.edge.graphql.documents import Documents, sha256_of
from gateway_clients.edge.graphql.errors import RequestRefusedError

GRAPHQL = "application/graphql-response+json"
LIMIT_SECONDS = 0.1
TEN = " ".join(f"a{n}: adminOverview {{ id }}" for n in range(10))


def bomb(fragments: int) -> str:
    chain = " ".join(f"fragment f{n} on Query {{ ...f{n + 1} ...f{n + 1} }}" for n in range(fragments))
    return f"{{ ...f0 }} {chain} fragment f{fragments} on Query {{ me {{ id }} }}"


def field_bomb(fragments: int) -> str:
    chain = " ".join(
        f"fragment f{n} on ClaimPage {{ meta {{ complete }} a{n}: claims {{ id }} ...f{n + 1} b: meta {{ complete }} }}"
        for n in range(fragments)
    )
    return f"{{ claims {{ ...f0 }} }} {chain} fragment f{fragments} on ClaimPage {{ total }}"


def nested(levels: int) -> str:
    """The guard does not ask the schema what there is."""
    return "a { " * levels + "a" + " }" * levels


ATTACKS = {
    "a fragment bomb of 2^40": bomb(39),
    "a fragment bomb of 2^200": bomb(200),
    "a bomb of fields": field_bomb(38),
    "circular fragments": "{ ...a } fragment a on Query { ...b } fragment b on Query { ...a me { id } }",
    "a fragment of itself": "{ ...a } fragment a on Query { ...a }",
    "an unknown fragment": "{ ...nobody }",
    "unknown fields": "{ " + "nothing " * 400 + "}",
    "5000 aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(5000)) + " }",
    "600 aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(600)) + " }",
    "21 aliases": "{ " + " ".join(f"a{n}: __typename" for n in range(21)) + " }",
    "11 root fields": "{ " + " ".join(f"a{n}: me {{ id }}" for n in range(11)) + " }",
    "depth 60 in a fragment": "{ ...deep } fragment deep on Query { " + nested(60) + " }",
    "depth 9": "{ " + nested(8) + " }",
    "depth 900": "{ " + nested(900) + " }",
    "depth 40 in each of 24 fragments": "{ ...f0 } "
    + " ".join(f"fragment f{n} on Query {{ {'a { ' * 36} ...f{n + 1} {'} ' * 36} }}" for n in range(24))
    + " fragment f24 on Query { a }",
    "8000 duplicate fields": "{ me { " + "id " * 8000 + "} }",
    "1900 duplicate fields": "{ me { " + "id " * 1900 + "} }",
    "480 duplicate objects": "{ " + "me { id } " * 480 + "}",
    "400 pairs of duplicates in fragments": "{ me { "
    + " ".join(f"...f{n}" for n in range(40))
    + " } } "
    + " ".join(f"fragment f{n} on User {{ {'id ' * 10} }}" for n in range(40)),
    "200 fragments": "{ " + " ".join(f"...f{n}" for n in range(200)) + " }"
    + " ".join(f"fragment f{n} on Query {{ me {{ id }} }}" for n in range(200)),
    "3000 directives": "{ me { id " + "@include(if: true) " * 3000 + "} }",
    "200 directives": "{ me { id " + "@include(if: true) " * 200 + "} }",
    "900 unknown directives": "{ me { id " + "@a " * 900 + "} }",
    "3000 comments": "{ me { id } }" + "\n#c" * 3000,
    "240 operations": " ".join(f"query q{n} {{ me {{ id }} }}" for n in range(240)),
    "600 repeated arguments": "{ claims(" + "limit: 1 " * 600 + ") { total } }",
    "a list of 1900": "{ claims(limit: [" + "1 " * 1900 + "]) { total } }",
    "lists in lists": "{ claims(limit: " + "[" * 900 + "]" * 900 + ") { total } }",
    "400 variables": "query(" + " ".join(f"$v{n}: Int" for n in range(400)) + ") { me { id } }",
    "claims that cost too much": "{ "
    + " ".join(f"a{n}: claims(limit: 100) {{ claims {{ id provider {{ id name }} status }} }}" for n in range(10))
    + " }",
    "introspection of introspection": "{ __schema { types { "
    + "fields { type { " * 6
    + "name"
    + " } }" * 6
    + " } } }",
    "introspection many times": "{ "
    + " ".join(
        f"a{n}: __schema {{ types {{ fields {{ args {{ type {{ name ofType {{ name kind description }} }} }} }} }} }}"
        for n in range(18)
    )
    + " }",
    "a bomb of the introspection": '{ __type(name: "Query") { ...f0 } } '
    + " ".join(
        f"fragment f{n} on __Type {{ ofType {{ ...f{n + 1} }} a{n}: ofType {{ ...f{n + 1} }} }}" for n in range(18)
    )
    + " fragment f18 on __Type { name }",
    "two mutations": 'mutation { a: logout(refreshToken: "x") b: logout(refreshToken: "y") }',
    "two mutations by a fragment": (
        'mutation { ...a } fragment a on Mutation { logout(refreshToken: "x") b: logout(refreshToken: "y") }'
    ),
    "nothing": " ",
    "null bytes": "\x00" * 1000,
    "half an emoji": "{ \\ud83d }",
}  # fmt: skip


def send(client: Any, query: str) -> tuple[Any, float]:
    body = json.dumps({"query": query})
    client.post("/graphql", '{"query": "{ __typename }"}', content_type="application/json")
    begun = time.process_time()
    answer = client.post("/graphql", body, content_type="application/json", headers={"Accept": GRAPHQL})
    return answer, time.process_time() - begun


@pytest.mark.alone
@pytest.mark.parametrize("attack", ATTACKS)
def test_an_attack_is_refused_at_once_and_nobody_is_called(attack: str, as_, upstreams) -> None:
    client = as_("admin")
    answer, seconds = min((send(client, ATTACKS[attack]) for _ in range(3)), key=lambda each: each[1])

    assert answer.status_code == (413 if len(ATTACKS[attack]) > 64_000 else 400), answer.content
    assert seconds < LIMIT_SECONDS
    assert "data" not in answer.json()
    assert upstreams.asked == []


def test_a_string_of_1_mb_is_a_problem_413(as_, upstreams) -> None:
    answer, _ = send(as_("member"), '{ claim(memberId: "m-1", claimId: "' + "x" * 1_000_000 + '") { id } }')

    assert (answer.status_code, answer.json()["code"]) == (413, "too_large")


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (ATTACKS["21 aliases"], "The document has more than 20 aliases."),
        (ATTACKS["11 root fields"], "The document has more than 10 root fields."),
        (ATTACKS["depth 9"], "The document has more than 8 levels of fields."),
        (ATTACKS["200 directives"], "The document has more than 40 directives."),
        (ATTACKS["a fragment bomb of 2^40"], "The document has more than 2000 fields with its fragments unfolded."),
        (ATTACKS["two mutations"], "The document has more than 1 root fields."),
        (
            ATTACKS["claims that cost too much"],
            "The operation could cost too much: ask for fewer fields, or for shorter lists.",
        ),
        (ATTACKS["8000 duplicate fields"], "Syntax Error: Document contains more than 2000 tokens. Parsing aborted."),
    ],
)
def test_the_error_names_the_limit(query: str, message: str, as_, upstreams) -> None:
    answer, _ = send(as_("admin"), query)

    assert answer.json()["errors"][0]["message"].startswith(message)
    assert answer.json()["errors"][0]["extensions"]["code"] == "BAD_USER_INPUT"


@pytest.mark.parametrize(
    ("query", "data"),
    [
        ('mutation { __typename logout(refreshToken: "x") }', {"__typename": "Mutation", "logout": None}),
        (f"{{ __typename ...Ten }} fragment Ten on Query {{ {TEN} }}",
         {"__typename": "Query"} | {f"a{n}": None for n in range(10)}),
    ],
    ids=["a mutation", "ten root fields"],
)  # fmt: skip
def test_the_name_of_the_type_stands_beside_root_fields(query: str, data: Any, as_, upstreams) -> None:
    answer, _ = send(as_(None), query)

    assert answer.json()["data"] == data


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("{ " + " ".join(f"a{n}: __typename" for n in range(10)) + " }", 200),
        ("{ __typename " + "," * 60_000 + "}", 200),
        ('{ claim(memberId: "m-1", claimId: "' + "x" * 60_000 + '") { id } }', 294),
    ],
    ids=["10 aliases", "60 kB of commas", "a string of 60 kB"],
)
@pytest.mark.alone
def test_what_is_within_the_limits_is_answered_at_once(query: str, status: int, as_, upstreams) -> None:
    answer, seconds = send(as_(None), query)

    assert answer.status_code == status
    assert seconds < LIMIT_SECONDS


@pytest.mark.alone
@pytest.mark.parametrize("text", [" " * 60_000, "Did you mean " * 4_000], ids=["spaces", "hints"])
def test_a_long_text_is_quoted_at_once_where_nothing_is_hinted_at(text: str, as_, upstreams, settings) -> None:
    settings.GRAPHQL_INTROSPECTION = False

    answer, seconds = send(as_("admin"), f'{{ claims(limit: "{text}") {{ total }} }}')

    assert (answer.status_code, text in answer.json()["errors"][0]["message"]) == (400, True)
    assert seconds < LIMIT_SECONDS


def test_the_whole_schema_is_answered_where_introspection_is_on(as_, upstreams) -> None:
    query = get_introspection_query(
        specified_by_url=True, schema_description=True, directive_is_repeatable=True, input_value_deprecation=True
    )

    answer, _ = send(as_(None), query)

    assert answer.status_code == 200
    assert answer.json()["data"]["__schema"]["queryType"]["name"] == "Query"


def test_a_refused_document_is_not_kept() -> None:
    documents = Documents(schema.graphql_schema)
    for attack in ("5000 aliases", "8000 duplicate fields", "unknown fields", "circular fragments"):
        with pytest.raises(RequestRefusedError):
            documents.get(ATTACKS[attack])
        assert documents.text_of(sha256_of(ATTACKS[attack])) is None
