import django_tables2 as tables
from django.utils.html import format_html, format_html_join
from django.utils.safestring import SafeString, mark_safe
from django.utils.translation import gettext, pgettext_lazy
from django.utils.translation import gettext_lazy as _

from kit.formatting import ago, moment
from kit.links import addresses_of

from .models import ApiKey, AuditEntry, Membership

TEMPLATE = "components/table.html"
LINE = mark_safe("<br>")  # noqa: S308


class MemberTable(tables.Table):
    user = tables.Column(verbose_name=_("Member"), orderable=False)
    role = tables.Column(verbose_name=_("Role"), accessor="get_role_display", order_by="role")
    has_two_steps = tables.Column(verbose_name=_("Two-step sign-in"))
    last_login = tables.Column(verbose_name=_("Last sign-in"), accessor="user__last_login", empty_values=())
    change = tables.Column(verbose_name="", accessor="pk", orderable=False)

    class Meta:
        template_name = TEMPLATE
        attrs = {"caption": _("Members")}

    def __init__(self, *args, me: Membership, can_change: bool, **kwargs) -> None:
        super().__init__(*args, exclude=() if can_change else ("change",), **kwargs)
        self.me, self.url_of = me, addresses_of("accounts:member")

    def render_user(self, record: Membership) -> SafeString:
        you = gettext("you") if record.pk == self.me.pk else ""
        return format_html(
            '<span class="prime">{}</span> {}<div class="meta">{}</div>',
            record.user, you and tag(you), record.user.email,
        )  # fmt: skip

    def render_has_two_steps(self, value: bool) -> SafeString:
        return badge("ok", gettext("On")) if value else badge("wait", gettext("Off"))

    def render_last_login(self, value) -> str:
        return ago(value) if value else gettext("never")

    def render_change(self, record: Membership) -> SafeString:
        label = gettext("Change %(name)s") % {"name": record.user}
        return format_html(
            '<a class="btn sm" href="{}" aria-label="{}">{}</a>', self.url_of(record.pk), label, gettext("Change")
        )


class ApiKeyTable(tables.Table):
    name = tables.Column(verbose_name=_("Key"))
    is_live = tables.Column(verbose_name=_("Kind"), attrs={"td": {"class": "beside"}})
    scopes = tables.Column(verbose_name=_("Scopes"), orderable=False)
    networks = tables.Column(verbose_name=_("IP networks"), orderable=False, empty_values=())
    last_used_at = tables.Column(verbose_name=_("Last used"), empty_values=())
    status = tables.Column(verbose_name=_("Status"), accessor="revoked_at", empty_values=(), orderable=False)
    revoke = tables.Column(verbose_name="", accessor="pk", orderable=False)

    class Meta:
        template_name = TEMPLATE
        attrs = {"caption": _("API keys")}

    def __init__(self, *args, **kwargs) -> None:
        super().__init__(*args, **kwargs)
        self.url_of = addresses_of("accounts:api_key_revoke")

    def render_name(self, record: ApiKey) -> SafeString:
        made = gettext("made by %(name)s") % {"name": record.created_by}
        return format_html(
            '<span class="prime">{}</span><div class="meta"><span class="mono">{}…</span> · {}</div>',
            record.name, record.prefix, made,
        )  # fmt: skip

    def render_is_live(self, value: bool) -> SafeString:
        return tag(gettext("Live"), "ok") if value else tag(gettext("Test"), "warn")

    def render_scopes(self, value: list[str]) -> SafeString:
        return format_html('<span class="sm">{}</span>', ", ".join(value))

    def render_networks(self, value: list[str]) -> SafeString | str:
        if not value:
            return gettext("anywhere")
        return format_html("<div>{}</div>", format_html_join(LINE, '<span class="mono sm">{}</span>', zip(value)))

    def render_last_used_at(self, value) -> str:
        return ago(value) if value else gettext("never")

    def render_status(self, record: ApiKey) -> SafeString:
        if record.revoked_at:
            return badge("bad", gettext("Revoked"))
        if record.is_expired:
            return badge("wait", gettext("Expired"))
        if record.expires_at:
            return badge("ok", gettext("Works until %(moment)s") % {"moment": moment(record.expires_at)})
        return badge("ok", gettext("Works"))

    def render_revoke(self, record: ApiKey) -> SafeString | str:
        if record.revoked_at:
            return ""
        return format_html(
            '<a class="btn sm d" href="{}" data-dialog="revoke-{}" aria-label="{}">{}</a>',
            self.url_of(record.pk), record.pk,
            gettext("Revoke %(name)s") % {"name": record.name}, gettext("Revoke"),
        )  # fmt: skip


class AuditTable(tables.Table):
    at = tables.Column(verbose_name=_("When"), orderable=False)
    actor_label = tables.Column(verbose_name=_("Who"), orderable=False)
    action = tables.Column(verbose_name=_("What"), orderable=False)
    changes = tables.Column(verbose_name=pgettext_lazy("audit", "Change"), accessor="pk", orderable=False)
    address = tables.Column(verbose_name=_("From"), orderable=False, default="—")

    class Meta:
        template_name = TEMPLATE
        attrs = {"caption": _("Audit trail")}
        empty_text = _("No line contains this.")

    def render_at(self, value) -> str:
        return moment(value)

    def render_action(self, record: AuditEntry) -> SafeString:
        return format_html(
            '<div><span class="mono sm">{}</span><div class="meta"><span class="mono">{} {}</span></div></div>',
            record.action, record.target_type, record.target_id,
        )  # fmt: skip

    def render_changes(self, record: AuditEntry) -> SafeString:
        fields = sorted({*record.before, *record.after})
        lines = ((field, change(record.before.get(field), record.after.get(field))) for field in fields)
        return format_html(
            '<div class="sm">{}</div>', format_html_join(LINE, '<span class="t3">{}</span> {}', lines)
        )  # fmt: skip

    def render_address(self, value: str) -> SafeString:
        return format_html('<span class="mono sm">{}</span>', value)


def change(before, after) -> str:
    """What a field was and is; only what it is when it was nothing."""
    if before in (None, "", []):
        return shown(after)
    return f"{shown(before)} → {shown(after)}"


def shown(value) -> str:
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "—"
    if isinstance(value, bool):
        return gettext("yes") if value else gettext("no")
    return "—" if value in (None, "") else str(value)


def tag(label: str, tone: str = "") -> SafeString:
    return format_html('<span><span class="tag {}">{}</span></span>', tone, label)


def badge(tone: str, label: str) -> SafeString:
    return format_html('<span class="st {}">{}</span>', tone, label)
