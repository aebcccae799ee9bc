"""What the scripts that make golden values share: regatta's random numbers, its names of
the parameters of a layer, values as float32 holds them, and the file (MANIFEST)."""
import numpy as np
import torch


# ---- random numbers, as src/base/rng.c draws them ------------------------------------

def philox(counter, key):
    """Philox4x32-10 of one counter (four words) and one key (two words)."""
    c, k = list(counter), list(key)
    for _ in range(10):
        a, b = 0xD2511F53 * c[0], 0xCD9E8D57 * c[2]
        c = [(b >> 32) ^ c[1] ^ k[0], b & 0xFFFFFFFF,
             (a >> 32) ^ c[3] ^ k[1], a & 0xFFFFFFFF]
        k = [(k[0] + 0x9E3779B9) & 0xFFFFFFFF, (k[1] + 0xBB67AE85) & 0xFFFFFFFF]
    return c


def words(x):
    return x & 0xFFFFFFFF, x >> 32


def draw_key(seed, purpose, step, op):
    """Key of what the operation at place `op` of the tape draws in a step."""
    return philox((*words(step << 10 | op), purpose, 0), words(seed))[:2]


def normals(key, cell, n):
    """rg_normals: four normals of a block, two pairs of Box and Muller."""
    out = []
    for i in range(0, n, 4):
        r = philox((*words(cell), *words(1 << 63 | i // 4)), key)
        for pair in (0, 2):
            radius = np.sqrt(-2 * np.log((r[pair] + 0.5) * 2.0**-32))
            angle = 2 * np.pi * (r[pair + 1] + 0.5) * 2.0**-32
            out += [radius * np.cos(angle), radius * np.sin(angle)]
    return np.float32(out[:n])


def noise(key, cells, n):
    """The noise of an operation: a row of n normals for each cell."""
    return rounded(np.stack([normals(key, int(c), n) for c in cells]))


# ---- what float32 holds --------------------------------------------------------------

def rounded(x):
    return torch.tensor(np.float64(np.float32(x)))


def rounded_model(model):
    """The model in float64; what its parameters start from is exact in float32."""
    model = model.double()
    with torch.no_grad():
        for p in model.parameters():
            p.copy_(p.float().double())
    return model


# ---- names of parameters -------------------------------------------------------------

def linear(name, layer):
    return {f"{name}.weight": layer.weight, f"{name}.bias": layer.bias}


def norm(name, layers):
    return {f"{name}.{key}": torch.stack([getattr(a, key) for a in layers])
            for key in ("weight", "bias", "running_mean", "running_var")}


def slopes(name, layers):
    return {f"{name}.weight": torch.stack([a.weight for a in layers])}


def state_of(model):
    """Copies of the parameters and running statistics, by regatta's names."""
    return {k: x.detach().numpy().copy() for k, x in model.named().items()}


# ---- the file ------------------------------------------------------------------------

def write_array(out, name, x):
    x = np.atleast_2d(np.asarray(x, dtype=float))
    out.write(f"{name} {x.shape[0]} {x.shape[1]}\n")
    for row in x:
        out.write(" ".join(f"{v:.9g}" for v in row) + "\n")


def write_golden(path, script, seed, settings, arrays, begin, end):
    """A file made by `script`: settings of the recipe, arrays in their order, and the
    parameters before and after (`state_of`)."""
    with open(path, "w", encoding="ascii") as out:
        out.write(f"# made by {script}, seed {seed}, PyTorch {torch.__version__}, "
                  f"NumPy {np.__version__}\n")
        for key, value in {"compat": "code_exact", **settings}.items():
            out.write(f"set {key} {value}\n")
        for name, x in arrays.items():
            write_array(out, name, x)
        for name in begin:
            write_array(out, "begin:" + name, begin[name])
            write_array(out, "end:" + name, end[name])


def offsets(blocks):
    """Where blocks of features begin, and the last one ends."""
    return np.cumsum([0] + blocks)
