# %% [markdown]
# # The price of a house
#
# A model learns what a square metre is worth by looking at 500 houses and their prices. It is the
# smallest thing that can be called training, and it has all the parts that large networks have:
# data, model, loss, gradient, update. Each gets a cell here, and the computation is drawn where it
# happens.
#
# Run the cells from top to bottom with Shift+Enter, then change something and run them again.

# %%
import matplotlib.pyplot as plt
import numpy as np

import nn
from tinygrad_edu import Tensor, draw_graph, no_grad

seed = 0
generator = nn.manual_seed(seed)  # the houses and the first weights are drawn from it
print("seed", seed)

# %% [markdown]
# ## Data
#
# The houses are made up, so we know the truth behind them: a base price, plus an amount for each
# square metre, room, year of age and kilometre to the centre, plus noise. The noise is what the
# four features do not tell. No model can predict it.

# %%
houses, test = nn.datasets.housing(500), nn.datasets.housing(5000)
names = houses.about["feature_names"]
print("".join(f"{name:>13}" for name in [*names, "price"]))
for features, price in zip(houses.x[:5], houses.y[:5, 0], strict=True):
    print("".join(f"{value:13.1f}" for value in [*features, price]))

# %% [markdown]
# An area is a number around 125, a number of rooms one around 4, and one learning rate has to suit
# both. So we bring the features to the same scale first: mean 0, standard deviation 1. The test
# houses are scaled by the mean and deviation of the *training* houses, since nothing that is
# measured on the test set may flow into the model.

# %%
mean, std = houses.x.mean(axis=0), houses.x.std(axis=0)
x = Tensor((houses.x - mean) / std, name="houses")
test_x = (test.x - mean) / std
prices = houses.y
print("mean", np.round(abs(x.data.mean(axis=0)), 3), "deviation", np.round(x.data.std(axis=0), 3))

# %% [markdown]
# ## Model
#
# A linear layer: `y = x W + b`, with a weight for each feature and one bias. `Dense` holds both as
# parameters. It starts with random weights and predicts nonsense.

# %%
model = nn.Dense(4, 1)
print(model, [f"{name} {p.shape}" for name, p in model.named_parameters()])
print("the first house:", model(x[:1]).item(), "instead of", prices[0, 0])

# %% [markdown]
# ## Loss
#
# One number that says how wrong the predictions are: the mean squared error,
# $L = \frac{1}{n} \sum_i (y_i - t_i)^2$. Every operation on the way to it was recorded. This is
# the record:

# %%
loss = nn.mse_loss(model(x), prices)
print(f"loss {loss.item():.0f}")
draw_graph(loss)

# %% [markdown]
# Read it from left to right: houses, weight and bias go into the layer, its predictions and the
# prices into the loss.
#
# ## Backward
#
# `loss.backward()` walks through this graph from right to left and applies the chain rule at each
# box. Afterwards each parameter has a gradient of its own shape: by how much the loss would grow if
# that number grew by a little.

# %%
loss.backward()
print("gradient of the weight", model.weight.grad[:, 0])
print("gradient of the bias  ", model.bias.grad)

# %% [markdown]
# For this model we can derive the same by hand: with the error $e = xW + b - t$ the gradients are
# $\frac{2}{n} x^\top e$ and $\frac{2}{n} \sum e$.

# %%
error = x.data @ model.weight.data + model.bias.data - prices
print("by hand, the weight   ", (2 / len(prices) * x.data.T @ error)[:, 0])
print("by hand, the bias     ", 2 / len(prices) * error.sum(axis=0))

# %% [markdown]
# ## Update
#
# The gradient points uphill, so every parameter takes a small step the other way. `p.data` and
# `p.grad` are plain NumPy arrays; an optimizer such as `nn.SGD` does exactly this line.

# %%
learning_rate = 0.3
for p in model.parameters():
    p.data -= learning_rate * p.grad
print(f"loss before the step {loss.item():.0f}, after {nn.mse_loss(model(x), prices).item():.0f}")

# %% [markdown]
# ## Training
#
# The same again, 200 times. Gradients add up, so those of the last step are forgotten first.

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
# The loss falls fast, then slowly, then not at all. It ends near `noise²`, as it must: that is the
# part of the prices which the features do not tell. On the training houses it ends lower, for two
# reasons: the noise of these 500 houses happens to be small (even the true weights have 211 on
# them), and five parameters can follow it a little.

# %%
noise = houses.about["noise"]
figure, axes = plt.subplots(figsize=(6, 3.5), layout="constrained")
axes.semilogy(range(1, len(losses) + 1), losses, label="training loss")
axes.axhline(noise**2, color="tab:orange", linestyle="--", label=f"noise² = {noise**2:.0f}")
axes.set(xlabel="epoch", ylabel="mean squared error")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown]
# ## Predictions beside targets
#
# What counts is how good the model is on houses that it has not seen.

# %%
with no_grad():
    predicted = model(test_x).data
print(f"{'price':>9}{'predicted':>12}{'error':>9}")
for target, guess in zip(test.y[:10, 0], predicted[:10, 0], strict=True):
    print(f"{target:9.1f}{guess:12.1f}{guess - target:9.1f}")
print(f"\nmean squared error {np.mean((predicted - test.y) ** 2):.1f}, noise² {noise**2:.0f}")
print(f"R², the share of the differences that it explains: {nn.metrics.r2(predicted, test.y):.4f}")

# %%
figure, axes = plt.subplots(figsize=(5, 4.6), layout="constrained")
ends = np.array([test.y.min(), test.y.max()])
axes.plot(ends, ends, color="tab:orange", label="predicted = price")
axes.scatter(test.y[:500], predicted[:500], s=10, alpha=0.5, linewidth=0, label="test houses")
axes.set(xlabel="price in thousands of euros", ylabel="predicted")
axes.legend()
axes.grid(alpha=0.3)

# %% [markdown]
# ## What it has learned
#
# The weights belong to scaled features. Divided by the deviations they are thousands of euros for
# each square metre, room, year and kilometre, and can be held against the truth.

# %%
learned = model.weight.data[:, 0] / std
for name, weight, true in zip(names, learned, houses.about["weights"], strict=True):
    print(f"{name:12} {weight:7.3f}   true {true:7.3f}")
base = model.bias.data[0] - mean @ learned
print(f"{'base_price':12} {base:7.3f}   true {houses.about['base_price']:7.3f}")

# %% [markdown]
# Things to try: a learning rate of 0.6, and one of 0.01. The features without scaling. Only 20
# houses to learn from, with the error on the training and on the test houses side by side. Then a
# second layer with `nn.ReLU()` between: does it help on data that are linear?
