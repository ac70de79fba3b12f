from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import TenantOwned


class OptOut(TenantOwned):
    """A person's wish to get no more promotion from an organisation."""

    class Source(models.TextChoices):
        REPLY = "reply", _("Replied to a message")
        CONSOLE = "console", _("Entered in the console")
        API = "api", _("Entered through the API")

    number = models.CharField(_("number"), max_length=16, help_text="E.164")
    source = models.CharField(max_length=8, choices=Source)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation", "number"], name="one_opt_out_a_number")]

    def __str__(self) -> str:
        return self.number
