"""What `manage.py check --deploy` says about email, and what becomes of emails without a mail server."""

from pharos.email_queue.checks import check_mail_server


def test_a_missing_mail_server_is_a_warning(settings):
    settings.EMAIL_HOST = ""
    [warning] = check_mail_server()
    assert (warning.id, "EMAIL_HOST" in warning.msg) == ("email_queue.W001", True)
    settings.EMAIL_HOST = "mail.example.org"
    assert check_mail_server() == []
