from django.urls import path

from .views import accounts, brand, prices, statements

app_name = "agents"

urlpatterns = [
    path("business/accounts/", accounts.AccountsView.as_view(), name="accounts"),
    path("business/accounts.csv", accounts.AccountsCsvView.as_view(), name="accounts_csv"),
    path("business/accounts/new/", accounts.AccountNewView.as_view(), name="account_new"),
    path("business/accounts/<uuid:id>/", accounts.AccountView.as_view(), name="account"),
    path("business/accounts/<uuid:id>/credit/", accounts.CreditView.as_view(), name="account_credit"),
    path("business/accounts/<uuid:id>/prices/", accounts.ListView.as_view(), name="account_prices"),
    path("business/accounts/<uuid:id>/commission/", accounts.CommissionView.as_view(), name="account_commission"),
    path("business/accounts/<uuid:id>/suspend/", accounts.SuspendView.as_view(), name="account_suspend"),
    path("business/accounts/<uuid:id>/resume/", accounts.ResumeView.as_view(), name="account_resume"),
    path("business/accounts/<uuid:id>/statement/", statements.StatementView.as_view(), name="account_statement"),
    path(
        "business/accounts/<uuid:id>/statement.csv",
        statements.StatementCsvView.as_view(),
        name="account_statement_csv",
    ),
    path("business/prices/", prices.PricesView.as_view(), name="prices"),
    path("business/prices/new/", prices.NewListView.as_view(), name="price_list_new"),
    path("business/prices/<uuid:id>/", prices.PricesView.as_view(), name="price_list"),
    path("business/prices/<uuid:id>/publish/", prices.PublishView.as_view(), name="price_list_publish"),
    path("business/statement/", statements.StatementView.as_view(), name="statement"),
    path("business/statement.csv", statements.StatementCsvView.as_view(), name="statement_csv"),
    path("business/brand/", brand.BrandView.as_view(), name="brand"),
    path("business/brand/palette/", brand.PaletteView.as_view(), name="palette"),
    path("business/brand/palette/<str:digits>.css", brand.PaletteCssView.as_view(), name="palette_css"),
    path("business/brand/logo", brand.OwnLogoView.as_view(), name="own_logo"),
]
