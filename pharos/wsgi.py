import os
import re

from django.core.wsgi import get_wsgi_application

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "pharos.settings")
_django = get_wsgi_application()
_CHARSET_PARAMETER = re.compile(r";\s*charset\s*=[^;]*", re.IGNORECASE)


def application(environ, start_response):
    """Django, with every request in UTF-8.

    If a request names another charset, Django decodes the query string with it before any of our code runs: some of
    Python's codecs aren't for text, and a stranger's header would cause an internal error.
    """
    if "charset" in environ.get("CONTENT_TYPE", "").lower():
        environ["CONTENT_TYPE"] = _CHARSET_PARAMETER.sub("", environ["CONTENT_TYPE"])
    return _django(environ, start_response)
