from django.apps import AppConfig


class HooksConfig(AppConfig):
    name = "messaging.hooks"
    label = "hooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import receivers  # noqa: F401
