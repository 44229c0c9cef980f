from django.db import connection
from django.http import HttpResponse

from pharos.accounts.gate import PUBLIC


def health(request):
    """For load balancers: 200 once the database answers; any fault is a 500 like everywhere."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT 1")
    return HttpResponse("ok\n", content_type="text/plain")


health.permission = PUBLIC
