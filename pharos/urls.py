from django.contrib import admin
from django.urls import include, path, re_path

from pharos.accounts.views import Account, CreateKey, RevokeKey
from pharos.operations import metrics
from pharos.operations.views import Health, Metrics
from pharos.views import Keys, NotFound
from workitems.monitoring import item_metrics

METRIC_SOURCES = [item_metrics, metrics.email_metrics, metrics.command_metrics, metrics.standby_metrics]

handler500 = "pharos.views.server_error"
urlpatterns = [
    path("", include("workitems.urls")),
    path("keys", Keys.as_view(), name="keys"),
    path("account", Account.as_view(), name="account"),
    path("account/keys", CreateKey.as_view(), name="create_key"),
    path("account/keys/<int:pk>/revoke", RevokeKey.as_view(), name="revoke_key"),
    path("accounts/", include("pharos.accounts.urls")),
    path("admin/", admin.site.urls),
    path("healthz", Health.as_view(), name="health"),
    path("metrics", Metrics.as_view(sources=METRIC_SOURCES), name="metrics"),
    re_path("", NotFound.as_view(), name="not_found"),
]
