# %% [markdown]
# # 5 What broadcasting spreads, the gradient sums
#
# **You need** [lesson 4](04_branches_add.py): a value that is used twice receives two
# contributions.
#
# **You will be able to** say from shapes alone over which axes a gradient is summed, write that sum
# once for all operations, and notice a broadcast that you did not want.
#
# About 30 minutes.

# %%
import numpy as np

from course import check, hint, reveal, show, solution, source_of
from tinygrad_edu import Tensor, draw_graph, observe, ops
from tinygrad_edu.graph import unbroadcast

# %% [markdown]
# ## One number, many uses
#
# From now on values are arrays. NumPy lets you add one number to a whole array:

# %%
x = Tensor([[1.0, 2.0], [3.0, 4.0], [5.0, 6.0]], name="x")
c = Tensor(10.0, requires_grad=True, name="c")
total = (x + c).sum()
print(total)

# %% [markdown]
# The one c was used for each element of x. Predict: if c grows by 1, by how much does `total` grow?

# %%
total.backward()
guess = ...  # a number
reveal(guess, c.grad)

# %% [markdown]
# That is lesson 4 again: each use sends a contribution, here 1, and they are added. Now b is a row,
# and each row of x gets a copy of it. Its elements count differently for the loss:

# %%
b = Tensor([10.0, 20.0], requires_grad=True, name="b")
with observe():
    y = x + b
    loss = (y * np.array([[1.0, 0.0], [1.0, 5.0], [1.0, 0.5]])).sum()
    loss.backward()

# %% [markdown]
# The gradient of y is the array of weights in this loss. Predict the gradient of b:

# %%
guess = ...  # two numbers, as [1, 2]
reveal(guess, b.grad)

# %% [markdown]
# **Step ▶** to the edge from `add` to b, and look at the shapes: what arrives has shape (3, 2),
# what b receives has (2,).

# %%
show(draw_graph(loss), "05-row")

# %% [markdown]
# ## Exercise 5.1: a bias's gradient
#
# `g` is the gradient of the loss with respect to y = x + b, where x and y have shape (N, k), and b
# has (k,).


# %%
def bias_gradient(g):
    """The gradient of b, from the gradient g of y = x + b."""
    # solution 5.1
    return g.sum(axis=0)
    # end


check("5.1", bias_gradient)

# %% [markdown]
# ## Which axes are spread
#
# NumPy writes shapes below each other, aligned at the **right**. Two sizes that meet have to be
# equal, or one of them is 1; an axis that is missing counts as 1. An axis of size 1 is repeated:
#
# ```text
#  x   (4, 3)
#  b      (3,)    the same row 4 times      its gradient: summed over axis 0
#  c   (4, 1)     the same column 3 times   its gradient: summed over axis 1
# ```
#
# Predict: which shape has the sum of a column of shape (4, 1) and a row of shape (3,)?

# %%
guess = ...  # a shape, as (2, 2)
reveal(guess, (np.zeros((4, 1)) + np.zeros(3)).shape)

# %% [markdown]
# ## Exercise 5.2: a table of products
#
# z = x · y, where x is a column of shape (n, 1) and y a row of shape (m,), so z has shape (n, m)
# and holds all products. `g` is the gradient of the loss with respect to z. A gradient has the
# shape of what it belongs to.


# %%
def gradients_of_table(x, y, g):
    """The gradients of x and of y, from the gradient g of z = x * y."""
    # solution 5.2
    return (g * y).sum(axis=1, keepdims=True), (g * x).sum(axis=0)
    # end


check("5.2", gradients_of_table)

# %% [markdown]
# ## Exercise 5.3: once for all
#
# Every operation with two arguments can broadcast. So the engine has one function that sums a
# gradient to the shape of the argument. Write it: first the axes that the argument does not have,
# then those where its size is 1.


# %%
def summed_to(g, shape):
    """g, summed to the shape of an argument that was broadcast to g.shape."""
    # solution 5.3
    missing = g.ndim - len(shape)
    g = g.sum(axis=tuple(range(missing)))
    stretched = tuple(axis for axis, size in enumerate(shape) if size == 1)
    return g.sum(axis=stretched, keepdims=True)
    # end


check("5.3", summed_to)

# %% [markdown]
# ## The other way around
#
# A sum collects: each element counts once, so each receives the sum's gradient. *What a sum
# collects, the gradient spreads.* Predict: what does each of the four elements receive from their
# **mean**?

# %%
x = Tensor([1.0, 2.0, 3.0, 6.0], requires_grad=True, name="x")
x.mean().backward()
guess = ...  # a number
reveal(guess, x.grad[0])

# %% [markdown]
# ## Exercise 5.4: centered
#
# `y = x - x.mean(axis=0)`: from each column its mean m is subtracted. So x has two ways to y, one
# of them through m, which is collected from all rows, and then spread over all rows. Normalization
# layers begin like this.


# %%
def gradient_of_centered(g):
    """The gradient of x, from the gradient g of y; all have shape (N, k)."""
    # solution 5.4
    g_mean = -g.sum(axis=0)
    return g + g_mean / len(g)
    # end


check("5.4", gradient_of_centered)

# %% [markdown]
# ## A broadcast that nobody wanted
#
# A model returns a column of shape (3, 1), and the targets have shape (3,). All three predictions
# are right. Predict: what is the mean squared error?

# %%
predictions, targets = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0])
guess = ...  # a number
reveal(guess, ((predictions - targets) ** 2).mean())

# %% [markdown]
# The difference has shape (3, 3): each prediction minus each target. No error is raised, and
# training then pulls all predictions to the mean of the targets. Print the shape when a loss will
# not fall.
#
# ## How the engine does it
#
# The declaration of `+` knows nothing of shapes. `g` is passed on as it is:

# %%
source_of(ops.add)

# %% [markdown]
# Whatever an operation returns is fitted afterwards, in one place for all operations. `accumulator`
# chooses a dtype in which long sums stay exact:

# %%
source_of(unbroadcast)

# %% [markdown]
# And this is the other way around, for `sum`: the gradient is spread over the shape that x had,
# which is `like`.

# %%
source_of(ops.sum, "@op(", "∂L/∂")

# %% [markdown]
# ## In short
#
# - Broadcasting uses one element many times, so its gradient is a sum.
# - Align the shapes at the right: sum over axes that are missing or 1.
# - A gradient has the shape of what it belongs to.
# - A sum's gradient is spread, a mean's is spread and divided by N.
#
# In lesson 6 you write an engine of your own, for single numbers, with all that you know by now.
