// A portal on Apollo Client with its normalising cache as it comes: two queries of one dashboard, a cancellation that
// shows in the list, persisted queries.
import { createHash } from 'node:crypto';
import { ApolloClient, ApolloLink, HttpLink, InMemoryCache, gql } from '@apollo/client/core';
import { PersistedQueryLink } from '@apollo/client/link/persisted-queries';

const [uri, email, password, memberId] = process.argv.slice(2);
const sent = [];
let token;

async function countedFetch(address, options) {
  const { operationName, query } = JSON.parse(options.body);
  sent.push(query === undefined ? `${operationName} by hash` : operationName);
  return fetch(address, options);
}

const auth = new ApolloLink((operation, forward) => {
  operation.setContext({ headers: token ? { authorization: `Bearer ${token}` } : {} });
  return forward(operation);
});
const persisted = new PersistedQueryLink({ sha256: (text) => createHash('sha256').update(text).digest('hex') });
const client = new ApolloClient({
  link: ApolloLink.from([auth, persisted, new HttpLink({ uri, fetch: countedFetch })]),
  cache: new InMemoryCache(),
  defaultOptions: {
    watchQuery: { errorPolicy: 'all' },
    query: { errorPolicy: 'all' },
    mutate: { errorPolicy: 'all' },
  },
});

const LOGIN = gql`
  mutation Login($email: String!, $password: String!) {
    login(email: $email, password: $password) { accessToken user { id roles } }
  }
`;
const HEAD = gql`
  query Head($m: String!) {
    memberDashboard(memberId: $m) { id name meta { id complete } coverageStatus { id status } }
  }
`;
const BODY = gql`
  query Body($m: String!) {
    memberDashboard(memberId: $m) {
      id
      planName
      recentClaims { id status }
      coverageStatus { id planName }
      meta { id sections { id name state } }
    }
  }
`;
const LIST = gql`
  query List($m: String!) {
    memberClaims(memberId: $m, status: submitted, limit: 5) { id displayNumber status statusColor actions }
  }
`;
const CANCEL = gql`
  mutation Cancel($m: String!, $c: String!) {
    cancelClaim(memberId: $m, claimId: $c) {
      status
      submissionId
      claim { id status statusColor actions timeline { id status } }
    }
  }
`;

const login = await client.mutate({ mutation: LOGIN, variables: { email, password } });
token = login.data.login.accessToken;
const variables = { m: memberId };

const heads = [];
client.watchQuery({ query: HEAD, variables }).subscribe((result) => heads.push(result));
const body = await client.query({ query: BODY, variables });
await client.query({ query: HEAD, variables });
const afterBoth = {
  head: client.readQuery({ query: HEAD, variables }),
  body: client.readQuery({ query: BODY, variables }),
};
const dashboards = Object.keys(client.cache.extract()).filter((key) => key.startsWith('MemberDashboard'));
const afterDashboards = [...sent];

await client.query({ query: LIST, variables });
const [first] = client.readQuery({ query: LIST, variables }).memberClaims;
const seen = [];
client
  .watchQuery({ query: LIST, variables, fetchPolicy: 'cache-only' })
  .subscribe(({ data }) => seen.push(data?.memberClaims?.find((claim) => claim.id === first.id)?.status));
const cancelled = await client.mutate({ mutation: CANCEL, variables: { ...variables, c: first.id } });
await new Promise((resolve) => setTimeout(resolve, 50));
const shown = client.readQuery({ query: LIST, variables }).memberClaims.find((claim) => claim.id === first.id);

await client.query({ query: LIST, variables, fetchPolicy: 'network-only' });
console.log(
  JSON.stringify({
    errors: [body.error, cancelled.error, ...heads.map((each) => each.error)].filter(Boolean).map(String),
    afterBoth,
    dashboards,
    afterDashboards,
    first,
    cancelled: cancelled.data.cancelClaim,
    shown,
    seen,
    sent,
  }),
);
process.exit(0);
