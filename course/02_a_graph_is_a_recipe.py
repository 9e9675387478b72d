# %% [markdown]
# # 2 A graph is a recipe
#
# **You need** [lesson 1](01_slope_by_hand.py).
#
# **You will be able to** read a computation graph, say what the engine writes down while you
# compute and what it does not, and bring a recipe's steps in an order that works: forward, and
# backward.
#
# About 30 minutes.

# %%
from course import check, hint, reveal, show, solution, source_of
from tinygrad_edu import Tensor, draw_graph
from tinygrad_edu.graph import Node, topological_order

# %% [markdown]
# ## What is written down
#
# You compute as always. Every Tensor that comes out also holds a note: which operation made it, and
# from what.

# %%
a = Tensor(2.0, requires_grad=True, name="a")
b = Tensor(3.0, requires_grad=True, name="b")
y = (a + b) * a
print(y, "was made by", y.node.op.name, "from", len(y.node.edges), "arguments")

# %% [markdown]
# Predict: how many operations are behind this y?

# %%
y = (a + b) * (a + b) - a
guess = ...  # a number
reveal(guess, draw_graph(y).operations)

# %% [markdown]
# `a + b` stands there twice, so it is computed twice, and is two notes. Now give the sum a name,
# and look at both recipes. Yellow boxes are inputs, the round ones operations, and the arrows say
# what goes into what.

# %%
show(draw_graph(y), "02-written-twice")

# %%
s = a + b
y = s * s - a
show(draw_graph(y), "02-used-twice")

# %% [markdown]
# Such a picture is called a *graph*: operations are its **nodes**, and an **edge** leads from a
# node to each of its arguments. The second one has a node less; that one is used twice.
#
# ## Exercise 2.1: cook
#
# Here is such a graph as plain data, step by step. Each step is `(result, operation, (first,
# second))`, where the operation is `"add"`, `"subtract"` or `"multiply"`. Compute what the last
# step makes.

# %%
recipe = [("s", "add", ("a", "b")), ("y", "multiply", ("s", "s"))]  # (a + b)²


def cook(recipe, values):
    """The result of the last step, for the values of the inputs, such as {"a": 2.0, "b": 3.0}."""
    # solution 2.1
    known = dict(values)
    for name, operation, (first, second) in recipe:
        x, y = known[first], known[second]
        known[name] = {"add": x + y, "subtract": x - y, "multiply": x * y}[operation]
    return known[name]
    # end


check("2.1", cook)

# %% [markdown]
# ## The graph is of what happened
#
# The engine never sees your `for` and `if`. It notes the operations that were run. Predict: how
# many does it note here?

# %%
x = Tensor(1.5, requires_grad=True, name="x")
y = x
for _ in range(4):
    if y.item() < 4:
        y = y * x
guess = ...  # a number
reveal(guess, draw_graph(y).operations)

# %% [markdown]
# 1.5, 2.25, 3.375, 5.06: after three multiplications the `if` was false. And the name y was moved
# on three times, from note to note, without changing any of them.
#
# ## Exercise 2.2: count
#
# `y.node` is the note of a Tensor, `node.edges` are its edges, and `edge.source` is the node that
# an edge leads to. A leaf, as `a` and `b` are, has a node without edges.


# %%
def count_operations(y):
    """How many operations are behind a Tensor."""
    # solution 2.2
    found, waiting = set(), [y.node]
    while waiting:
        node = waiting.pop()
        if node.edges and node not in found:
            found.add(node)
            waiting += [edge.source for edge in node.edges]
    return len(found)
    # end


check("2.2", count_operations)

# %% [markdown]
# ## An order that works
#
# To cook, each step has to come after those whose results it uses. To go backward, which is what
# lesson 3 does, each has to come *before* them. Predict: in how many orders can the steps p = a b,
# q = a + b, y = p q be done?

# %%
guess = ...  # a number
reveal(guess, len(["p q y", "q p y"]))

# %% [markdown]
# ## Exercise 2.3: in order
#
# The steps of a recipe were mixed up. Return the names of their results in an order that works.


# %%
def in_order(recipe):
    """The names of all results, each after those that it is computed from."""
    # solution 2.3
    left, order = list(recipe), []
    while left:
        names = [name for name, _, _ in left]
        for step in left:
            if not set(step[2]) & set(names):
                order.append(step[0])
                left.remove(step)
                break
    return order
    # end


check("2.3", in_order)

# %% [markdown]
# ## Only what a gradient needs
#
# Where no input requires a gradient, nothing has to be remembered. Predict: is the note of this
# product made, True or False?

# %%
plain = Tensor(2.0) * Tensor(3.0)
guess = ...  # True or False
reveal(guess, plain.node is not None)

# %% [markdown]
# ## Exercise 2.4: what an input reaches
#
# If only one input requires a gradient, which results have to be remembered? Those that change with
# it. Return their names, in the order of the steps.


# %%
def touched_by(recipe, leaf):
    """The names of the results that change if the input `leaf` does."""
    # solution 2.4
    reached = {leaf}
    for name, _, arguments in recipe:
        if reached & set(arguments):
            reached.add(name)
    return [name for name, _, _ in recipe if name in reached]
    # end


check("2.4", touched_by)

# %% [markdown]
# ## How the engine does it
#
# This is all that a note holds:

# %%
source_of(Node, "class Node", "self.grad")

# %% [markdown]
# And this is how it finds an order. It is shorter than exercise 2.3: a node is born after all that
# it is computed from, so it only has to find the nodes, as in exercise 2.2, and to sort them by
# birth, the youngest first.

# %%
source_of(topological_order)

# %% [markdown]
# ## In short
#
# - While you compute, the engine notes each operation and its arguments: a graph.
# - It is the graph of what was run, not of your program's text.
# - What does not depend on an input that requires a gradient is not noted.
# - Sorted by birth, the nodes are in order; the youngest first is the way back.
#
# Lesson 3 goes that way back, with a slope at each step.
