from django.apps import AppConfig


class TrafficConfig(AppConfig):
    name = "messaging.traffic"
    label = "traffic"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from messaging.channels import upstairs

        from .channels import channel_traffic, send_channel_test

        upstairs.count_with(channel_traffic)
        upstairs.test_with(send_channel_test)
