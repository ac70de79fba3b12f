from django.db import models


class HouseFact(models.Model):
    """Something the house knows about itself, and when it was so.  One row a name, written by workers, read by /metrics."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    value = models.FloatField(default=0)

    def __str__(self) -> str:
        return f"{self.name}: {self.value}"
