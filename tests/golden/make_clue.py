#!/usr/bin/env python3
"""Golden values of the recipe clue as released (compat=code_exact).

    python3 make_clue.py FOLDER     writes FOLDER/clue.txt

The model is stated anew with the plain modules of PyTorch, row by row for the cells that
have a modality, trained for ten iterations of the critic's and the autoencoder's step in
float64, and written beside what it started from. Dropout is off; the noise of latents and
of the critic's input is regatta's. See MANIFEST.
"""
import sys

import numpy as np
import torch
from torch import nn
from torch.nn import functional as F

from golden import (draw_key, linear, noise, norm, offsets, rounded, rounded_model,
                    state_of, write_golden)

SEED = 20220502
NAMES = ["rna", "atac"]
BLOCKS = {"rna": [9, 8], "atac": [10, 7, 6]}
CELLS, BATCH, BATCHES, AXES = 64, 32, 2, 5
LATENT, STEPS = 3, 10
FOR_LATENT, FOR_NOISE = 4, 13  # rg_purpose of include/regatta/base.h
NOISE_OPS = {"latent": [20, 46], "critic": [117, 123]}  # places on regatta's tape
FADE = 4  # epochs
SETTINGS = {
    "configuration": "cite", "latent": LATENT, "encoder_depth": 2, "encoder_width": 6,
    "decoder_depth": 1, "decoder_width": 5, "critic_depth": 1, "critic_width": 4,
    "data": 1, "kl": 0.5, "align": 0.3, "joint_cross": 0.7, "real_cross": 0.6, "cos": 0.4,
    "dropout": 0, "rate": 2e-3, "burn_in": FADE, "axes": AXES}


def draw(purpose, step, op, cells):
    """Rows of the noise that an operation draws; four steps a number, as RG_STEPS."""
    return noise(draw_key(SEED, purpose, step, op), cells, LATENT * len(NAMES))


# ---- data ----------------------------------------------------------------------------

def make_data(rng):
    """Three types of cells; one cell in five lacks one of the modalities."""
    kind = rng.integers(0, 3, CELLS)
    data = {"batch": np.eye(BATCHES)[rng.integers(0, BATCHES, CELLS)]}
    lacks = rng.integers(0, 10, CELLS)
    for k, name in enumerate(NAMES):
        n = sum(BLOCKS[name])
        mean = rng.gamma(1.0, 2.0 if name == "rna" else 0.4, (3, n))[kind]
        counts = rng.poisson(mean).astype(float)
        counts[:, 0] += 1  # no cell is empty
        if name == "atac":
            counts = np.minimum(counts, 1)
        has = (lacks != k).astype(float)
        read = rng.normal(size=(3, AXES))[kind] + 0.5 * rng.normal(size=(CELLS, AXES))
        data["counts:" + name] = counts * has[:, None]
        data["has:" + name] = has[:, None]
        data["is:" + name] = np.tile(np.eye(len(NAMES))[k], (CELLS, 1))
        data[("lsi:" if name == "atac" else "pca:") + name] = read * has[:, None]
    data["both:rna,atac"] = data["has:rna"] * data["has:atac"]
    return data


# ---- the model -----------------------------------------------------------------------

class Stack(nn.Module):
    """Linear, LeakyReLU(0.2), BatchNorm; `extra` columns of the batch before every layer."""

    def __init__(self, width, hidden, depth, extra=0, normed=True):
        super().__init__()
        self.fc, self.norm = nn.ModuleList(), nn.ModuleList()
        for _ in range(depth):
            self.fc.append(nn.Linear(width + extra, hidden))
            self.norm.append(nn.BatchNorm1d(hidden) if normed else nn.Identity())
            width = hidden

    def forward(self, x, batch=None):
        for fc, bn in zip(self.fc, self.norm):
            x = x if batch is None else torch.cat([x, batch], 1)
            x = bn(F.leaky_relu(fc(x), 0.2))
        return x

    def named(self, name):
        out = {}
        for k, (fc, bn) in enumerate(zip(self.fc, self.norm), 1):
            out.update(linear(f"{name}.fc{k}", fc))
            if isinstance(bn, nn.BatchNorm1d):
                out.update(norm(f"{name}.norm{k}", [bn]))
        return out


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        hidden = SETTINGS["encoder_width"]
        self.stack = Stack(AXES, hidden, SETTINGS["encoder_depth"])
        self.mean, self.spread = nn.Linear(hidden, LATENT), nn.Linear(hidden, LATENT)

    def forward(self, x):
        h = self.stack(x)
        return self.mean(h), F.softplus(self.spread(h)) + 1e-7

    def named(self, name):
        return {**self.stack.named(name), **linear(name + ".mean", self.mean),
                **linear(name + ".spread", self.spread)}


class Decoder(nn.Module):
    def __init__(self, name):
        super().__init__()
        n, hidden = sum(BLOCKS[name]), SETTINGS["decoder_width"]
        self.name = name
        self.stack = Stack(LATENT, hidden, SETTINGS["decoder_depth"], BATCHES)
        self.out = nn.Linear(hidden + BATCHES, n)
        self.scale = nn.Parameter(torch.zeros(BATCHES, n))
        self.bias = nn.Parameter(torch.zeros(BATCHES, n))
        self.log_theta = nn.Parameter(torch.zeros(BATCHES, n))

    def forward(self, u, batch, library, x):
        """Mean of the negative log likelihood over cells and features."""
        h = self.out(torch.cat([self.stack(u, batch), batch], 1))
        y = F.softplus(batch @ self.scale) * h + batch @ self.bias
        if self.name == "atac":
            return F.binary_cross_entropy_with_logits(y, x)
        mu = torch.clamp(torch.softmax(y, 1) * library, min=1e-8)
        theta = torch.exp(batch @ self.log_theta)
        log_p = (torch.lgamma(x + theta) - torch.lgamma(theta) - torch.lgamma(x + 1)
                 - theta * torch.log1p(mu / theta) + x * (mu / (theta + mu)).log())
        return -log_p.mean()

    def named(self, name):
        out = {**self.stack.named(name), **linear(name + ".out", self.out),
               name + ".level.scale": self.scale, name + ".level.bias": self.bias}
        if self.name == "rna":
            out[name + ".spread.table"] = self.log_theta
        return out


class Clue(nn.Module):
    def __init__(self):
        super().__init__()
        k = len(NAMES)
        self.encoders = nn.ModuleList(
            [nn.ModuleList([Encoder() for _ in NAMES]) for _ in NAMES])
        self.decoders = nn.ModuleList([Decoder(name) for name in NAMES])
        self.libraries = nn.ModuleList([nn.Linear(sum(BLOCKS[n]), k) for n in NAMES])
        for layer in self.libraries:
            nn.init.constant_(layer.bias, 20.0)  # away from the dead side of relu
        self.critic = Stack(k * LATENT + BATCHES, SETTINGS["critic_width"],
                            SETTINGS["critic_depth"], normed=False)
        self.judge = nn.Linear(SETTINGS["critic_width"], k)

    def posterior(self, k, read):
        parts = [encoder(read) for encoder in self.encoders[k]]
        return (torch.cat([a for a, _ in parts], 1), torch.cat([b for _, b in parts], 1))

    def named(self):
        out = {}
        for name, row in zip(NAMES, self.encoders):
            for to, encoder in zip(NAMES, row):
                out.update(encoder.named(f"enc.{name}.{to}"))
        for name, layer in zip(NAMES, self.libraries):
            out[f"library.{name}.linear.product.weight"] = layer.weight.T
            out[f"library.{name}.linear.bias"] = layer.bias
        for name, decoder in zip(NAMES, self.decoders):
            out.update(decoder.named("dec." + name))
        out.update(self.critic.named("critic"))
        out.update(linear("critic.out", self.judge))
        return out


# ---- steps ---------------------------------------------------------------------------

def rows_of(data, name, cells):
    return data["has:" + name][cells, 0] > 0


def critic_terms(model, data, cells, means, step, size):
    """Cross entropy over the cells that have each modality."""
    terms = []
    for k, name in enumerate(NAMES):
        has = rows_of(data, name, cells)
        drawn = draw(FOR_NOISE, step, NOISE_OPS["critic"][k], cells)[has]
        x = torch.cat([means[k] + size * drawn, data["batch"][cells][has]], 1)
        logits = model.judge(model.critic(x))
        terms.append(F.cross_entropy(logits, torch.full((len(x),), k)))
    return terms


def encode(model, data, cells):
    """Mean and deviation of the cells that have each modality."""
    out = []
    for k, name in enumerate(NAMES):
        read = data[("lsi:" if name == "atac" else "pca:") + name][cells]
        out.append(model.posterior(k, read[rows_of(data, name, cells)]))
    return out


def spread_out(x, has):
    """Rows of the cells with the modality among zeros of the others."""
    full = torch.zeros(len(has), x.shape[1], dtype=x.dtype)
    return full.index_put((torch.nonzero(has)[:, 0],), x)


def autoencoder_terms(model, data, cells, step, size):
    """Values of all terms in regatta's order, and their weights."""
    s, terms = SETTINGS, []
    has = [rows_of(data, name, cells) for name in NAMES]
    posterior = encode(model, data, cells)
    u, library = [], []
    for k, (mean, deviation) in enumerate(posterior):
        drawn = draw(FOR_LATENT, step, NOISE_OPS["latent"][k], cells)[has[k]]
        u.append(spread_out(F.normalize(mean + deviation * drawn, dim=1), has[k]))
        counts = data["counts:" + NAMES[k]][cells]
        library.append(F.relu(model.libraries[k](counts)))
    joint = F.normalize(sum(u) / sum(has).double()[:, None], dim=1)
    part = lambda z, k: z[:, k * LATENT:(k + 1) * LATENT]

    def nll(k, z, size_of, mask):
        counts = data["counts:" + NAMES[k]][cells]
        return model.decoders[k](part(z, k)[mask], data["batch"][cells][mask],
                                 size_of[:, k:k + 1][mask], counts[mask])

    for k, (mean, deviation) in enumerate(posterior):
        kl = (mean**2 + deviation**2 - 1) / 2 - deviation.log()
        features = sum(BLOCKS[NAMES[k]])
        terms += [(nll(k, u[k], library[k], has[k]), s["data"]),
                  (kl.sum(1).mean(), s["data"] * s["kl"] / features),
                  (nll(k, joint, library[k], has[k]), s["joint_cross"])]
    both = has[0] & has[1]
    for a, b in ((0, 1), (1, 0)):
        terms.append((nll(b, u[a], library[a], both), s["real_cross"]))
    cos = sum((1 - (u[k] * joint).sum(1))[both].sum() / has[k].sum() for k in (0, 1))
    terms.append((cos, s["cos"]))
    weight = -s["align"] / len(NAMES)
    means = [mean for mean, _ in posterior]
    terms += [(x, weight) for x in critic_terms(model, data, cells, means, step, size)]
    return terms


def train(model, data, cells):
    judge = [*model.critic.parameters(), *model.judge.parameters()]
    ours = {id(p) for p in judge}
    rest = [p for p in model.parameters() if id(p) not in ours]
    optimisers = [torch.optim.RMSprop(group, lr=SETTINGS["rate"]) for group in (judge, rest)]
    values = []
    for step, i in enumerate(cells):
        size = max(1 - step * BATCH / CELLS / FADE, 0)
        means = [mean for mean, _ in encode(model, data, i)]
        terms = critic_terms(model, data, i, [m.detach() for m in means], 4 * step, size)
        optimisers[0].zero_grad()
        (sum(terms) * SETTINGS["align"] / len(NAMES)).backward()
        optimisers[0].step()
        row = [x.item() for x in terms]
        terms = autoencoder_terms(model, data, i, 4 * step + 1, size)
        optimisers[1].zero_grad()
        sum(x * w for x, w in terms).backward()
        optimisers[1].step()
        values.append(row + [x.item() for x, _ in terms])
    return values


# ---- the file ------------------------------------------------------------------------

def main():
    torch.set_num_threads(1)
    torch.manual_seed(SEED)
    rng = np.random.default_rng(SEED)
    data = {k: rounded(x) for k, x in make_data(rng).items()}
    model = rounded_model(Clue())
    cells = [rng.permutation(CELLS)[:BATCH] for _ in range(STEPS)]
    begin = state_of(model)
    values = train(model, data, cells)
    arrays = {"seed": SEED, "noise_ops": NOISE_OPS["latent"] + NOISE_OPS["critic"],
              **{"offset:" + name: offsets(BLOCKS[name]) for name in NAMES}, **data,
              "cells": cells, "values": values}
    write_golden(f"{sys.argv[1]}/clue.txt", "make_clue.py", SEED, SETTINGS, arrays, begin,
                 state_of(model))


if __name__ == "__main__":
    main()
