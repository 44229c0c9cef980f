from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "pharos.accounts"
    verbose_name = "People and institutions"
