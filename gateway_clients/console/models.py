"""The models of the console: pages, which have a place on the admin index and no table, and what staff asked for."""

from typing import ClassVar

from django.db import models
from django.utils import timezone

from gateway_clients.conf import SERVICES


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


class Overview(Page):
    """The state of the gateway at a glance."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name_plural = "overview"


class Breaker(Page):
    """The breakers of all processes. `view_breaker` shows them, `change_breaker` orders overrides."""

    class Meta:
        managed = False
        default_permissions = ("view", "change")


class CacheEntry(Page):
    """The cache. `view_cacheentry` lists entries, `delete_cacheentry` drops them, `reveal_cacheentry` reads one."""

    class Meta:
        managed = False
        default_permissions = ("view", "delete")
        permissions = (("reveal_cacheentry", "Can read the value of a cache entry"),)
        verbose_name = "cache entry"
        verbose_name_plural = "cache entries"


class Upstream(Page):
    """The upstreams and their limits."""

    class Meta:
        managed = False
        default_permissions = ("view",)


class Explanation(Page):
    """What one request came to, and why."""

    class Meta:
        managed = False
        default_permissions = ("view",)


class ContractDrift(Page):
    """Fields that upstreams send otherwise than their contracts say."""

    class Meta:
        managed = False
        default_permissions = ("view",)
        verbose_name = verbose_name_plural = "contract drift"


class AccountLock(Page):
    """The levers on accounts: `change_accountlock` disables and enables them, and ends their sessions."""

    class Meta:
        managed = False
        default_permissions = ("change",)


class OverrideProposal(models.Model):
    """An override that waits for a second person. Who proposes and who decides are accounts' ids."""

    service = models.CharField(max_length=32)
    override = models.CharField(max_length=16)
    minutes = models.PositiveIntegerField()
    reason = models.CharField(max_length=300)
    ticket = models.CharField(max_length=64, blank=True)
    proposed_by = models.CharField(max_length=64)
    proposed_at = models.DateTimeField(default=timezone.now)
    decided_by = models.CharField(max_length=64, blank=True)
    decided_at = models.DateTimeField(null=True)
    is_approved = models.BooleanField(default=False)

    class Meta:
        default_permissions = ()

    def __str__(self) -> str:
        return f"{self.service}: {self.override}"


class FaultKind(models.TextChoices):
    """What a game day does to the calls of an upstream."""

    DELAY = "delay", "Delay: calls take longer"
    ERROR = "error", "Errors: calls are answered 503"
    HANG = "hang", "Hang: calls are not answered"


def upstreams_to_choose() -> list[tuple[str, str]]:
    """The upstreams that a form offers; asked for when it is shown, so that a new one needs no migration."""
    return [(name, name) for name in SERVICES]


class GameDay(models.Model):
    """Faults put into the calls to one upstream for a while. Who starts and who ends it are accounts' ids."""

    service = models.CharField("upstream", max_length=32, choices=upstreams_to_choose)
    kind = models.CharField("fault", max_length=8, choices=FaultKind.choices)
    percent = models.PositiveSmallIntegerField("share of the calls, in percent", default=10)
    delay_ms = models.PositiveIntegerField("delay in milliseconds", default=500, help_text="Of delays alone.")
    reason = models.CharField(max_length=300)
    started_by = models.CharField(max_length=64)
    started_at = models.DateTimeField(default=timezone.now)
    ends_at = models.DateTimeField()
    ended_by = models.CharField(max_length=64, blank=True)
    before = models.JSONField(default=dict)
    report = models.JSONField(default=dict)

    class Meta:
        default_permissions = ("view", "change")
        ordering: ClassVar = ["-started_at"]

    def __str__(self) -> str:
        return f"{self.service}: {self.kind}"
