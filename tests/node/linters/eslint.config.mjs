// GraphQL ESLint over the schema: all its rules for schemas, but for those that are argued away here.
import graphql from '@graphql-eslint/eslint-plugin';

export default [
  {
    files: ['**/*.graphql'],
    languageOptions: {
      parser: graphql.parser,
      parserOptions: { graphQLConfig: { schema: 'schema.graphql' } },
    },
    plugins: { '@graphql-eslint': graphql },
    rules: {
      ...graphql.configs['flat/schema-all'].rules,
      // Fields stand in the order in which they are read, which is that of REST.
      '@graphql-eslint/alphabetize': 'off',
      // A value of an enum is written as over REST (`submitted`), so that a portal has one set of names for both.
      '@graphql-eslint/naming-convention': [
        'error',
        {
          types: 'PascalCase',
          FieldDefinition: 'camelCase',
          InputValueDefinition: 'camelCase',
          Argument: 'camelCase',
          DirectiveDefinition: 'camelCase',
          EnumValueDefinition: 'snake_case',
        },
      ],
      // Arguments of mutations are named for what they are; a claim, which has many fields, has an input type.
      '@graphql-eslint/input-name': 'off',
      // A mutation returns what it changed, which a normalising client finds in its cache: it asks for nothing besides.
      '@graphql-eslint/require-field-of-type-query-in-mutation-result': 'off',
      // The API has mutations.
      '@graphql-eslint/no-root-type': 'off',
      // `logout` has nothing to return but that it was done.
      '@graphql-eslint/no-scalar-result-type-on-mutation': 'off',
      // Nobody asks for `me` and something else in one operation: without a session the whole answer is of no use.
      '@graphql-eslint/require-nullable-result-in-root': 'off',
      // `claimNumber` and `submissionId` have the names of REST: `number` and `id` would be other things there.
      '@graphql-eslint/no-typename-prefix': 'off',
      // These are no entities: what mutations return, and parts of what has an id. A plan's id may be missing.
      '@graphql-eslint/strict-id-in-types': [
        'error',
        {
          exceptions: {
            types: ['AuthResponse', 'ClaimResponse', 'NotificationsRead', 'Plan', 'SubmissionError'],
          },
        },
      ],
    },
  },
];
