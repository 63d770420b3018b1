"""Put Loan_Data.csv into data/, checksum verified: `python get_data.py`. See ../obtain.py."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from obtain import Table, main  # noqa: E402

_BANK = "Goldship564/Bank-Loan-Simulation-Probability-model-and-FICO-default-prediction-"
_FORAGE = "mathur-exe/Quantative-Reserach-JP-Morgan/f89d43bc3d0cf7823d73fdc95672974613b358e6"

TABLE = Table(
    file="Loan_Data.csv",
    local="loan_data/Loan_Data.csv",
    size=536_808,
    sha256="a1fefbc2c843b4435cd5131e31563d3f036caa8057db541f92b52fefa3236435",
    urls=(
        f"https://raw.githubusercontent.com/{_BANK}/8b966d504f387825ab087ed059b9b433f5dde0f5/Loan_Data.csv",
        f"https://raw.githubusercontent.com/{_FORAGE}/Task%203%20and%204_Loan_Data.csv",
    ),
    page="https://www.theforage.com, JPMorgan Chase, Quantitative Research, task 3",
)

if __name__ == "__main__":
    sys.exit(main(TABLE, HERE / "data"))
