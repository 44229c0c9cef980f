from django.contrib import admin
from django.urls import include, path
from django.views.generic import RedirectView

from pharos.accounts.roles import Permission
from pharos.accounts.views import Account
from pharos.views import health

home = RedirectView.as_view(pattern_name="items")
home.permission = Permission.SIGN_IN

urlpatterns = [
    path("", home, name="home"),
    path("", include("workitems.urls")),
    path("account", Account.as_view(), name="account"),
    path("accounts/", include("allauth.account.urls")),
    path("admin/", admin.site.urls),
    path("healthz", health, name="health"),
]
