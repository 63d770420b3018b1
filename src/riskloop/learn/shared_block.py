"""A block in a folder, where several processes read it: an array a file, mapped into memory and never copied whole."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import numpy as np
from numpy.typing import NDArray

from riskloop.data.contract import Contract
from riskloop.learn.block import Block

_FACTS = "block.json"


def write_block(block: Block, parent: Path) -> Path:
    """A new folder with the block, whole or not at all; only its owner can read it."""
    folder = parent / f"block-{uuid4().hex}"
    draft = parent / f".{folder.name}"
    draft.mkdir(mode=0o700, parents=True)
    arrays: dict[str, NDArray[Any]] = {"outcome": block.outcome, "fold": block.fold}
    arrays |= {f"column-{number}": values for number, values in enumerate(block.columns.values())}
    arrays |= {f"trains-{number}": rows for number, rows in enumerate(block.trains)}
    if block.groups is not None:
        arrays["groups"] = block.groups
    for name, values in arrays.items():
        np.save(draft / f"{name}.npy", values, allow_pickle=False)
    facts = {
        "contract": block.contract.to_dict(),
        "columns": list(block.columns),
        "derived": dict(block.derived),
        "trains": len(block.trains),
    }
    (draft / _FACTS).write_text(json.dumps(facts))
    draft.rename(folder)
    return folder


def read_block(folder: Path) -> Block:
    """Inverse of `write_block`; the arrays cannot be written to.

    Raises
    ------
    OSError
        If it is not there, or not whole.
    """
    facts = json.loads((folder / _FACTS).read_text())

    def array(name: str) -> NDArray[Any]:
        # a plain view: as a `memmap` every slice would carry the file along, and be pickled whole
        return np.asarray(np.load(folder / f"{name}.npy", mmap_mode="r", allow_pickle=False))

    return Block(
        contract=Contract.from_dict(facts["contract"]),
        columns={name: array(f"column-{number}") for number, name in enumerate(facts["columns"])},
        outcome=array("outcome"),
        fold=array("fold"),
        derived=facts["derived"],
        trains=tuple(array(f"trains-{number}") for number in range(facts["trains"])),
        groups=array("groups") if (folder / "groups.npy").exists() else None,
    )
