from django.apps import AppConfig


class OperationsConfig(AppConfig):
    name = "pharos.operations"
