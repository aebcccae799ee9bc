#!/usr/bin/env python3
"""Golden values of the recipe babel as released (compat=code_exact).

    python3 make_babel.py FOLDER     writes FOLDER/babel.txt

The model is stated anew with the plain modules of PyTorch, a list of chromosomes, row by
row for the cells that have a modality, trained for ten steps in float64, and written beside
what it started from. Nothing is drawn at random in a step. See MANIFEST.
"""
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from golden import (linear, norm, offsets, rounded, rounded_model, slopes, state_of,
                    write_golden)

SEED = 20210401
NAMES = ["rna", "atac"]
BLOCKS = {"rna": [9, 8], "atac": [10, 7, 6]}
CELLS, BATCH, STEPS = 64, 32, 10
SETTINGS = {"latent": 4, "hidden": 6, "split": 5, "chunk": 3, "peaks": 1.33, "cross": 0.8,
            "rate": 1e-2, "clip": 0.5}


# ---- data ----------------------------------------------------------------------------

def make_data(rng):
    """Three types of cells; one cell in five lacks one of the modalities. What the encoder
    of genes reads is made up: how it is standardised is tested elsewhere."""
    kind, lacks = rng.integers(0, 3, CELLS), rng.integers(0, 10, CELLS)
    has = [(lacks != k).astype(float)[:, None] for k in range(2)]
    level = rng.gamma(1.0, 2.0, (3, sum(BLOCKS["rna"])))
    rate = rng.uniform(0.05, 0.6, (3, sum(BLOCKS["atac"])))
    counts = rng.poisson(level[kind]) * rng.uniform(0.5, 2, (CELLS, 1))
    opened = (rng.random((CELLS, rate.shape[1])) < rate[kind]).astype(float)
    opened[np.arange(CELLS), rng.integers(0, rate.shape[1], CELLS)] = 1  # none is empty
    read = level[kind] - level.mean(0) + rng.normal(size=counts.shape)
    return {"in.rna": read * has[0], "out.rna": counts * has[0], "in.atac": opened * has[1],
            "has:rna": has[0], "has:atac": has[1], "both:rna,atac": has[0] * has[1],
            "both:atac,rna": has[0] * has[1]}


# ---- the model -----------------------------------------------------------------------

class Chromosomes(nn.Module):
    """[Linear, BatchNorm, PReLU] of every chromosome."""

    def __init__(self, inputs, width):
        super().__init__()
        self.fc = nn.ModuleList(nn.Linear(n, width) for n in inputs)
        self.bn = nn.ModuleList(nn.BatchNorm1d(width) for _ in inputs)
        self.act = nn.ModuleList(nn.PReLU() for _ in inputs)

    def forward(self, parts):
        return [act(bn(fc(x))) for fc, bn, act, x in zip(self.fc, self.bn, self.act, parts)]

    def named(self, name, k, transposed=False):
        weight = [fc.weight.T if transposed else fc.weight for fc in self.fc]
        return {f"{name}.fc{k}.weight": torch.cat(weight),
                f"{name}.fc{k}.bias": torch.stack([fc.bias for fc in self.fc]),
                **norm(f"{name}.bn{k}", self.bn), **slopes(f"{name}.act{k}", self.act)}


class Layer(nn.Module):
    def __init__(self, inputs, width):
        super().__init__()
        self.fc, self.bn = nn.Linear(inputs, width), nn.BatchNorm1d(width)
        self.act = nn.PReLU()

    def forward(self, x):
        return self.act(self.bn(self.fc(x)))


class Genes(nn.Module):
    """Encoder and decoder of genes."""

    def __init__(self):
        super().__init__()
        n, hidden, latent = sum(BLOCKS["rna"]), SETTINGS["hidden"], SETTINGS["latent"]
        self.enc = nn.ModuleList([Layer(n, hidden), Layer(hidden, latent)])
        self.dec = Layer(latent, hidden)
        self.mean, self.dispersion = nn.Linear(hidden, n), nn.Linear(hidden, n)

    def encode(self, x):
        return self.enc[1](self.enc[0](x))

    def loss(self, z, x):
        h = self.dec(z)
        mu = torch.exp(self.mean(h)).clamp(1e-5, 1e6)
        theta = F.softplus(self.dispersion(h)).clamp(1e-4, 1e3)
        log_p = (torch.lgamma(x + theta) - torch.lgamma(theta) - torch.lgamma(x + 1)
                 - theta * torch.log1p(mu / theta) + x * (mu / (theta + mu)).log())
        return -log_p.mean()

    def named(self):
        out = {"enc.rna.fc1.product.weight": self.enc[0].fc.weight.T,
               "enc.rna.fc1.bias": self.enc[0].fc.bias,
               **linear("enc.rna.fc2", self.enc[1].fc)}
        for k, layer in enumerate(self.enc, 1):
            out.update(norm(f"enc.rna.norm{k}", [layer.bn]))
            out.update(slopes(f"enc.rna.act{k}", [layer.act]))
        return {**out, **linear("dec.rna.fc1", self.dec.fc),
                **norm("dec.rna.norm1", [self.dec.bn]),
                **slopes("dec.rna.act1", [self.dec.act]),
                **linear("dec.rna.mean", self.mean),
                **linear("dec.rna.dispersion", self.dispersion)}


class Peaks(nn.Module):
    """Encoder and decoder of peaks: all chromosomes apart, next to the latent together."""

    def __init__(self):
        super().__init__()
        s, n = SETTINGS, len(BLOCKS["atac"])
        self.enc1 = Chromosomes(BLOCKS["atac"], s["split"])
        self.enc2 = Chromosomes([s["split"]] * n, s["chunk"])
        self.enc3 = Layer(s["chunk"] * n, s["latent"])
        self.dec1 = Layer(s["latent"], s["chunk"] * n)
        self.dec2 = Chromosomes([s["chunk"]] * n, s["split"])
        self.out = nn.ModuleList(nn.Linear(s["split"], p) for p in BLOCKS["atac"])

    def encode(self, x):
        parts = self.enc2(self.enc1(torch.split(x, BLOCKS["atac"], 1)))
        return self.enc3(torch.cat(parts, 1))

    def loss(self, z, x):
        parts = self.dec2(torch.chunk(self.dec1(z), len(self.out), 1))
        logits = torch.cat([out(h) for out, h in zip(self.out, parts)], 1)
        return F.binary_cross_entropy_with_logits(logits, x)

    def named(self):
        n = len(self.out)
        cut = lambda w: torch.cat(torch.chunk(w, n, 1))  # by input
        rows = lambda x: x.reshape(n, -1)
        bn1 = norm("dec.atac.bn1", [self.dec1.bn])
        return {**self.enc1.named("enc.atac", 1, True), **self.enc2.named("enc.atac", 2),
                "enc.atac.fc3.product.weight": cut(self.enc3.fc.weight),
                "enc.atac.fc3.bias": self.enc3.fc.bias,
                **norm("enc.atac.bn3", [self.enc3.bn]),
                **slopes("enc.atac.act3", [self.enc3.act]),
                "dec.atac.fc1.weight": self.dec1.fc.weight,
                "dec.atac.fc1.bias": rows(self.dec1.fc.bias),
                **{k: rows(x) for k, x in bn1.items()},
                **slopes("dec.atac.act1", [self.dec1.act]),
                **self.dec2.named("dec.atac", 2),
                "dec.atac.out.weight": torch.cat([a.weight for a in self.out]),
                "dec.atac.out.bias": torch.cat([a.bias for a in self.out])[:, None]}


class Babel(nn.Module):
    def __init__(self):
        super().__init__()
        self.part = nn.ModuleDict({"rna": Genes(), "atac": Peaks()})
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.xavier_uniform_(layer.weight)

    def named(self):
        return {**self.part["rna"].named(), **self.part["atac"].named()}


# ---- training ------------------------------------------------------------------------

def terms_of(model, batch):
    """Every decoder on every encoder, in regatta's order, with weights."""
    terms, has = [], {m: batch["has:" + m][:, 0] > 0 for m in NAMES}
    latent = {m: model.part[m].encode(batch["in." + m][has[m]]) for m in NAMES}
    for a in NAMES:
        for b in NAMES:
            target = batch["out.rna" if b == "rna" else "in.atac"]
            both = has[a] & has[b]
            weight = SETTINGS["peaks"] if b == "atac" else 1
            terms.append((model.part[b].loss(latent[a][both[has[a]]], target[both]),
                          weight * (1 if a == b else SETTINGS["cross"])))
    return terms


def train(model, data, cells):
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["rate"])
    values = []
    for i in cells:
        terms = terms_of(model, {k: x[i] for k, x in data.items()})
        optimiser.zero_grad()
        sum(value * weight for value, weight in terms).backward()
        nn.utils.clip_grad_norm_(model.parameters(), SETTINGS["clip"])
        optimiser.step()
        values.append([value.item() for value, _ in terms])
    return values


def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    data = {k: rounded(x) for k, x in make_data(rng).items()}
    model = rounded_model(Babel())
    cells = [rng.permutation(CELLS)[:BATCH] for _ in range(STEPS)]
    begin = state_of(model)
    values = train(model, data, cells)
    arrays = {**{"offset:" + name: offsets(BLOCKS[name]) for name in NAMES}, **data,
              "cells": cells, "values": values}
    write_golden(f"{sys.argv[1]}/babel.txt", "make_babel.py", SEED, SETTINGS, arrays, begin,
                 state_of(model))


if __name__ == "__main__":
    main()
