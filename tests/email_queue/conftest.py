import pytest

from .smtp_server import Rules, smtp_server


@pytest.fixture
def mail_server(settings):
    """A real mail server that this installation uses, as its `Rules`."""
    rules = Rules()
    with smtp_server(rules) as port:
        settings.EMAIL_DELIVERY_BACKEND = "django.core.mail.backends.smtp.EmailBackend"
        settings.EMAIL_HOST, settings.EMAIL_PORT = "127.0.0.1", port
        settings.EMAIL_USE_TLS, settings.EMAIL_HOST_USER = False, ""
        yield rules
