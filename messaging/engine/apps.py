from django.apps import AppConfig


class EngineConfig(AppConfig):
    name = "messaging.engine"
    label = "engine"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from . import receivers  # noqa: F401
