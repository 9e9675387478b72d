# %% [markdown]
# # 9 An optimizer
#
# **You need** lesson 1 (downhill is against the slope), and lesson 4 (`.grad` adds up).
#
# **You will be able to** write gradient descent, momentum and Adam, and say which learning rates
# are too large, and why.
#
# About 35 minutes.

# %%
import numpy as np

import nn
from course import check, hint, reveal, show, solution, source_of
from course.curves import curves
from nn.optim.optimizer import average
from tinygrad_edu import Tensor

# %% [markdown]
# ## One step
#
# An optimizer does one thing: it changes each parameter, given its gradient. Gradient descent is
# the shortest, **w ← w - lr g**, where lr is the learning rate.
#
# Take the simplest valley, a w² / 2. Its slope is a w. The number a says how fast the slope itself
# changes: the *curvature*. Predict: with a = 10 and lr = 0.05, where does one step from w = 1 end?

# %%
guess = ...  # a number
reveal(guess, 1 - 0.05 * 10 * 1)

# %% [markdown]
# The next step does the same to where you are then. So in this valley each step *multiplies* w by a
# number.
#
# ## Exercise 9.1: what each step multiplies by


# %%
def factor_per_step(a, lr):
    """What one step of gradient descent multiplies w by, in the valley a w² / 2."""
    # solution 9.1
    return 1 - lr * a
    # end


check("9.1", factor_per_step)

# %% [markdown]
# ## Too large
#
# Predict: a = 10, w = 1, and lr = 0.3. Where is w after three steps?

# %%
guess = ...  # a number
reveal(guess, (1 - 0.3 * 10) ** 3)

# %% [markdown]
# Each step jumps over the valley and lands higher than it was. And which learning rate is the
# largest with which w does not grow, for a = 10?

# %%
guess = ...  # a number
reveal(guess, 2 / 10)

# %% [markdown]
# Four learning rates, by `nn.SGD`. Which one would you take?


# %%
def path(optimizer, start, curvature, steps):
    """Where the parameters are, step by step, in the valley Σ a w² / 2."""
    w = Tensor(start, requires_grad=True)
    moving = optimizer([w])
    places = [w.data.copy()]
    for _ in range(steps):
        moving.zero_grad()
        (w * w * curvature / 2).sum().backward()
        moving.step()
        places.append(w.data.copy())
    return np.array(places)


steps = np.arange(13)
show(
    curves(
        {
            f"lr = {lr}": (steps, path(lambda p, lr=lr: nn.SGD(p, lr=lr), [1.0], 10, 12)[:, 0])
            for lr in (0.01, 0.1, 0.19, 0.205)
        },
        x="step",
        y="w",
    ),
    "09-rates",
)

# %% [markdown]
# Real losses have many directions, each with its own curvature. The steepest sets the limit, 2 / a,
# and the flattest then takes forever. Here one is 50 times as steep as the other. The minimum is at
# (0, 0):

# %%
valley = np.array([1.0, 50.0])
start = [4.0, 1.0]
plain = path(lambda p: nn.SGD(p, lr=0.037), start, valley, 30)
show(
    curves(
        {"lr = 0.037": plain.T},
        {"minimum": (0, 0), "after 30 steps": plain[-1]},
        x="flat",
        y="steep",
    ),
    "09-zigzag",
)

# %% [markdown]
# ## Momentum
#
# The steep direction's gradients alternate in sign, the flat one's all point the same way. So add
# gradients up, while old ones fade: what alternates cancels, what agrees grows.
#
# **v ← μ v + g**, then **w ← w - lr v**. The first v is g. Often μ = 0.9.
#
# Predict: if g = 1 in every step, and μ = 0.9, which value does v come near?

# %%
guess = ...  # a number
reveal(guess, 1 / (1 - 0.9))

# %% [markdown]
# ## Exercise 9.2: momentum
#
# The gradients of all steps are given, as a list of arrays. In a training each one depends on where
# you are; the rule does not care.


# %%
def momentum_steps(w, gradients, lr, mu):
    """Where w is after one step for each gradient."""
    # solution 9.2
    v = 0
    for g in gradients:
        v = mu * v + g
        w = w - lr * v
    return w
    # end


check("9.2", momentum_steps)

# %% [markdown]
# ## Adam
#
# Another idea: give each parameter a step of its own size. Keep two moving averages, of g and of
# g², and divide:
#
# - m ← β₁ m + (1 - β₁) g
# - v ← β₂ v + (1 - β₂) g²
# - w ← w - lr m̂ / (√v̂ + ε)
#
# Here β₁ = 0.9, β₂ = 0.999, and ε = 10⁻⁸ only keeps from dividing by 0.
#
# Both averages start at 0, so at first they are too small. Predict: g = 2 in the first step. What
# is v, after the second line?

# %%
guess = ...  # a number
reveal(guess, 0.001 * 2**2)

# %% [markdown]
# But g² is 4. After t steps the weights in an average sum to 1 - βᵗ instead of 1, so that is what
# one divides by: **m̂ = m / (1 - β₁ᵗ)** and **v̂ = v / (1 - β₂ᵗ)**, where t = 1 in the first step.
# This is the *bias correction*.
#
# Predict: how long is Adam's first step for g = 2, with lr = 0.1? And for g = 2000?

# %%
guess = ...  # two numbers, as (a, b)
reveal(guess, (0.1, 0.1))

# %% [markdown]
# ## Exercise 9.3: Adam


# %%
def adam_steps(w, gradients, lr, beta1, beta2, eps):
    """Where w is after one step for each gradient."""
    # solution 9.3
    m = v = 0
    for t, g in enumerate(gradients, start=1):
        m = beta1 * m + (1 - beta1) * g
        v = beta2 * v + (1 - beta2) * g**2
        m_hat, v_hat = m / (1 - beta1**t), v / (1 - beta2**t)
        w = w - lr * m_hat / (np.sqrt(v_hat) + eps)
    return w
    # end


check("9.3", adam_steps)

# %% [markdown]
# All three in the valley from above. Before you look, predict which of them does not move along a
# zigzag at first, but straight at 45°:

# %%
guess = ...  # "descent", "momentum" or "Adam"
reveal(guess, "Adam")

# %%
optimizers = {
    "descent": lambda p: nn.SGD(p, lr=0.037),
    "momentum": lambda p: nn.SGD(p, lr=0.01, momentum=0.8),
    "Adam": lambda p: nn.Adam(p, lr=0.3),
}
paths = {name: path(optimizer, start, valley, 30) for name, optimizer in optimizers.items()}
show(
    curves({name: p.T for name, p in paths.items()}, {"minimum": (0, 0)}, "flat", "steep"),
    "09-paths",
)

# %%
losses = {name: (valley * p**2 / 2).sum(axis=1) for name, p in paths.items()}
show(
    curves(
        {name: (range(31), np.log10(loss)) for name, loss in losses.items()},
        x="step",
        y="log₁₀ of the loss",
    ),
    "09-losses",
)

# %% [markdown]
# ## Exercise 9.4: an optimizer for a training loop
#
# A model has several parameters of different shapes, so each needs a velocity of its own. Write the
# two methods that a training loop calls. A parameter that the loss does not depend on has the
# gradient None: leave it alone. Change the numbers of a parameter by `p.data = ...`.


# %%
class Momentum:
    """Momentum for a list of Tensors."""

    def __init__(self, parameters, lr, mu):
        self.parameters = list(parameters)
        self.lr, self.mu = lr, mu
        self.velocities = [0 for _ in self.parameters]

    def zero_grad(self):
        """Forget the gradients."""
        # solution 9.4
        for p in self.parameters:
            p.grad = None
        # end

    def step(self):
        """Change each parameter that has a gradient."""
        # solution 9.4
        for i, p in enumerate(self.parameters):
            if p.grad is not None:
                self.velocities[i] = self.mu * self.velocities[i] + p.grad
                p.data = p.data - self.lr * self.velocities[i]
        # end


check("9.4", Momentum)

# %% [markdown]
# ## How the engine does it
#
# The rule of `nn.SGD`. It works in the arrays that are there, so that no memory is needed anew; `v
# *= momentum` and `v += g` are the two halves of your line:

# %%
source_of(nn.SGD.update, "if momentum:", "v += ")
source_of(nn.SGD.update, "np.multiply(g, lr", "p -= ")

# %% [markdown]
# And Adam's. The root of 1 - β₂ᵗ is divided out of the root of v, which is the same as correcting v
# first:

# %%
source_of(nn.Adam.update, "m, v, t =", "beta1, beta2 =")
source_of(nn.Adam.update, "np.sqrt(v", "p -= ")

# %% [markdown]
# The moving average is β m + (1 - β) g, written so that one product is enough:

# %%
source_of(average)

# %% [markdown]
# ## In short
#
# - A step against the gradient, times lr. Above 2 / curvature it climbs.
# - Momentum adds up gradients: what alternates cancels, what agrees grows up to 1 / (1 - μ) times.
# - Adam divides by the size of the gradients, so its steps are about lr long, whatever the scale.
# - Averages that start at 0 are too small at first; bias correction mends that.
# - `zero_grad()`, `backward()`, `step()`: the optimizer only reads `.grad`.
#
# In lesson 10 all of this runs, and still nothing is learned.
