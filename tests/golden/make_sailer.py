#!/usr/bin/env python3
"""Golden values of the recipes sailer and sailerx as released (compat=code_exact).

    python3 make_sailer.py FOLDER     writes FOLDER/sailer.txt and FOLDER/sailerx.txt

The two models are stated anew with the plain modules of PyTorch (dense inputs, a list of
chromosomes, the KL of every pair), trained for four steps of warm-up and six of the main
phase in float64, and written beside what they started from. Only the noise of the latent
is taken over from regatta: Philox4x32-10, as src/base/rng.c draws it. See MANIFEST.
"""
import sys

import numpy as np
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.nn import functional as F

from golden import (draw_key, linear, noise, norm, offsets, rounded, rounded_model, slopes,
                    state_of, write_golden)

SEED = 20220501
PEAKS = [40, 25, 35]
CELLS, BATCH, BATCHES, AXES = 64, 32, 2, 7
LATENT, HIDDEN, CHUNK = 6, 8, 5
WARM_STEPS, MAIN_STEPS = 4, 6
FOR_LATENT = 4  # RG_FOR_LATENT of include/regatta/base.h
SETTINGS = {
    "latent": LATENT, "hidden": HIDDEN, "chunk": CHUNK, "warm_up": 2, "epochs": 3,
    "ones_weight": 20, "invariance": 0.75, "anneal": 3, "rate": 2e-3,
    "rate_decay": 0.995, "weight_decay": 0.1}
GAMMA = 50  # weight of the structure loss, sailerx only


# ---- data ----------------------------------------------------------------------------

def make_data(rng):
    """Three types of cells whose peaks differ; every cell has open peaks."""
    kind = rng.integers(0, 3, CELLS)
    rate = rng.uniform(0.05, 0.5, (3, sum(PEAKS)))
    opened = (rng.random((CELLS, sum(PEAKS))) < rate[kind]).astype(float)
    log_depth = np.log(opened.sum(1))
    teacher = rng.normal(size=(3, AXES))[kind] + 0.5 * rng.normal(size=(CELLS, AXES))
    return {
        "open": opened,
        "depth": ((log_depth - log_depth.mean()) / log_depth.std())[:, None],
        "batch": np.eye(BATCHES)[rng.integers(0, BATCHES, CELLS)],
        "teacher": teacher,
        "pair_weight": rng.random((CELLS, 1))}


# ---- models --------------------------------------------------------------------------

class Sailer(nn.Module):
    """All peaks - hidden - chunk - latent and back: LeakyReLU(0.2), default values."""

    noise_op = 9  # place of the operation z on regatta's tape

    def __init__(self):
        super().__init__()
        n = sum(PEAKS)
        self.enc1, self.enc_bn1 = nn.Linear(n, HIDDEN), nn.BatchNorm1d(HIDDEN)
        self.enc2, self.enc_bn2 = nn.Linear(HIDDEN, CHUNK), nn.BatchNorm1d(CHUNK)
        self.mu, self.logvar = nn.Linear(CHUNK, LATENT), nn.Linear(CHUNK, LATENT)
        self.dec1 = nn.Linear(LATENT + 1 + BATCHES, CHUNK)
        self.dec_bn1 = nn.BatchNorm1d(CHUNK)
        self.dec2, self.dec_bn2 = nn.Linear(CHUNK, HIDDEN), nn.BatchNorm1d(HIDDEN)
        self.dec3 = nn.Linear(HIDDEN, n)

    def forward(self, x, covariates, noise):
        h = F.leaky_relu(self.enc_bn1(self.enc1(x)), 0.2)
        h = F.leaky_relu(self.enc_bn2(self.enc2(h)), 0.2)
        mu, s = self.mu(h), self.logvar(h)
        z = torch.cat([mu + noise * torch.exp(s), *covariates], 1)
        h = F.leaky_relu(self.dec_bn1(self.dec1(z)), 0.2)
        h = F.leaky_relu(self.dec_bn2(self.dec2(h)), 0.2)
        return mu, s, self.dec3(h)

    def named(self):
        """regatta's names and shapes: weights next to peaks have a row per peak."""
        return {
            "enc.fc1.weight": self.enc1.weight.T, "enc.sum1.bias": self.enc1.bias,
            **norm("enc.bn1", [self.enc_bn1]),
            **linear("enc.fc2", self.enc2), **norm("enc.bn2", [self.enc_bn2]),
            **linear("mu", self.mu), **linear("logvar", self.logvar),
            **linear("dec.fc1", self.dec1), **norm("dec.bn1", [self.dec_bn1]),
            **linear("dec.fc2", self.dec2), **norm("dec.bn2", [self.dec_bn2]),
            "dec.out.weight": self.dec3.weight, "dec.out.bias": self.dec3.bias[:, None]}


class Sailerx(nn.Module):
    """A small encoder and decoder for every chromosome around one latent."""

    noise_op = 10

    def __init__(self):
        super().__init__()
        blocks = len(PEAKS)
        each = lambda make: nn.ModuleList([make(n) for n in PEAKS])
        self.enc1 = each(lambda n: nn.Linear(n, HIDDEN))
        self.enc_bn1 = each(lambda n: nn.BatchNorm1d(HIDDEN))
        self.enc_act1 = each(lambda n: nn.PReLU())
        self.enc2 = each(lambda n: nn.Linear(HIDDEN, CHUNK))
        self.enc_bn2 = each(lambda n: nn.BatchNorm1d(CHUNK))
        self.enc_act2 = each(lambda n: nn.PReLU())
        self.mu = nn.Linear(CHUNK * blocks, LATENT)
        self.logvar = nn.Linear(CHUNK * blocks, LATENT)
        self.dec1 = nn.Linear(LATENT + 1 + BATCHES, CHUNK * blocks)
        self.dec_bn1, self.dec_act1 = nn.BatchNorm1d(CHUNK * blocks), nn.PReLU()
        self.dec2 = each(lambda n: nn.Linear(CHUNK, HIDDEN))
        self.dec_bn2 = each(lambda n: nn.BatchNorm1d(HIDDEN))
        self.dec_act2 = each(lambda n: nn.PReLU())
        self.dec3 = each(lambda n: nn.Linear(HIDDEN, n))
        for layer in [*self.enc1, *self.enc2, self.mu, self.logvar, *self.dec2,
                      *self.dec3]:
            nn.init.xavier_uniform_(layer.weight)

    def forward(self, x, covariates, noise):
        parts = []
        for c, h in enumerate(torch.split(x, PEAKS, 1)):
            h = self.enc_act1[c](self.enc_bn1[c](self.enc1[c](h)))
            parts.append(self.enc_act2[c](self.enc_bn2[c](self.enc2[c](h))))
        h = torch.cat(parts, 1)
        mu, s = self.mu(h), self.logvar(h)
        z = torch.cat([mu + noise * torch.exp(s), *covariates], 1)
        h = self.dec_act1(self.dec_bn1(self.dec1(z)))
        parts = []
        for c, h in enumerate(torch.chunk(h, len(PEAKS), 1)):
            h = self.dec_act2[c](self.dec_bn2[c](self.dec2[c](h)))
            parts.append(self.dec3[c](h))
        return mu, s, torch.cat(parts, 1)

    def named(self):
        cut = lambda w: torch.cat(torch.chunk(w, len(PEAKS), 1))  # of mu: by input
        rows = lambda x: x.reshape(len(PEAKS), -1)
        return {
            "enc.fc1.weight": torch.cat([a.weight.T for a in self.enc1]),
            "enc.fc1.bias": torch.stack([a.bias for a in self.enc1]),
            **norm("enc.bn1", self.enc_bn1), **slopes("enc.act1", self.enc_act1),
            "enc.fc2.weight": torch.cat([a.weight for a in self.enc2]),
            "enc.fc2.bias": torch.stack([a.bias for a in self.enc2]),
            **norm("enc.bn2", self.enc_bn2), **slopes("enc.act2", self.enc_act2),
            "mu.product.weight": cut(self.mu.weight), "mu.bias": self.mu.bias,
            "logvar.product.weight": cut(self.logvar.weight),
            "logvar.bias": self.logvar.bias,
            "dec.fc1.weight": self.dec1.weight, "dec.fc1.bias": rows(self.dec1.bias),
            **{k: rows(x) for k, x in norm("dec.bn1", [self.dec_bn1]).items()},
            **slopes("dec.act1", [self.dec_act1]),
            "dec.fc2.weight": torch.cat([a.weight for a in self.dec2]),
            "dec.fc2.bias": torch.stack([a.bias for a in self.dec2]),
            **norm("dec.bn2", self.dec_bn2), **slopes("dec.act2", self.dec_act2),
            "dec.out.weight": torch.cat([a.weight for a in self.dec3]),
            "dec.out.bias": torch.cat([a.bias for a in self.dec3])[:, None]}


# ---- losses as released --------------------------------------------------------------

def mean_pairwise_kl(mu, s):
    """Mean over pairs i, j of KL(N(mu_i, exp s_i) || N(mu_j, exp s_j)), pair by pair."""
    std = torch.exp(s).sqrt()
    one = Normal(mu[:, None], std[:, None])
    other = Normal(mu[None], std[None])
    return kl_divergence(one, other).sum(2).mean()


def cosines(x):
    x = F.normalize(x, dim=1)
    return x @ x.T


def terms_of(name, main, mu, s, logits, x, teacher, pair_weight):
    """Values and weights of the terms of a phase; the ramp of a term is True."""
    lam, w = SETTINGS["invariance"], float(SETTINGS["ones_weight"])
    extra = name == "sailerx"
    if not main:
        bce = F.binary_cross_entropy_with_logits(logits, x,
                                                 pos_weight=torch.tensor([w]).double())
        terms = [(bce, 1, False)]
        if extra:
            terms.append((F.mse_loss(cosines(teacher), cosines(mu)), GAMMA, False))
        return terms
    bce = F.binary_cross_entropy_with_logits(logits, x, reduction="sum")
    kl = kl_divergence(Normal(mu, torch.exp(s).sqrt()),
                       Normal(torch.zeros_like(mu), torch.ones_like(s))).sum()
    terms = [(bce, w if extra else w * (1 + lam), False), (kl, 1, True),
             (mean_pairwise_kl(mu, s), lam, True)]
    if extra:
        pairs = pair_weight @ pair_weight.T
        structure = (pairs * (cosines(teacher) - cosines(mu)) ** 2).sum()
        terms.append((structure, GAMMA, False))
    return terms


# ---- training ------------------------------------------------------------------------

def schedule(name):
    """Per step: phase, rate, ramp, and t and period of the ramp."""
    per_epoch = CELLS // BATCH
    period = SETTINGS["anneal"] * CELLS // BATCH
    rows = [(0, SETTINGS["rate"], 1, 0, period)] * WARM_STEPS
    for i in range(MAIN_STEPS):
        epoch = i // per_epoch
        # one epoch early; SAILER looks once an epoch and does not round
        t = (epoch if name == "sailer" else i / per_epoch) * per_epoch - per_epoch
        ramp = min(2 * (t % period) / period, 1)
        ramp = ramp if name == "sailer" else round(ramp, 3)
        rate = SETTINGS["rate"] * SETTINGS["rate_decay"] ** epoch
        rows.append((1, rate, ramp, t, period))
    return rows


def train(name, model, data, steps, cells):
    optimiser = torch.optim.Adam(model.parameters(), lr=SETTINGS["rate"],
                                 weight_decay=SETTINGS["weight_decay"])
    values = []
    for step, (phase, rate, ramp, _, _) in enumerate(steps):
        i = cells[step]
        x, depth, batch, teacher, weight = (data[k][i] for k in data)
        key = draw_key(SEED, FOR_LATENT, step, model.noise_op)
        mu, s, logits = model(x, (depth, batch), noise(key, i, LATENT))
        terms = terms_of(name, phase == 1, mu, s, logits, x, teacher, weight)
        loss = sum(value * w * (ramp if ramped else 1) for value, w, ramped in terms)
        optimiser.param_groups[0]["lr"] = rate
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        row = [value.item() for value, _, _ in terms]
        values.append(row + [0] * (4 - len(row)))
    return values


# ---- the file ------------------------------------------------------------------------

def make(name, model, folder):
    rng = np.random.default_rng(SEED)
    data = {k: rounded(x) for k, x in make_data(rng).items()}
    model = rounded_model(model)
    steps = schedule(name)
    cells = [rng.permutation(CELLS)[:BATCH] for _ in steps]
    begin = state_of(model)
    values = train(name, model, data, steps, cells)
    settings = SETTINGS if name == "sailer" else {**SETTINGS, "gamma": GAMMA}
    arrays = {"seed": SEED, "noise_op": model.noise_op, "offset": offsets(PEAKS), **data,
              "steps": steps, "cells": cells, "values": values}
    write_golden(f"{folder}/{name}.txt", "make_sailer.py", SEED, settings, arrays, begin,
                 state_of(model))


def main():
    torch.set_num_threads(1)
    for name, kind in (("sailer", Sailer), ("sailerx", Sailerx)):
        torch.manual_seed(SEED)
        make(name, kind(), sys.argv[1])


if __name__ == "__main__":
    main()
