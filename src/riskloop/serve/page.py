"""``GET /``: one page that says what is served. No script, nothing from elsewhere."""

from __future__ import annotations

import base64
import hashlib
import json
from html import escape
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from riskloop.errors import RiskloopError
from riskloop.serve.champion import Champion
from riskloop.serve.rollout import Live

_STYLE = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif;
  --line: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
body { max-width: 46rem; margin: 2.5rem auto; padding: 0 1rem; }
h1 { font-size: 1.6rem; margin-bottom: 0; }
h2 { font-size: 1.1rem; margin-top: 2rem; }
p.lead { color: GrayText; margin-top: .25rem; }
table { border-collapse: collapse; width: 100%; }
th, td { text-align: left; padding: .4rem .6rem; border-bottom: var(--line); }
th { white-space: nowrap; }
.number { text-align: right; font-variant-numeric: tabular-nums; }
tr.chosen { font-weight: 600; }
code, pre { font: .85rem/1.5 ui-monospace, monospace; }
pre { padding: .8rem 1rem; overflow-x: auto; border: var(--line); border-radius: .4rem; }
"""
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY = f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; frame-ancestors 'none'; base-uri 'none'"

_POLICIES = {"chosen": "This model", "act_on_all": "Act on everyone", "act_on_none": "Act on nobody"}
_LINKS = (
    ("/model", "the champion: card, metrics, contract"),
    ("/models", "all versions"),
    ("/monitoring", "what the ledger holds"),
    ("/metrics", "Prometheus metrics"),
    ("/ready", "whether customers can be scored"),
    ("/docs", "the API, made from the contract"),
)


class Page:
    """The page of one service."""

    def __init__(self, project: str, champion: Champion) -> None:
        self._project = project
        self._champion = champion

    async def show(self, request: Request) -> Response:
        """The page, for the champion of the moment."""
        html = render(self._project, self._champion.live, request.url.netloc, self._champion.refused)
        return Response(html, headers={"content-security-policy": _POLICY}, media_type="text/html")


def render(project: str, live: Live | None, address: str, refused: RiskloopError | None = None) -> str:
    """The page as HTML; ``address`` is where its reader reached the service."""
    body = _refusal(refused) if refused else ""
    if live:
        body += _champion(live) + _how_to(live, address)
    elif not refused:
        body = "<p>No version has been promoted yet: <code>riskloop promote</code></p>"
    links = "".join(f'<li><a href="{path}"><code>{path}</code></a> {text}</li>' for path, text in _LINKS)
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{escape(project)} · riskloop</title><style>{_STYLE}</style></head><body><main>"
        f'<h1>{escape(project)}</h1><p class="lead">decisions by riskloop</p>{body}'
        f"<h2>Look further</h2><ul>{links}</ul></main></body></html>"
    )


def _refusal(error: RiskloopError) -> str:
    step = f" Next: {escape(error.next_step)}." if error.next_step else ""
    return f'<p role="alert"><strong>A promoted bundle was refused:</strong> {escape(error.message)}{step}</p>'


def _champion(live: Live) -> str:
    record, policy = live.record, live.bundle.policy
    family = live.bundle.card.get("family")
    threshold = f"a probability of {policy.threshold:.4g}"
    if policy.own_thresholds:
        threshold = "a probability of each customer's own"
    facts = (
        ("Version", f"{record.version} (champion){f', {family}' if isinstance(family, str) else ''}"),
        ("Bundle", live.bundle.digest[:16]),
        ("Decision", f"{policy.labels[0]} from {threshold}, else {policy.labels[1]}"),
        ("Why", policy.why or policy.kind),
    )
    rows = "".join(f"<tr><th scope='row'>{escape(name)}</th><td>{escape(text)}</td></tr>" for name, text in facts)
    return f"<h2>Champion</h2><table>{rows}</table>{_costs(live)}"


def _costs(live: Live) -> str:
    costs = costs_per_thousand(live)
    if "chosen" not in costs:
        return ""
    currency = escape(live.bundle.policy.costs.currency)
    rows = "".join(
        f"<tr{' class=chosen' if name == 'chosen' else ''}><th scope='row'>{label}</th>"
        f"<td class='number'>{costs[name]:,.0f}</td></tr>"
        for name, label in _POLICIES.items()
        if name in costs
    )
    head = f"<tr><th scope='col'>Policy</th><th scope='col' class='number'>{currency} per 1,000 customers</th></tr>"
    verdict = escape(str(live.bundle.card.get("verdict") or ""))
    return f"<h2>What it costs</h2><table>{head}{rows}</table><p>{verdict}</p>"


def costs_per_thousand(live: Live) -> dict[str, float]:
    """Cost per 1,000 customers of the chosen and of the trivial policies, as far as the card tells."""
    listed = live.bundle.card.get("policies")
    policies = [policy for policy in listed if isinstance(policy, dict)] if isinstance(listed, list) else []
    costs = {str(policy.get("name")): _value(policy.get("cost_per_thousand")) for policy in policies}
    return {name: cost for name, cost in costs.items() if cost is not None}


def _value(cost: Any) -> float | None:
    """A number, bare or with its interval."""
    value = cost.get("value", cost.get("estimate")) if isinstance(cost, dict) else cost
    return float(value) if isinstance(value, (int, float)) else None


def _how_to(live: Live, address: str) -> str:
    requests = live.bundle.golden.requests
    envelope = {"id": "C-1", "features": dict(requests[0]) if requests else {}}
    example = escape(json.dumps(envelope, indent=2, ensure_ascii=False))
    command = f"curl -s {address}/predict -H 'Content-Type: application/json' -d @customer.json"
    return (
        "<h2>Score a customer</h2><p>POST this to <code>/predict</code>; a list of such objects, or CSV, to "
        f"<code>/predict/batch</code>; what became of them to <code>/outcomes</code>.</p><pre>{example}</pre>"
        f"<pre>{escape(command)}</pre>"
    )
