from django.apps import AppConfig


class EngineConfig(AppConfig):
    name = "messaging.engine"
    label = "engine"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from messaging.channels import inbox, leaving

        from . import receivers, worker  # noqa: F401
        from .dispatch import note_answers, note_leaving
        from .receipts import store_news

        inbox.keep_with(store_news)
        leaving.announce_to(note_leaving, answers=note_answers)
