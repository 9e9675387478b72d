# %% [markdown]
# # 4 Branches add
#
# **You need** [lesson 3](03_the_chain_rule.py): upstream × local = contribution.
#
# **You will be able to** say what happens where a value is used twice, write a whole backward pass
# in five lines, and tell why the engine can do a million paths in twenty steps.
#
# About 30 minutes.

# %%
import numpy as np

from course import check, hint, reveal, show, solution, source_of
from tinygrad_edu import Tensor, draw_graph, explain, observe
from tinygrad_edu.graph import sweep

# %% [markdown]
# ## One knob, two effects
#
# If a knob turns two things, and both turn the result, then the result gets both changes. Predict
# the slope of x + x at x = 5, without a formula: turn x by 0.001. By how much does x + x change,
# per 0.001?

# %%
guess = ...  # a number
reveal(guess, ((5.001 + 5.001) - (5 + 5)) / 0.001)

# %% [markdown]
# Now x · x at x = 5. Each use sends a contribution, which is the other factor. Predict their sum:

# %%
x = Tensor(5.0, requires_grad=True, name="x")
with observe():
    y = x * x
    y.backward()
guess = ...  # a number
reveal(guess, x.grad)

# %% [markdown]
# **Step ▶** to the backward pass: one operation sends two contributions to x, and the bar below x
# fills in two steps.

# %%
show(draw_graph(y), "04-square")

# %% [markdown]
# Along a chain slopes are **multiplied**; where branches meet contributions are **added**. There is
# no third rule.
#
# ## Exercise 4.1: x tanh x
#
# It uses x twice: as a factor, and inside of tanh.


# %%
def slope_of_x_tanh_x(x):
    """The slope of x tanh x."""
    # solution 4.1
    h = np.tanh(x)
    return h + x * (1 - h**2)
    # end


check("4.1", slope_of_x_tanh_x)

# %% [markdown]
# ## Exercise 4.2: add up
#
# In a backward pass contributions arrive one by one, each with the name of the value that it is
# for. Return the gradient of each name. The arrays that you are given belong to others, so leave
# them as they are.


# %%
def accumulate(contributions):
    """A dict from names to gradients, from a list of pairs (name, array)."""
    # solution 4.2
    found = {}
    for name, contribution in contributions:
        found[name] = found[name] + contribution if name in found else contribution.copy()
    return found
    # end


check("4.2", accumulate)

# %% [markdown]
# ## Also from one backward() to the next
#
# `.grad` adds up, too: that is the same rule, since the sum of two losses sends both contributions.
# Predict: what is `w.grad` after this?

# %%
w = Tensor(1.0, requires_grad=True, name="w")
(3 * w).backward()
(3 * w).backward()
guess = ...  # a number
reveal(guess, w.grad)

# %% [markdown]
# If you do not want that, clear it in between: `w.grad = None`, or an optimizer's `zero_grad()`. To
# forget this is a usual mistake in training loops.
#
# ## A way around
#
# In lesson 3 ten tanh in a row let almost nothing through. Now let each step also pass on its input
# as it is: x + tanh(x), a *residual* step. Predict: is the gradient of x now smaller than 1, or
# larger?

# %%
x = Tensor(1.0, requires_grad=True, name="x")
with observe():
    out = x
    for _ in range(4):
        out = out + np.tanh(out)
    out.backward()
guess = ...  # "smaller" or "larger"
reveal(guess, "larger" if x.grad > 1 else "smaller")

# %%
show(draw_graph(out, color="gradient"), "04-residual")

# %% [markdown]
# ## Exercise 4.3: the gradients of a residual step


# %%
def gradients_of_residual(x, w):
    """The gradients of (x + tanh(w x))² with respect to x and to w."""
    # solution 4.3
    h = np.tanh(w * x)
    g = 2 * (x + h)
    g_z = g * (1 - h**2)
    return g + g_z * w, g_z * x
    # end


check("4.3", gradients_of_residual)

# %% [markdown]
# ## A million paths in twenty steps
#
# A gradient is the sum over all paths from the result to the value, of the product of the slopes
# along each. For small graphs one can write that out:

# %%
a = Tensor(3.0, requires_grad=True, name="a")
with observe():
    square = a * a
    cube = square * a
    cube.backward()
print(explain(cube, a))

# %% [markdown]
# Let y = x, and twenty times y = y + y. Predict: how many paths lead from the result to x?

# %%
guess = ...  # a number
reveal(guess, 2**20)

# %% [markdown]
# The backward pass does not walk them. It adds up what has arrived at a value *before* it goes on
# from there, so each edge is used once: here 40.
#
# ## Exercise 4.4: the whole backward pass
#
# Given are the edges of a graph from x to y, in the order of the forward pass: `(a, b, slope)` says
# that b is computed from a, with this local slope. Return the gradients of y with respect to all
# names, y included.


# %%
def sweep_back(edges):
    """A dict from names to the gradients of "y"."""
    # solution 4.4
    gradients = dict.fromkeys([name for a, b, _ in edges for name in (a, b)], 0.0)
    gradients["y"] = 1.0
    for a, b, slope in reversed(edges):
        gradients[a] += gradients[b] * slope
    return gradients
    # end


check("4.4", sweep_back)

# %% [markdown]
# ## How the engine does it
#
# These are the lines of its backward pass that add. `source` is the node that the contribution
# `part` is for:

# %%
source_of(sweep, "so_far = gradients.get(source)", "owned.add(source)")
source_of(sweep, "elif source in owned", "gradients[source] = total")

# %% [markdown]
# `owned` is the answer to exercise 4.2: where the array is the engine's own, and nobody else can
# see it, it may add in place, which is faster.
#
# ## In short
#
# - Slopes multiply along a chain, contributions add where branches meet.
# - `.grad` adds up over several calls of `backward()`, too.
# - A way around an operation lets the gradient pass.
# - Adding up before going on makes the work grow with the edges, not with the paths.
#
# Lesson 5 has arrays: one number may be used for many elements, and each use sends a contribution.
