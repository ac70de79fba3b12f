from django.db import models


class Occurrence(models.Model):
    """The last time the clock rang for an entry of its schedule.  Whoever moves it forward is the one to ring."""

    entry = models.CharField(max_length=100, primary_key=True)
    last_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.entry} at {self.last_at:%Y-%m-%d %H:%M:%S}"
