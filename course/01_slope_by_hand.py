# %% [markdown]
# # 1 Slope by hand
#
# **You need** Python functions, and from school that a curve has a slope.
#
# **You will be able to** measure the slope of any function with two calls, say what the slopes of
# `a * b` are and why, and walk downhill with a slope, which is all that training is.
#
# About 25 minutes. Run the cells from top to bottom with Shift+Enter. Where a cell says `raise
# NotImplementedError`, that line is yours to replace. `hint("1.1")` and `solution("1.1")` are
# always there.

# %%
import numpy as np

from course import check, hint, reveal, show, solution, source_of
from course.curves import curves
from tinygrad_edu import Tensor, draw_graph, observe, ops

# %% [markdown]
# ## What a slope is
#
# You turn a knob a little, and a number changes a little. The slope is how much it changes *per*
# turn. No formula is needed, only two calls:


# %%
def f(x):
    """A parabola."""
    return x * x


print(f(3), f(3.001), (f(3.001) - f(3)) / 0.001)

# %% [markdown]
# The last number is nearly 6: near x = 3 this function grows 6 times as fast as x. So near 3 the
# curve looks like a straight line that rises by 6 per 1:

# %%
xs = np.linspace(-2, 4, 100)
show(
    curves({"x²": (xs, xs**2), "slope 6": (xs[40:], 9 + 6 * (xs[40:] - 3))}, {"x = 3": (3, 9)}),
    "01-tangent",
)

# %% [markdown]
# Predict: what is its slope at x = -1?

# %%
guess = ...  # a number
reveal(guess, (f(-0.999) - f(-1.001)) / 0.002)

# %% [markdown]
# ## Exercise 1.1: the slope of any function
#
# Above, 6.001 came out, since from 3 to 3.001 the curve bends. Step to both sides of x, by `h`
# each, and the bend cancels.


# %%
def slope(f, x, h):
    """The slope of f at x, measured between x - h and x + h."""
    # solution 1.1
    return (f(x + h) - f(x - h)) / (2 * h)
    # end


check("1.1", slope)

# %% [markdown]
# ## Two knobs
#
# `y = a * b` has two inputs, so two slopes: turn a and hold b, or turn b and hold a. Let a = 2 and
# b = -3. Predict: by how much does y change if a grows by 0.001?

# %%
a, b = 2.0, -3.0
guess = ...  # a number
reveal(guess, (a + 0.001) * b - a * b)

# %% [markdown]
# ## Exercise 1.2: the slopes of a product
#
# Write them as a formula of a and b. No small steps are needed any more.


# %%
def slopes_of_product(a, b):
    """The slope of a b with respect to a, and the one with respect to b."""
    # solution 1.2
    return b, a
    # end


check("1.2", slopes_of_product)

# %% [markdown]
# ## One after the other
#
# A knob often turns another knob. Here w turns e = w x - t, an error, and e turns e², what the
# error costs. If w makes e grow 4 times as fast, and e makes e² grow 10 times as fast, predict how
# fast e² grows with w:

# %%
guess = ...  # a number
reveal(guess, 4 * 10)

# %% [markdown]
# Slopes along a chain are multiplied. That is the chain rule, and lesson 3 is about nothing else.
#
# ## Exercise 1.3: the slope of an error
#
# How fast does (w x - t)² grow with w?


# %%
def slope_of_error(w, x, t):
    """The slope of (w x - t)² with respect to w."""
    # solution 1.3
    e = w * x - t
    return 2 * e * x
    # end


check("1.3", slope_of_error)

# %% [markdown]
# ## The engine does the same
#
# A `Tensor` is a number, or an array, that remembers what was computed from it. `backward()`
# computes all slopes of the last result at once, and leaves them in `.grad`.

# %%
w = Tensor(2.0, requires_grad=True, name="w")
x, t = 3.0, 1.0
with observe():
    e = w * x - t
    cost = np.square(e)
    cost.backward()
print("the engine:", w.grad, "  two calls:", ((2.001 * x - t) ** 2 - (1.999 * x - t) ** 2) / 0.002)

# %% [markdown]
# Look at it: **Step ▶** goes through it, first forward, then backward. Where do the 10 and the 30
# come from?

# %%
show(draw_graph(cost), "01-error")

# %% [markdown]
# ## Downhill
#
# The slope says where up is. To make `cost` smaller, go the other way, a little. Predict: the slope
# at w = 2 is 30. Which w is better, 2.1 or 1.9?

# %%
guess = ...  # 2.1 or 1.9
reveal(guess, min(2.1, 1.9, key=lambda w: (w * x - t) ** 2))

# %% [markdown]
# ## Exercise 1.4: walk downhill
#
# Each step moves x against its slope: by `rate` times the slope. Measure the slope anew in each
# step, as you did in exercise 1.1.


# %%
def descend(f, x, rate, steps):
    """Where x is after so many steps downhill."""
    # solution 1.4
    for _ in range(steps):
        x = x - rate * (f(x + 1e-3) - f(x - 1e-3)) / 2e-3
    return x
    # end


check("1.4", descend)

# %% [markdown]
# ## How the engine does it
#
# The engine measures nothing. It knows the slopes of each operation by a formula, as you do since
# exercise 1.2. These are its own lines for the product; `g` is the slope of all that comes after,
# by which it multiplies:

# %%
source_of(ops.multiply)

# %% [markdown]
# The two `lambda`s are your two slopes: `g * y` for x and `g * x` for y.
#
# ## In short
#
# - A slope is change per change, and two calls measure it.
# - In a product each factor's slope is the other factor.
# - Slopes along a chain multiply.
# - Against the slope is downhill.
#
# Two calls for each number are too slow for a network with a million numbers. Lesson 2 shows what
# the engine remembers instead.
