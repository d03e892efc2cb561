"""The past of every message. The history is built anew, from the log: it did not keep what was before."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("projections", "0001_initial"),
    ]

    operations = [
        migrations.RunSQL(
            [
                "DELETE FROM history_item",
                "DELETE FROM history_room",
                "DELETE FROM parked_room WHERE projection = 'history'",
                "DELETE FROM checkpoint WHERE projection = 'history'",
            ],
            migrations.RunSQL.noop,
        ),
        migrations.CreateModel(
            name="HistoryPast",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "room", "seq", "until_seq", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("room", models.TextField()),
                ("seq", models.BigIntegerField()),
                ("until_seq", models.BigIntegerField()),
                ("until_time", models.BigIntegerField()),
                ("item", models.BinaryField()),
            ],
            options={
                "db_table": "history_past",
            },
        ),
        migrations.CreateModel(
            name="HistoryTitle",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "room", "what", "seq", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("room", models.TextField()),
                ("what", models.TextField()),
                ("seq", models.BigIntegerField()),
                ("room_time", models.BigIntegerField()),
                ("text", models.TextField()),
            ],
            options={
                "db_table": "history_title",
            },
        ),
        migrations.CreateModel(
            name="HistoryText",
            fields=[
                (
                    "pk",
                    models.CompositePrimaryKey(
                        "room", "seq", "until_seq", blank=True, editable=False, primary_key=True, serialize=False
                    ),
                ),
                ("room", models.TextField()),
                ("seq", models.BigIntegerField()),
                ("until_seq", models.BigIntegerField()),
                ("text", models.TextField()),
            ],
            options={"db_table": "history_text"},
        ),
        migrations.AddField(
            model_name="historyitem",
            name="thread",
            field=models.TextField(null=True),
        ),
        migrations.AddIndex(
            model_name="historyitem",
            index=models.Index(
                condition=models.Q(("thread__isnull", False)),
                fields=["room", "thread", "seq"],
                name="history_item_thread",
            ),
        ),
        migrations.AddIndex(
            model_name="historypast",
            index=models.Index(fields=["room", "until_time", "until_seq"], name="history_past_time"),
        ),
        migrations.AddIndex(
            model_name="historytitle",
            index=models.Index(fields=["room", "room_time", "seq"], name="history_title_time"),
        ),
    ]
