"""Every address of the API. `entry` takes each with and without a slash at its end."""

from . import v1, v2, v3

urlpatterns = [*v1.urlpatterns, *v2.urlpatterns, *v3.urlpatterns]
