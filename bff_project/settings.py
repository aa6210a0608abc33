"""Settings, all from the environment (`.env` is read when present); `.env.example` documents each with its default."""

from pathlib import Path
from typing import Final

from redis.backoff import NoBackoff
from redis.retry import Retry

from bff_project.environment import read_environment
from gateway_clients.caching.script_lane import PromptConnection
from gateway_clients.conf import PER_UPSTREAM, SERVICES, DataClass
from gateway_clients.edge.static import add_headers

BASE_DIR: Final = Path(__file__).resolve().parent.parent
env = read_environment(BASE_DIR)

# Who this process is
ENVIRONMENT = env.str("ENVIRONMENT", default="production")
DEBUG = env.bool("DEBUG", default=False)
SECRET_KEY = env.str("SECRET_KEY", default="change-me-secret-key-change-me-secret-key")
ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["localhost", "127.0.0.1", "[::1]"])
TRUSTED_PROXY_COUNT = env.int("TRUSTED_PROXY_COUNT", default=0)
FAILPOINT = env.str("FAILPOINT", default="")

# The processes
PORT = env.int("PORT", default=4000)
METRICS_PORT = env.int("METRICS_PORT", default=9090)
ENABLE_METRICS = env.bool("ENABLE_METRICS", default=True)
WORKERS = env.count("WORKERS", 2)
THREADS = env.count("THREADS", 32)
DRAIN_SECONDS = env.float("DRAIN_SECONDS", default=5.0)
ADMISSION_LIMIT = env.count("ADMISSION_LIMIT", 24)
REQUEST_MAX_BYTES = env.count("REQUEST_MAX_BYTES", 1_000_000)
UPLOAD_MAX_BYTES = env.count("UPLOAD_MAX_BYTES", 100_000_000)

# Upstreams
for _number, _name in enumerate(SERVICES, start=8001):
    globals()[f"{_name.upper()}_SERVICE_URL"] = env.str(
        f"{_name.upper()}_SERVICE_URL", default=f"http://localhost:{_number}"
    )
READ_BUDGET_SECONDS = env.positive("READ_BUDGET_SECONDS", 3)
SUBMIT_BUDGET_SECONDS = env.positive("SUBMIT_BUDGET_SECONDS", 10)
STREAM_BUDGET_SECONDS = env.positive("STREAM_BUDGET_SECONDS", 300)
UPSTREAM_SERVICE_TOKEN = env.str("UPSTREAM_SERVICE_TOKEN", default="")
UPSTREAM_TIMEOUT_SECONDS = env.positive("UPSTREAM_TIMEOUT_SECONDS", 2)
EVENTS_WEBHOOK_SECRET = env.secrets("EVENTS_WEBHOOK_SECRET")
EVENTS_URL = env.str("EVENTS_URL", default="")
UPSTREAM_CONNECT_SECONDS = env.positive("UPSTREAM_CONNECT_SECONDS", 0.5)
UPSTREAM_MAX_BYTES = env.count("UPSTREAM_MAX_BYTES", 5_000_000)
BULKHEAD_LIMIT = env.count("BULKHEAD_LIMIT", 12)
BREAKER_FAILURES = env.count("BREAKER_FAILURES", 5)
BREAKER_OPEN_SECONDS = env.positive("BREAKER_OPEN_SECONDS", 60)
BREAKER_WINDOW_SECONDS = env.positive("BREAKER_WINDOW_SECONDS", 10)
BREAKER_MIN_CALLS = env.count("BREAKER_MIN_CALLS", 20)
BREAKER_FAILURE_RATE = env.positive("BREAKER_FAILURE_RATE", 0.5)
BREAKER_SLOW_SECONDS = env.positive("BREAKER_SLOW_SECONDS", 1.5)
RETRY_BUDGET = env.float("RETRY_BUDGET", default=0.1)
for _setting in PER_UPSTREAM:
    for _name in SERVICES:
        _own = f"{_name.upper()}_{_setting}"
        if _own in env.ENVIRON:
            globals()[_own] = type(globals()[_setting])(env.str(_own))

# Cache
REDIS_URL = env.redis_url()
CACHE_KEY_PREFIX = env.str("CACHE_KEY_PREFIX", default="bff")
CACHE_ENCRYPTION_KEYS = env.secrets("CACHE_ENCRYPTION_KEYS")
REDIS_TIMEOUT_SECONDS = env.positive("REDIS_TIMEOUT_SECONDS", 0.1)
_HOUR, _DAY = 3600, 86400
_LIVES = {
    DataClass.DASHBOARD: (300, 0),
    DataClass.CLAIMS: (60, _HOUR),
    DataClass.PAYMENTS: (60, _HOUR),
    DataClass.NOTIFICATIONS: (60, _HOUR),
}
for _data_class in DataClass:
    _fresh, _stale = _LIVES.get(_data_class, (300, _DAY))
    globals()[f"CACHE_TTL_SECONDS_{_data_class.name}"] = env.float(
        f"CACHE_TTL_SECONDS_{_data_class.name}", default=float(_fresh)
    )
    globals()[f"CACHE_STALE_SECONDS_{_data_class.name}"] = env.float(
        f"CACHE_STALE_SECONDS_{_data_class.name}", default=float(_stale)
    )
CACHES = {
    "default": {
        "BACKEND": "django_redis.cache.RedisCache",
        "LOCATION": REDIS_URL,
        "KEY_PREFIX": CACHE_KEY_PREFIX,
        "OPTIONS": {
            "SERIALIZER": "django_redis.serializers.json.JSONSerializer",
            "CONNECTION_POOL_KWARGS": {
                "retry": Retry(NoBackoff(), 0),
                "socket_timeout": REDIS_TIMEOUT_SECONDS,
                "socket_connect_timeout": REDIS_TIMEOUT_SECONDS,
                "max_connections": 4 * THREADS,
                "connection_class": PromptConnection,
            },
        },
    },
    "limits": {
        "BACKEND": "gateway_clients.edge.limiter_cache.LimiterCache",
        "KEY_PREFIX": CACHE_KEY_PREFIX,
    },
}

# What is done later, by the worker
CELERY_BROKER_URL = env.str("CELERY_BROKER_URL", default="")
OUTBOX_HANDLERS = {
    "cache.drop": "gateway_clients.caching.dropping.drop_message",
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
JWT_ISSUER = env.str("JWT_ISSUER", default="web-bff")
JWT_AUDIENCE = env.str("JWT_AUDIENCE", default="web-portals")
REFRESH_TOKEN_SECRET = env.secrets("REFRESH_TOKEN_SECRET", "change-me-refresh-secret-change-me-refresh-secret")
REFRESH_TOKEN_EXPIRATION = env.duration("REFRESH_TOKEN_EXPIRATION", "7d")
RATE_LIMIT_WINDOW = env.duration("RATE_LIMIT_WINDOW", "15m")
RATE_LIMIT_MAX = env.count("RATE_LIMIT_MAX", 100)
LOGIN_RATE_LIMIT_MAX = env.count("LOGIN_RATE_LIMIT_MAX", 10)
RATELIMIT_USE_CACHE = "limits"
PASSWORD_HASHERS = [
    "members.hashers.AccountPasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
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
ROOT_URLCONF = "bff_project.urls"
WSGI_APPLICATION = "bff_project.wsgi.application"
DATABASES = {"default": env.db("DATABASE_URL", default=f"sqlite:///{BASE_DIR / 'db.sqlite3'}")}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A writer does not stop readers, waits for another instead of failing, and what is committed outlives a power cut.
    DATABASES["default"] |= {
        "CONN_MAX_AGE": None,
        "OPTIONS": {
            "transaction_mode": "IMMEDIATE",
            "timeout": 5,
            "init_command": "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL;",
        },
    }
else:
    DATABASES["default"] |= {"CONN_MAX_AGE": 600, "CONN_HEALTH_CHECKS": True}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
AUTH_USER_MODEL = "members.Account"
TEST_RUNNER = "bff_project.test_runner.PytestRunner"
LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
BUSINESS_TIME_ZONE = env.str("BUSINESS_TIME_ZONE", default="Asia/Jakarta")
STATIC_URL = "/static/"
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
        "stdout": {"class": "logging.StreamHandler", "stream": "ext://sys.stdout", "formatter": "json"},
    },
    "root": {"handlers": ["stdout"], "level": "WARNING"},
    "loggers": {"django": {"handlers": [], "level": "WARNING", "propagate": True}},
}

# Where the portals are met
_EDGE = "gateway_clients.edge.middleware"
MIDDLEWARE = [
    f"{_EDGE}.AliveMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    f"{_EDGE}.EdgeMiddleware",
    f"{_EDGE}.CrossOriginMiddleware",
    f"{_EDGE}.ContentSecurityMiddleware",
    f"{_EDGE}.ProblemMiddleware",
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
CORS_ALLOWED_ORIGINS = env.list("CORS_ALLOWED_ORIGINS", default=[])
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
    "DEFAULT_PARSER_CLASSES": ["gateway_clients.edge.parsers.StrictJSONParser"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "EXCEPTION_HANDLER": "gateway_clients.edge.problems.exception_handler",
    "UNAUTHENTICATED_USER": None,
    "URL_FORMAT_OVERRIDE": None,
    "DEFAULT_METADATA_CLASS": None,
}
GRAPHENE = {"SCHEMA": "bff_project.schema.schema", "SCHEMA_OUTPUT": "schema.graphql"}
GRAPHQL_INTROSPECTION = env.bool("GRAPHQL_INTROSPECTION", default=ENVIRONMENT == "development")
GRAPHIQL = env.bool("GRAPHIQL", default=GRAPHQL_INTROSPECTION)
GRAPHQL_TRUSTED_DOCUMENTS = env.str("GRAPHQL_TRUSTED_DOCUMENTS", default="")
GRAPHQL_TRUSTED_ONLY = env.bool("GRAPHQL_TRUSTED_ONLY", default=False)
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
