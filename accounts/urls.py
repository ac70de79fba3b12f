from django.urls import path

from .views import invitations, keys, mailbox, organisation, people, team

app_name = "accounts"

urlpatterns = [
    path("switch/", people.SwitchView.as_view(), name="switch"),
    path("profile/", people.ProfileView.as_view(), name="profile"),
    path("settings/", organisation.SettingsView.as_view(), name="settings"),
    path("settings/audit/", organisation.AuditView.as_view(), name="audit"),
    path("settings/team/", team.TeamView.as_view(), name="team"),
    path("settings/team/invite/", team.InviteView.as_view(), name="invite"),
    path("settings/team/leave/", team.LeaveView.as_view(), name="leave"),
    path("settings/team/<uuid:id>/", team.MemberView.as_view(), name="member"),
    path("settings/team/<uuid:id>/remove/", team.RemoveMemberView.as_view(), name="member_remove"),
    path("settings/team/invitations/<uuid:id>/revoke/", team.RevokeInvitationView.as_view(), name="invitation_revoke"),
    path("settings/api-keys/", keys.ApiKeysView.as_view(), name="api_keys"),
    path("settings/api-keys/new/", keys.CreateApiKeyView.as_view(), name="api_key_new"),
    path("settings/api-keys/<uuid:id>/", keys.ApiKeyCreatedView.as_view(), name="api_key_created"),
    path("settings/api-keys/<uuid:id>/revoke/", keys.RevokeApiKeyView.as_view(), name="api_key_revoke"),
    path("invitations/<str:token>/", invitations.InvitationView.as_view(), name="invitation"),
    path("dev/mail", mailbox.mailbox, name="mailbox"),
]
