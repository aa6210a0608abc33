"""Operations that nobody thought of, made from the schema by schemathesis: none is an error of the gateway."""

from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from schemathesis.graphql import nodes
from schemathesis.specs.graphql.schemas import GraphQLSchema

from bff_project.schema import schema
from members import token_families
from members.models import Account

EXAMPLES = 40
#: What may be wrong with ids, tokens and texts that somebody made up.
REFUSALS = {
    "BAD_USER_INPUT",
    "NOT_FOUND",
    "UNAUTHENTICATED",
    "WRONG_CREDENTIALS",
    "CONFLICT",
    "MEMBER_NOT_ELIGIBLE",
    "PROVIDER_NOT_ACTIVE",
}
ROOTS = [
    f"{root.name}.{name}"
    for root in (schema.graphql_schema.query_type, schema.graphql_schema.mutation_type)
    if root is not None
    for name in root.fields
]


@pytest.fixture(autouse=True)
def _scalars() -> None:
    """What schemathesis cannot know by itself."""
    schemathesis.graphql.scalar("Date", st.dates().map(lambda day: nodes.String(day.isoformat())))
    amounts = st.integers(-1, 10**13).map(nodes.Int) | st.floats(-1, 1e13).map(nodes.Float)
    schemathesis.graphql.scalar("Rupiah", amounts)


@pytest.mark.long
@pytest.mark.parametrize("root", ROOTS)
def test_no_operation_is_an_error_of_the_gateway(root: str, live_server: Any, sandbox: Any, settings: Any) -> None:
    settings.LOGIN_RATE_LIMIT_MAX = settings.RATE_LIMIT_MAX = 1_000_000
    account = Account.objects.create_user("fuzzer@example.org", "a-password", is_admin=True, member_id="m-1")
    headers = {"Authorization": f"Bearer {token_families.begin(account).access}"}
    loaded: GraphQLSchema = schemathesis.graphql.from_url(f"{live_server.url}/graphql", headers=headers)
    (operation,) = [each.ok() for each in loaded.get_all_operations() if each.ok().label == root]

    @hypothesis_settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), database=None)
    @given(case=operation.as_strategy())
    def check(case: Any) -> None:
        response = case.call(headers=headers)
        told = response.json()
        if "errors" not in told:
            case.validate_response(response)
        assert response.status_code == 200, told
        # schemathesis takes every error for one of the server, also that there is no member called "0".
        assert {error["extensions"]["code"] for error in told.get("errors", ())} <= REFUSALS, told

    check()
