#!/usr/bin/env python3
"""Golden values of the recipe multivi as released (compat=code_exact).

    python3 make_multivi.py FOLDER     writes FOLDER/multivi.txt

The model is stated anew with the plain modules of PyTorch, the divergences by
torch.distributions, trained for ten steps in float64, and written beside what it started
from. Only the noise of the latent is regatta's. Dropout and the adversary (which has
dropout) are off. See MANIFEST.
"""
import sys

import numpy as np
import torch
from torch import nn
from torch.distributions import Bernoulli, NegativeBinomial, Normal, kl_divergence
from torch.nn import functional as F

from golden import (draw_key, linear, noise, offsets, rounded, rounded_model, state_of,
                    write_golden)

SEED = 20230701
NAMES = ["rna", "atac"]
FEATURES = {"rna": 17, "atac": 23}
BLOCKS = {"rna": [9, 8], "atac": [10, 7, 6]}
CELLS, BATCH, BATCHES, STEPS = 64, 32, 2, 10
FOR_LATENT = 4  # RG_FOR_LATENT of include/regatta/base.h
NOISE_OP = 48   # place of the operation z on regatta's tape
SETTINGS = {"latent": 3, "hidden": 6, "layers": 2, "likelihood": "zinb", "penalty": 0.7,
            "adversary": 0, "dropout": 0, "rate": 2e-3, "weight_decay": 0.05}


# ---- data ----------------------------------------------------------------------------

def make_data(rng):
    """Three types of cells; one cell in five lacks one of the modalities."""
    kind, lacks = rng.integers(0, 3, CELLS), rng.integers(0, 10, CELLS)
    has = [(lacks != k).astype(float)[:, None] for k in range(2)]
    counts = rng.poisson(rng.gamma(1.0, 2.0, (3, FEATURES["rna"]))[kind]).astype(float)
    rate = rng.uniform(0.05, 0.6, (3, FEATURES["atac"]))[kind]
    opened = (rng.random(rate.shape) < rate).astype(float)
    counts[:, 0] += 1  # no cell is empty
    opened[:, 0] = 1
    return {"in.rna": counts * has[0], "in.atac": opened * has[1], "has:rna": has[0],
            "has:atac": has[1], "both:rna,atac": has[0] * has[1],
            "both:atac,rna": has[0] * has[1], "root": np.sqrt(has[0] + has[1]),
            "one": np.ones((CELLS, 1)), "typical:rna": np.ones((CELLS, 1)),
            "batch": np.eye(BATCHES)[rng.integers(0, BATCHES, CELLS)]}


# ---- the model -----------------------------------------------------------------------

class Stack(nn.Module):
    """[Linear, LayerNorm without factor and shift, activation] twice."""

    def __init__(self, width, activation):
        super().__init__()
        hidden = SETTINGS["hidden"]
        self.fc = nn.ModuleList([nn.Linear(width, hidden), nn.Linear(hidden, hidden)])
        self.activation = activation

    def forward(self, x):
        for fc in self.fc:
            x = self.activation(F.layer_norm(fc(x), (SETTINGS["hidden"],)))
        return x

    def named(self, name, sparse=False):
        out = {**linear(name + ".fc1", self.fc[0]), **linear(name + ".fc2", self.fc[1])}
        if sparse:
            out[name + ".fc1.product.weight"] = out.pop(name + ".fc1.weight").T
        return out


class Part(nn.Module):
    def __init__(self, name):
        super().__init__()
        hidden, latent, n = SETTINGS["hidden"], SETTINGS["latent"], FEATURES[name]
        bend = F.leaky_relu if name == "atac" else F.relu
        self.name = name
        self.enc, self.size = Stack(n, F.leaky_relu), Stack(n, bend)
        self.mean, self.variance = nn.Linear(hidden, latent), nn.Linear(hidden, latent)
        self.size_out = nn.Linear(hidden, 1)
        self.dec = Stack(latent + BATCHES, bend)
        self.out = nn.Linear(hidden, n)
        if name == "rna":
            self.zeros = nn.Linear(hidden, n)
            self.log_dispersion = nn.Parameter(torch.zeros(1, n))
        else:
            self.factor = nn.Parameter(torch.zeros(1, n))

    def posterior(self, x):
        h = self.enc(x)
        return self.mean(h), self.variance(h)

    def loss(self, z, x):
        """Sum of the negative log likelihood over features, cell by cell."""
        h, l = self.dec(z), self.size_out(self.size(x))
        if self.name == "atac":
            p = torch.sigmoid(self.out(h)) * torch.sigmoid(l) * torch.sigmoid(self.factor)
            return -Bernoulli(p).log_prob(x).sum(1)
        mu = torch.softmax(self.out(h), 1) * torch.exp(F.leaky_relu(l))
        theta, zeros = torch.exp(self.log_dispersion), torch.sigmoid(self.zeros(h))
        nb = NegativeBinomial(theta, logits=mu.log() - theta.log()).log_prob(x).exp()
        return -(zeros * (x == 0) + (1 - zeros) * nb).log().sum(1)

    def named(self):
        m = self.name
        out = {**self.enc.named("enc." + m, True), **self.size.named("size." + m, True),
               **linear("mean." + m, self.mean), **linear("variance." + m, self.variance),
               **linear(f"size.{m}.out", self.size_out), **self.dec.named("dec." + m)}
        if m == "atac":
            return {**out, **linear("dec.atac.out", self.out),
                    "dec.atac.region.factor": self.factor}
        return {**out, **linear("dec.rna.mean", self.out),
                **linear("dec.rna.zeros", self.zeros),
                "dec.rna.counts.log_dispersion": self.log_dispersion}


class MultiVi(nn.ModuleDict):
    def __init__(self):
        super().__init__({m: Part(m) for m in NAMES})

    def named(self):
        return {**self["rna"].named(), **self["atac"].named()}


# ---- training ------------------------------------------------------------------------

def ramp_of(step):
    return (step + 1) / STEPS


def terms_of(model, batch, noise, step):
    """In regatta's order, with weights: sums over cells are divided by all cells."""
    has = {m: batch["has:" + m] for m in NAMES}
    posterior = {m: model[m].posterior(batch["in." + m]) for m in NAMES}
    count = has["rna"] + has["atac"]
    mean = sum(has[m] * posterior[m][0] for m in NAMES) / count
    # as released: every share of the variance is the root of what it should be
    variance = sum(has[m] / count.sqrt() * posterior[m][1].exp() for m in NAMES)
    sigma = variance.sqrt()
    z = torch.cat([mean + sigma * noise, batch["batch"]], 1)
    terms = []
    for m in NAMES:
        rows = has[m][:, 0] > 0
        loss = model[m].loss(z[rows], batch["in." + m][rows]).sum()
        terms.append((loss, 1 / BATCH))
    prior = Normal(torch.zeros_like(mean), torch.ones_like(mean))
    terms.append((kl_divergence(Normal(mean, sigma), prior).sum(1).mean(), ramp_of(step)))
    # as released: the root of the deviation
    one, other = (Normal(posterior[m][0], (posterior[m][1] / 4).exp()) for m in NAMES)
    pair = (kl_divergence(one, other) + kl_divergence(other, one)).sum(1)
    both = (has["rna"] * has["atac"])[:, 0]
    terms.append(((pair * both).sum(), SETTINGS["penalty"] / BATCH))
    return terms


def train(model, data, cells):
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["rate"],
                                 weight_decay=SETTINGS["weight_decay"])
    values = []
    for step, i in enumerate(cells):
        drawn = noise(draw_key(SEED, FOR_LATENT, step, NOISE_OP), i, SETTINGS["latent"])
        terms = terms_of(model, {k: x[i] for k, x in data.items()}, drawn, step)
        optimiser.zero_grad()
        sum(value * weight for value, weight in terms).backward()
        optimiser.step()
        values.append([value.item() for value, _ in terms])
    return values


def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    data = {k: rounded(x) for k, x in make_data(rng).items()}
    model = rounded_model(MultiVi())
    cells = [rng.permutation(CELLS)[:BATCH] for _ in range(STEPS)]
    begin = state_of(model)
    values = train(model, data, cells)
    arrays = {"seed": SEED, "noise_op": NOISE_OP,
              "ramp": [ramp_of(s) for s in range(STEPS)],
              **{"offset:" + name: offsets(BLOCKS[name]) for name in NAMES}, **data,
              "cells": cells, "values": values}
    write_golden(f"{sys.argv[1]}/multivi.txt", "make_multivi.py", SEED, SETTINGS, arrays,
                 begin, state_of(model))


if __name__ == "__main__":
    main()
