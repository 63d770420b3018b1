"""The verb explain: one customer, or the model on the whole."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from riskloop.cli import completing
from riskloop.cli.options import HERE, JsonOption, Language, LanguageOption, ProjectOption
from riskloop.cli.show import Reporter, verbatim
from riskloop.errors import UsageError

if TYPE_CHECKING:
    from riskloop.explain.flip import Flip
    from riskloop.loop.workflows.explain import CustomerExplained, ModelExplained

_BAR = 24
_MOST = 20


def register(app: typer.Typer) -> None:
    """Add the verb to the command line."""
    app.command("explain", epilog="Example: riskloop explain --id C0000017 --set contract=two_years")(explain)


def explain(
    customer: Annotated[
        str | None, typer.Option("--id", help="Customer: the last decision about it, else as it is on file.")
    ] = None,
    row: Annotated[
        Path | None, typer.Option("--row", help="File with the customer: JSON, CSV or Parquet; see --id.")
    ] = None,
    changes: Annotated[
        list[str] | None,
        typer.Option("--set", help="What if: COLUMN=VALUE; may be repeated.", autocompletion=completing.changes),
    ] = None,
    version: Annotated[
        int | None, typer.Option("--model-version", help="Version to explain.", autocompletion=completing.versions)
    ] = None,
    language: LanguageOption = Language.en,
    project: ProjectOption = HERE,
    as_json: JsonOption = False,
) -> None:
    """Say why a customer is decided about so and what would turn it; of nobody in particular, what moves the model."""
    from riskloop.loop.workflows.explain import explain_customer, explain_model
    from riskloop.wiring import open_project

    opened, reporter = open_project(project), Reporter(as_json)
    wanted = dict(_change(text) for text in changes or ())
    if customer is None and row is None:
        if wanted:
            raise UsageError("Nobody is named.", where="--set", next_step="give --id ID or --row FILE too")
        model = explain_model(opened, version)
        reporter.data(model)
        _show_model(reporter, model)
        return
    done = explain_customer(opened, customer=customer, row=row, changes=wanted, version=version)
    reporter.data(done)
    _show_customer(reporter, done, language.value)


def _change(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise UsageError(f"{text!r} is no change.", where="--set", next_step="write --set COLUMN=VALUE")
    return name, value


def _show_model(reporter: Reporter, model: ModelExplained) -> None:
    reporter.table(
        f"What moves version {model.version} ({model.family})",
        ("feature", "business reason", "mean SHAP", "importance", "95% interval"),
        [
            (
                one.feature,
                "" if one.group == one.feature else one.group,
                "-" if one.mean_share is None else f"{one.mean_share:.4f}",
                f"{one.importance['value']:.5f}" if one.importance else "-",
                f"{one.importance['low']:.5f} to {one.importance['high']:.5f}" if one.importance else "-",
            )
            for one in model.features[:_MOST]
        ],
    )
    if len(model.features) > _MOST:
        reporter.say(f"... and {len(model.features) - _MOST} more: --json")
    reporter.say(
        f"SHAP: mean size of what a feature adds to the log-odds beside {model.baseline_rows} customers; adds up to "
        f"the served score within {model.additivity:.1g}. Importance: growth of the log loss when it is shuffled."
    )
    for path in model.plots:
        reporter.say(f"  {verbatim(path)}")


def _show_customer(reporter: Reporter, done: CustomerExplained, language: str) -> None:
    decision, explanation = done.decision, done.explanation
    who = "The customer" if done.customer is None else f"Customer {verbatim(done.customer)}"
    when = f", decided {done.decided_at:%Y-%m-%d %H:%M} UTC" if done.decided_at else ""
    reporter.say(
        f"{who}: [bold]{verbatim(decision.decision)}[/] (version {done.version}{when}); probability "
        f"{decision.probability:.2%}, threshold {decision.threshold:.2%}, expected cost {decision.expected_cost:,.2f} "
        f"{verbatim(done.currency)}"
    )
    ranked = sorted(explanation.contributions.items(), key=lambda item: -abs(item[1]))
    longest = max((abs(share) for _, share in ranked), default=0.0) or 1.0
    reporter.table(
        "What speaks for (+) and against (-) the risk, in log-odds",
        ("feature", "value", "usual", "adds", ""),
        [
            (
                name,
                _shown(explanation.values[name]),
                _shown(explanation.typical[name]),
                f"{share:+.3f}",
                ("+" if share > 0 else "-") * round(abs(share) / longest * _BAR),
            )
            for name, share in ranked[:_MOST]
        ],
    )
    total = explanation.base + sum(explanation.contributions.values())
    reporter.say(f"Usual customers {explanation.base:+.3f}, all features together {total:+.3f}")
    if done.reasons:
        reporter.say("[bold]Reasons[/]")
    for number, reason in enumerate(done.reasons, 1):
        reporter.say(f"  {number}. {verbatim(reason.texts[language])}")
    _show_changes(reporter, done)


def _show_changes(reporter: Reporter, done: CustomerExplained) -> None:
    if done.flip is None:
        reporter.say("No change of what a customer can change was found that turns the decision.")
    else:
        reporter.say(f"Nearest change that turns the decision: {verbatim(flip_in_words(done.flip))}")
    if done.what_if:
        changed = ", ".join(f"{name} = {value}" for name, value in done.what_if.changes.items())
        reporter.say(
            f"With {verbatim(changed)}: {verbatim(done.what_if.decision)}, probability {done.what_if.probability:.2%}, "
            f"expected cost {done.what_if.expected_cost:,.2f} {verbatim(done.currency)}"
        )


def flip_in_words(flip: Flip) -> str:
    """A change that turns a decision, in a sentence."""
    changes = " and ".join(
        f"{change.column} from {_shown(change.before)} to {_shown(change.after)}" for change in flip.changes
    )
    return f"{changes} gives {flip.decision} (probability {flip.probability:.2%})"


def _shown(value: float | str | None) -> str:
    if value is None:
        return "missing"
    return value if isinstance(value, str) else f"{value:,.10g}"
