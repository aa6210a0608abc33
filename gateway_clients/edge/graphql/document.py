"""A document that was parsed, measured and validated."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from graphql import (
    DirectiveNode,
    FieldNode,
    FragmentDefinitionNode,
    GraphQLBoolean,
    GraphQLError,
    GraphQLID,
    GraphQLSchema,
    GraphQLString,
    GraphQLSyntaxError,
    Node,
    OperationDefinitionNode,
    Token,
    TokenKind,
    VariableNode,
    Visitor,
    get_nullable_type,
    parse,
    type_from_ast,
    validate,
    visit,
)

from gateway_clients.edge.graphql import guards
from gateway_clients.edge.graphql.errors import MAX_ERRORS, RequestRefusedError
from gateway_clients.edge.graphql.memory_allowance import Account
from gateway_clients.edge.graphql.operation import Operation
from gateway_clients.edge.graphql.selection import INTROSPECTION

#: Stands for the tokens of a document that was checked.
NO_TOKEN: Final = Token(TokenKind.SOF, 0, 0, 0, 0)
#: The types whose variables are texts as they are given.
TEXTS: Final[Sequence[Any]] = (GraphQLString, GraphQLID)


@dataclass(frozen=True, slots=True)
class Document:
    """A checked document."""

    operations: Mapping[str | None, Operation]
    account: Account
    introspection_errors: Sequence[GraphQLError]

    def operation(self, name: str | None) -> Operation:
        """The operation of that name, or the only one.

        Raises RequestRefusedError, also for a kind of operation that the schema does
        not have.
        """
        operation = self._named(name)
        kind = operation.node.operation
        if operation.schema.get_root_type(kind) is None:
            raise RequestRefusedError([GraphQLError(f"The schema has no {kind.value}.", operation.node)])
        return operation

    def _named(self, name: str | None) -> Operation:
        if name is None and len(self.operations) == 1:
            return next(iter(self.operations.values()))
        if name is None:
            raise RequestRefusedError(["The document has several operations: operationName must say which."])
        if name not in self.operations:
            raise RequestRefusedError(["The document has no operation of that name."])
        return self.operations[name]


def checked_document(schema: GraphQLSchema, text: str) -> Document:
    """Parses and checks a document. Raises RequestRefusedError for one that is refused."""
    try:
        node = parse(
            text,
            max_lexical_tokens=guards.MAX_TOKENS,
            max_comments=guards.MAX_TOKENS,
            max_source_length=guards.MAX_BYTES,
        )
        guards.check(node)
        errors = validate(schema, node, max_errors=MAX_ERRORS)
    except (GraphQLSyntaxError, GraphQLError) as error:
        raise RequestRefusedError([error]) from None
    except RecursionError:
        raise RequestRefusedError(["The document is nested too deeply."]) from None
    if errors:
        raise RequestRefusedError(errors)
    fragments = {each.name.value: each for each in node.definitions if isinstance(each, FragmentDefinitionNode)}
    operations = [each for each in node.definitions if isinstance(each, OperationDefinitionNode)]
    if not operations:
        raise RequestRefusedError(["The document has no operation."])
    finder = _Finder()
    visit(node, finder)
    account = Account()
    return Document(
        {
            each.name.value if each.name else None: Operation(
                schema, each, fragments, _conditions(schema, each, finder.conditions), account, _texts(schema, each)
            )
            for each in operations
        },
        account,
        finder.introspection_errors,
    )


def _conditions(schema: GraphQLSchema, operation: OperationDefinitionNode, names: Collection[str]) -> tuple[str, ...]:
    """Those of its variables that @skip and @include refer to; what another operation of
    the document has under such a name need not be a Boolean.
    """
    booleans = [
        each.variable.name.value
        for each in operation.variable_definitions
        if get_nullable_type(type_from_ast(schema, each.type)) is GraphQLBoolean  # type: ignore[arg-type]
    ]
    return tuple(sorted(set(booleans).intersection(names)))


def _texts(schema: GraphQLSchema, operation: OperationDefinitionNode) -> tuple[str, ...] | None:
    """The names of its variables, if what is given for them may be taken as it is
    wherever it is a text.
    """
    kinds: list[Any] = [type_from_ast(schema, each.type) for each in operation.variable_definitions]
    if not all(get_nullable_type(kind) in TEXTS for kind in kinds):
        return None
    return tuple(each.variable.name.value for each in operation.variable_definitions)


class _Finder(Visitor):
    """Collects the variables that @skip and @include refer to, and the introspection
    fields other than `__typename`.

    The visitor also drops the tokens of each node, which are not needed after parsing
    and make up a third of the memory that a document takes.
    """

    def __init__(self) -> None:
        super().__init__()
        self.conditions: set[str] = set()
        self.introspection_errors: list[GraphQLError] = []

    def enter(self, node: Node, *_: Any) -> None:
        """Visits any other node."""
        _forget_tokens(node)

    def enter_directive(self, node: DirectiveNode, *_: Any) -> None:
        """Both have one argument, `if`."""
        _forget_tokens(node)
        self.conditions |= {each.value.name.value for each in node.arguments if isinstance(each.value, VariableNode)}

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        """Visits a field: `__schema` and `__type` are introspection."""
        _forget_tokens(node)
        if node.name.value in INTROSPECTION:
            self.introspection_errors.append(GraphQLError("Introspection is switched off.", node))


def _forget_tokens(node: Node) -> None:
    if node.loc is not None:
        node.loc.start_token = node.loc.end_token = NO_TOKEN
