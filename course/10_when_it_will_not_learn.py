# %% [markdown]
# # 10 When it will not learn
#
# **You need** lesson 9 (a training loop), lesson 8 (cross-entropy), and lesson 5 (broadcasting).
#
# **You will be able to** ask a program why it does not learn, read the reply, and mend five usual
# mistakes.
#
# About 40 minutes. Nothing in this lesson raises an error. That is the trouble: a wrong program
# trains, only badly.

# %%
import warnings

import numpy as np

import nn
from course import check, hint, reveal, show, solution, source_of
from course.curves import curves
from nn.sanity_check import structure
from tinygrad_edu import Tensor, draw_graph, observe, ops, why

# %% [markdown]
# The data: four lengths of 120 iris flowers, and which of three kinds each flower is.

# %%
train, test = nn.datasets.iris().split(0.2, seed=0)
x, y = train.x, train.y


def network(*last):
    """A small network, the same at each call."""
    nn.manual_seed(0)
    return nn.Sequential(nn.Dense(4, 16), nn.ReLU(), nn.Dense(16, 3), *last)


def losses_of(model, x, steps=60):
    """The loss in each step of a training."""
    optimizer = nn.Adam(model.parameters(), lr=0.02)
    losses = []
    for _ in range(steps):
        optimizer.zero_grad()
        loss = nn.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    return losses


# %% [markdown]
# A first loss tells a lot. A network that knows nothing gives each of 3 classes 1/3. Predict its
# cross-entropy:

# %%
guess = ...  # a number
reveal(guess, np.log(3))

# %% [markdown]
# ## Broken: a dead start
#
# Someone set the first layer's biases to -30. ReLU passes max(z, 0). Predict: the norm of the
# gradient of the first layer's weights.

# %%
dead = network()
dead[0].bias.data = np.full(16, -30.0)
with observe():
    loss = nn.cross_entropy(dead(x), y)
    loss.backward()
guess = ...  # a number
reveal(guess, np.linalg.norm(dead[0].weight.grad))

# %% [markdown]
# Ask `why` about one tensor whose gradient is None, 0 or NaN. It names the operation on the way,
# and your line:

# %%
print(why(dead[0].weight))

# %% [markdown]
# Look where the colors end:

# %%
show(draw_graph(loss, color="gradient"), "10-dead")

# %% [markdown]
# ## Exercise 10.1: who is dead?
#
# `z` is what goes into a ReLU, of shape (samples, units). A unit is dead if it lets no sample
# through, since then nothing ever comes back to its weights. One sample that passes is enough.


# %%
def dead_units(z):
    """The indices of the dead units, as a list."""
    # solution 10.1
    return [i for i in range(z.shape[1]) if (z[:, i] <= 0).all()]
    # end


check("10.1", dead_units)

# %% [markdown]
# ## Broken: softmax before cross-entropy
#
# `nn.cross_entropy` applies softmax itself (lesson 8). Someone ended the network with softmax, too:
# it looks right, since the outputs are probabilities.
#
# Predict: the network is sure and right, p = (1, 0, 0) and the label is 0. Which loss do you get?

# %%
guess = ...  # a number
reveal(guess, nn.cross_entropy(Tensor([[1.0, 0.0, 0.0]]), [0]).item())

# %%
with warnings.catch_warnings(record=True) as caught:
    warnings.simplefilter("always")
    of_twice = losses_of(network(nn.Softmax()), x)
show(
    curves(
        {
            "softmax twice": (range(60), of_twice),
            "softmax once": (range(60), losses_of(network(), x)),
            "lowest possible": ([0, 59], [np.log(1 + 2 / np.e)] * 2),
        },
        x="step",
        y="loss",
    ),
    "10-softmax-twice",
)

# %% [markdown]
# With a loss of `nn` there is a warning, which is easily missed:

# %%
print(caught[0].message)

# %% [markdown]
# `nn.sanity` looks for such mistakes before a long training. It goes forward and backward, walks
# through the graph, and makes small experiments:

# %%
print(nn.sanity(network(nn.Softmax()), "cross_entropy", (x, y), ignore=["one-batch"]))

# %% [markdown]
# ## Exercise 10.2: a network that passes
#
# Build a network with one hidden layer of 16 units for `nn.cross_entropy`: `nn.sanity` shall find
# nothing. `check` asks it.


# %%
def classifier(features, classes):
    """A new network: from (N, features) to what `nn.cross_entropy` takes."""
    # solution 10.2
    return nn.Sequential(nn.Dense(features, 16), nn.ReLU(), nn.Dense(16, classes))
    # end


check("10.2", classifier)

# %% [markdown]
# ## Broken: a forgotten line
#
# Predict: without `zero_grad()`, and with a gradient that is 1 in each step, lr = 0.1, and w = 0 at
# the start, where is w after three steps?

# %%
w = Tensor(0.0, requires_grad=True, name="w")
optimizer = nn.SGD([w], lr=0.1)
with observe():
    for _ in range(3):
        loss = w * 1.0
        loss.backward()
        optimizer.step()
guess = ...  # a number
reveal(guess, w.data)

# %%
print(why(w))

# %% [markdown]
# ## Exercise 10.3: three lines in the right order
#
# `loss_of()` computes the loss anew.


# %%
def train_steps(optimizer, loss_of, steps):
    """Take so many steps."""
    # solution 10.3
    for _ in range(steps):
        optimizer.zero_grad()
        loss_of().backward()
        optimizer.step()
    # end


check("10.3", train_steps)

# %% [markdown]
# ## Broken: (N, 1) against (N,)
#
# A network with one output returns shape (N, 1); the targets have shape (N,). Predict the shape of
# their difference, for N = 3:

# %%
prediction, target = np.array([[1.0], [2.0], [3.0]]), np.array([1.0, 2.0, 3.0])
guess = ...  # a shape, as (2, 5)
reveal(guess, (prediction - target).shape)

# %% [markdown]
# Each prediction meets each target. All of them are right, and the loss is not 0:

# %%
print(prediction - target, "\nloss:", np.mean((prediction - target) ** 2))

# %% [markdown]
# So the best that can be learned is the mean of all targets. `nn.mse_loss` refuses such shapes, and
# `nn.sanity` finds it in a loss of your own, as *targets-stretched*.
#
# ## Exercise 10.4: each with its own
#
# The mean squared error, for targets of shape (N,) and predictions of shape (N, 1) *or* (N,).
# Arrays and Tensors have the method `reshape`.


# %%
def error_of(prediction, target):
    """The mean of (prediction - target)², each prediction with its own target."""
    # solution 10.4
    return ((prediction.reshape(-1) - target) ** 2).mean()
    # end


check("10.4", error_of)

# %% [markdown]
# ## Broken: inputs of all sizes
#
# Someone measured one column in micrometers, the others in centimeters.

# %%
uneven = x * np.array([1, 1, 1, 10_000.0])
report = nn.sanity(network(), "cross_entropy", (uneven, y), ignore=["one-batch"])
for finding in report.findings:
    print(finding.id, *finding.facts, sep="\n    ")

# %% [markdown]
# The gradient of a weight is proportional to its input. So the curvature of one direction is 10⁸
# times that of the others, and lesson 9 tells what becomes of a learning rate then. Predict: which
# training ends with the lower loss after 60 steps, "scaled" or "uneven"?

# %%
scaled_x = nn.Standardizer().fit(uneven).transform(uneven)
of_scaled, of_uneven = losses_of(network(), scaled_x), losses_of(network(), uneven)
guess = ...  # "scaled" or "uneven"
reveal(guess, "scaled" if of_scaled[-1] < of_uneven[-1] else "uneven")

# %%
show(
    curves(
        {
            "uneven": (range(60), np.log10(of_uneven)),
            "scaled": (range(60), np.log10(of_scaled)),
        },
        x="step",
        y="log₁₀ of the loss",
    ),
    "10-scaled",
)

# %% [markdown]
# ## Exercise 10.5: scale
#
# Shift and scale each column to mean 0 and standard deviation 1, as measured on the training data.
# The test data get the *same* shift and scale: by a mean of its own, a test of larger flowers would
# look like any other. A column that is constant in training has no spread: divide it by 1.


# %%
def scaled(train, test):
    """Both arrays, (N, columns) and (M, columns), scaled by the training data."""
    # solution 10.5
    mean, std = train.mean(axis=0), train.std(axis=0)
    std = np.where(std > 0, std, 1)
    return (train - mean) / std, (test - mean) / std
    # end


check("10.5", scaled)

# %% [markdown]
# ## How the engine does it
#
# Why nothing came back through the dead units: ReLU's derivative is g where its output is above 0,
# and 0 elsewhere.

# %%
source_of(ops.relu)

# %% [markdown]
# And how `nn.sanity` finds the second softmax: it walks the graph of one forward pass backward from
# the loss, as you did in lesson 2.

# %%
source_of(structure.softmax_once, "for node in", "return Finding(")

# %% [markdown]
# ## In short
#
# | symptom | ask | cause |
# |---|---|---|
# | a gradient is 0 | `why(parameter)` | dead units, a flat operation, a factor of 0 |
# | the loss stays above 0.5 | `nn.sanity` | softmax twice |
# | steps grow, the loss swings | `why(parameter)` | no `zero_grad()` |
# | all predictions are the mean | `nn.sanity` | (N, 1) against (N,) |
# | slow, or it explodes | `nn.sanity` | inputs not scaled, learning rate too large |
#
# More symptoms are in [why.md](../docs/why.md) and [sanity.md](../docs/sanity.md).
#
# Lesson 11 derives two layers: convolution and attention.
