from django.apps import AppConfig


class PricingConfig(AppConfig):
    name = "billing.pricing"
    label = "pricing"
    default_auto_field = "django.db.models.BigAutoField"
