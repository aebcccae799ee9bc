#!/usr/bin/env python3
"""Golden values of the recipe unitednet as released (compat=code_exact).

    python3 make_unitednet.py FOLDER     writes FOLDER/unitednet_supervised.txt and
                                         FOLDER/unitednet_unsupervised.txt

The model is stated anew with the plain modules of PyTorch and trained in float64 for ten
steps, in which translations and groupings take turns. Only the draws of negatives are
taken over from regatta: Philox4x32-10, as src/base/rng.c draws it. See MANIFEST.
"""
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from golden import (draw_key, linear, norm, philox, rounded, rounded_model, state_of, words,
                    write_golden)

SEED = 20230501
FEATURES = {"atac": 40, "rna": 30}
CELLS, BATCH, GROUPS = 64, 32, 4
LATENT, HIDDEN, PROJECTOR, JUDGE, HEADS = 6, [8, 7], 9, 64, 2
RATE, TAU, SHARE, RATIO = 2e-3, 0.1, 0.25, 0.15
TURNS = ["translation", "translation", "grouping", "grouping", "translation", "grouping",
         "translation", "translation", "grouping", "translation"]
FOR_NEGATIVES = 6  # RG_FOR_NEGATIVES of include/regatta/base.h
CONTRAST_OP = {True: 104, False: 106}  # supervised or not: its place on the tape


# ---- data ----------------------------------------------------------------------------

def make_data(rng):
    """Four types of cells that differ in both modalities."""
    kind = rng.integers(0, GROUPS, CELLS)
    rate = rng.uniform(0.05, 0.6, (GROUPS, FEATURES["atac"]))
    level = rng.uniform(0, 2, (GROUPS, FEATURES["rna"]))
    opened = (rng.random((CELLS, FEATURES["atac"])) < rate[kind]).astype(float)
    values = level[kind] + 0.3 * np.abs(rng.normal(size=(CELLS, FEATURES["rna"])))
    values[rng.random(values.shape) < 0.3] = 0
    weight = CELLS / (GROUPS * np.bincount(kind, minlength=GROUPS))
    return {"atac": opened, "rna": values, "label": np.eye(GROUPS)[kind],
            "label_weight": weight[kind][:, None], "has:atac": np.ones((CELLS, 1)),
            "has:rna": np.ones((CELLS, 1))}


# ---- the model -----------------------------------------------------------------------

class Fuser(nn.Module):
    """Softmax over modalities of one number each, or of one for every column."""

    def __init__(self, by_column):
        super().__init__()
        rows = LATENT if by_column else 1
        self.weight = nn.Parameter(torch.full((rows, len(FEATURES)), 1 / len(FEATURES)))

    def forward(self, latents):
        share = F.softmax(self.weight, dim=1)
        return sum(share[:, k] * z for k, z in enumerate(latents))


class United(nn.Module):
    def __init__(self, supervised):
        super().__init__()
        self.supervised = supervised
        sizes = [*HIDDEN, LATENT]
        each = lambda make: nn.ModuleDict({m: make(n) for m, n in FEATURES.items()})
        stack = lambda widths: nn.ModuleList(
            nn.Linear(a, b) for a, b in zip(widths, widths[1:]))
        self.enc = each(lambda n: stack([n, *sizes]))
        self.enc_bn = each(lambda n: nn.ModuleList(nn.BatchNorm1d(w) for w in sizes))
        self.dec = each(lambda n: stack([*sizes[::-1], n]))
        self.judge = each(lambda n: stack([n, JUDGE, 1]))
        self.judge_norm = each(lambda n: nn.LayerNorm(1))
        self.fuser = nn.ModuleList(Fuser(not supervised) for _ in range(HEADS))
        self.hidden = nn.ModuleList(nn.Linear(LATENT, PROJECTOR) for _ in range(HEADS))
        self.hidden_norm = nn.ModuleList(nn.LayerNorm(PROJECTOR) for _ in range(HEADS))
        self.group = nn.ModuleList(
            nn.Linear(PROJECTOR, GROUPS, bias=False) for _ in range(HEADS))
        for layer in self.modules():
            if isinstance(layer, nn.Linear):
                nn.init.kaiming_normal_(layer.weight)

    def encode(self, m, x):
        for layer, bn in zip(self.enc[m], self.enc_bn[m]):
            x = F.relu(bn(layer(x)))
        return x

    def decode(self, m, z):
        for layer in self.dec[m][:-1]:
            z = F.relu(layer(z))
        y = self.dec[m][-1](z)
        return torch.sigmoid(y) if m == "atac" else y

    def score(self, m, x):
        return torch.sigmoid(self.judge_norm[m](self.judge[m][1](F.relu(self.judge[m][0](x)))))

    def forward(self, batch):
        with torch.no_grad():
            for layer in self.group:
                layer.weight.copy_(F.normalize(layer.weight, dim=1))
        self.latent = {m: self.encode(m, batch[m]) for m in FEATURES}
        self.made = {(a, b): self.decode(b, self.latent[a]) for a in FEATURES
                     for b in FEATURES}
        fused = [fuser(list(self.latent.values())) for fuser in self.fuser]
        self.units = [F.relu(norm(layer(z))) for layer, norm, z in
                      zip(self.hidden, self.hidden_norm, fused)]
        self.logits = [layer(h) for layer, h in zip(self.group, self.units)]

    def groups_of(self, kind):
        """What a schedule updates."""
        if kind == "translation":
            return [self.enc, self.enc_bn, self.dec, self.judge, self.judge_norm]
        heads = [self.fuser, self.hidden, self.hidden_norm, self.group]
        return [self.enc, self.enc_bn, *heads] if self.supervised else heads

    def named(self):
        """regatta's names."""
        out = {}
        for m in FEATURES:
            for k, (layer, bn) in enumerate(zip(self.enc[m], self.enc_bn[m])):
                out.update(linear(f"enc.{m}.fc{k + 1}", layer))
                out.update(norm(f"enc.{m}.norm{k + 1}", [bn]))
            for k, layer in enumerate(self.dec[m][:-1]):
                out.update(linear(f"dec.{m}.fc{k + 1}", layer))
            out.update(linear(f"dec.{m}.out", self.dec[m][-1]))
            out.update(linear(f"disc.{m}.fc1", self.judge[m][0]))
            out.update(linear(f"disc.{m}.out", self.judge[m][1]))
            out.update(linear(f"disc.{m}.norm", self.judge_norm[m]))
        for h in range(HEADS):
            out[f"head{h}.fuse.weight"] = self.fuser[h].weight
            out.update(linear(f"head{h}.fc1", self.hidden[h]))
            out.update(linear(f"head{h}.norm1", self.hidden_norm[h]))
            out[f"head{h}.group.weight"] = self.group[h].weight
        out["best.wins"] = torch.zeros(1, HEADS)
        return out


# ---- losses as released --------------------------------------------------------------

def negatives_of(group, anchor, to, step, op):
    """Rows of other groups drawn for a pair, by regatta's generator."""
    k = len(FEATURES)
    rows = np.arange(k * BATCH)
    order = np.concatenate([rows[group[rows % BATCH] == q] for q in range(GROUPS)])
    own = group[anchor % BATCH]
    others = order[group[order % BATCH] != own]
    if len(others) == 0:
        return None
    key = draw_key(SEED, FOR_NEGATIVES, step, op)
    out = []
    for block in range((int(SHARE * len(rows)) + 3) // 4):
        out += philox((*words(int(anchor) * k + to), *words(block)), key)
    return [others[word * len(others) >> 32] for word in out[:int(SHARE * len(rows))]]


def contrast(model, step):
    group = torch.softmax(model.logits[0], 1).argmax(1).numpy()
    z = F.normalize(torch.cat(list(model.latent.values())), dim=1)
    s = z @ z.T / TAU
    terms = []
    for a in range(len(FEATURES)):
        for b in range(len(FEATURES)):
            for cell in range(BATCH):
                drawn = None if a == b else negatives_of(
                    group, a * BATCH + cell, b, step, CONTRAST_OP[model.supervised])
                if drawn is not None:
                    row = s[a * BATCH + cell]
                    picked = row[[b * BATCH + cell, *drawn]]
                    terms.append(torch.logsumexp(picked, 0) - picked[0])
    return torch.stack(terms).mean()


def divergence(a, kernel):
    n = a.T @ kernel @ a
    product = torch.diagonal(n)[:, None] * torch.diagonal(n)[None]
    ratio = n.clamp(min=1e-9) / torch.sqrt(product.clamp(min=1e-18))
    return 2 / (GROUPS * (GROUPS - 1)) * torch.triu(ratio, diagonal=1).sum()


def ddc(share, units):
    d = ((units[:, None] - units[None]) ** 2).sum(2)
    width = (RATIO * torch.median(d)).detach().clamp(min=1e-9)
    kernel = torch.exp(-d / (2 * width))
    corners = torch.exp(-((share[:, None] - torch.eye(GROUPS).double()[None]) ** 2).sum(2))
    return divergence(share, kernel) + divergence(corners, kernel)


def translation_terms(model, batch, step):
    """In regatta's order: by what is made, then from what; weights as released."""
    k, names, terms = len(FEATURES), list(FEATURES), []
    for b in names:
        for a in names:
            distance = F.binary_cross_entropy if b == "atac" else F.mse_loss
            terms.append((distance(model.made[a, b], batch[b]),
                          1 / k if a == b else 1 / (k * (k - 1))))
    terms.append((contrast(model, step), 1 / HEADS))
    one = torch.ones(BATCH, 1).double()
    for x, target in ((lambda m: model.made[m, m], one), (lambda m: batch[m], one),
                      (lambda m: model.made[m, m].detach(), 0 * one)):
        terms += [(F.mse_loss(model.score(m, x(m)), target), 0.1 / k) for m in names]
    return terms


def grouping_terms(model, batch):
    terms = []
    for logits, units in zip(model.logits, model.units):
        if model.supervised:
            label = batch["label"].argmax(1)
            weight = torch.zeros(GROUPS).double()
            weight[label] = batch["label_weight"][:, 0]
            terms.append((F.cross_entropy(logits, label, weight=weight), 1 / HEADS))
            continue
        share = torch.softmax(logits, 1)
        mean = share.mean(0)
        terms += [(ddc(share, units), 0.1), ((mean * mean.log()).sum(), 0.1 / HEADS)]
    return terms


# ---- training and the file -----------------------------------------------------------

def train(model, data, cells):
    optimiser = {kind: torch.optim.Adam(
        [p for part in model.groups_of(kind) for p in part.parameters()], lr=RATE)
        for kind in ("translation", "grouping")}
    values = []
    for step, kind in enumerate(TURNS):
        batch = {k: x[cells[step]] for k, x in data.items()}
        model(batch)
        terms = (translation_terms(model, batch, step) if kind == "translation"
                 else grouping_terms(model, batch))
        optimiser[kind].zero_grad()
        sum(value * weight for value, weight in terms).backward()
        optimiser[kind].step()
        row = [value.item() for value, _ in terms]
        values.append(row + [0] * (12 - len(row)))
    return values


def make(supervised, folder):
    rng = np.random.default_rng(SEED)
    torch.manual_seed(SEED)
    data = {k: rounded(x) for k, x in make_data(rng).items()}
    model = rounded_model(United(supervised))
    cells = [rng.permutation(CELLS)[:BATCH] for _ in TURNS]
    begin = state_of(model)
    values = train(model, data, cells)
    mode = "supervised" if supervised else "unsupervised"
    settings = {
        "mode": mode, "preset": "atac_rna", "latent": LATENT,
        "hidden": ",".join(map(str, HIDDEN)), "projector": PROJECTOR, "clusters": GROUPS,
        "heads": HEADS, "fuser": "scalar" if supervised else "feature", "scale": "false",
        "rate": RATE}
    arrays = {"seed": SEED, "contrast_op": CONTRAST_OP[supervised], "rate": RATE,
              "turns": [kind == "grouping" for kind in TURNS], **data, "cells": cells,
              "values": values}
    write_golden(f"{folder}/unitednet_{mode}.txt", "make_unitednet.py", SEED, settings,
                 arrays, begin, state_of(model))


def main():
    torch.set_num_threads(1)
    for supervised in (True, False):
        make(supervised, sys.argv[1])


if __name__ == "__main__":
    main()
