"""Whatever ends a command early, in the one shape of errors.

RiskloopError
├── Interrupted          exit 130 Ctrl-C
└── Bug                  exit 1   a fault in riskloop
"""

from __future__ import annotations

import typer

from riskloop.errors import MissingExtra, RiskloopError, UsageError

_TRAINING = (
    *("polars", "pyarrow", "pandas", "scipy", "sklearn", "lightgbm", "xgboost", "catboost", "optuna", "imblearn"),
    *("duckdb", "mlflow", "matplotlib", "apprise"),
)


class Interrupted(RiskloopError):
    """The user pressed Ctrl-C."""

    exit_code = 130
    code = "interrupted"


class Bug(RiskloopError):
    """An error that riskloop did not foresee: a fault of its own."""

    code = "bug"


def in_our_words(error: BaseException) -> RiskloopError:
    """An error with its place and what to do about it."""
    if isinstance(error, RiskloopError):
        return error
    if isinstance(error, KeyboardInterrupt):
        return Interrupted("Interrupted; what was finished is kept.", next_step="run the same command again to go on")
    if isinstance(error, typer.Abort):
        return UsageError("Nobody agreed; nothing was changed.", next_step="answer y, or add --yes to be asked nothing")
    if isinstance(error, typer.TyperException):
        return _malformed(error)
    if isinstance(error, ModuleNotFoundError) and (error.name or "").partition(".")[0] in _TRAINING:
        return MissingExtra(
            f"This needs {error.name}, which an installation that only serves does not have.",
            next_step="pip install 'riskloop[train]'",
        )
    if isinstance(error, OSError) and error.filename:
        return RiskloopError(f"{error.strerror}.", where=str(error.filename), next_step="check the path and its rights")
    return Bug(
        f"{type(error).__name__}: {error}",
        next_step="this is a fault in riskloop; run again with RISKLOOP_DEBUG=1 and report the traceback",
    )


def _malformed(error: typer.TyperException) -> UsageError:
    """With an example of the verb, where it has one."""
    context = getattr(error, "ctx", None)
    command = context.command_path if context else "riskloop"
    example = str(getattr(context and context.command, "epilog", None) or "")
    shown = f"`{example.removeprefix('Example: ')}`; " if example.startswith("Example: ") else ""
    return UsageError(error.format_message(), where=command, next_step=f"{shown}see `{command} --help`")
