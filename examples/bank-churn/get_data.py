"""Put BankChurners.csv into data/, checksum verified: `python get_data.py`. See ../obtain.py."""

import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

from obtain import Table, main  # noqa: E402

TABLE = Table(
    file="BankChurners.csv",
    local="bankchurners/BankChurners.csv",
    size=1_510_834,
    sha256="758ec415de20d06fe86f6b1d8f3dbff9e11e5cce98e54dab30e86b9d9b3467d5",
    urls=(
        "https://raw.githubusercontent.com/Eugeny13/BankChurners/d32c3d63e1b452cd30b73fe9ed349afe1bb56fb9/BankChurners.csv",
        "https://raw.githubusercontent.com/azar-s91/dataset/master/BankChurners.csv",
        "https://zenodo.org/records/4322342/files/BankChurners.csv?download=1",
    ),
    page="https://zenodo.org/records/4322342",
)

if __name__ == "__main__":
    sys.exit(main(TABLE, HERE / "data"))
