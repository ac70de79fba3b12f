from django.apps import AppConfig


class RecipientsConfig(AppConfig):
    name = "messaging.recipients"
    label = "recipients"
    default_auto_field = "django.db.models.BigAutoField"
