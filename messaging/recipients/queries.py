from collections.abc import Collection

from accounts.models import Organisation

from .models import OptOut
from .retention import numbers_by_erased_form


def opted_out(organisation: Organisation, numbers: Collection[str]) -> set[str]:
    """Those of the numbers (E.164) whose owners want no promotion from the organisation.

    A wish is obeyed for ever: also when only a hash of its number is left.
    """
    by_form = numbers_by_erased_form(organisation.pk, numbers)
    found = OptOut.objects.filter(organisation=organisation, number__in=[*numbers, *by_form])
    return {by_form.get(number, number) for number in found.values_list("number", flat=True)}
