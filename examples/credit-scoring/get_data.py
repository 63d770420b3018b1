"""Put UCI_Credit_Card.csv into data/, checksum verified: `python get_data.py`. See ../obtain.py."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from obtain import Table, main  # noqa: E402

_SETS = "https://huggingface.co/datasets/scikit-learn/credit-card-clients/resolve"
_HUB = "https://raw.githubusercontent.com/adigaakshaym/public/24a10495dad3329b037b981a4d19d23faf00dba8"

TABLE = Table(
    file="UCI_Credit_Card.csv",
    local="uci_credit_card/UCI_Credit_Card.csv",
    size=2_862_995,
    sha256="a0f0ab49d6326671d6cd83be5c88dcf18007025fe9a53ecd699119c871176ca1",
    urls=(
        f"{_SETS}/f809522649eaf948ad40a11ed575c4bb4d4460c1/UCI_Credit_Card.csv",
        f"{_HUB}/UCI_Credit_Card.csv",
    ),
    page="https://archive.ics.uci.edu/dataset/350/default+of+credit+card+clients",
)

if __name__ == "__main__":
    sys.exit(main(TABLE, HERE / "data"))
