# %% [markdown]
# # 3 The chain rule, step by step
#
# **You need** [lesson 2](02_a_graph_is_a_recipe.py), and the slopes of x² and eˣ from school.
#
# **You will be able to** go backward through a graph by hand: at each step *upstream* × *local* =
# *contribution*. And you will see why a gradient can fade on its way.
#
# About 35 minutes.

# %%
import numpy as np

from course import check, hint, reveal, show, solution, source_of
from course.curves import curves
from tinygrad_edu import Tensor, draw_graph, explain, observe, ops
from tinygrad_edu.graph import sweep

# %% [markdown]
# ## Each operation knows one slope
#
# A long formula is a chain of small operations. The slope of each for itself is its **local**
# slope. It depends on where one is: on a steep part of a curve it is large, on a flat part small.
# Here is tanh:

# %%
xs = np.linspace(-4, 4, 200)
show(curves({"tanh x": (xs, np.tanh(xs)), "its slope": (xs, 1 - np.tanh(xs) ** 2)}), "03-tanh")

# %% [markdown]
# Predict: what is the slope of tanh at x = 0?

# %%
guess = ...  # a number
reveal(guess, 1 - np.tanh(0.0) ** 2)

# %% [markdown]
# ## Exercise 3.1: three local slopes


# %%
def local_slopes(x):
    """The slopes at x of x², of eˣ, and of tanh x."""
    # solution 3.1
    return 2 * x, np.exp(x), 1 - np.tanh(x) ** 2
    # end


check("3.1", local_slopes)

# %% [markdown]
# ## Along a chain
#
# x goes into one operation, its result into the next. Lesson 1 ended with: slopes along a chain are
# multiplied. Go from the end to the beginning, since then a single number is enough on the way:
# **upstream**, how much the end changes for each change *here*. One step back it is multiplied by
# the local slope, and is upstream for the step before.
#
# Predict: in a chain of three steps with the local slopes 2, 5 and 0.1, what is upstream of the
# first step, so before it is multiplied by 2?

# %%
guess = ...  # a number
reveal(guess, 1 * 0.1 * 5)

# %% [markdown]
# ## Exercise 3.2: all gradients of a chain
#
# A chain of n steps has n + 1 values: the input, what each step makes of it, and the last of them
# is the result. Return the gradient of the result with respect to each value, the input's first.


# %%
def backward_along(slopes):
    """The gradients of all values, for the local slopes of the steps, the first step's first."""
    # solution 3.2
    gradients = [1.0]
    for local in reversed(slopes):
        gradients.insert(0, gradients[0] * local)
    return gradients
    # end


check("3.2", backward_along)

# %% [markdown]
# ## Step through it
#
# Now with the engine: `observe()` keeps everything on the way. Before you step, predict: what is
# the contribution of the product to a? Upstream of it is about 0.64.

# %%
a = Tensor(2.0, requires_grad=True, name="a")
b = Tensor(0.5, requires_grad=True, name="b")
with observe():
    z = a * b
    h = np.tanh(z)
    y = np.square(h)
    y.backward()
guess = ...  # a number
reveal(guess, a.grad)

# %% [markdown]
# Press **Step ▶** until the backward pass begins, and watch the number that goes from box to box.
# Where does it shrink most, and why there?

# %%
show(draw_graph(y), "03-squared-tanh")

# %% [markdown]
# The same as text:

# %%
print(explain(y))

# %% [markdown]
# ## Exercise 3.3: by hand
#
# Without the engine: y = tanh(a b)². Write z and h first, then go backward.


# %%
def gradients_of_squared_tanh(a, b):
    """The gradients of tanh(a b)² with respect to a and to b."""
    # solution 3.3
    h = np.tanh(a * b)
    upstream = 2 * h * (1 - h**2)
    return upstream * b, upstream * a
    # end


check("3.3", gradients_of_squared_tanh)

# %% [markdown]
# ## Where a gradient fades
#
# The slope of tanh is at most 1. Ten of them, one after the other, multiply ten such numbers.
# Predict: is the gradient of x below about 0.5, 0.05 or 0.005?

# %%
x = Tensor(1.0, requires_grad=True, name="x")
with observe():
    out = x
    for _ in range(10):
        out = np.tanh(out)
    out.backward()
guess = ...  # 0.5, 0.05 or 0.005
reveal(guess, min((0.5, 0.05, 0.005), key=lambda each: abs(np.log(each / x.grad))))

# %% [markdown]
# Each box is colored by the size of its gradient:

# %%
show(draw_graph(out, color="gradient"), "03-fading")

# %% [markdown]
# ## Exercise 3.4: a neuron
#
# z = w x + b, then p = σ(z) = 1 / (1 + e⁻ᶻ), then the loss (p - t)². The slope of σ is p (1 - p).
# Return all four gradients, in the order in which the backward pass finds them.


# %%
def backward_of_neuron(w, x, b, t):
    """The gradients of the loss with respect to p, z, w and b."""
    # solution 3.4
    p = 1 / (1 + np.exp(-(w * x + b)))
    g_p = 2 * (p - t)
    g_z = g_p * p * (1 - p)
    return g_p, g_z, g_z * x, g_z
    # end


check("3.4", backward_of_neuron)

# %% [markdown]
# ## How the engine does it
#
# The slope of tanh, as it is declared. `g` is upstream, and `out` the value that came out:

# %%
source_of(ops.tanh)

# %% [markdown]
# And the backward pass. It goes through the nodes in the order of lesson 2; `g` is upstream, `kept`
# are the values that the local slope needs, and `part` is the contribution:

# %%
source_of(sweep, "for node in order:", "for edge in edges")
source_of(sweep, "try:", "fits = ")

# %% [markdown]
# ## In short
#
# - Backward, each step is: upstream × local = contribution.
# - One number per value is enough: how much the result changes with it.
# - Local slopes need values of the forward pass, so these are kept.
# - Many slopes below 1 in a row, and little arrives.
#
# In lesson 4 a value is used more than once.
