"""Put Telco-Customer-Churn.csv into data/, checksum verified: `python get_data.py`. See ../obtain.py."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from obtain import Table, main  # noqa: E402

_IBM = "https://raw.githubusercontent.com/IBM/telco-customer-churn-on-icp4d"

TABLE = Table(
    file="Telco-Customer-Churn.csv",
    local="telco_churn/WA_Fn-UseC_-Telco-Customer-Churn.csv",
    size=970_457,
    sha256="16320c9c1ec72448db59aa0a26a0b95401046bef5d02fd3aeb906448e3055e91",
    urls=(
        f"{_IBM}/d5371f5d83a446ad5673cbcca3b814b926491f8a/data/Telco-Customer-Churn.csv",
        f"{_IBM}/master/data/Telco-Customer-Churn.csv",
    ),
    page="https://www.kaggle.com/datasets/blastchar/telco-customer-churn",
)

if __name__ == "__main__":
    sys.exit(main(TABLE, HERE / "data"))
