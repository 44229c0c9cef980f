"""The tables of how long things take, how many are finished in a day, and why items failed."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_api_key'),
        ('workitems', '0010_search_on_sqlite'),
    ]

    operations = [
        migrations.CreateModel(
            name='Cause',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('text', models.CharField(max_length=200, unique=True)),
            ],
            options={
                'verbose_name': 'cause',
                'verbose_name_plural': 'causes',
            },
        ),
        migrations.CreateModel(
            name='DayCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('day', models.DateField()),
                ('institution_id', models.BigIntegerField()),
                ('action', models.CharField(max_length=32)),
                ('outcome', models.CharField(max_length=16)),
                ('number', models.BigIntegerField(default=1)),
                ('is_sum', models.BooleanField(default=False)),
            ],
            options={
                'verbose_name': 'count of a day',
                'verbose_name_plural': 'counts of days',
            },
        ),
        migrations.CreateModel(
            name='Failure',
            fields=[
                ('item', models.OneToOneField(db_constraint=False, on_delete=django.db.models.deletion.PROTECT, primary_key=True, related_name='failure', serialize=False, to='workitems.workitem')),
                ('institution_id', models.BigIntegerField()),
                ('at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'failure',
                'verbose_name_plural': 'failures',
            },
        ),
        migrations.CreateModel(
            name='StepTime',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('week', models.DateField()),
                ('action', models.CharField(max_length=32)),
                ('stage', models.CharField(max_length=32)),
                ('band', models.SmallIntegerField()),
                ('step', models.SmallIntegerField()),
                ('number', models.BigIntegerField(default=1)),
                ('is_sum', models.BooleanField(default=False)),
            ],
            options={
                'verbose_name': 'time at a stage',
                'verbose_name_plural': 'times at stages',
            },
        ),
        migrations.CreateModel(
            name='Typical',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('action', models.CharField(max_length=32)),
                ('stage', models.CharField(max_length=32)),
                ('band', models.SmallIntegerField()),
                ('number', models.BigIntegerField()),
                ('low', models.FloatField()),
                ('median', models.FloatField()),
                ('high', models.FloatField()),
                ('late', models.FloatField()),
                ('made_at', models.DateTimeField()),
            ],
            options={
                'verbose_name': 'usual time',
                'verbose_name_plural': 'usual times',
            },
        ),
        migrations.AddIndex(
            model_name='daycount',
            index=models.Index(fields=['day', 'institution_id'], name='day_of_institution'),
        ),
        migrations.AddIndex(
            model_name='daycount',
            index=models.Index(condition=models.Q(('is_sum', False)), fields=['id'], name='day_to_sum_up'),
        ),
        migrations.AddConstraint(
            model_name='daycount',
            constraint=models.UniqueConstraint(condition=models.Q(('is_sum', True)), fields=('day', 'institution_id', 'action', 'outcome'), name='one_sum_of_a_day'),
        ),
        migrations.AddField(
            model_name='failure',
            name='cause',
            field=models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, to='workitems.cause'),
        ),
        migrations.AddIndex(
            model_name='steptime',
            index=models.Index(fields=['week'], name='time_week'),
        ),
        migrations.AddIndex(
            model_name='steptime',
            index=models.Index(condition=models.Q(('is_sum', False)), fields=['id'], name='time_to_sum_up'),
        ),
        migrations.AddConstraint(
            model_name='steptime',
            constraint=models.UniqueConstraint(condition=models.Q(('is_sum', True)), fields=('week', 'action', 'stage', 'band', 'step'), name='one_sum_of_times'),
        ),
        migrations.AddConstraint(
            model_name='typical',
            constraint=models.UniqueConstraint(fields=('action', 'stage', 'band'), name='one_usual_time'),
        ),
        migrations.AddIndex(
            model_name='failure',
            index=models.Index(fields=['at'], name='failure_at'),
        ),
        migrations.AddIndex(
            model_name='failure',
            index=models.Index(fields=['institution_id', 'at'], name='failure_of_institution'),
        ),
        migrations.AddIndex(
            model_name='failure',
            index=models.Index(fields=['cause', 'institution_id'], name='failure_of_cause'),
        ),
    ]
