# %% [markdown]
# # 7 Gradients of matrices
#
# **You need** [lesson 5](05_what_broadcasting_spreads.py) for the bias, and what a product of
# matrices is.
#
# **You will be able to** find the gradients of any product of matrices in a minute, by shapes and
# by one rule, and go backward through a network of two layers by hand.
#
# About 40 minutes.

# %%
import numpy as np

from course import check, hint, reveal, show, solution, source_of
from tinygrad_edu import Tensor, draw_graph, observe, ops, trace
from tinygrad_edu.ops import products

# %% [markdown]
# ## One entry first
#
# y = x w, with one example in each row of x:
#
# ```text
#       x          w          y
#     (N, k)  @  (k, m)  =  (N, m)          y[n, j] = Σ over i of x[n, i] w[i, j]
# ```
#
# Predict: let x be (4, 3) and w (3, 2). In how many entries of y is the one entry w[0, 1] used?

# %%
x, w = np.ones((4, 3)), np.ones((3, 2))
changed = w.copy()
changed[0, 1] = 5.0
guess = ...  # a number
reveal(guess, (x @ changed != x @ w).sum())

# %% [markdown]
# It is used once in each row n, there multiplied by x[n, 0], and counts for y[n, 1]. No new rule is
# needed: each use sends upstream × local, and they are added.
#
# ## Exercise 7.1: the gradient of one entry
#
# Loops and sums of single numbers will do. `g` is the gradient of y = x w.


# %%
def gradient_of_entry(x, g, i, j):
    """The gradient of the one number w[i, j] in y = x @ w."""
    # solution 7.1
    return sum(x[n, i] * g[n, j] for n in range(len(x)))
    # end


check("7.1", gradient_of_entry)

# %% [markdown]
# ## All entries at once
#
# Σ over n of x[n, i] g[n, j] is again a product of matrices: the entry (i, j) of **xᵀ g**. You need
# not remember that, since the **shapes** leave no choice. The gradient of w has the shape of w, and
# is made of g and of what w was multiplied by:
#
# ```text
#    gradient of w, (k, m)  =  xᵀ (k, N)  @  g (N, m)
#    gradient of x, (N, k)  =   ?         @   ?
# ```
#
# Predict: x is (5, 3) and w is (3, 2). Which shape has the second factor in the gradient of x, the
# one at the last `?`

# %%
guess = ...  # a shape, as (7, 7)
reveal(guess, np.ones((3, 2)).T.shape)

# %% [markdown]
# ## Exercise 7.2: both gradients of a product


# %%
def gradients_of_matmul(x, w, g):
    """The gradients of x and of w, from the gradient g of y = x @ w."""
    # solution 7.2
    return g @ w.T, x.T @ g
    # end


check("7.2", gradients_of_matmul)

# %% [markdown]
# ## The rule behind it
#
# Where all sizes are equal, shapes decide nothing. Then this does. Move w a little, by dw. The loss
# moves by the sum of all entries of g ∘ (x dw), where ∘ multiplies entry by entry. Write such a sum
# as ⟨g, x dw⟩. A factor may move over the comma if it is transposed; left stays left, and right
# stays right:
#
# ```text
#    ⟨g, x dw⟩ = ⟨xᵀ g, dw⟩          ⟨g, dx w⟩ = ⟨g wᵀ, dx⟩
# ```
#
# What stands beside dw at the end is the gradient of w. (With ⟨a, b⟩ = tr(aᵀ b) it is the trace
# that allows this.) Test it with random numbers:

# %%
rng = np.random.default_rng(0)
g, x, dw = rng.normal(size=(3, 3, 3))
print((g * (x @ dw)).sum(), (x.T @ g * dw).sum())

# %% [markdown]
# It works for longer products too. Predict: in y = a w b with three matrices, is the gradient of w
# aᵀ g bᵀ, bᵀ g aᵀ, or g aᵀ bᵀ? Move a away first, then b.

# %%
guess = ...  # "aᵀ g bᵀ", "bᵀ g aᵀ" or "g aᵀ bᵀ"
a, w, b = (Tensor(m, requires_grad=True) for m in rng.normal(size=(3, 3, 3)))
(a @ w @ b).backward(g)
candidates = {
    "aᵀ g bᵀ": a.data.T @ g @ b.data.T,
    "bᵀ g aᵀ": b.data.T @ g @ a.data.T,
    "g aᵀ bᵀ": g @ a.data.T @ b.data.T,
}
reveal(guess, next(name for name in candidates if np.allclose(candidates[name], w.grad)))

# %% [markdown]
# ## Exercise 7.3: all similarities
#
# s = x xᵀ holds the dot product of each row of x with each other row. x is used twice, once
# transposed. ⟨g, dx xᵀ⟩ is the one contribution and ⟨g, x dxᵀ⟩ the other; ⟨a, b⟩ = ⟨aᵀ, bᵀ⟩ helps
# with the second. (g need not be symmetric.)


# %%
def gradient_of_similarities(x, g):
    """The gradient of x, from the gradient g of s = x @ x.T."""
    # solution 7.3
    return g @ x + g.T @ x
    # end


check("7.3", gradient_of_similarities)

# %% [markdown]
# ## A dense layer
#
# Three operations: a product, a bias, and an activation. Look at it with numbers: where does relu
# let nothing through?

# %%
x = Tensor([[1.0, 2.0], [-1.0, 1.0]], requires_grad=True, name="x")
w = Tensor([[1.0, -1.0, 0.5], [0.5, 1.0, -1.0]], requires_grad=True, name="w")
b = Tensor([0.0, 0.5, 0.0], requires_grad=True, name="b")
with observe():
    h = (x @ w + b).relu()
    loss = (h * h).mean()
    loss.backward()
show(draw_graph(loss), "07-dense")

# %% [markdown]
# ## Exercise 7.4: backward through a dense layer
#
# h = relu(x w + b), where relu(z) is z where z is positive, and 0 elsewhere.


# %%
def gradients_of_dense(x, w, b, g):
    """The gradients of x, w and b, from the gradient g of h."""
    # solution 7.4
    g_z = g * (x @ w + b > 0)
    return g_z @ w.T, x.T @ g_z, g_z.sum(axis=0)
    # end


check("7.4", gradients_of_dense)

# %% [markdown]
# ## Exercise 7.5: a network of two layers
#
# z = x w1 + b1, h = tanh z, y = h w2 + b2, and the loss is the mean of (y - t)² over **all**
# entries of y. Compute forward, then backward: one line for each step. If you are stuck, return
# what you have, with None for the rest: the check says which gradient is the first wrong one.


# %%
def backward_of_network(x, w1, b1, w2, b2, t):
    """The gradients of w1, b1, w2 and b2."""
    # solution 7.5
    h = np.tanh(x @ w1 + b1)
    y = h @ w2 + b2
    g_y = 2 * (y - t) / y.size
    g_z = g_y @ w2.T * (1 - h**2)
    return x.T @ g_z, g_z.sum(axis=0), h.T @ g_y, g_y.sum(axis=0)
    # end


check("7.5", backward_of_network)

# %% [markdown]
# ## How the engine does it
#
# The declaration of the product. Its derivatives are functions of `g` and of the other factor, for
# matrices just your two lines; the rest is for vectors and for stacks of matrices:

# %%
source_of(ops.matmul)
source_of(products._left)
source_of(products._right, "def _right", "return x.T")

# %% [markdown]
# `trace` writes down what the engine does in a backward pass, as a program of NumPy alone. Compare
# it with yours, line by line:

# %%
sizes = {"w1": (2, 3), "b1": 3, "w2": (3, 1), "b2": 1}
p = {
    name: Tensor(rng.normal(size=size), requires_grad=True, name=name)
    for name, size in sizes.items()
}


def network(x, t):
    z = x @ p["w1"] + p["b1"]
    h = np.tanh(z)
    y = h @ p["w2"] + p["b2"]
    return ((y - t) ** 2).mean()


program = trace(network, rng.normal(size=(4, 2)), rng.normal(size=(4, 1)))
print(program.code[program.code.index("    # backward") :])

# %% [markdown]
# `d_subtract` is your g_y, and `d_h - d_h * h * h` is g_h (1 - h²). x requires no gradient, so g_z
# w1ᵀ is not computed. [The same for real handwritten digits](../docs/from-scratch.md), with relu
# and cross-entropy, is one of the documents.
#
# ## In short
#
# - The gradient of w in x w is xᵀ g, that of x is g wᵀ: the shapes say so.
# - ⟨g, x dw⟩ = ⟨xᵀ g, dw⟩: a factor moves over the comma transposed; left stays left.
# - A layer backward: times the activation's slope, then xᵀ g, g wᵀ and the sum over the batch.
#
# Lesson 8 has the loss of every classifier.
