// A portal on urql: signs in, asks for its dashboard with a persisted query, then for what it may not see.
import { Client, cacheExchange, fetchExchange, gql } from '@urql/core';

const [url, email, password, memberId, otherId] = process.argv.slice(2);
let token;
const client = new Client({
  url,
  exchanges: [cacheExchange, fetchExchange],
  preferGetMethod: false,
  fetchOptions: () => ({ headers: token ? { Authorization: `Bearer ${token}` } : {} }),
});
const LOGIN = gql`
  mutation Login($email: String!, $password: String!) {
    login(email: $email, password: $password) {
      accessToken
      user { memberId roles }
    }
  }
`;
const DASHBOARD = gql`
  fragment Line on Claim { id displayNumber status totalAmount serviceDate provider { id name } }
  query Dashboard($m: String!) {
    memberDashboard(memberId: $m) {
      memberId
      name
      recentClaims { ...Line }
      benefitsSummary { totalLimit items { code remainingAmount } }
      meta { complete sections { name state } }
    }
  }
`;
const login = await client.mutation(LOGIN, { email, password }).toPromise();
token = login.data?.login?.accessToken;
const own = await client.query(DASHBOARD, { m: memberId }).toPromise();
const others = await client.query(DASHBOARD, { m: otherId }).toPromise();
console.log(
  JSON.stringify({
    user: login.data?.login?.user,
    own: own.data,
    ownError: own.error?.message ?? null,
    others: others.data,
    othersCodes: others.error?.graphQLErrors.map((error) => error.extensions.code) ?? [],
  }),
);
