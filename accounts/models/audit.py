from django.db import models

from .organisations import TenantOwned


class AuditEntry(TenantOwned):
    """Who did what, to what, from where, and how it was before and after.  Only ever added."""

    at = models.DateTimeField(auto_now_add=True)
    actor_id = models.UUIDField(null=True)
    actor_label = models.CharField(max_length=254)
    action = models.CharField(max_length=60)
    target_type = models.CharField(max_length=40)
    target_id = models.CharField(max_length=64)
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)
    address = models.GenericIPAddressField(null=True)
    request_id = models.CharField(max_length=64, blank=True)

    class Meta:
        indexes = [models.Index(fields=["organisation", "-id"], name="audit_by_organisation")]

    def __str__(self) -> str:
        return f"{self.action} {self.target_type} {self.target_id}"
