from __future__ import annotations

from pathlib import Path

import pytest

from tests.documentation.prepared import Prepared


@pytest.fixture(scope="session")
def prepared(mlflow_store: Path, tmp_path_factory: pytest.TempPathFactory) -> Prepared:
    """Ready projects for pages; made when first asked for."""
    return Prepared(mlflow_store, tmp_path_factory.mktemp("prepared"))
