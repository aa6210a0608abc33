// GraphiQL with examples for the demo. A sign-in's token is kept in this page alone, and sent with what is asked next.
(function () {
  "use strict";

  const SIGN_IN = `# Run this first: the other tabs
# are then asked as this account.
mutation SignIn($email: String!, $password: String!) {
  login(email: $email, password: $password) {
    accessToken
    expiresIn
    user { name roles memberId providerId }
  }
}
`;
  const DASHBOARD = `# Only the services are called whose
# fields are asked for.
query Dashboard($memberId: String!) {
  memberDashboard(memberId: $memberId) {
    memberId
    name
    planName
    recentClaims {
      displayNumber
      status
      formattedAmount
      serviceDate
      provider { name location }
    }
    benefitsSummary {
      totalLimit
      totalUsed
      items { name remainingAmount usedPercent }
    }
    coverageStatus { status policyNumber }
    notifications { title createdAt isRead }
    meta { complete sections { name state age error } }
  }
}
`;
  const PROFILE = `query Profile($memberId: String!) {
  memberProfile(memberId: $memberId) {
    personal { name memberNumber plan { name tier } }
    claims { total byStatus { status count formattedTotalAmount } }
    paymentPage(limit: 3) { total payments { formattedAmount status paidAt } }
  }
  paid: memberClaims(memberId: $memberId, status: paid, limit: 3) {
    displayNumber
    formattedAmount
  }
}
`;
  const PROVIDERS = `query Providers {
  providers(q: "rs", limit: 5) {
    total
    items { id name type location }
  }
}
`;
  const MEMBER = JSON.stringify({ memberId: "m-1" }, null, 2);
  const DEMO_ACCOUNT = JSON.stringify({ email: "siti.rahayu@example.com", password: "demo-member-1" }, null, 2);

  const account = document.getElementById("account");
  let token = null;

  async function ask(parameters, options) {
    const headers = { "Content-Type": "application/json", Accept: "application/json", ...(options?.headers ?? {}) };
    if (token && !headers.Authorization) headers.Authorization = `Bearer ${token}`;
    const body = JSON.stringify(withoutStaleName(parameters));
    const response = await fetch("/graphql", { method: "POST", headers, body });
    const answer = await response.json();
    notice(answer, response.status);
    return answer;
  }

  // Right after a change of tabs GraphiQL may still send the name of the operation in the tab before.
  function withoutStaleName({ operationName, ...parameters }) {
    return parameters.query.includes(` ${operationName}`) ? { operationName, ...parameters } : parameters;
  }

  function notice(answer, status) {
    const signedIn = Object.values(answer.data ?? {}).find((value) => value?.accessToken);
    if (signedIn) {
      token = signedIn.accessToken;
      account.textContent = signedIn.user ? `Signed in as ${signedIn.user.name}.` : "Signed in.";
    } else if (status === 401) {
      token = null;
      account.textContent = "The sign-in is over: run the first tab again.";
    }
  }

  ReactDOM.render(
    React.createElement(GraphiQL, {
      fetcher: ask,
      defaultEditorToolsVisibility: "variables",
      shouldPersistHeaders: false,
      defaultTabs: [
        { query: SIGN_IN, variables: DEMO_ACCOUNT },
        { query: DASHBOARD, variables: MEMBER },
        { query: PROFILE, variables: MEMBER },
        { query: PROVIDERS },
      ],
    }),
    document.getElementById("graphiql"),
  );
})();
