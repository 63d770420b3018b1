"""Reports go where bundles go: also to the store beyond this machine, where there is one."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from riskloop.errors import Unavailable
from riskloop.loop.project import Project


def publish(project: Project, files: Iterable[Path]) -> None:
    """Put files of the folder of reports under ``reports/`` of RISKLOOP_ARTIFACTS_URL, if that is set.

    They stay here in any case. Rows that were set aside are never published: they are customers' data.

    Raises
    ------
    Unavailable
        If the store does not answer.
    """
    behind = project.bundles.behind
    if behind is None:
        return
    for path in files:
        try:
            behind.put_file(path, f"reports/{path.relative_to(project.locations.reports).as_posix()}")
        except Unavailable as error:
            raise Unavailable(
                f"The report is written here, but cannot be published: {error.message}",
                where=str(path),
                next_step=f"{error.next_step}; then run the same command again",
            ) from error
