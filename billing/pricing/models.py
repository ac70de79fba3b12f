from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from accounts.models import Organisation, TenantOwned


class Category(models.TextChoices):
    VERIFICATION = "verification", _("Verification")
    NOTICE = "notice", _("Notice")
    PROMOTION = "promotion", _("Promotion")
    INTERNATIONAL = "international", _("International")


class PriceBook(TenantOwned):
    """What its organisation, the seller, asks for a segment.  Published downwards: buyers below may read it."""

    name = models.CharField(_("name"), max_length=80)
    currency = models.CharField(max_length=3)
    is_default = models.BooleanField(default=False, help_text="for accounts that were given no other")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["organisation", "currency"],
                condition=models.Q(is_default=True),
                name="one_default_book_a_currency",
            )
        ]

    def __str__(self) -> str:
        return self.name


class Price(TenantOwned):
    """The price of one segment from an instant on, in micros of the book's currency.

    `country` is an ISO 3166 code, or empty for every country without a price of its own.
    """

    book = models.ForeignKey(PriceBook, models.PROTECT, related_name="prices")
    country = models.CharField(_("country"), max_length=2, blank=True)
    category = models.CharField(_("category"), max_length=14, choices=Category)
    micros = models.BigIntegerField(_("price a segment"))
    effective_from = models.DateTimeField(_("from"))

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["book", "country", "category", "effective_from"], name="one_price_an_instant"
            ),
            models.CheckConstraint(name="price_not_negative", condition=models.Q(micros__gte=0)),
        ]

    def __str__(self) -> str:
        return f"{self.country or '*'} {self.category} {self.micros}"


class PriceAssignment(TenantOwned):
    """Which of its seller's price books an organisation (the buyer) buys by."""

    book = models.ForeignKey(PriceBook, models.PROTECT, related_name="assignments")
    assigned_at = models.DateTimeField(auto_now=True)

    class Meta:
        constraints = [models.UniqueConstraint(fields=["organisation"], name="one_book_a_buyer")]

    def __str__(self) -> str:
        return f"{self.organisation_id} buys by {self.book_id}"


class Quote(TenantOwned):
    """A frozen price: what a customer pays a segment, and who gets which part of it.  Immutable.

    price == platform_part + sum(agent_parts), to the micro.  `agents[i]` earns `agent_parts[i]`, nearest first.
    """

    country = models.CharField(max_length=2)
    category = models.CharField(max_length=14, choices=Category)
    currency = models.CharField(max_length=3)
    price = models.BigIntegerField(help_text="micros a segment")
    platform = models.ForeignKey(Organisation, models.PROTECT, related_name="+")
    platform_part = models.BigIntegerField(help_text="micros a segment")
    agents = ArrayField(models.UUIDField(), default=list)
    agent_parts = ArrayField(models.BigIntegerField(), default=list)
    fingerprint = models.CharField(max_length=64)
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["organisation", "fingerprint"], name="one_quote_a_split"),
            models.CheckConstraint(
                name="quote_parts_not_negative", condition=models.Q(price__gte=0, platform_part__gte=0)
            ),
        ]

    def __str__(self) -> str:
        return f"{self.country} {self.category} {self.price}"
