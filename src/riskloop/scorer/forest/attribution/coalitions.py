"""Shapley values in a single leaf: who decides whether it is reached."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]


def shares_by_word(weight: FloatArray) -> FloatArray:
    """What each of a leaf's k players adds, for every word of a customer: which players' conditions he satisfies.

    If everybody joins a coalition with probability t, it reaches the leaf with a probability that is a polynomial in
    t, and a player's share is the integral of his own part of its slope from 0 to 1 (Owen, 1972). The part is of degree
    k - 1, so Gauss's few points integrate it exactly. At each of them one pass per player turns words of the
    background into words of the customer.

    Parameters
    ----------
    weight : float array, shape (leaves, 2^k)
        The leaf's value times the share of the background that has each word.

    Returns
    -------
    float array, shape (k, leaves, 2^k)
    """
    k = weight.shape[1].bit_length() - 1
    shares = np.zeros((k, *weight.shape))
    points, steps = np.polynomial.legendre.leggauss((k + 1) // 2)
    for t, step in zip((points + 1) / 2, steps / 2, strict=True):
        reached = weight.copy()
        for one in range(k):
            without, having = _halves(reached, one)
            theirs = (1 - t) * having  # a customer without must not have joined
            having += t * without
            without[:] = theirs
        for one, share in enumerate(shares):
            without, having = _halves(reached, one)
            if_not_joined = without / (1 - t)
            for_him, against = _halves(share, one)[::-1]
            for_him += step * (having - if_not_joined) / t
            against -= step * if_not_joined
    return shares


def _halves(by_word: FloatArray, one: int) -> tuple[FloatArray, FloatArray]:
    """Views of the words without this player and with him."""
    pairs = by_word.reshape(len(by_word), -1, 2, 1 << one)
    return pairs[:, :, 0], pairs[:, :, 1]


def deciding(players: int) -> FloatArray:
    """How often one of ``a`` players who all must come before all of ``b`` others is the last of them.

    ``(a - 1)! b! / (a + b)!``, shape (players + 1, players + 1): the share in a leaf of value 1 of each player who lets
    the customer reach it, if ``b`` let the other; with ``a`` and ``b`` exchanged, what each of those takes from it.
    """
    a, b = np.arange(players + 1.0)[:, None], np.arange(1, players + 1.0)
    first = np.divide(1, a, out=np.zeros_like(a), where=a > 0)
    return np.multiply.accumulate(np.concatenate([first, b / (a + b)], axis=1), axis=1)
