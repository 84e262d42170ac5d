"""A version's files: exports, the backend workers use, and its folder as a ZIP."""

from __future__ import annotations

import tempfile
import zipfile
from pathlib import Path

from django.contrib import messages
from django.http import FileResponse, Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect
from django.views.decorators.http import require_POST, require_safe

from segmentation.model_files import EXPORTED_TO, EXPORTS_FOLDER
from webapp import storage
from webapp.actions.exports import start_export, use_backend
from webapp.actions.people import require_admin
from webapp.actions.refused import Refused
from webapp.models import ModelExport, ModelVersion
from webapp.views.asking import person, project_of
from webapp.views.model_page import version_of


@require_POST
def start(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    project = project_of(request, slug)
    version = version_of(project, number)
    try:
        export = start_export(model_version=version, backend=request.POST.get("backend", ""), user=person(request))
        messages.success(request, f"The {export.get_backend_display()} export is being made and checked.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("model-card", project.slug, number)


@require_POST
def use(request: HttpRequest, slug: str, number: int) -> HttpResponse:
    """What changes how every new image is segmented is for administrators."""
    project = project_of(request, slug)
    version = version_of(project, number)
    require_admin(person(request), project.workspace)
    try:
        use_backend(model_version=version, backend=request.POST.get("backend", ""), user=person(request))
        messages.success(request, f"Workers use it for version {number} from the next images on.")
    except Refused as refused:
        messages.error(request, str(refused))
    return redirect("model-card", project.slug, number)


@require_safe
def download(request: HttpRequest, slug: str, number: int) -> HttpResponseBase:
    """The model folder, or with ?only=onnx|openvino the files of one export and the spec, as a ZIP."""
    project = project_of(request, slug)
    version = version_of(project, number)
    only = request.GET.get("only", "")
    if only and only not in ModelExport.Backend.values:
        raise Http404("no such format")
    folder = storage.fetch_folder(storage.model_folder(version.folder))
    files = _files(folder, only)
    if not files:
        raise Http404("This version has no such files.")
    name = f"{project.slug}-v{version.number}{f'-{only}' if only else ''}.zip"
    return _zipped(folder, files, name, version)


def _files(folder: Path, only: str) -> list[Path]:
    if only:
        exported = folder / EXPORTED_TO[only]
        if not exported.is_file():
            return []
        beside = [path for path in exported.parent.iterdir() if path.stem == exported.stem and path.is_file()]
        facts = [folder / "model.json", folder / EXPORTS_FOLDER / f"{only}.json"]
        return sorted({*beside, *(path for path in facts if path.is_file())})
    return sorted(path for path in folder.rglob("*") if path.is_file() and not path.name.startswith("."))


def _zipped(folder: Path, files: list[Path], name: str, version: ModelVersion) -> FileResponse:
    """Weights do not shrink: they are stored. Gone from the disk once it was sent."""
    archive = tempfile.TemporaryFile(dir=storage.temporary_folder())  # noqa: SIM115
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as target:
        for path in files:
            target.write(path, f"{version.project.slug}-v{version.number}/{path.relative_to(folder).as_posix()}")
    archive.seek(0)
    return FileResponse(archive, as_attachment=True, filename=name, content_type="application/zip")
