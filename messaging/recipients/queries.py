from collections.abc import Collection

from accounts.models import Organisation

from .models import OptOut


def opted_out(organisation: Organisation, numbers: Collection[str]) -> set[str]:
    """Those of the numbers (E.164) whose owners want no promotion from the organisation."""
    found = OptOut.objects.filter(organisation=organisation, number__in=list(numbers))
    return set(found.values_list("number", flat=True))
