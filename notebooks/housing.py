# %% [markdown]
# # The price of a house
#
# A model learns from 500 houses and their prices how much a square meter is worth. This is the
# smallest example of training, but it has all the parts that the training of large networks has:
# data, model, loss, gradient, update. Each part is a cell of this notebook, and the graph of the
# computation is drawn.
#
# Run the cells from top to bottom with Shift+Enter, then change something and run them again.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nn
from tinygrad_edu import Tensor, draw_graph, no_grad

seed = 0
generator = nn.manual_seed(seed)  # for the houses and the initial weights
print("seed", seed)

# %% [markdown]
# ## Data
#
# The houses are synthetic, so we know how the prices were computed: a base price, plus an amount
# for each square meter, room, year of age and kilometer to the center, plus noise. The noise does
# not depend on the four features. No model can predict it.

# %%
houses, test = nn.datasets.housing(500), nn.datasets.housing(5000)
names = houses.about["feature_names"]
print("".join(f"{name:>13}" for name in [*names, "price"]))
for features, price in zip(houses.x[:5], houses.y[:5, 0], strict=True):
    print("".join(f"{value:13.1f}" for value in [*features, price]))

# %% [markdown]
# The areas are around 125 and the numbers of rooms around 4, but there is one learning rate for
# both. So we standardize the features first, to mean 0 and standard deviation 1. The test houses
# are scaled by the mean and standard deviation of the *training* houses, since the test data must
# not influence the model.

# %%
mean, std = houses.x.mean(axis=0), houses.x.std(axis=0)
x = Tensor((houses.x - mean) / std, name="houses")
test_x = (test.x - mean) / std
prices = houses.y
print("mean", np.round(abs(x.data.mean(axis=0)), 3), "deviation", np.round(x.data.std(axis=0), 3))

# %% [markdown]
# ## Model
#
# A linear layer: `y = x W + b`, with a weight for each feature and one bias. `Dense` has both as
# parameters. The weights are random at first, so its predictions are meaningless.

# %%
model = nn.Dense(4, 1)
print(model, [f"{name} {p.shape}" for name, p in model.named_parameters()])
print("the first house:", model(x[:1]).item(), "instead of", prices[0, 0])

# %% [markdown]
# ## Loss
#
# A number that measures how wrong the predictions are: the mean squared error,
# $L = \frac{1}{n} \sum_i (y_i - t_i)^2$. Every operation from the parameters to the loss was
# recorded in a graph:

# %%
loss = nn.mse_loss(model(x), prices)
print(f"loss {loss.item():.0f}")
draw_graph(loss)

# %% [markdown]
# Read it from left to right: houses, weight and bias are the inputs of the layer; its predictions
# and the prices are the inputs of the loss.
#
# ## Backward
#
# `loss.backward()` goes through this graph from right to left and applies the chain rule at each
# box. Afterwards each parameter has a gradient of its own shape: the derivative of the loss with
# respect to each of its elements.

# %%
loss.backward()
print("gradient of the weight", model.weight.grad[:, 0])
print("gradient of the bias  ", model.bias.grad)

# %% [markdown]
# For this model we can also derive the gradients by hand: with the error $e = xW + b - t$ they are
# $\frac{2}{n} x^\top e$ and $\frac{2}{n} \sum e$.

# %%
error = x.data @ model.weight.data + model.bias.data - prices
print("by hand, the weight   ", (2 / len(prices) * x.data.T @ error)[:, 0])
print("by hand, the bias     ", 2 / len(prices) * error.sum(axis=0))

# %% [markdown]
# ## Update
#
# The gradient is the direction in which the loss increases, so every parameter takes a small step
# in the opposite direction. `p.data` and `p.grad` are plain NumPy arrays; this line is what the
# optimizer `nn.SGD` computes.

# %%
learning_rate = 0.3
for p in model.parameters():
    p.data -= learning_rate * p.grad
print(f"loss before the step {loss.item():.0f}, after {nn.mse_loss(model(x), prices).item():.0f}")

# %% [markdown]
# ## Training
#
# The same steps, 200 times. `backward()` adds to the gradients, so they are cleared before each
# step.

# %%
losses = []
print("epoch         loss")
for epoch in range(1, 201):
    loss = nn.mse_loss(model(x), prices)
    model.zero_grad()
    loss.backward()
    for p in model.parameters():
        p.data -= learning_rate * p.grad
    losses.append(loss.item())
    if epoch == 1 or epoch % 20 == 0:
        print(f"{epoch:5} {loss.item():12.2f}")

# %% [markdown]
# The loss falls fast, then slowly, then not at all. It ends near `noise²`, the variance of the part
# of the prices that does not depend on the features. On the training houses it ends a little lower,
# for two reasons: the noise of these 500 houses happens to be small (the loss with the true weights
# is 211), and five parameters can fit the noise a little.

# %%
noise = houses.about["noise"]
figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
axes.semilogy(range(1, len(losses) + 1), losses, label="training loss")
axes.axhline(noise**2, color="tab:orange", linestyle="--", label=f"noise² = {noise**2:.0f}")
axes.set(xlabel="epoch", ylabel="mean squared error")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown]
# ## Predictions and targets
#
# What counts is how good the model is on houses that it was not trained on.

# %%
with no_grad():
    predicted = model(test_x).data
print(f"{'price':>9}{'predicted':>12}{'error':>9}")
for target, guess in zip(test.y[:10, 0], predicted[:10, 0], strict=True):
    print(f"{target:9.1f}{guess:12.1f}{guess - target:9.1f}")
print(f"\nmean squared error {np.mean((predicted - test.y) ** 2):.1f}, noise² {noise**2:.0f}")
print(f"R², the fraction of the variance explained: {nn.metrics.r2(predicted, test.y):.4f}")

# %%
figure, axes = plt.subplots(figsize=(5, 4.6), layout="constrained")
ends = np.array([test.y.min(), test.y.max()])
axes.plot(ends, ends, color="tab:orange", label="predicted = price")
axes.scatter(test.y[:500], predicted[:500], s=10, alpha=0.5, linewidth=0, label="test houses")
axes.set(xlabel="price in thousands of euros", ylabel="predicted")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown]
# ## The learned weights
#
# The weights belong to standardized features. Divided by the standard deviations they are thousands
# of euros for each square meter, room, year and kilometer, and can be compared with the true
# weights.

# %%
learned = model.weight.data[:, 0] / std
for name, weight, true in zip(names, learned, houses.about["weights"], strict=True):
    print(f"{name:12} {weight:7.3f}   true {true:7.3f}")
base = model.bias.data[0] - mean @ learned
print(f"{'base_price':12} {base:7.3f}   true {houses.about['base_price']:7.3f}")

# %% [markdown]
# Things to try: a learning rate of 0.6, and one of 0.01. The features without standardization. Only
# 20 training houses: compare the errors on the training and on the test houses. Then a second
# layer, with `nn.ReLU()` between the layers: does it help, if the prices are a linear function?
