"""Settings, all from the environment (`.env` is read when present); `.env.example` documents each with its default."""

from datetime import timedelta
from pathlib import Path
from typing import Final

from bff_project import __version__
from bff_project.environment import read_environment
from bff_project.static_headers import set_policies
from gateway_clients.conf import PER_UPSTREAM, SERVICES, DataClass, example_url
from gateway_clients.redis_access.connection import pool_options
from gateway_clients.resilience.places import most_waiting_reads, places_of_one_upstream
from gateway_clients.runtime.failpoints import Failpoint

BASE_DIR: Final = Path(__file__).resolve().parent.parent
env = read_environment(BASE_DIR)

# Who this process is
ENVIRONMENT = env.choice("ENVIRONMENT", "production", "production", "staging", "development")
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY", "change-me-secret-key-change-me-secret-key")
SECRET_KEY_FALLBACKS = list(env.secrets("SECRET_KEY_FALLBACKS"))
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", "localhost", "127.0.0.1", "[::1]")
TRUSTED_PROXY_COUNT = env.count("TRUSTED_PROXY_COUNT", 0, minimum=0, maximum=16)
FAILPOINT = env.choice("FAILPOINT", "", *Failpoint)

# The processes
PORT = env.port("PORT", 4000)
METRICS_PORT = env.port("METRICS_PORT", 9090)
WORKER_METRICS_PORT = env.count("WORKER_METRICS_PORT", 0, minimum=0, maximum=65_535)
ENABLE_METRICS = env.flag("ENABLE_METRICS", default=True)
WORKERS = env.count("WORKERS", 2, maximum=256)
THREADS = env.count("THREADS", 192, maximum=1024)
DRAIN_SECONDS = env.seconds("DRAIN_SECONDS", 5.0, may_be_zero=True)
ADMISSION_LIMIT = env.count("ADMISSION_LIMIT", most_waiting_reads(THREADS))
REQUEST_MAX_BYTES = env.count("REQUEST_MAX_BYTES", 1_000_000)
UPLOAD_MAX_BYTES = env.count("UPLOAD_MAX_BYTES", 100_000_000)

# Whose certificates are trusted, of upstreams, Redis and the broker
CA_BUNDLE = env.ca_bundle("CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

# Upstreams
for _name in SERVICES:
    globals()[f"{_name.upper()}_SERVICE_URL"] = env.http_url(f"{_name.upper()}_SERVICE_URL", example_url(_name))
READ_BUDGET_SECONDS = env.seconds("READ_BUDGET_SECONDS", 3.0)
SUBMIT_BUDGET_SECONDS = env.seconds("SUBMIT_BUDGET_SECONDS", 10.0)
STREAM_BUDGET_SECONDS = env.seconds("STREAM_BUDGET_SECONDS", 300.0)
UPSTREAM_SERVICE_TOKEN = env.visible("UPSTREAM_SERVICE_TOKEN", "")
UPSTREAM_TIMEOUT_SECONDS = env.seconds("UPSTREAM_TIMEOUT_SECONDS", 2.0)
EVENTS_WEBHOOK_SECRET = env.secrets("EVENTS_WEBHOOK_SECRET")
EVENTS_URL = env.http_url("EVENTS_URL", "")
UPSTREAM_CONNECT_SECONDS = env.seconds("UPSTREAM_CONNECT_SECONDS", 0.5)
UPSTREAM_MAX_BYTES = env.count("UPSTREAM_MAX_BYTES", 5_000_000)
BULKHEAD_LIMIT = env.count("BULKHEAD_LIMIT", places_of_one_upstream(ADMISSION_LIMIT))
BREAKER_FAILURES = env.count("BREAKER_FAILURES", 5)
BREAKER_OPEN_SECONDS = env.seconds("BREAKER_OPEN_SECONDS", 60.0)
BREAKER_WINDOW_SECONDS = env.seconds("BREAKER_WINDOW_SECONDS", 10.0)
BREAKER_MIN_CALLS = env.count("BREAKER_MIN_CALLS", 20)
BREAKER_FAILURE_RATE = env.share("BREAKER_FAILURE_RATE", 0.5)
BREAKER_SLOW_SECONDS = env.seconds("BREAKER_SLOW_SECONDS", 1.5)
RETRY_BUDGET = env.share("RETRY_BUDGET", 0.1, may_be_zero=True)
globals().update(
    env.overrides([name.upper() for name in SERVICES], {name: globals()[name] for name in PER_UPSTREAM}),
)

# Cache
REDIS_URL = env.redis_url()
REDIS_SENTINELS = env.places("REDIS_SENTINELS")
CACHE_KEY_PREFIX = env.visible("CACHE_KEY_PREFIX", "bff")
CACHE_ENCRYPTION_KEYS = env.secrets("CACHE_ENCRYPTION_KEYS")
REDIS_TIMEOUT_SECONDS = env.seconds("REDIS_TIMEOUT_SECONDS", 0.1)
CLUSTER_LEASE_SECONDS = env.seconds("CLUSTER_LEASE_SECONDS", 2.0, may_be_zero=True)
NEAR_CACHE_BYTES = env.count("NEAR_CACHE_BYTES", 8_000_000)
_HOUR, _DAY = 3600, 86400
_LIVES = {
    DataClass.DASHBOARD: (300, 0),
    DataClass.CLAIMS: (60, _HOUR),
    DataClass.PAYMENTS: (60, _HOUR),
    DataClass.NOTIFICATIONS: (60, _HOUR),
}
for _data_class in DataClass:
    _fresh, _stale = _LIVES.get(_data_class, (300, _DAY))
    globals()[f"CACHE_TTL_SECONDS_{_data_class.name}"] = env.seconds(
        f"CACHE_TTL_SECONDS_{_data_class.name}", float(_fresh)
    )
    globals()[f"CACHE_STALE_SECONDS_{_data_class.name}"] = env.seconds(
        f"CACHE_STALE_SECONDS_{_data_class.name}", float(_stale), may_be_zero=True
    )
    # A whole view is put together of its sections, each of which has a class of its own.
    if _data_class is not DataClass.DASHBOARD:
        globals()[f"CACHE_REVALIDATE_SECONDS_{_data_class.name}"] = env.seconds(
            f"CACHE_REVALIDATE_SECONDS_{_data_class.name}",
            0.0 if _data_class in {DataClass.CLAIMS, DataClass.COVERAGE} else 30.0,
            may_be_zero=True,
        )
CACHES = {
    "default": {
        "BACKEND": "gateway_clients.caching.django_cache.LeasingCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": CACHE_KEY_PREFIX,
        "KEY_FUNCTION": "gateway_clients.caching.django_cache.plain_name",
        "REVERSE_KEY_FUNCTION": "gateway_clients.caching.django_cache.plain_key",
        "OPTIONS": {
            "CLIENT_CLASS": "gateway_clients.caching.django_cache.SealingClient",
            "IGNORE_EXCEPTIONS": True,
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "CONNECTION_POOL_KWARGS": pool_options(
                REDIS_URL,
                timeout_seconds=REDIS_TIMEOUT_SECONDS,
                most=4 * THREADS,
                ca_bundle=CA_BUNDLE,
                sentinels=REDIS_SENTINELS,
            ),
        },
    },
    "limits": {
        "BACKEND": "gateway_clients.edge.rate_limit.LimiterCache",
        "KEY_PREFIX": CACHE_KEY_PREFIX,
    },
}

# Logs
LOG_FORMAT = env.choice("LOG_FORMAT", "json", "json", "ecs")

# Traces, by the names that OpenTelemetry gave them; its exporter reads its other ones itself
OTEL_SDK_DISABLED = env.flag("OTEL_SDK_DISABLED", default=False)
OTEL_EXPORTER_OTLP_ENDPOINT = env.traces_url("OTEL_EXPORTER_OTLP_ENDPOINT")
OTEL_EXPORTER_OTLP_TRACES_ENDPOINT = env.traces_url("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
OTEL_EXPORTER_OTLP_PROTOCOL = env.choice("OTEL_EXPORTER_OTLP_PROTOCOL", "http/protobuf", "http/protobuf")
OTEL_EXPORTER_OTLP_HEADERS = env.pairs("OTEL_EXPORTER_OTLP_HEADERS")
OTEL_BSP_SCHEDULE_DELAY = env.count("OTEL_BSP_SCHEDULE_DELAY", 5000, maximum=60_000)
OTEL_SERVICE_NAME = env.visible("OTEL_SERVICE_NAME", "web-bff")
OTEL_RESOURCE_ATTRIBUTES = env.pairs("OTEL_RESOURCE_ATTRIBUTES")
OTEL_TRACES_SAMPLER = env.choice(
    "OTEL_TRACES_SAMPLER",
    "parentbased_always_on",
    *("always_on", "always_off", "traceidratio"),
    *("parentbased_always_on", "parentbased_always_off", "parentbased_traceidratio"),
)
OTEL_TRACES_SAMPLER_ARG = env.share("OTEL_TRACES_SAMPLER_ARG", 1.0, may_be_zero=True)
OTEL_PROPAGATORS = env.choice("OTEL_PROPAGATORS", "tracecontext", "tracecontext", "tracecontext,baggage", "none").split(
    ","
)
TRACES_ARE_SENT = bool(OTEL_EXPORTER_OTLP_ENDPOINT or OTEL_EXPORTER_OTLP_TRACES_ENDPOINT) and not OTEL_SDK_DISABLED

#: Singletons with a thread of their own, which every process that serves starts.
PROCESS_THREADS: tuple[str, ...] = ("gateway_clients.caching.store.cluster", "gateway_clients.fleet.pulse.pulse")
if TRACES_ARE_SENT:
    PROCESS_THREADS += ("gateway_clients.tracing.sender.span_sender",)
#: What is told on METRICS_PORT beside what the workers count.
METRICS_COLLECTORS = ("bff_project.processes.backlog.Backlog",)

# What is done later, by the worker
CELERY_BROKER_URL = env.broker_url("CELERY_BROKER_URL")
OUTBOX_HANDLERS = {
    "cache.drop": "gateway_clients.invalidation.now_and_later.invalidate_by_message",
    "claims.settle": "claims.jobs.settle_submission",
    "notification.send": "claims.jobs.send_notification",
}
WORKER_CHORES = (
    "gateway_clients.audit.retention.keep_retention",
    "claims.jobs.forget_old_submissions",
    "claims.jobs.resume_settling",
    "gateway_clients.edge.events.forget_old_events",
    "gateway_clients.outbox.dispatcher.take_up_unhandled",
    "members.document_links.forget_old_links",
)

# The staff console
EXPLAIN_HOURS = env.count("EXPLAIN_HOURS", 24, minimum=0, maximum=720)
EXPLAIN_MEGABYTES = env.count("EXPLAIN_MEGABYTES", 50, maximum=10_000)
CONSOLE_FOUR_EYES = env.flag("CONSOLE_FOUR_EYES", default=False)
GAME_DAYS = env.flag("GAME_DAYS", default=False)

# Tokens and limits
JWT_SECRET = env.secrets("JWT_SECRET", "change-me-access-secret-change-me-access-secret")
JWT_ALGORITHM = env.choice("JWT_ALGORITHM", "HS256", "HS256", "ES256")
JWT_PRIVATE_KEYS = env.secrets("JWT_PRIVATE_KEYS")
JWT_EXPIRATION = env.duration("JWT_EXPIRATION", "1h")
JWT_ISSUER = env.visible("JWT_ISSUER", "web-bff")
JWT_AUDIENCE = env.visible("JWT_AUDIENCE", "web-portals")
REFRESH_TOKEN_SECRET = env.secrets("REFRESH_TOKEN_SECRET", "change-me-refresh-secret-change-me-refresh-secret")
REFRESH_TOKEN_EXPIRATION = env.duration("REFRESH_TOKEN_EXPIRATION", "7d")
SIMPLE_JWT = {
    "ACCESS_TOKEN_LIFETIME": JWT_EXPIRATION,
    "REFRESH_TOKEN_LIFETIME": REFRESH_TOKEN_EXPIRATION,
    "ALGORITHM": JWT_ALGORITHM,
    "ISSUER": JWT_ISSUER,
    "AUDIENCE": JWT_AUDIENCE,
    "LEEWAY": timedelta(seconds=30),
    "USER_ID_CLAIM": "sub",
    "AUTH_TOKEN_CLASSES": ("members.tokens.AccessToken",),
}
AUDIT_KEYS = env.secrets("AUDIT_KEYS", "change-me-audit-key-change-me-audit-key-change-me")
AUDIT_RETENTION = env.duration("AUDIT_RETENTION", "2190d")
SESSION_IDLE = env.duration("SESSION_IDLE", "30m")
SESSION_ABSOLUTE = env.duration("SESSION_ABSOLUTE", "12h")
REQUIRE_SECOND_FACTOR = env.choice("REQUIRE_SECOND_FACTOR", "none", "none", "staff", "admin", "staff,admin").split(",")
RATE_LIMIT_WINDOW = env.duration("RATE_LIMIT_WINDOW", "15m")
RATE_LIMIT_MAX = env.count("RATE_LIMIT_MAX", 100)
LOGIN_RATE_LIMIT_MAX = env.count("LOGIN_RATE_LIMIT_MAX", 10)
RATELIMIT_USE_CACHE = "limits"
RATELIMIT_IP_META_KEY = "gateway_clients.edge.rate_limit.client_address"
PASSWORD_HASHERS = [
    "members.hashers.AccountPasswordHasher",
    "members.hashers.EarlierPasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("email", "name")},
    },
    {"NAME": "members.validators.PasswordLengthValidator"},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
]

# Django
SILENCED_SYSTEM_CHECKS = [
    "security.W001",  # EdgeMiddleware and PageMiddleware set what it would; HSTS and redirects are the proxy's.
    "security.W002",  # PageMiddleware sets X-Frame-Options.
    "security.W003",  # StaffCsrfMiddleware is Django's, for staff's pages; the API has `require_own_page`.
]
INSTALLED_APPS = [
    "bff_project",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "graphene_django",
    "graphene_django_graphiql_static",
    "corsheaders",
    "gateway_clients",
    "gateway_clients.console",
    "claims",
    "members",
    "dashboard",
]
# The services for demonstrations and tests, in a checkout; the image leaves their folder out.
if (BASE_DIR / "sandbox" / "apps.py").is_file():
    INSTALLED_APPS.append("sandbox")
ROOT_URLCONF = "bff_project.urls"
WSGI_APPLICATION = "bff_project.wsgi.application"
DATABASE_POOL_SIZE = env.count("DATABASE_POOL_SIZE", 10)
DATABASES = {"default": env.database("DATABASE_URL", f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A writer does not stop readers, waits for another instead of failing, and what is committed outlives a power cut.
    # Each thread has a connection, which keeps 200 kB of pages instead of 2 MB.
    DATABASES["default"] |= {
        "ENGINE": "gateway_clients.database.sqlite3",
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 2,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA cache_size=-200;",
        },
    }
elif DATABASES["default"]["ENGINE"].endswith("postgresql"):
    DATABASES["default"] |= {
        "ENGINE": "gateway_clients.database.postgresql",
        "CONN_MAX_AGE": 0,
        # Cursors of a session get lost behind PgBouncer in transaction mode.
        "DISABLE_SERVER_SIDE_CURSORS": True,
        "OPTIONS": {
            "pool": {"max_size": DATABASE_POOL_SIZE},
            "connect_timeout": 2,
            "keepalives_idle": 10,
            "keepalives_interval": 5,
            "keepalives_count": 3,
            "tcp_user_timeout": 5000,
            **DATABASES["default"].get("OPTIONS", {}),
        },
    }
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "members.Account"
TEST_RUNNER = "bff_project.test_runner.PytestRunner"
LANGUAGE_CODE = "en"
FORMAT_MODULE_PATH = ["bff_project.formats"]
TIME_ZONE = "UTC"
USE_TZ = True
BUSINESS_TIME_ZONE = env.time_zone("BUSINESS_TIME_ZONE", "Asia/Jakarta")
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ADD_HEADERS_FUNCTION = set_policies
DATA_UPLOAD_MAX_MEMORY_SIZE = REQUEST_MAX_BYTES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT > 0 else None
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/admin/"
CSRF_COOKIE_HTTPONLY = True
# Over plain HTTP staff sign in in development alone, as browsers of portals do.
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = ENVIRONMENT != "development"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "gateway_clients.instrumentation.logs.JsonFormatter"}},
    "handlers": {
        "stdout": {"class": "gateway_clients.instrumentation.logs.LineHandler", "formatter": "json"},
    },
    "root": {"handlers": ["stdout"], "level": "WARNING"},
    "loggers": {
        "django": {"handlers": [], "level": "WARNING", "propagate": True},
        # `traces.not_sent` says once what OpenTelemetry's exporter would say of each batch.
        "opentelemetry": {"level": "CRITICAL"},
        # The database's breaker says once what the pool would say of each try.
        "psycopg.pool": {"level": "ERROR"},
        # Its warnings quote what an upstream was asked for, and the headers of its answer.
        "urllib3": {"level": "ERROR"},
    },
}

# Where the portals are met
_EDGE = "gateway_clients.edge.http"
MIDDLEWARE = [
    f"{_EDGE}.AliveMiddleware",
    f"{_EDGE}.StaticFilesMiddleware",
    f"{_EDGE}.EdgeMiddleware",
    f"{_EDGE}.CrossOriginMiddleware",
    f"{_EDGE}.PageMiddleware",
    f"{_EDGE}.ProblemMiddleware",
    f"{_EDGE}.AdmissionMiddleware",
    f"{_EDGE}.RateLimitMiddleware",
    f"{_EDGE}.StaffSessionMiddleware",
    f"{_EDGE}.StaffCsrfMiddleware",
    f"{_EDGE}.StaffAuthenticationMiddleware",
    f"{_EDGE}.StaffMessageMiddleware",
]
CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:"],
        "font-src": ["'self'", "data:"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}
CORS_ALLOWED_ORIGINS = env.origins("CORS_ALLOWED_ORIGINS", stand_in="ALLOWED_ORIGINS")
CORS_ALLOW_CREDENTIALS = True
CORS_URLS_REGEX = r"^/(api/|graphql)"
CORS_ALLOW_HEADERS = (
    "authorization",
    "content-type",
    "idempotency-key",
    "if-none-match",
    "cache-control",
    "x-csrf",
    "x-request-id",
    "x-request-timeout-ms",
    "x-no-compression",
    "traceparent",
    "tracestate",
    "baggage",
    "sentry-trace",
    *env.header_names("CORS_ALLOW_HEADERS"),
)
CORS_EXPOSE_HEADERS = (
    "Age",
    "ETag",
    "Location",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "X-Request-ID",
    "Cache-Status",
    "Server-Timing",
    "Content-Disposition",
    "Idempotency-Replayed",
    "Deprecation",
    "Sunset",
    "Link",
    "X-GraphQL-Cost",
)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": [
        "members.authentication.DocumentLinkAuthentication",
        "members.session_authentication.SessionAuthentication",
        "members.authentication.AccessTokenAuthentication",
    ],
    "DEFAULT_PERMISSION_CLASSES": ["gateway_clients.edge.access.HasAccessRule"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "gateway_clients.edge.output.Negotiation",
    "DEFAULT_PARSER_CLASSES": ["gateway_clients.edge.input.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "gateway_clients.edge.openapi.OperationSchema",
    "EXCEPTION_HANDLER": "gateway_clients.edge.output.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_METADATA_CLASS": None,
}
GRAPHENE = {"SCHEMA": "bff_project.schema.schema", "SCHEMA_OUTPUT": "schema.graphql"}
GRAPHQL_INTROSPECTION = env.flag("GRAPHQL_INTROSPECTION", default=ENVIRONMENT == "development")
GRAPHIQL = env.flag("GRAPHIQL", default=GRAPHQL_INTROSPECTION)
GRAPHQL_TRUSTED_DOCUMENTS = env.text("GRAPHQL_TRUSTED_DOCUMENTS", "")
GRAPHQL_TRUSTED_ONLY = env.flag("GRAPHQL_TRUSTED_ONLY", default=False)
GRAPHQL_COST_MODE = env.choice("GRAPHQL_COST_MODE", "enforce", "enforce", "measure")
GATEWAY_VERSION = __version__
SPECTACULAR_SETTINGS = {
    "TITLE": "Web BFF",
    "DESCRIPTION": "What the member, provider and admin portals ask of the gateway.",
    "VERSION": GATEWAY_VERSION,
    "OAS_VERSION": "3.1.0",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "SWAGGER_UI_SETTINGS": {"deepLinking": True, "persistAuthorization": False, "validatorUrl": None},
    "COMPONENT_SPLIT_REQUEST": False,
    "ENUM_GENERATE_CHOICE_DESCRIPTION": False,
    "POSTPROCESSING_HOOKS": [
        "gateway_clients.edge.openapi.describe_inputs",
        "gateway_clients.edge.openapi.describe_responses",
    ],
    "CONTACT": {"name": "The gateway's own pages for portal developers, at /docs/"},
    "SERVERS": [
        {
            "url": "/",
            "description": "The gateway that serves this document, be it local, staging or production",
            "x-internal": False,
        }
    ],
    "TAGS": [
        {"name": "auth", "description": "Sign in, stay signed in, sign out."},
        {"name": "dashboards", "description": "What each portal shows first, from several services."},
        {"name": "claims", "description": "Claims: look at, submit, cancel, appeal."},
        {
            "name": "members",
            "description": "Members: their data, benefits, coverage, payments, documents, notifications.",
        },
        {"name": "providers", "description": "Hospitals, clinics, pharmacies and laboratories."},
        {"name": "events", "description": "What upstream services tell the gateway; not for portals."},
    ],
}

env.refuse_problems()
