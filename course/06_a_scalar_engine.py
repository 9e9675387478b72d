# %% [markdown]
# # 6 Write a scalar engine in 60 lines
#
# **You need** [lesson 2](02_a_graph_is_a_recipe.py) for the order, [lesson 4](04_branches_add.py)
# for the sums; classes in Python.
#
# **You will be able to** write an autograd engine from nothing: a class whose operators note what
# they do, an order, and `backward()`. At the end yours trains a small network.
#
# About 40 minutes.

# %%
import numpy as np

from course import check, hint, reveal, show, solution, source_of
from course.curves import curves
from tinygrad_edu import Tensor, draw_graph, observe
from tinygrad_edu.graph import Edge, sweep

# %% [markdown]
# ## A number with a note
#
# All that one has to note of an operation is where its result came from, and the local slope for
# each of these:


# %%
class Number:
    """A number with its sources: pairs of another Number and the local slope."""

    def __init__(self, data, sources=()):
        self.data = data
        self.sources = sources
        self.grad = 0.0

    def __repr__(self):
        return f"Number({self.data})"


def added(a, b):
    """The Number a + b."""
    return Number(a.data + b.data, ((a, 1.0), (b, 1.0)))


three, four = Number(3.0), Number(4.0)
print(added(three, four), "from", added(three, four).sources)

# %% [markdown]
# The slopes are computed in the forward pass, when all values are at hand. Predict: in the product
# of `three` and `four`, which slope is noted beside `three`?

# %%
guess = ...  # a number
reveal(guess, four.data)

# %% [markdown]
# ## Exercise 6.1: a product


# %%
def multiplied(a, b):
    """The Number a b, with its sources."""
    # solution 6.1
    return Number(a.data * b.data, ((a, b.data), (b, a.data)))
    # end


check("6.1", multiplied)

# %% [markdown]
# ## Exercise 6.2: the way back
#
# Before a gradient is passed on, it has to be complete. So return all Numbers behind y in an order
# where each comes **before** those that it was computed from: y first, and none twice. You have
# only y, and `sources` of each. One way: visit a Number's sources before you append the Number
# itself, skip those you have seen, and turn the list around at the end.


# %%
def way_back(y):
    """A list of y and all Numbers behind it, each before its sources."""
    # solution 6.2
    order, seen = [], set()

    def visit(number):
        if number not in seen:
            seen.add(number)
            for source, _ in number.sources:
                visit(source)
            order.append(number)

    visit(y)
    return order[::-1]
    # end


check("6.2", way_back)

# %% [markdown]
# ## Backward
#
# Here s is used twice:

# %%
a = Tensor(2.0, requires_grad=True, name="a")
b = Tensor(3.0, requires_grad=True, name="b")
with observe():
    s = a + b
    y = s * s
    y.backward()
show(draw_graph(y), "06-square-of-a-sum")

# %% [markdown]
# Predict: if an engine wrote `source.grad = ...` where it should say `source.grad += ...`, what
# would the gradient of a be, in place of 10?

# %%
guess = ...  # a number
reveal(guess, s.data)

# %% [markdown]
# ## Exercise 6.3: the sweep
#
# Set y's `grad` to 1, then go through `way_back(y)`; each Number gives each of its sources upstream
# × local. Four lines. Nothing is returned.


# %%
def send_back(y):
    """Fill in `grad` of y and of all Numbers behind it, which are 0 before."""
    # solution 6.3
    y.grad = 1.0
    for number in way_back(y):
        for source, slope in number.sources:
            source.grad += number.grad * slope
    # end


check("6.3", send_back)

# %% [markdown]
# ## Exercise 6.4: the engine
#
# Now as one class with operators. The second argument may also be a plain number, as in `a + 2`. `a
# ** n` is for plain numbers n, and has slope n aⁿ⁻¹. With these five methods everything else
# follows, and is given. You may use `way_back` or write it into `backward`.


# %%
class Value:
    """A number that remembers what it was computed from."""

    def __init__(self, data, sources=()):
        self.data, self.sources, self.grad = float(data), sources, 0.0

    def __add__(self, other):
        # solution 6.4
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data + other.data, ((self, 1.0), (other, 1.0)))
        # end

    def __mul__(self, other):
        # solution 6.4
        other = other if isinstance(other, Value) else Value(other)
        return Value(self.data * other.data, ((self, other.data), (other, self.data)))
        # end

    def __pow__(self, n):
        # solution 6.4
        return Value(self.data**n, ((self, n * self.data ** (n - 1)),))
        # end

    def tanh(self):
        # solution 6.4
        t = np.tanh(self.data)
        return Value(t, ((self, 1 - t**2),))
        # end

    def backward(self):
        # solution 6.4
        self.grad = 1.0
        for value in way_back(self):
            for source, slope in value.sources:
                source.grad += value.grad * slope
        # end

    def __neg__(self):
        return self * -1

    def __sub__(self, other):
        return self + -other

    def __rsub__(self, other):
        return -self + other

    def __truediv__(self, other):
        return self * other**-1

    __radd__, __rmul__ = __add__, __mul__


check("6.4", Value)

# %% [markdown]
# ## It learns
#
# A network of five tanh units, 15 points of a sine, 300 steps downhill: all of it with your
# `Value`, one number at a time.


# %%
def fitted(Value, xs, targets):
    """What a small network returns for xs, after 300 steps toward the targets."""
    parameters = [Value(w) for w in np.random.default_rng(1).normal(size=15)]
    units = [parameters[i : i + 3] for i in range(0, 15, 3)]
    for _ in range(300):
        outputs = [sum(v * (u * x + b).tanh() for u, b, v in units) for x in xs]
        pairs = zip(outputs, targets, strict=True)
        loss = sum((y - t) ** 2 for y, t in pairs) / len(xs)
        for parameter in parameters:
            parameter.grad = 0.0
        loss.backward()
        for parameter in parameters:
            parameter.data -= 0.2 * parameter.grad
    return [y.data for y in outputs]


xs = np.linspace(-2, 2, 15)
try:
    learned = fitted(Value, xs, np.sin(2 * xs))
    lines = {"sin 2x": (xs, np.sin(2 * xs)), "learned": (xs, learned)}
    show(curves(lines), "06-learned")
except Exception as error:
    print("Not yet:", error)

# %% [markdown]
# ## How the engine does it
#
# Yours and the engine's, side by side:
#
# | yours | the engine's |
# |---|---|
# | `value.data`, a number | `tensor.data`, an array |
# | `value.sources`, pairs | `tensor.node.edges`, one for each argument |
# | a slope, computed in the forward pass | a *function* of upstream, and the values it needs |
# | upstream × slope | `vjp.function(g, *kept)` |
# | `source.grad += ...` | the same, after the sum of lesson 5 |
#
# A function in place of the slope, since the slopes of a product of two 100 × 100 matrices would be
# 100 million numbers for each argument. The function returns upstream × slopes without ever writing
# them down; lesson 7 shows how.

# %%
source_of(Edge)

# %% [markdown]
# The sweep is yours with an order, `g`, and `part` for the contribution; what stands between these
# lines is for clear errors, for saving memory, and for gradients of gradients:

# %%
source_of(sweep, "for node in order:", "g = gradients")
source_of(sweep, "for edge in edges:", "source, vjp")
source_of(sweep, "part = vjp.function", "fits =")
source_of(sweep, "so_far = gradients.get", "gradients[source] = part")

# %% [markdown]
# One more difference. Predict: a function that calls itself for each source, as `visit` may do in
# exercise 6.2, goes along a chain of 100,000 additions. Does it work, or fail?


# %%
def depth(number):
    """How many operations lead from a leaf to this Number."""
    return max((1 + depth(source) for source, _ in number.sources), default=0)


long = Number(0.0)
for _ in range(100_000):
    long = added(long, Number(1.0))
try:
    depth(long)
    outcome = "work"
except RecursionError:
    outcome = "fail"
guess = ...  # "work" or "fail"
reveal(guess, outcome)

# %% [markdown]
# Python stops at a depth of about 1,000 calls. The engine sorts nodes by birth, as lesson 2 showed,
# and calls nothing within itself, so its graphs may be as deep as memory allows.
#
# ## In short
#
# - An operation notes its arguments and the local slopes: that is the graph.
# - Sort it so that each value comes before its sources, start with 1, multiply and add.
# - A library has arrays in the place of numbers, and functions in the place of slopes.
#
# Lesson 7 is about these functions, for matrices.
