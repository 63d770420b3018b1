"""The registered model as a function of Spark, where Spark is."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest

from riskloop.data.source import Source
from riskloop.loop.project import Project
from riskloop.loop.workflows.score import score

pyspark = pytest.importorskip("pyspark", reason="PySpark is not installed")


@pytest.mark.filterwarnings("ignore")
def test_spark_says_what_score_says(trained: Project, simulated: Path, tmp_path: Path) -> None:
    import mlflow
    from pyspark.sql import SparkSession

    batch = simulated / "batches" / "january.csv"
    ours = score(trained, Source(str(batch)), tmp_path / "ours.parquet", log=False)
    mlflow.set_tracking_uri(trained.locations.tracking_uri)
    spark = SparkSession.builder.master("local[1]").config("spark.ui.enabled", "false").getOrCreate()
    try:
        model = f"models:/{trained.name}/1"
        decide = mlflow.pyfunc.spark_udf(spark, model, "probability double, decision string", env_manager="local")
        columns = [column.name for column in trained.bundle()[1].contract.read]
        customers = spark.createDataFrame(pl.read_csv(batch, infer_schema=False).select(columns).to_pandas())
        told = customers.select(decide(*columns).alias("said")).select("said.*").toPandas()
    finally:
        spark.stop()
    expected = pl.read_parquet(ours.out)
    assert told["probability"].tolist() == expected["probability"].to_list()
    assert told["decision"].tolist() == expected["decision"].to_list()
