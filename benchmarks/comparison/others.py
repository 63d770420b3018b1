"""Who is compared, and what their documentation and source say: what they do beyond riskloop, and what they send.

No figure stands here: those come from what was measured.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Other:
    """Another tool.

    Attributes
    ----------
    key : str
        Its environment, in the footprint's figures.
    name : str
    page : str
        Where its documentation stands.
    for_ : str
        What it is for, in its own terms.
    measured : str
        What is compared here.
    sections : sequence of str
        The benchmarks whose figures hold it.
    does : sequence of str
        What it does that riskloop does not.
    better_when : str
        Who had better take it.
    sends : str
        What it sends to its makers by default, by its documentation or source.
    sends_source : str
        Where that is said.
    """

    key: str
    name: str
    page: str
    for_: str
    measured: str
    sections: Sequence[str]
    does: Sequence[str]
    better_when: str
    sends: str
    sends_source: str


OTHERS = (
    Other(
        key="autogluon",
        name="AutoGluon",
        page="https://auto.gluon.ai/stable/index.html",
        for_="AutoML for tables, texts, images and time series",
        measured="quality, own decision, one row, size",
        sections=("quality", "footprint"),
        does=(
            "regression, multiclass, multilabel and quantile targets; forecasts of time series",
            "texts and images, alone or as columns beside numbers; object detection, segmentation, matching",
            "GPU; neural networks and pretrained tabular foundation models; bagging and stacking in several layers",
            "distillation and refitting made for deployment, cloud containers, training over several machines",
        ),
        better_when="the target is no yes or no, the columns are texts or images, or there is a GPU and hours to spend",
        sends="nothing found in its tabular source, which switches off what TabPFN would send; ray, which it "
        "can bring along, reports the usage of clusters by default",
        sends_source="https://docs.ray.io/en/latest/cluster/usage-stats.html",
    ),
    Other(
        key="flaml",
        name="FLAML",
        page="https://microsoft.github.io/FLAML/docs/Getting-Started",
        for_="economical AutoML and tuning under a budget",
        measured="quality, own decision, one row, size",
        sections=("quality", "footprint"),
        does=(
            "regression, ranking, forecasts of time series, and text tasks by transformers",
            "tuning of any function of the user's, with costs that differ between trials; zero-shot configurations",
            "training and search in parallel on Spark; learners of the user's own",
        ),
        better_when="a good booster is wanted in a few lines of Python, or something other than a model is to be tuned",
        sends="nothing found in its source",
        sends_source="https://github.com/microsoft/FLAML",
    ),
    Other(
        key="pycaret",
        name="PyCaret",
        page="https://pycaret.gitbook.io/docs",
        for_="low-code machine learning in notebooks",
        measured="quality, own decision, one row, size",
        sections=("quality", "footprint"),
        does=(
            "regression, clustering, anomaly detection and time series in the same few words",
            "more families, among them neighbours, naive Bayes, discriminant analysis, support vectors and small "
            "networks",
            "dozens of plots in a notebook, a dashboard (explainerdashboard), a drift report (Evidently)",
            "puts a pipeline into storage of AWS, Google or Azure; writes an API, an image's recipe and a small app; "
            "translates a model into other languages; experiment loggers of several makers; GPU",
        ),
        better_when="one person explores many kinds of problem in a notebook",
        sends="nothing found in its source",
        sends_source="https://github.com/pycaret/pycaret",
    ),
    Other(
        key="mlflow",
        name="MLflow serve",
        page="https://mlflow.org/docs/latest/ml/deployment/",
        for_="tracking, registry and serving of any model (riskloop's own registry)",
        measured="requests a second, times, memory",
        sections=("serving", "footprint"),
        does=(
            "serves whatever a flavor wraps: deep networks, Spark, prompts and agents, functions of the user's own",
            "builds images, deploys to SageMaker, Azure, Databricks and Kubernetes",
            "a tracking server with a web interface, used by many other tools; evaluation and tracing of language "
            "models",
        ),
        better_when="models of many kinds have to go the same way, or a cloud's managed serving is there anyway",
        sends="anonymous usage, on by default outside continuous integration; off by MLFLOW_DISABLE_TELEMETRY or "
        "DO_NOT_TRACK (riskloop sets both before it is imported)",
        sends_source="https://mlflow.org/docs/latest/community/usage-tracking",
    ),
    Other(
        key="mlserver",
        name="MLServer",
        page="https://docs.seldon.ai/mlserver",
        for_="an inference server of the Open Inference Protocol",
        measured="requests a second, times, memory",
        sections=("serving", "footprint"),
        does=(
            "gRPC beside REST, streaming, Kafka; several models in one process, each loaded and unloaded while it runs",
            "runtimes for scikit-learn, XGBoost, LightGBM, CatBoost, Hugging Face, Alibi and others; batching that "
            "adapts",
            "at home in KServe and Seldon Core",
        ),
        better_when="a Kubernetes platform speaks that protocol already and serves other kinds of models; but MLflow's "
        "documentation calls the project no longer actively maintained "
        "(https://mlflow.org/docs/latest/ml/deployment/deploy-model-to-kubernetes/)",
        sends="nothing found in its source (tracing goes where it is told to)",
        sends_source="https://github.com/SeldonIO/MLServer",
    ),
    Other(
        key="bentoml",
        name="BentoML",
        page="https://docs.bentoml.com/en/latest/",
        for_="a framework for inference services in Python",
        measured="requests a second, times, memory",
        sections=("serving", "footprint"),
        does=(
            "services over any model and any input: language models, images, streams, WebSockets, task queues",
            "GPU, batching that adapts, graphs of several services, workers of each kind",
            "builds images; a managed cloud with autoscaling and canary deployments",
        ),
        better_when="the service is more than one model of one table, or needs a GPU",
        sends="anonymous usage of commands and of serving, on by default; off by BENTOML_DO_NOT_TRACK",
        sends_source="https://github.com/bentoml/BentoML/blob/main/src/bentoml/_internal/utils/analytics/usage_stats.py",
    ),
    Other(
        key="evidently",
        name="Evidently",
        page="https://docs.evidentlyai.com/introduction",
        for_="evaluation and monitoring of models and language models",
        measured="a drift report, false alarms, power",
        sections=("monitoring", "footprint"),
        does=(
            "texts, embeddings, recommendations, ranking, regression; evaluation of language models and agents, "
            "guardrails",
            "a much longer list of metrics and tests, each chosen and parametrised by the user; custom ones",
            "interactive reports in a notebook; a monitoring service with a workspace and dashboards of many projects",
        ),
        better_when="something other than one binary model is watched, or people explore reports by hand "
        "(`riskloop monitor --engine evidently` writes its report beside ours)",
        sends="anonymous usage from its monitoring service, none from reports in a script, as its documentation says; "
        "off by DO_NOT_TRACK (riskloop sets it before it is imported)",
        sends_source="https://docs-old.evidentlyai.com/support/telemetry",
    ),
    Other(
        key="nannyml",
        name="NannyML",
        page="https://nannyml.readthedocs.io/en/stable/",
        for_="performance estimated before outcomes are known, and drift",
        measured="drift, false alarms, power, estimates against the later truth",
        sections=("monitoring", "monitoring.estimated", "footprint"),
        does=(
            "estimates for multiclass models and, by direct loss estimation, for regression",
            "watches any model from a table of its predictions: nothing has to be trained by it",
            "plots of every measure over the chunks, in a notebook",
        ),
        better_when="a model of another maker is watched whose predictions lie in a table, or a regression",
        sends="usage of its calculators and estimators, on by default; off by NML_DISABLE_USAGE_LOGGING",
        sends_source="https://nannyml.readthedocs.io/en/stable/usage_logging.html",
    ),
    Other(
        key="explainerdashboard",
        name="explainerdashboard",
        page="https://explainerdashboard.readthedocs.io/en/latest/",
        for_="an interactive dashboard about one model",
        measured="from a model to its pages, one customer, memory",
        sections=("explain.dashboard", "footprint"),
        does=(
            "regression and multiclass; any model with predictions in scikit-learn's manner, by kernel where nothing "
            "faster fits",
            "interaction values, dependence and partial-dependence plots, single trees drawn",
            "works inside a notebook; dashboards composed of parts; several behind one address; a static page of it "
            "all",
        ),
        better_when="analysts want to play with a model interactively",
        sends="nothing found in its source; what it serves itself loads nothing from elsewhere, a static page "
        "exported from it takes its styles and plots from content networks",
        sends_source="https://github.com/oegedijk/explainerdashboard",
    ),
)
NAMES = {one.key: one.name for one in OTHERS}
"""As their makers write them, by the keys that the figures use."""
