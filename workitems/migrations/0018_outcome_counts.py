"""How many items finish in each quarter of an hour, instead of on each day in UTC.

The table of the days stays for now: workers of the previous version write to it until they are restarted. A later version
drops it.
"""

from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('workitems', '0017_acts_scope'),
    ]

    operations = [
        migrations.CreateModel(
            name='OutcomeCount',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('number', models.BigIntegerField(default=1)),
                ('is_sum', models.BooleanField(default=False)),
                ('quarter', models.IntegerField()),
                ('institution_id', models.BigIntegerField()),
                ('outcome', models.CharField(max_length=16)),
            ],
            options={
                'verbose_name': 'count of outcomes',
                'verbose_name_plural': 'counts of outcomes',
            },
        ),
        migrations.SeparateDatabaseAndState(
            state_operations=[
                migrations.DeleteModel(
                    name='DayCount',
                ),
            ],
        ),
        migrations.AddIndex(
            model_name='outcomecount',
            index=models.Index(fields=['institution_id', 'quarter'], name='outcomes_of_institution'),
        ),
        migrations.AddIndex(
            model_name='outcomecount',
            index=models.Index(condition=models.Q(('is_sum', False)), fields=['id'], name='outcomes_to_sum_up'),
        ),
        migrations.AddConstraint(
            model_name='outcomecount',
            constraint=models.UniqueConstraint(condition=models.Q(('is_sum', True)), fields=('quarter', 'institution_id', 'outcome'), name='one_sum_of_outcomes'),
        ),
    ]
