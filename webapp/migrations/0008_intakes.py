import django.db.models.deletion
import django.utils.timezone
from django.conf import settings
from django.db import migrations, models

from webapp.migrations._together import Together


class Migration(migrations.Migration):

    dependencies = [
        ('webapp', '0007_resumable_uploads'),
    ]

    operations = [
        migrations.CreateModel(
            name='Intake',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('kind', models.CharField(choices=[('folder', 'Folder of the server'), ('bucket', 'Bucket')], max_length=10)),
                ('folder', models.CharField(blank=True, max_length=1000)),
                ('endpoint', models.CharField(blank=True, max_length=300)),
                ('region', models.CharField(blank=True, max_length=40)),
                ('bucket', models.CharField(blank=True, max_length=63)),
                ('prefix', models.CharField(blank=True, max_length=900)),
                ('key_id', models.CharField(blank=True, max_length=200)),
                ('sealed_secret', models.TextField(blank=True)),
                ('repeats', models.BooleanField(default=True)),
                ('is_on', models.BooleanField(default=True)),
                ('cursor', models.CharField(blank=True, max_length=1100)),
                ('open_batches', models.JSONField(blank=True, default=dict)),
                ('next_look_at', models.DateTimeField(default=django.utils.timezone.now)),
                ('looked_at', models.DateTimeField(blank=True, null=True)),
                ('finished_at', models.DateTimeField(blank=True, null=True)),
                ('error', models.CharField(blank=True, max_length=500)),
                ('created_at', models.DateTimeField(auto_now_add=True)),
                ('created_by', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('project', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='intakes', to='webapp.project')),
                ('source', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='intakes', to='webapp.source')),
            ],
            options={
                'db_table': 'intake',
                'ordering': ['id'],
            },
        ),
        migrations.CreateModel(
            name='SeenFile',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('path', models.CharField(max_length=1100)),
                ('version', models.CharField(max_length=160)),
                ('size_bytes', models.PositiveBigIntegerField()),
                ('modified_at', models.DateTimeField()),
                ('seen_at', models.DateTimeField()),
                ('state', models.CharField(choices=[('waiting', 'Waiting'), ('taking', 'Being taken in'), ('stored', 'Taken in'), ('linked', 'Known already'), ('repeated', 'Same image again'), ('archive', 'Archive or video'), ('rejected', 'Rejected')], default='waiting', max_length=10)),
                ('attempts_count', models.PositiveSmallIntegerField(default=0)),
                ('sha256', models.CharField(blank=True, max_length=64)),
                ('reason', models.CharField(blank=True, max_length=500)),
                ('ended_at', models.DateTimeField(blank=True, null=True)),
                ('batch', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='seen_files', to='webapp.batch')),
                ('intake', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='seen_files', to='webapp.intake')),
            ],
            options={
                'db_table': 'seen_file',
                'ordering': ['id'],
            },
        ),
        Together([
            migrations.AddConstraint(
                model_name='intake',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('bucket', ''), ('kind', 'folder'), models.Q(('folder', ''), _negated=True)), models.Q(('folder', ''), ('kind', 'bucket'), models.Q(('bucket', ''), _negated=True)), _connector='OR'), name='intake_is_folder_or_bucket'),
            ),
            migrations.AddConstraint(
                model_name='intake',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('key_id', ''), ('sealed_secret', '')), models.Q(models.Q(('key_id', ''), _negated=True), models.Q(('sealed_secret', ''), _negated=True)), _connector='OR'), name='intake_key_has_secret'),
            ),
            migrations.AddConstraint(
                model_name='intake',
                constraint=models.UniqueConstraint(condition=models.Q(('kind', 'folder')), fields=('project', 'folder'), name='intake_folder_once'),
            ),
            migrations.AddConstraint(
                model_name='intake',
                constraint=models.UniqueConstraint(condition=models.Q(('kind', 'bucket')), fields=('project', 'endpoint', 'bucket', 'prefix'), name='intake_bucket_once'),
            ),
            migrations.AddIndex(
                model_name='seenfile',
                index=models.Index(fields=['intake', 'state', '-ended_at'], name='seen_file_newest'),
            ),
            migrations.AddConstraint(
                model_name='seenfile',
                constraint=models.UniqueConstraint(fields=('intake', 'path', 'version'), name='seen_file_version_once'),
            ),
            migrations.AddConstraint(
                model_name='seenfile',
                constraint=models.UniqueConstraint(condition=models.Q(('state__in', ['waiting', 'taking'])), fields=('intake', 'path'), name='seen_file_open_once'),
            ),
            migrations.AddConstraint(
                model_name='seenfile',
                constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'taking', 'stored', 'linked', 'repeated', 'archive', 'rejected'])), name='seen_file_state_known'),
            ),
            migrations.AddConstraint(
                model_name='seenfile',
                constraint=models.CheckConstraint(condition=models.Q(models.Q(('state', 'rejected'), _negated=True), models.Q(('reason', ''), _negated=True), _connector='OR'), name='seen_file_rejected_has_reason'),
            ),
            migrations.AddConstraint(
                model_name='seenfile',
                constraint=models.CheckConstraint(condition=models.Q(('state__in', ['waiting', 'taking']), ('ended_at__isnull', False), _connector='OR'), name='seen_file_ended_has_time'),
            ),
        ]),
    ]
