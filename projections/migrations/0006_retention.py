"""For how long rooms keep what is said, and what the history forgot of it. Nothing yet: nothing is built anew."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projections", "0005_people"),
    ]

    operations = [
        migrations.AddField(
            model_name="historyroom",
            name="over_before",
            field=models.BigIntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="directoryroom",
            name="retain_days",
            field=models.IntegerField(default=0),
            preserve_default=False,
        ),
        migrations.AddField(
            model_name="directoryroom",
            name="retained_since",
            field=models.TextField(default=""),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="directoryroom",
            index=models.Index(condition=models.Q(("retain_days__gt", 0)), fields=["room"], name="directory_retained"),
        ),
    ]
