// The peers on Node: the dashboard and the claims, as REST and over GraphQL, kept in Redis, two processes each.
// PEER=apollo is Express 5 with Apollo Server and its RESTDataSource; PEER=mercurius is Fastify with Mercurius' JIT
// and undici. Like the FastAPI peer they take the token's word, keep whole answers, and count in the same limits.
import cluster from "node:cluster";
import { createVerifier } from "fast-jwt";
import { Redis } from "ioredis";

const { PEER, PORT, REDIS_URL, JWT_SECRET, RATE_LIMIT_MAX } = process.env;
const CACHE_SECONDS = 300;
const CLAIMS_SECONDS = 60;
const WINDOW_SECONDS = 900;
const CONNECTIONS = 256;
const COLORS = { submitted: "blue", processing: "orange", approved: "green", rejected: "red", paid: "green" };

class PeerError extends Error {
  constructor(statusCode, message) {
    super(message);
    this.statusCode = statusCode;
  }
}

/** Opens for a minute after five failures in a row. */
class Breaker {
  #failures = 0;
  #failedAt = 0;

  async run(ask) {
    if (this.#failures >= 5 && Date.now() - this.#failedAt < 60_000) throw new PeerError(503, "unavailable");
    try {
      const answer = await ask();
      this.#failures = 0;
      return answer;
    } catch (error) {
      this.#failures += 1;
      this.#failedAt = Date.now();
      throw error;
    }
  }
}

const breakers = new Map();
const guarded = (service, ask) => {
  if (!breakers.has(service)) breakers.set(service, new Breaker());
  return breakers.get(service).run(ask);
};
const baseOf = (service) => process.env[`${service.toUpperCase()}_SERVICE_URL`];

const redis = new Redis(REDIS_URL, { lazyConnect: true });
const verify = createVerifier({ key: JWT_SECRET, algorithms: ["HS256"] });

/** Who is asking, counted against the rate limit. */
async function signedIn(authorization) {
  let subject;
  try {
    subject = verify((authorization ?? "").replace(/^Bearer /, "")).sub;
  } catch {
    throw new PeerError(401, "Sign in");
  }
  const key = `${PEER}:limit:${subject}:${Math.floor(Date.now() / 1000 / WINDOW_SECONDS)}`;
  const [[, count]] = await redis.pipeline().incr(key).expire(key, WINDOW_SECONDS).exec();
  if (count > Number(RATE_LIMIT_MAX)) throw new PeerError(429, "Too many requests");
  return subject;
}

async function kept(key, seconds, make) {
  const found = await redis.get(key);
  if (found !== null) return found;
  const made = JSON.stringify(await make());
  await redis.set(key, made, "EX", seconds);
  return made;
}

const shownClaim = (claim) => ({
  id: claim.id,
  member_id: claim.member_id,
  provider_id: claim.provider?.id ?? null,
  claim_number: claim.claim_number,
  display_number: `CLM-${claim.claim_number}`,
  status: claim.status,
  status_color: COLORS[claim.status] ?? "gray",
  amount: claim.total_amount,
  formatted_amount: `Rp ${claim.total_amount.toLocaleString("en-US")}`,
  service_date: claim.service_date,
  provider_name: claim.provider?.name ?? null,
});

async function madeDashboard(get, memberId) {
  const parts = await Promise.allSettled([
    get("member", `/members/${memberId}`),
    get("claims", `/claims?member_id=${memberId}&limit=5`),
    get("benefit", `/members/${memberId}/benefits`),
    get("policy", `/members/${memberId}/coverage`),
    get("notification", `/notifications?member_id=${memberId}&limit=5`),
  ]);
  const [member, claims, benefits, coverage, notifications] = parts.map((part) => part.value ?? null);
  const items = benefits?.items ?? [];
  const total = (name) => items.reduce((sum, item) => sum + item[name], 0);
  return {
    member: member && {
      id: member.id,
      name: `${member.first_name} ${member.last_name}`,
      plan_name: member.plan.name,
      member_since: member.enrollment_date,
    },
    recent_claims: claims && claims.items.map(shownClaim),
    benefits_summary: benefits && {
      total_limit: total("annual_limit"),
      total_used: total("used_amount"),
      items: items.map((item) => ({ ...item, remaining_amount: item.annual_limit - item.used_amount })),
    },
    coverage_status: coverage,
    notifications: notifications && notifications.items,
  };
}

const dashboard = (get, memberId) =>
  kept(`${PEER}:dashboard:${memberId}`, CACHE_SECONDS, () => madeDashboard(get, memberId));

const claims = (get, memberId) =>
  kept(`${PEER}:claims:${memberId}`, CLAIMS_SECONDS, async () => {
    const page = await get("claims", `/claims?member_id=${memberId}&limit=20&offset=0`);
    return { claims: page.items.map(shownClaim), total: page.total };
  });

const schema = `
  type Claim { id: ID! claimNumber: String! status: String! serviceDate: String! totalAmount: Float! providerName: String }
  type Benefit { code: String! name: String! annualLimit: Float! usedAmount: Float! }
  type BenefitsSummary { totalLimit: Float! totalUsed: Float! items: [Benefit!]! }
  type Notification { id: ID! title: String! createdAt: String! }
  type MemberDashboard {
    memberId: ID! name: String! planName: String
    recentClaims: [Claim!]! benefitsSummary: BenefitsSummary! notifications: [Notification!]!
  }
  type Query { memberDashboard(memberId: String!): MemberDashboard }
`;

function forGraphql(text) {
  const shown = JSON.parse(text);
  const summary = shown.benefits_summary;
  return {
    memberId: shown.member.id,
    name: shown.member.name,
    planName: shown.member.plan_name,
    recentClaims: shown.recent_claims.map((claim) => ({
      id: claim.id,
      claimNumber: claim.claim_number,
      status: claim.status,
      serviceDate: claim.service_date,
      totalAmount: claim.amount,
      providerName: claim.provider_name,
    })),
    benefitsSummary: {
      totalLimit: summary.total_limit,
      totalUsed: summary.total_used,
      items: summary.items.map((item) => ({
        code: item.code,
        name: item.name,
        annualLimit: item.annual_limit,
        usedAmount: item.used_amount,
      })),
    },
    notifications: shown.notifications.map((each) => ({ id: each.id, title: each.title, createdAt: each.created_at })),
  };
}

const resolvers = {
  Query: {
    memberDashboard: async (_, { memberId }, { get, authorization }) => {
      await signedIn(authorization);
      return forGraphql(await dashboard(get, memberId));
    },
  },
};

async function runApollo() {
  const { default: express } = await import("express");
  const { ApolloServer } = await import("@apollo/server");
  const { expressMiddleware } = await import("@as-integrations/express5");
  const { RESTDataSource } = await import("@apollo/datasource-rest");

  class Service extends RESTDataSource {
    constructor(service) {
      super();
      this.baseURL = baseOf(service);
    }
    read(path) {
      return this.get(path);
    }
  }
  const getter = () => {
    const sources = new Map();
    return (service, path) => {
      if (!sources.has(service)) sources.set(service, new Service(service));
      return guarded(service, () => sources.get(service).read(path));
    };
  };
  const apollo = new ApolloServer({ typeDefs: schema, resolvers });
  await apollo.start();
  const app = express();
  const context = async ({ req }) => ({ get: getter(), authorization: req.headers.authorization });
  app.use("/graphql", express.json(), expressMiddleware(apollo, { context }));
  const answers = (make) => async (req, res) => {
    await signedIn(req.headers.authorization);
    res.type("application/json").send(await make(getter(), req.params.memberId));
  };
  app.get("/api/v1/dashboard/:memberId", answers(dashboard));
  app.get("/api/v1/claims/:memberId", answers(claims));
  app.get("/health/ready", (_, res) => res.json({ status: "ready" }));
  app.use((error, _req, res, _next) => res.status(error.statusCode ?? 500).json({ detail: error.message }));
  app.listen(Number(PORT), "127.0.0.1");
}

async function runMercurius() {
  const { default: fastify } = await import("fastify");
  const { default: mercurius } = await import("mercurius");
  const { Agent, request } = await import("undici");
  const dispatcher = new Agent({ connections: CONNECTIONS, keepAliveTimeout: 60_000 });
  const get = (service, path) =>
    guarded(service, async () => {
      const { statusCode, body } = await request(baseOf(service) + path, { dispatcher });
      if (statusCode >= 400) {
        await body.dump();
        throw new PeerError(503, `${service} answered ${statusCode}`);
      }
      return body.json();
    });
  const app = fastify();
  const answers = (make) => async (req, reply) => {
    await signedIn(req.headers.authorization);
    reply.type("application/json");
    return make(get, req.params.memberId);
  };
  app.get("/api/v1/dashboard/:memberId", answers(dashboard));
  app.get("/api/v1/claims/:memberId", answers(claims));
  app.get("/health/ready", async () => ({ status: "ready" }));
  app.register(mercurius, {
    schema,
    resolvers,
    jit: 1,
    context: (req) => ({ get, authorization: req.headers.authorization }),
  });
  await app.listen({ port: Number(PORT), host: "127.0.0.1" });
}

if (cluster.isPrimary) {
  for (let worker = 0; worker < 2; worker += 1) cluster.fork();
} else {
  await redis.connect();
  await (PEER === "mercurius" ? runMercurius() : runApollo());
}
