"""What gives each page its place on the admin index and its permissions; none has a table."""

from django.db import models


class NoRows(models.Manager["Page"]):
    """Finds nothing, so that `dumpdata` passes over what has no table."""

    def get_queryset(self) -> models.QuerySet["Page"]:
        """An empty query set."""
        return super().get_queryset().none()


class Page(models.Model):
    """A page of the console."""

    objects = NoRows()

    class Meta:
        abstract = True

    def __str__(self) -> str:
        return str(self._meta.verbose_name)


class Breaker(Page):
    """The breakers of all processes. `view_breaker` shows them, `change_breaker` orders overrides."""

    class Meta:
        managed = False
        default_permissions = ("view", "change")


class CacheEntry(Page):
    """The cache. `view_cacheentry` lists entries, `delete_cacheentry` drops them."""

    class Meta:
        managed = False
        default_permissions = ("view", "delete")
        verbose_name = "cache entry"
        verbose_name_plural = "cache entries"


class Upstream(Page):
    """The upstreams and their limits."""

    class Meta:
        managed = False
        default_permissions = ("view",)
