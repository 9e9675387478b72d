# %% [markdown]
# # 11 Convolution and attention, backward
#
# **You need** lesson 7 (gradients of matrices), lesson 8 (softmax), and lesson 4 (branches add).
#
# **You will be able to** derive the gradients of two layers that look hard, from one sentence: each
# use of a value sends a contribution.
#
# About 40 minutes.

# %%
import numpy as np

import nn.functional as F
from course import check, hint, reveal, show, solution, source_of
from course.curves import curves
from tinygrad_edu import Tensor, draw_graph, observe, ops
from tinygrad_edu.ops import activations, transformer

# %% [markdown]
# ## One kernel moves over everything
#
# A convolution has a small kernel w, lays it on x at each position, and adds up the products:
#
# **yᵢ = Σₖ xᵢ₊ₖ wₖ**
#
# The kernel (-1, 0, 1) subtracts the left neighbor from the right one. So it finds edges:

# %%
x = np.repeat([0.0, 2.0, 1.0], [8, 8, 8])
w = np.array([-1.0, 0.0, 1.0])
y = np.correlate(x, w, "valid")
show(curves({"x": (range(24), x), "y, at its middle": (range(1, 23), y)}, x="position"), "11-edges")

# %% [markdown]
# Predict: x has 6 elements, w has 3. How many has y?

# %%
guess = ...  # a number
reveal(guess, np.correlate(np.ones(6), np.ones(3), "valid").size)

# %% [markdown]
# And how often is w₁ used to compute this y? How often x₀, and how often x₂? With a gradient of 1
# for every yᵢ, and with ones everywhere, each use sends a contribution of 1, so the gradients count
# the uses:

# %%
xs, ws = Tensor(np.ones(6), requires_grad=True), Tensor(np.ones(3), requires_grad=True)
np.correlate(xs, ws, "valid").sum().backward()
guess = ...  # three numbers, as (a, b, c)
reveal(guess, (ws.grad[1], xs.grad[0], xs.grad[2]))

# %%
print("uses of each w:", ws.grad, "\nuses of each x:", xs.grad)

# %% [markdown]
# ## Exercise 11.1: the kernel's gradient
#
# Write down y₀ and y₁ for a kernel of two, and look where w₀ is. Its slope there is what it is
# multiplied by. Two loops are fine.


# %%
def kernel_gradient(x, w, g):
    """∂L/∂w, from the upstream gradient g of y."""
    # solution 11.1
    found = np.zeros(len(w))
    for i in range(len(g)):
        for k in range(len(w)):
            found[k] += g[i] * x[i + k]
    return found
    # end


check("11.1", kernel_gradient)

# %% [markdown]
# ## Exercise 11.2: the input's gradient
#
# Look at the same sum, yᵢ = Σₖ xᵢ₊ₖ wₖ, from the other side: into which y does x₂ go, and with
# which w?


# %%
def input_gradient(x, w, g):
    """∂L/∂x, from the upstream gradient g of y."""
    # solution 11.2
    found = np.zeros(len(x))
    for i in range(len(g)):
        found[i : i + len(w)] += g[i] * w
    return found
    # end


check("11.2", input_gradient)

# %% [markdown]
# So forward a position *gathers* from its neighbors, and backward it *adds* to the same neighbors.
# The kernel's gradient is itself a convolution: g moves over x.
#
# ## Softmax, alone
#
# In lesson 8 softmax and cross-entropy together had the gradient p minus one-hot. In attention
# softmax stands alone: p goes on, and any gradient g comes back.
#
# Add 5 to all scores of a row, and softmax returns the same. Predict: what is the sum of the
# gradients of a row of scores?

# %%
scores = Tensor([1.0, 2.0, 0.5], requires_grad=True)
(ops.softmax(scores) * [3.0, -1.0, 2.0]).sum().backward()
guess = ...  # a number
reveal(guess, scores.grad.sum().round(9) + 0.0)

# %% [markdown]
# Each pᵢ = e^sᵢ / Σ e^sⱼ depends on sᵢ in two ways: through its own e^sᵢ, and through the sum. And
# every other p depends on sᵢ through the sum. The slopes are:
#
# | | |
# |---|---|
# | of pᵢ with respect to sᵢ | pᵢ (1 - pᵢ) = pᵢ - pᵢ pᵢ |
# | of pⱼ with respect to sᵢ | - pⱼ pᵢ |
#
# ## Exercise 11.3: softmax backward
#
# Branches add: multiply each slope by its gⱼ, and add over j. Each row for itself.


# %%
def softmax_backward(p, g):
    """∂L/∂s, where p is the softmax of s along the last axis, and g is ∂L/∂p."""
    # solution 11.3
    return p * (g - (g * p).sum(axis=-1, keepdims=True))
    # end


check("11.3", softmax_backward)

# %% [markdown]
# ## Attention
#
# Each query asks all keys, and gets an average of the values, weighted by how well the keys match:
#
# - scores s = q kᵀ / √d, where d is the number of columns of q
# - weights p = softmax(s), each row for itself
# - out = p v
#
# Predict: if all keys are equal, what does each query get?

# %%
guess = ...  # "the first", "the mean" or "the sum" of the values
q, k, v = np.ones((1, 2)), np.ones((3, 2)), np.array([[1.0], [2.0], [6.0]])
got = F.scaled_dot_product_attention(q, k, v).item()
reveal(guess, {1: "the first", 3: "the mean", 9: "the sum"}[round(got)])

# %% [markdown]
# Step through it. Why does v receive its gradient before q and k do?

# %%
rng = np.random.default_rng(0)
q, k, v = (
    Tensor(rng.normal(size=(n, 2)), requires_grad=True, name=name)
    for n, name in ((2, "q"), (3, "k"), (3, "v"))
)
with observe():
    s = q @ k.T / np.sqrt(2)
    p = ops.softmax(s)
    out = p @ v
    loss = out.sum()
    loss.backward()

# %%
show(draw_graph(loss), "11-attention")

# %% [markdown]
# Here every element of out had the gradient 1. Predict: what is the sum of all of v's gradients?
# (Each row of p sums to 1.)

# %%
guess = ...  # a number
reveal(guess, v.grad.sum())

# %% [markdown]
# ## Exercise 11.4: attention backward
#
# q has the shape (L, d), k (S, d), v and g what fits. Compute p first, then go backward, with the
# rule of lesson 7 for each matrix product: if y = a b, then ∂L/∂a = g bᵀ and ∂L/∂b = aᵀ g. The
# shapes tell whether a transpose is missing.


# %%
def attention_backward(q, k, v, g):
    """The gradients of q, k and v, from the upstream gradient g of the output."""
    # solution 11.4
    scale = 1 / np.sqrt(q.shape[1])
    s = q @ k.T * scale
    p = np.exp(s - s.max(axis=1, keepdims=True))
    p /= p.sum(axis=1, keepdims=True)
    g_p = g @ v.T
    g_s = p * (g_p - (g_p * p).sum(axis=1, keepdims=True)) * scale
    return g_s @ k, g_s.T @ q, p.T @ g
    # end


check("11.4", attention_backward)

# %% [markdown]
# ## How the engine does it
#
# One-dimensional, two-dimensional, with batches and channels: all convolutions are this op. Its two
# lambdas are your two functions, and both are ops like it, so that they have derivatives, too:

# %%
source_of(ops.correlate)

# %% [markdown]
# As you have seen, the kernel's gradient is where g moves over x. The engine lays out what each
# kernel element meets as the columns of a matrix, and then it is one matrix product:

# %%
source_of(ops.correlate_weight)

# %% [markdown]
# Softmax backward is your line. Attention is an operation of its own, and its backward pass is
# yours: the same softmax in the middle, and a matrix product for each of q, k and v. Only the sum
# Σ g p is taken from where it is shorter, as g · y. (`kept` is for dropout, `came` asks whether
# somebody wants the weights' gradient, too.)

# %%
source_of(activations._softmax_vjp)
source_of(transformer._scores_vjp)
source_of(transformer._query_vjp)
source_of(transformer._key_vjp)
source_of(transformer._value_vjp)

# %% [markdown]
# ## In short
#
# - Find all uses of a value, and add up what they send: that derives every layer.
# - A shared kernel sums over all positions; an input sums over the positions that saw it.
# - Softmax backward is p (g - Σ g p): what is above the average goes up, the rest down.
# - Attention backward is three matrix products and a softmax.
#
# In lesson 12 you give the engine an operation of your own, and train a transformer.
