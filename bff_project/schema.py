"""The root of the GraphQL schema: what the apps' schemas come to together."""

import graphene

import claims.schema
import dashboard.schema
import members.schema


class Query(dashboard.schema.Query, members.schema.Query, claims.schema.Query, graphene.ObjectType):
    """What may be asked."""


class Mutation(members.schema.Mutation, claims.schema.Mutation, graphene.ObjectType):
    """What may be done. One field for each operation."""


schema = graphene.Schema(query=Query, mutation=Mutation)
