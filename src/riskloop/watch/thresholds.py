"""Every threshold of drift, with its reason, in one place."""

from __future__ import annotations

from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Thresholds:
    """From when on a difference counts.

    A difference counts if it is *significant* (chance alone would hardly make it) and *large enough to matter*. With
    few rows the first is the harder condition, with many rows the second: a million rows make any difference
    significant.

    Attributes
    ----------
    level : float
        Of the columns that are called moved, the share that may be so by chance (false discovery rate, Benjamini and
        Hochberg, 1995). Where nothing has moved, it is also the chance that any column at all is called so.
    noise : float
        Quantile of the PSI that samples of these sizes show where nothing has moved; PSI must exceed it too.
    watched_psi, moved_psi, strong_psi : float
        PSI above what chance makes on average: worth a look, moved, moved strongly. For a shift of the mean of a normal
        column by d standard deviations PSI is about d squared, so these are shifts by .14, .22 and .45. The customary
        .1 and .25 are for samples without regard to their sizes, and let through what cost the founding project a tenth
        of its ROC-AUC.
    watched_share, moved_share, strong_share : float
        The same for a share of rows: missing, of no known level, or refused by the contract; in points of share.
    moved_pair, strong_pair : float
        The same for the dependence of two columns: about the change of their correlation.
    watched_repeats, moved_repeats : float
        Rise of the share of rows that repeat another, in points of share. Drawing n of n rows with replacement repeats
        .37 of them; a file that was loaded twice, .5.
    decisions : float
        Change of the share of customers acted on, in points of share, from which on the table has drifted.
    columns : int
        From so many moved columns on the table has drifted, even if none moved strongly.
    costlier : float
        Growth of the expected cost from which on the table has drifted, if its interval is above 0.
    rows : int
        Below so many rows no verdict is given.
    cell : float
        Rows that a cell should hold in the smaller sample; rarer cells are counted together.
    """

    level: float = 0.01
    noise: float = 0.95
    watched_psi: float = 0.02
    moved_psi: float = 0.05
    strong_psi: float = 0.20
    watched_share: float = 0.005
    moved_share: float = 0.02
    strong_share: float = 0.10
    moved_pair: float = 0.20
    strong_pair: float = 0.40
    watched_repeats: float = 0.20
    moved_repeats: float = 0.40
    decisions: float = 0.05
    columns: int = 3
    costlier: float = 0.10
    rows: int = 30
    cell: float = 5.0

    def to_dict(self) -> dict[str, float]:
        """Plain JSON values."""
        return asdict(self)


USUAL = Thresholds()
