import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from django.conf import settings
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from accounts.audit import record
from accounts.models import Brand, Organisation
from agents.rules.colours import channels
from agents.rules.logo import LEAST_SIDE, MOST_BYTES, MOST_SIDE, NotALogo, read_logo
from kit.errors import Invalid


@dataclass(frozen=True, slots=True)
class Look:
    """How a console is to look.  `logo`: the file's bytes, empty to take it away, None to keep what is there."""

    name: str
    colour: str
    host: str = ""
    support_email: str = ""
    logo: bytes | None = None


@transaction.atomic
def update_brand(*, organisation: Organisation, look: Look) -> Brand:
    """Publish a look: whoever opens the console under its host name sees it from the next page on.

    Raises Invalid naming each field that can't be used; nothing has changed then.
    """
    host = look.host.strip().lower().rstrip(".")
    _check(organisation, look, host)
    brand = Brand.objects.select_for_update().filter(organisation=organisation).first()
    before = _facts(brand) if brand else {}
    brand = brand or Brand(organisation=organisation)
    brand.name, brand.colour, brand.host = look.name.strip(), look.colour, host or None
    brand.support_email = look.support_email
    if look.logo is not None:
        brand.logo, brand.logo_type = look.logo or None, read_logo(look.logo).media_type if look.logo else ""
    _save(brand)
    record(action="brand.published", target=brand, organisation=organisation, before=before, after=_facts(brand))
    return brand


def _save(brand: Brand) -> None:
    try:
        with transaction.atomic():
            brand.save()
    except IntegrityError as error:
        raise Invalid(fields={"host": _("This host name is in use.")}) from error


def _check(organisation: Organisation, look: Look, host: str) -> None:
    problems = {
        "name": _name_problem(look.name),
        "colour": _colour_problem(look.colour),
        "host": _host_problem(organisation, host),
        "support_email": _email_problem(look.support_email),
        "logo": _logo_problem(look.logo),
    }
    if found := {field: problem for field, problem in problems.items() if problem}:
        raise Invalid(fields=found)


def _name_problem(name: str) -> str:
    return "" if 0 < len(name.strip()) <= 60 else _("A name has one to 60 characters.")


def _colour_problem(colour: str) -> str:
    try:
        channels(colour)
    except ValueError:
        return _("Write the colour as #rrggbb, for example #2f4fd0.")
    return ""


def _email_problem(address: str) -> str:
    try:
        if address:
            validate_email(address)
    except ValidationError as error:
        return error.messages[0]
    return ""


def _host_problem(organisation: Organisation, host: str) -> str:
    if not host:
        return ""
    try:
        Brand._meta.get_field("host").run_validators(host)
    except ValidationError as error:
        return error.messages[0]
    if _is_address(host) or "." not in host or ".." in host:
        return _("Enter a host name of your own, such as sms.example.com.")
    if organisation.kind != Organisation.Kind.OPERATOR and host in _house_hosts():
        return _("This host name belongs to the platform itself.")
    return ""


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def _house_hosts() -> set[str]:
    """Names under which the house itself answers: whoever had one as a brand would dress everybody's console."""
    exact = {name for name in settings.ALLOWED_HOSTS if name != "*" and not name.startswith(".")}
    return exact | {urlsplit(settings.BASE_URL).hostname or ""}


LOGO_PROBLEMS = {
    "too_large": gettext_lazy("The file is larger than %(kilobytes)s KB."),
    "unknown_format": gettext_lazy("This is not a PNG, JPEG or WebP picture."),
    "damaged": gettext_lazy("The file is damaged. Export the picture again."),
    "too_small": gettext_lazy("The picture is smaller than %(least)s pixels."),
    "too_big": gettext_lazy("The picture is larger than %(most)s pixels."),
}


def _logo_problem(logo: bytes | None) -> str:
    if not logo:
        return ""
    try:
        read_logo(logo)
    except NotALogo as refusal:
        sizes = {"kilobytes": MOST_BYTES // 1000, "least": LEAST_SIDE, "most": MOST_SIDE}
        return LOGO_PROBLEMS[refusal.problem] % sizes
    return ""


def _facts(brand: Brand) -> dict:
    return {
        "name": brand.name,
        "host": brand.host,
        "colour": brand.colour,
        "support_email": brand.support_email,
        "logo": brand.logo_type,
    }
