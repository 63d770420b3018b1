"""What is asked for in good faith and refused for good reason."""

from __future__ import annotations

from pathlib import PurePath

from riskloop.errors import UsageError

HOW_TO = "docs/how-to/migrate-from-a-pickle.md"

_RUNS_CODE = "loading it would run whatever code the file holds, and nobody could see what that is"
_KINDS = {
    ".pkl": ("a pickle", _RUNS_CODE),
    ".pickle": ("a pickle", _RUNS_CODE),
    ".joblib": ("a joblib file, which is a pickle", _RUNS_CODE),
    ".dill": ("a pickle", _RUNS_CODE),
    ".cloudpickle": ("a pickle", _RUNS_CODE),
    ".pt": ("a PyTorch file, which is a pickle as a rule", _RUNS_CODE),
    ".pth": ("a PyTorch file, which is a pickle as a rule", _RUNS_CODE),
    ".skops": ("a skops file, which names types to be imported", "what it names would run when it is loaded"),
    ".onnx": (
        "an ONNX graph",
        "it runs no code, but has neither contract nor calibration nor costs, and counts in float32, "
        "farther off than the parity that riskloop promises",
    ),
}
_FOLDER = (
    "a model folder, such as MLflow's",
    "its flavour may be a pickle, and loading it would run the code that it holds or names",
)


def not_from_model(path: str) -> UsageError:
    """Why a trained model of elsewhere is not taken over, and what to do instead. The file is never opened."""
    suffix = PurePath(path).suffix.lower()
    kind, reason = _KINDS.get(suffix, _FOLDER if not suffix else ("a model made elsewhere", _RUNS_CODE))
    return UsageError(
        f"A project does not begin from a trained model. This is {kind}: {reason}.",
        where=path,
        next_step="train anew on the table that the model has learnt from: `riskloop init --data FILE --target COLUMN` "
        f"and `riskloop train`; then hold the old model's scores against the new ones. See {HOW_TO}",
    )
