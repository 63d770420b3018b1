"""``/thresholds``: try costs, a threshold, room and a review, and propose them."""

from __future__ import annotations

import re
from typing import Any

import yaml
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from riskloop.costs import Costs
from riskloop.decide.review import Review
from riskloop.errors import ConfigError, NotFound, UsageError
from riskloop.web.cards import Card
from riskloop.web.charts import Axis, Line, Mark, lines
from riskloop.web.comparing import costs_by_threshold
from riskloop.web.exploring import Explored, Proposal, beside, explore
from riskloop.web.forms import told
from riskloop.web.jobs import state_folder
from riskloop.web.naming import label_of
from riskloop.web.pages.models import actor_of
from riskloop.web.site import Site
from riskloop.web.visit import Visit


def routes(site: Site) -> list[Route]:
    """The explorer, and proposals."""
    pages = _Thresholds(site)
    return [
        Route("/thresholds", site.shows("viewer", pages.show)),
        Route("/thresholds", site.takes("approver", pages.propose, privileged=True), methods=["POST"]),
        Route("/proposals/{name}", site.shows("viewer", pages.proposal)),
    ]


class _Thresholds:
    def __init__(self, site: Site) -> None:
        self._site = site
        self._folder = state_folder(site.services.config) / "proposals"

    async def show(self, visit: Visit) -> Response:
        """What the controls in the address come to; without any, today's policy."""
        live = self._site.services.champion.live
        number = visit.number_asked("v", live.record.version if live else 0)
        if not number:
            return self._site.page("none.html.j2", visit, here="thresholds")
        card = await self._site.off(lambda: self._card(number))
        if card.policy is None or card.out_of_fold is None:
            return self._site.page("thresholds.html.j2", visit, here="thresholds", card=card, explored=None)
        proposal, wrong = _proposal(dict(visit.request.query_params), card)
        explored = explore(card.out_of_fold, proposal)
        others = beside(explored, card.policy.threshold)
        fairness = card.said.get("fairness") or {}
        return self._site.page(
            "thresholds_part.html.j2" if visit.wants_part else "thresholds.html.j2",
            visit,
            here="thresholds",
            card=card,
            explored=explored,
            others=others,
            wrong=wrong,
            favourable=fairness.get("favourable", "pass"),
            fare=explored.fare(fairness.get("favourable", "pass")),
            chart=_chart(visit, explored, card),
            rates=_rates(visit, explored),
            label=lambda word: label_of(visit, word),
            proposals=self._proposals(),
        )

    async def propose(self, visit: Visit) -> Response:
        """Write the policy that is tried into a file that can be merged into riskloop.yaml."""
        number = told(visit.form, "v")
        card = await self._site.off(lambda: self._card(int(number) if number.isascii() and number.isdigit() else 0))
        if card.policy is None or card.out_of_fold is None:
            raise NotFound("This version has no counted scores.", next_step="train anew")
        proposal, wrong = _proposal(visit.form, card)
        if wrong is not None:
            raise wrong
        reason, actor = told(visit.form, "reason"), actor_of(visit)
        if not reason:
            raise UsageError("A reason is needed.", next_step="say why in a sentence")
        text = _text(
            explore(card.out_of_fold, proposal),
            card,
            actor,
            reason,
            f"{self._site.services.clock():%Y-%m-%d %H:%M} UTC",
        )
        name = f"policy-{self._site.services.clock():%Y%m%d-%H%M%S}.yaml"
        self._folder.mkdir(parents=True, exist_ok=True)
        (self._folder / name).write_text(text, encoding="utf-8")
        return RedirectResponse(f"/thresholds?v={card.version.version}&saved={name}", 303)

    async def proposal(self, visit: Visit) -> Response:
        """A proposed policy, as a file."""
        name = visit.request.path_params["name"]
        path = self._folder / name
        if not re.fullmatch(r"policy-[0-9]{8}-[0-9]{6}\.yaml", name) or not path.is_file():
            raise NotFound("There is no such proposal.", next_step="see the list on the page of thresholds")
        headers = {"content-disposition": f'attachment; filename="{name}"'}
        return Response(path.read_bytes(), 200, headers, "application/yaml")

    def _card(self, number: int) -> Card:
        return self._site.cards.of(self._site.services.versions.get(min(number, 2**31 - 1)))

    def _proposals(self) -> list[str]:
        return [path.name for path in sorted(self._folder.glob("policy-*.yaml"), reverse=True)[:10]]


def _proposal(said: Any, card: Card) -> tuple[Proposal, ConfigError | None]:
    """What the controls say; where they contradict themselves today's policy, and the complaint."""
    policy = card.policy
    assert policy is not None  # noqa: S101 - asked before
    costs = policy.costs if isinstance(policy.costs, Costs) else _of_ratio(card)
    today = Proposal(costs, min(policy.threshold, 1.0), review=policy.review)
    try:
        room = _number(said, "room")
        review_cost = _number(said, "review")
        accuracy = _number(said, "accuracy") or 100.0
        threshold = _number(said, "threshold")
        review = policy.review
        if "review" in said:
            review = None if review_cost is None else Review(review_cost, accuracy / 100)
        asked = Proposal(
            costs=Costs(
                fp=_or(_number(said, "fp"), costs.fp),
                fn=_or(_number(said, "fn"), costs.fn),
                tp=costs.tp,
                tn=costs.tn,
                currency=costs.currency,
            ),
            threshold=today.threshold if threshold is None else threshold / 100,
            by_costs=said.get("by_costs") == "1",
            room=None if room is None or room >= 100 else max(room, 0.0) / 100,
            review=review,
        )
    except ConfigError as wrong:
        return today, wrong
    return asked, None


def _of_ratio(card: Card) -> Costs:
    """Where customers cost differently: the ratio that the mean customer stands for."""
    ratio = card.said.get("decided", {}).get("sweep", {}).get("ratio")
    return Costs(
        fp=1.0, fn=float(ratio) if isinstance(ratio, (int, float)) and ratio > 0 else 5.0, currency=card.currency
    )


def _or(value: float | None, other: Any) -> float:
    return float(other) if value is None else value


def _number(said: Any, name: str) -> float | None:
    try:
        value = float(str(said.get(name, "")).replace(",", "."))
    except ValueError:
        return None
    return value if abs(value) < 1e12 else None


def _chart(visit: Visit, explored: Explored, card: Card) -> Any:
    thresholds, cost = costs_by_threshold(explored.tally, explored.proposal.costs)
    here = thresholds <= 1
    say, money = visit.say, visit.write.money
    least = int(cost[here].argmin())
    said = say(
        "explore_chart_said",
        threshold=visit.write.share(float(thresholds[here][least])),
        cost=money(float(cost[here][least]), card.currency),
    )
    now = card.policy.threshold if card.policy else 0.0
    marks = [
        Mark(say("explore_proposed"), min(explored.threshold, 1.0), "b"),
        Mark(say("explore_current"), min(now, 1.0), "muted"),
    ]
    top = float(cost[here].max())
    return lines(
        [Line("", thresholds[here].tolist(), cost[here].tolist())],
        Axis(say("threshold"), 0, 1, lambda value: visit.write.share(value, 0)),
        Axis(f"{card.currency} {say('per_thousand')}", min(0.0, float(cost[here].min())), top, visit.write.count),
        said,
        marks,
    )


def _rates(visit: Visit, explored: Explored) -> Any:
    """Who is acted on, from which threshold on: of all, of positives, of negatives."""
    thresholds, tp, fp = explored.tally.cells()
    here, say = thresholds <= 1, visit.say
    series = [
        Line(
            say("explore_of_all"), thresholds[here].tolist(), ((tp + fp) / max(tp[-1] + fp[-1], 1))[here].tolist(), "a"
        ),
        Line(say("explore_of_positives"), thresholds[here].tolist(), (tp / max(tp[-1], 1))[here].tolist(), "c"),
        Line(say("explore_of_negatives"), thresholds[here].tolist(), (fp / max(fp[-1], 1))[here].tolist(), "b"),
    ]
    share = Axis(say("metric_act_rate"), 0, 1, lambda value: visit.write.share(value, 0))
    return lines(
        series,
        Axis(say("threshold"), 0, 1, lambda value: visit.write.share(value, 0)),
        share,
        say("explore_rates_said", rate=visit.write.share(explored.act_rate)),
        [Mark("", min(explored.threshold, 1.0), "b")],
    )


def _text(explored: Explored, card: Card, actor: str, reason: str, when: str) -> str:
    proposal, cost = explored.proposal, explored.cost()
    costs = proposal.costs
    document: dict[str, Any] = {
        "costs": {"fp": costs.fp, "fn": costs.fn, "tp": costs.tp, "tn": costs.tn, "currency": costs.currency},
        "training": {"policy": "cost"}
        if proposal.by_costs and proposal.room is None
        else {"policy": "capacity", "policy_value": proposal.room}
        if proposal.room is not None
        else {"policy": "fixed", "policy_value": round(explored.threshold, 6)},
    }
    if proposal.review is not None:
        document["review"] = {"cost": proposal.review.cost, "accuracy": proposal.review.accuracy}
    because = "\n".join(f"#   {line}" for line in reason.splitlines())
    return (
        f"# A proposed policy: merge this into riskloop.yaml, then train anew and promote.\n"
        f"# Proposed by {' '.join(actor.split())} on {when}, looking at version {card.version.version}, because:\n"
        f"{because}\n# Out of fold, on {explored.tally.rows:,} customers: acts on {explored.act_rate:.1%}, costs "
        f"{cost.value:,.0f} "
        f"[{cost.low:,.0f}, {cost.high:,.0f}] {' '.join(costs.currency.split())} per 1,000.\n"
        + yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    )
