"""The root of the GraphQL schema: what the apps' schemas come to together."""

import graphene

import claims.schema
import dashboard.schema
import members.schema


class Query(dashboard.schema.Query, members.schema.Query, claims.schema.Query, graphene.ObjectType):
    """The queries of the API."""


class Mutation(members.schema.Mutation, claims.schema.Mutation, graphene.ObjectType):
    """The mutations of the API. An operation carries out one of them."""


schema = graphene.Schema(query=Query, mutation=Mutation)
