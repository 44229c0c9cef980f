"""The addresses of the API. The middleware accepts each one with and without a trailing slash."""

from . import v1, v2, v3

urlpatterns = [*v1.urlpatterns, *v2.urlpatterns, *v3.urlpatterns]
