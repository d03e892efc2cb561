"""Who took part where, and the author beside each message. The history is built anew, from the log, to know them."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projections", "0004_proof"),
    ]

    operations = [
        migrations.RunSQL(
            [
                "DELETE FROM history_item",
                "DELETE FROM history_past",
                "DELETE FROM history_text",
                "DELETE FROM history_title",
                "DELETE FROM history_room",
                "DELETE FROM parked_room WHERE projection = 'history'",
                "DELETE FROM checkpoint WHERE projection = 'history'",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.AddField(
            model_name="historyitem",
            name="author",
            field=models.TextField(default=""),
            preserve_default=False,
        ),
        migrations.AddIndex(
            model_name="historyitem",
            index=models.Index(fields=["author", "room", "seq"], name="history_item_author"),
        ),
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
        migrations.CreateModel(
            name="PersonEvent",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "person", "position", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("person", models.TextField()),
                ("position", models.BigIntegerField()),
            ],
            options={
                "db_table": "person_event",
            },
        ),
        migrations.CreateModel(
            name="PersonRoom",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "person", "room", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("person", models.TextField()),
                ("room", models.TextField()),
                ("position", models.BigIntegerField()),
            ],
            options={
                "db_table": "person_room",
            },
        ),
    ]
