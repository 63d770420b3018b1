"""``/score/file``: a CSV file is scored, looked at, and only then recorded."""

from __future__ import annotations

import csv
import io
import json
import re
import secrets
import time
from pathlib import Path
from typing import Any

from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.bundle.bundle import Bundle
from riskloop.errors import Conflict, NotFound, UsageError
from riskloop.serve.answers import Answer, BatchAnswer, FieldError, RefusedRow
from riskloop.serve.envelope import id_column_of
from riskloop.serve.problems import RequestRefused
from riskloop.web.jobs import state_folder
from riskloop.web.naming import label_of
from riskloop.web.pages.scoring import complaint
from riskloop.web.pages.worklist import no_formula
from riskloop.web.site import Site
from riskloop.web.verdicts import in_form, tone_of
from riskloop.web.visit import Visit

_SHOWN = 25
_ERRORS = 100
_KEPT_SECONDS = 24 * 3600
_ID = re.compile(r"[0-9a-f]{24}")


def routes(site: Site) -> list[Route]:
    """The form, the preview, the record and the download."""
    pages, largest = _Batches(site), site.services.config.max_body_bytes
    at = "/score/file/{batch}"
    return [
        Route("/score/file", site.shows("scorer", pages.form)),
        Route("/score/file", site.takes("scorer", pages.upload, limit=largest), methods=["POST"]),
        Route("/score/template.csv", site.shows("scorer", pages.template)),
        Route(f"{at}/record", site.takes("scorer", pages.record), methods=["POST"]),
        Route(f"{at}/decisions.csv", site.shows("scorer", pages.download)),
        Route(at, site.shows("scorer", pages.preview)),
    ]


class _Batches:
    """Files on their way lie in ``.riskloop/uploads`` for a day at most: they hold customers."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._folder = state_folder(site.services.config) / "uploads"

    async def form(self, visit: Visit) -> Response:
        """Where a file is chosen."""
        return self._form(visit)

    def _form(self, visit: Visit, refusal: RequestRefused | None = None, status: int = 200) -> Response:
        config, live = self._site.services.config, self._site.services.champion.live
        if live is None:
            return self._site.page("none.html.j2", visit, here="score")
        bundle = live.bundle
        return self._site.page(
            "file.html.j2",
            visit,
            status,
            here="score",
            rows=visit.write.count(config.max_batch_rows),
            size=visit.write.count(config.max_body_bytes // 1024**2),
            columns=(id_column_of(bundle), *bundle.contract.read_names),
            refusal=refusal,
            errors=[_told(visit, bundle, error) for error in refusal.errors] if refusal else [],
        )

    async def template(self, _visit: Visit) -> Response:
        """The header line, with an example."""
        bundle = self._site.services.champion.require().champion.bundle
        out = io.StringIO()
        writer = csv.writer(out)
        writer.writerow((id_column_of(bundle), *bundle.contract.read_names))
        if bundle.golden.requests:
            request = bundle.golden.requests[0]
            writer.writerow(("C-1", *(in_form(request.get(column.name)) for column in bundle.contract.read)))
        return Response(out.getvalue(), 200, _as_file("customers.csv"), "text/csv")

    async def upload(self, visit: Visit) -> Response:
        """Score a file, and show what came of it."""
        file = visit.files.get("file")
        if file is None or not file.data:
            raise UsageError(visit.say("file_none"))
        try:
            model, answer = await self._site.services.predictions.file(
                visit.request, file.data, visit.language, keep=False
            )
        except RequestRefused as refusal:
            if refusal.status not in (400, 413, 422):
                raise
            return self._form(visit, refusal, refusal.status)
        batch = secrets.token_hex(12)
        said = {"name": file.name[:200], "digest": model.digest, "version": model.version, "recorded": False}
        await self._site.off(lambda: self._keep(batch, file.data, answer, said))
        return RedirectResponse(f"/score/file/{batch}", 303)

    def _keep(self, batch: str, data: bytes, answer: BatchAnswer, said: dict[str, Any]) -> None:
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        self._tidy()
        (self._folder / f"{batch}.source.csv").write_bytes(data)
        (self._folder / f"{batch}.csv").write_text(_as_csv(answer), encoding="utf-8")
        scored = [one for one in answer.answers if isinstance(one, Answer)]
        refused = [one for one in answer.answers if isinstance(one, RefusedRow)]
        summary = {
            "scored": answer.scored,
            "refused": answer.refused,
            "cost": sum(one.expected_cost for one in scored),
            "decisions": _counted(scored),
            "first": [
                [one.id, one.decision, one.probability, one.risk_band, one.expected_cost] for one in scored[:_SHOWN]
            ],
            "errors": [
                [one.row + 2, error.field, error.code, error.message] for one in refused for error in one.errors
            ][:_ERRORS],
        }
        self._write(batch, said | summary)

    def _write(self, batch: str, said: dict[str, Any]) -> None:
        draft = self._folder / f"{batch}.draft"
        draft.write_text(json.dumps(said), encoding="utf-8")
        draft.replace(self._folder / f"{batch}.json")

    def _tidy(self) -> None:
        for path in self._folder.iterdir():
            if time.time() - path.stat().st_mtime > _KEPT_SECONDS:
                path.unlink(missing_ok=True)

    def _said(self, visit: Visit) -> tuple[str, dict[str, Any]]:
        batch = visit.request.path_params["batch"]
        path = self._folder / f"{batch}.json"
        if not _ID.fullmatch(batch) or not path.is_file():
            raise NotFound(visit.say("file_gone"))
        return batch, json.loads(path.read_bytes())

    async def preview(self, visit: Visit) -> Response:
        """The first decisions, and the lines that were refused."""
        batch, said = await self._site.off(lambda: self._said(visit))
        live = self._site.services.champion.require().champion
        bundle = live.bundle
        return self._site.page(
            "file_preview.html.j2",
            visit,
            here="score",
            batch=batch,
            said=said,
            currency=bundle.policy.costs.currency,
            acted=said["decisions"].get(bundle.policy.labels[0], 0),
            changed=said["digest"] != bundle.digest and not said["recorded"],
            errors=[(line, _told(visit, bundle, FieldError(*error))) for line, *error in said["errors"]],
            label=lambda word: label_of(visit, word),
            tone=lambda decision: tone_of(bundle, decision),
        )

    async def record(self, visit: Visit) -> Response:
        """Decide once more by the same version, and keep it."""
        batch, said = await self._site.off(lambda: self._said(visit))
        if said["recorded"]:
            return RedirectResponse(f"/score/file/{batch}", 303)
        if said["digest"] != self._site.services.champion.require().champion.bundle.digest:
            raise Conflict(visit.say("file_changed"))
        mark = self._folder / f"{batch}.recording"
        try:
            await self._site.off(lambda: mark.touch(exist_ok=False))  # of two clicks one records
        except FileExistsError:
            return RedirectResponse(f"/score/file/{batch}", 303)
        data = await self._site.off((self._folder / f"{batch}.source.csv").read_bytes)
        try:
            _, answer = await self._site.services.predictions.file(visit.request, data, visit.language, keep=True)
        except Exception:
            mark.unlink(missing_ok=True)
            raise
        await self._site.off(lambda: self._keep(batch, data, answer, said | {"recorded": True}))
        return RedirectResponse(f"/score/file/{batch}", 303)

    async def download(self, visit: Visit) -> Response:
        """Every line with its decision, or with what is wrong with it."""
        batch, said = await self._site.off(lambda: self._said(visit))
        data = await self._site.off((self._folder / f"{batch}.csv").read_bytes)
        return Response(data, 200, _as_file(f"{Path(said['name']).stem or 'customers'}-decisions.csv"), "text/csv")


def _as_file(name: str) -> dict[str, str]:
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "-", name)
    return {"content-disposition": f'attachment; filename="{plain}"'}


def _counted(scored: list[Answer]) -> dict[str, int]:
    counts: dict[str, int] = {}
    for one in scored:
        counts[one.decision] = counts.get(one.decision, 0) + 1
    return counts


def _as_csv(answer: BatchAnswer) -> str:
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(
        ("line", "id", "decision", "probability", "probability_low", "probability_high", "threshold", "risk_band",
         "expected_cost", "version", "error")
    )  # fmt: skip
    for place, one in enumerate(answer.answers):
        if isinstance(one, Answer):
            low, high = one.interval or ("", "")
            writer.writerow(
                (place + 2, no_formula(one.id or ""), one.decision, one.probability, low, high, one.threshold,
                 one.risk_band, one.expected_cost, one.model.version, "")
            )  # fmt: skip
        else:
            wrong = "; ".join(f"{error.field}: {error.message}" for error in one.errors)
            writer.writerow((place + 2, no_formula(one.id or ""), *[""] * 8, no_formula(wrong)))
    return out.getvalue()


def _told(visit: Visit, bundle: Bundle, error: FieldError) -> str:
    """A complaint with the column it is about."""
    place, _, name = error.field.rpartition("].")
    column = name or error.field
    texts = bundle.rules.texts
    named = texts.name(column, visit.language) if column in bundle.contract.by_name else column
    line = f"{visit.say('file_line')} {int(place[1:]) + 2}, " if place[1:].isdigit() else ""
    said = complaint(visit, bundle, FieldError(column, error.code, error.message))
    return f"{line}{named}: {said}" if named else f"{line}{said}"
