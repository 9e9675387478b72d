# %% [markdown]
# # 12 Your own op and a small transformer
#
# **You need** lesson 11 (attention), lesson 10 (a training loop), and lesson 3 (local slopes).
#
# **You will be able to** give the engine an operation of your own, with a check that its derivative
# is right, and build and train a small transformer.
#
# About 40 minutes.

# %%
import numpy as np

import nn
import nn.functional as F
from course import check, hint, reveal, show, solution, source_of
from course.curves import curves
from tinygrad_edu import Tensor, check_op, draw_graph, observe, op, ops
from tinygrad_edu.declare import VJP

# %% [markdown]
# ## An op of your own
#
# What is composed of NumPy's functions is differentiated without your help. An op of your own is
# for what would be slow or unstable otherwise. It is a forward function of arrays, and for each
# argument upstream × local slope:


# %%
@op(None, lambda g, x, out: g * x / (out + 1), elementwise=True, method=False)
def pseudo_huber(x):
    """Quadratic near 0, linear far away.
    y = √(1 + x²) - 1,  ∂L/∂x = g x / (y + 1)"""
    return x * x / (np.sqrt(1 + x * x) + 1)


# %% [markdown]
# - `None`: no function of NumPy that it stands for.
# - The lambda's first parameter is upstream; the names of the others say what it reads, the
#   argument `x` or the result `out`. All else is not kept.
# - The docstring is a description, and a line with the formula.
#
# `check_op` compares it with finite differences, also the second derivative, and in float32:

# %%
check_op(pseudo_huber, np.array([0.0, 0.5, -3.0]))  # silent: it is right

# %% [markdown]
# Predict: if one writes `g * x` in place of `g * x / (out + 1)`, for which x of 0, 0.5 and -3 is
# the derivative still right?

# %%
guess = ...  # a number
reveal(guess, 0)

# %% [markdown]
# ## Exercise 12.1: the squared ReLU
#
# max(x, 0)² is used in some transformers: below 0 it is flat, above it grows. What is its slope?
# Declare it as an op inside of the function, and return the op. `check` runs `check_op` on it.


# %%
def declare_squared_relu():
    """A new op, which computes max(x, 0)²."""

    # solution 12.1
    @op(None, lambda g, x: 2 * g * np.maximum(x, 0), elementwise=True, method=False)
    def squared_relu(x):
        """Square of the rectifier.
        y = max(x, 0)²,  ∂L/∂x = 2 g max(x, 0)"""
        return np.maximum(x, 0) ** 2

    return squared_relu
    # end


check("12.1", declare_squared_relu)

# %% [markdown]
# ## A task: say it backward
#
# The transformer gets four digits and a `=`, and continues with the digits in reverse. It reads and
# writes tokens: 0 to 9 for digits, and 10 for `=`.

# %%
rng = np.random.default_rng(0)
DIGITS, EQUALS, TOKENS = 4, 10, 11


def sequences(n):
    """n random sequences, as 3 1 4 1 = 1 4 1 3, of shape (n, 9)."""
    digits = rng.integers(0, 10, (n, DIGITS))
    return np.concatenate([digits, np.full((n, 1), EQUALS), digits[:, ::-1]], axis=1)


print(sequences(2))

# %% [markdown]
# At each position it shall say what comes *next*. So all sequences but their last token are the
# input x, and all but their first the targets t. A network that knows nothing says 1/11 for each
# token. Predict its cross-entropy:

# %%
guess = ...  # a number
reveal(guess, np.log(TOKENS))

# %% [markdown]
# ## Do not look ahead
#
# All positions are computed at once, and position 2 could simply look at position 3, which holds
# its target. A *causal mask* forbids that: a table of truth values, one row for each query, one
# column for each key, which is True where a query may look. Each position may look at itself and at
# those before it.
#
# Predict: how many of the 9 entries are True, for three positions?

# %%
guess = ...  # a number
reveal(guess, (F.attention_weights(np.ones((3, 1)), np.ones((3, 1)), is_causal=True) > 0).sum())

# %% [markdown]
# ## Exercise 12.2: the causal mask


# %%
def causal_mask(n):
    """An array of truth values of shape (n, n): may query i look at key j?"""
    # solution 12.2
    return np.arange(n)[:, None] >= np.arange(n)
    # end


check("12.2", causal_mask)

# %% [markdown]
# ## The transformer
#
# Each token becomes a vector of 32 numbers, and so does each position, and both are added. Then
# come two steps, each *added* to what was there, as in lesson 4:
#
# 1. attention: positions exchange what they know;
# 2. two dense layers: each position for itself.


# %%
class Transformer(nn.Module):
    """Tokens (N, T) to the logits of the next tokens (N, T, 11)."""

    def __init__(self, mask, activation, width=32):
        self.mask, self.activation = mask, activation
        self.token = nn.Embedding(TOKENS, width)
        self.position = nn.Embedding(2 * DIGITS, width)
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.q, self.k, self.v = (nn.Dense(width, width) for _ in range(3))
        self.up, self.down = nn.Dense(width, 2 * width), nn.Dense(2 * width, width)
        self.last = nn.Dense(width, TOKENS)

    def embedded(self, x):
        """What goes into the attention."""
        return self.token(x) + self.position(np.arange(x.shape[1]))

    def weights(self, h):
        """How much each position takes from each other one."""
        return F.attention_weights(self.q(h), self.k(h), self.mask(h.shape[1]))

    def forward(self, x):
        """The logits."""
        h = self.embedded(x)
        normed = self.norm1(h)
        h = h + self.weights(normed) @ self.v(normed)
        h = h + self.down(self.activation(self.up(self.norm2(h))))
        return self.last(h)


# %% [markdown]
# ## Exercise 12.3: a training step
#
# For any model that returns logits. `nn.cross_entropy(logits, t)` is the mean over all positions.


# %%
def training_step(model, optimizer, x, t):
    """Make one step, and return the loss before it as a number."""
    # solution 12.3
    loss = nn.cross_entropy(model(x), t)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()
    # end


check("12.3", training_step)

# %% [markdown]
# ## Train it
#
# With `mine = True` this cell trains with *your* op, mask and step; do that once all three are
# right. It takes a few seconds. (Only the positions from `=` on are part of its loss: what comes
# before is random, and cannot be known.)

# %%
mine = False  # True: with your own parts


def mask_of(n):
    """The mask."""
    return causal_mask(n) if mine else np.tri(n, dtype=bool)


class FromEquals(nn.Module):
    """The part of the logits that can be known."""

    def __init__(self, model):
        self.model = model

    def forward(self, x):
        """The logits from `=` on."""
        return self.model(x)[:, DIGITS:]


nn.manual_seed(0)
transformer = Transformer(mask_of, declare_squared_relu() if mine else ops.relu)
model = FromEquals(transformer)
optimizer = nn.Adam(model.parameters(), lr=0.01)
losses = []
for _ in range(120):
    batch = sequences(32)
    x, t = batch[:, :-1], batch[:, DIGITS + 1 :]
    if mine:
        losses.append(training_step(model, optimizer, x, t))
    else:
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), t)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
show(curves({"loss": (range(120), losses)}, x="step"), "12-loss")

# %% [markdown]
# How many of the digits of sequences that it has not seen does it say right?

# %%
batch = sequences(500)
said = model(batch[:, :-1]).data.argmax(axis=-1)
print(f"right: {np.mean(said == batch[:, DIGITS + 1 :]):.1%}")

# %% [markdown]
# How does it do that? Predict: while it says the *first* digit after `=`, which position does it
# look at most, 0, 1, 2 or 3?

# %%
h = transformer.norm1(transformer.embedded(batch[:, :-1]))
looks = transformer.weights(h).data.mean(axis=0)
guess = ...  # a number
reveal(guess, looks[DIGITS].argmax())

# %% [markdown]
# Nobody told it. Here is where each of the four positions looks, on average:

# %%
names = ("says digit 1", "says digit 2", "says digit 3", "says digit 4")
show(
    curves(
        {name: (range(8), row) for name, row in zip(names, looks[DIGITS:], strict=True)},
        x="looks at position",
        y="weight",
    ),
    "12-looks",
)

# %% [markdown]
# ## Exercise 12.4: let it write
#
# A transformer writes one token at a time: it reads all tokens so far, the logits at the *last*
# position say what comes next, the largest wins and is appended. Then again.
#
# `model` takes an array of shape (1, T), and returns logits of shape (1, T, tokens).


# %%
def write(model, tokens, n):
    """The list of the given tokens and of n more."""
    # solution 12.4
    tokens = list(tokens)
    for _ in range(n):
        logits = model(np.array([tokens]))
        tokens.append(int(logits[0, -1].argmax()))
    return tokens
    # end


check("12.4", write)

# %% [markdown]
# Once it is right, run `write(transformer, [3, 1, 4, 1, EQUALS], 4)` in a cell of your own.
#
# ## All of it
#
# The graph of one loss, from the tokens to the number. Fold the boxes that you know, and step
# backward through it. Most of these slopes you have derived yourself.

# %%
with observe():
    batch = sequences(2)
    loss = nn.cross_entropy(model(batch[:, :-1]), batch[:, DIGITS + 1 :])
    loss.backward()
show(draw_graph(loss), "12-transformer")

# %% [markdown]
# ## How the engine does it
#
# How does it know that your lambda reads `x`? By the name of the parameter, which Python keeps in
# the function. `slots` are the places of those values in a call:

# %%
source_of(VJP.__init__, "self.function = ", "self.slots = ")

# %% [markdown]
# And `nn.TransformerBlock` has the same two sums as yours, each around a norm:

# %%
source_of(nn.TransformerBlock.forward, "if self.norm_first", "return x +")

# %% [markdown]
# ## In short
#
# - An op is a forward, and upstream × local slope for each argument. `check_op`
# compares it with finite differences.
# - A transformer is what you know: embeddings, attention, dense layers, sums, softmax and
#   cross-entropy.
# - The causal mask makes it possible to train on all positions at once.
# - It learns where to look by gradients alone.
#
# That was the last lesson. From here: the [own-op page](../docs/own-op.md), the [derivation with
# all mistakes](../docs/from-scratch.md), and the engine itself, whose core you can read in an
# evening.
