"""Settings, all from the environment (`.env` is read when present); `.env.example` documents each with its default."""

from pathlib import Path
from typing import Final

from bff_project.environment import read_environment
from gateway_clients.conf import PER_UPSTREAM, SERVICES, DataClass
from gateway_clients.edge.static import add_headers
from gateway_clients.redis_access.connection import pool_options
from gateway_clients.runtime.failpoints import Failpoint

BASE_DIR: Final = Path(__file__).resolve().parent.parent
env = read_environment(BASE_DIR)

# Who this process is
ENVIRONMENT = env.choice("ENVIRONMENT", "production", "production", "development")
DEBUG = env.flag("DEBUG", default=False)
SECRET_KEY = env.text("SECRET_KEY", "change-me-secret-key-change-me-secret-key")
ALLOWED_HOSTS = env.hosts("ALLOWED_HOSTS", "localhost", "127.0.0.1", "[::1]")
TRUSTED_PROXY_COUNT = env.count("TRUSTED_PROXY_COUNT", 0, minimum=0, maximum=16)
FAILPOINT = env.choice("FAILPOINT", "", *Failpoint)

# The processes
PORT = env.port("PORT", 4000)
METRICS_PORT = env.port("METRICS_PORT", 9090)
ENABLE_METRICS = env.flag("ENABLE_METRICS", default=True)
WORKERS = env.count("WORKERS", 2, maximum=256)
THREADS = env.count("THREADS", 32, maximum=1024)
DRAIN_SECONDS = env.seconds("DRAIN_SECONDS", 5.0, may_be_zero=True)
ADMISSION_LIMIT = env.count("ADMISSION_LIMIT", 22)
REQUEST_MAX_BYTES = env.count("REQUEST_MAX_BYTES", 1_000_000)
UPLOAD_MAX_BYTES = env.count("UPLOAD_MAX_BYTES", 100_000_000)

# Whose certificates are trusted, of upstreams, Redis and the broker
CA_BUNDLE = env.ca_bundle("CA_BUNDLE", "SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")

# Upstreams
for _number, _name in enumerate(SERVICES, start=8001):
    globals()[f"{_name.upper()}_SERVICE_URL"] = env.http_url(
        f"{_name.upper()}_SERVICE_URL", f"http://localhost:{_number}"
    )
READ_BUDGET_SECONDS = env.seconds("READ_BUDGET_SECONDS", 3.0)
SUBMIT_BUDGET_SECONDS = env.seconds("SUBMIT_BUDGET_SECONDS", 10.0)
STREAM_BUDGET_SECONDS = env.seconds("STREAM_BUDGET_SECONDS", 300.0)
UPSTREAM_SERVICE_TOKEN = env.visible("UPSTREAM_SERVICE_TOKEN", "")
UPSTREAM_TIMEOUT_SECONDS = env.seconds("UPSTREAM_TIMEOUT_SECONDS", 2.0)
EVENTS_WEBHOOK_SECRET = env.secrets("EVENTS_WEBHOOK_SECRET")
EVENTS_URL = env.http_url("EVENTS_URL", "")
UPSTREAM_CONNECT_SECONDS = env.seconds("UPSTREAM_CONNECT_SECONDS", 0.5)
UPSTREAM_MAX_BYTES = env.count("UPSTREAM_MAX_BYTES", 5_000_000)
BULKHEAD_LIMIT = env.count("BULKHEAD_LIMIT", 12)
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
CACHE_KEY_PREFIX = env.visible("CACHE_KEY_PREFIX", "bff")
CACHE_ENCRYPTION_KEYS = env.secrets("CACHE_ENCRYPTION_KEYS")
REDIS_TIMEOUT_SECONDS = env.seconds("REDIS_TIMEOUT_SECONDS", 0.1)
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
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": CACHE_KEY_PREFIX,
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "CONNECTION_POOL_KWARGS": pool_options(
                REDIS_URL, timeout_seconds=REDIS_TIMEOUT_SECONDS, most=4 * THREADS, ca_bundle=CA_BUNDLE
            ),
        },
    },
    "limits": {
        "BACKEND": "gateway_clients.edge.limiter_cache.LimiterCache",
        "KEY_PREFIX": CACHE_KEY_PREFIX,
    },
}

# What is done later, by the worker
CELERY_BROKER_URL = env.broker_url("CELERY_BROKER_URL")
OUTBOX_HANDLERS = {
    "cache.drop": "gateway_clients.invalidation.now_and_later.invalidate_by_message",
    "claims.settle": "claims.jobs.settle_submission",
    "notification.send": "claims.jobs.send_notification",
}
WORKER_CHORES = (
    "claims.jobs.forget_old_submissions",
    "claims.jobs.resume_settling",
    "gateway_clients.edge.events.forget_old_events",
)

# Tokens and limits
JWT_SECRET = env.secrets("JWT_SECRET", "change-me-access-secret-change-me-access-secret")
JWT_EXPIRATION = env.duration("JWT_EXPIRATION", "1h")
JWT_ISSUER = env.visible("JWT_ISSUER", "web-bff")
JWT_AUDIENCE = env.visible("JWT_AUDIENCE", "web-portals")
REFRESH_TOKEN_SECRET = env.secrets("REFRESH_TOKEN_SECRET", "change-me-refresh-secret-change-me-refresh-secret")
REFRESH_TOKEN_EXPIRATION = env.duration("REFRESH_TOKEN_EXPIRATION", "7d")
RATE_LIMIT_WINDOW = env.duration("RATE_LIMIT_WINDOW", "15m")
RATE_LIMIT_MAX = env.count("RATE_LIMIT_MAX", 100)
LOGIN_RATE_LIMIT_MAX = env.count("LOGIN_RATE_LIMIT_MAX", 10)
RATELIMIT_USE_CACHE = "limits"
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
    "security.W001",  # EdgeMiddleware sets nosniff and the referrer policy; HSTS and redirects are the proxy's.
    "security.W002",  # ContentSecurityMiddleware sets X-Frame-Options.
    "security.W003",  # StaffCsrfMiddleware is Django's, for staff's pages; the API takes no cookies.
    "security.W010",  # StaffSessionMiddleware marks cookies that are given over TLS.
    "security.W016",  # as W010, for the CSRF cookie
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
    DATABASES["default"] |= {
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 2,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
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
TIME_ZONE = "UTC"
USE_TZ = True
BUSINESS_TIME_ZONE = env.time_zone("BUSINESS_TIME_ZONE", "Asia/Jakarta")
STATIC_URL = "/static/"
STATIC_ROOT = BASE_DIR / "staticfiles"
WHITENOISE_USE_FINDERS = True
WHITENOISE_ADD_HEADERS_FUNCTION = add_headers
DATA_UPLOAD_MAX_MEMORY_SIZE = REQUEST_MAX_BYTES
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXY_COUNT > 0 else None
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Strict"
SESSION_COOKIE_PATH = CSRF_COOKIE_PATH = "/admin/"
CSRF_COOKIE_HTTPONLY = True
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
        # The database's breaker says once what the pool would say of each try.
        "psycopg.pool": {"level": "ERROR"},
    },
}

# Where the portals are met
_EDGE = "gateway_clients.edge.middleware"
MIDDLEWARE = [
    f"{_EDGE}.AliveMiddleware",
    "gateway_clients.edge.static.StaticFilesMiddleware",
    f"{_EDGE}.EdgeMiddleware",
    f"{_EDGE}.CrossOriginMiddleware",
    f"{_EDGE}.ContentSecurityMiddleware",
    f"{_EDGE}.ProblemMiddleware",
    "gateway_clients.edge.admission.AdmissionMiddleware",
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
)
CORS_EXPOSE_HEADERS = (
    "ETag",
    "Retry-After",
    "RateLimit",
    "RateLimit-Policy",
    "X-Request-ID",
    "Cache-Status",
    "Server-Timing",
    "Content-Disposition",
    "Idempotency-Replayed",
)
REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["members.authentication.AccessTokenAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_CONTENT_NEGOTIATION_CLASS": "gateway_clients.edge.negotiation.Negotiation",
    "DEFAULT_PARSER_CLASSES": ["gateway_clients.edge.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gateway_clients.edge.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_METADATA_CLASS": None,
}
GRAPHENE = {"SCHEMA": "bff_project.schema.schema", "SCHEMA_OUTPUT": "schema.graphql"}
GRAPHQL_INTROSPECTION = env.flag("GRAPHQL_INTROSPECTION", default=ENVIRONMENT == "development")
GRAPHIQL = env.flag("GRAPHIQL", default=GRAPHQL_INTROSPECTION)
GRAPHQL_TRUSTED_DOCUMENTS = env.text("GRAPHQL_TRUSTED_DOCUMENTS", "")
GRAPHQL_TRUSTED_ONLY = env.flag("GRAPHQL_TRUSTED_ONLY", default=False)
SPECTACULAR_SETTINGS = {
    "TITLE": "Web BFF",
    "DESCRIPTION": "What the member, provider and admin portals ask of the gateway.",
    "VERSION": "1.0.0",
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
    "POSTPROCESSING_HOOKS": ["gateway_clients.edge.openapi_inputs.require_bodies"],
    "TAGS": [{"name": "auth", "description": "Sign in, stay signed in, sign out."}],
}

env.refuse_problems()
