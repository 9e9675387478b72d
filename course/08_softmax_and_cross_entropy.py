# %% [markdown]
# # 8 Softmax and cross-entropy, stable
#
# **You need** [lesson 7](07_gradients_of_matrices.py) or [lesson 4](04_branches_add.py), and eˣ and
# ln from school.
#
# **You will be able to** turn scores into probabilities and a loss that neither overflow nor become
# nan, and write down the gradient of every classifier: p - y.
#
# About 35 minutes.

# %%
import numpy as np

from course import check, hint, reveal, show, solution, source_of
from course.curves import curves
from tinygrad_edu import Tensor, draw_graph, observe, ops
from tinygrad_edu.ops import activations, losses

# %% [markdown]
# ## From scores to probabilities
#
# A classifier returns one score for each class, a *logit*: any number. **Softmax** makes
# probabilities of them. eˣ makes each positive, and the division makes their sum 1:
#
# ```text
# p = eᶻ / Σ eᶻ
# ```


# %%
def plain_softmax(z):
    """The formula as it stands."""
    return np.exp(z) / np.exp(z).sum()


print(plain_softmax(np.array([2.0, 1.0, -1.0])))

# %% [markdown]
# Predict: what is the probability of the second class for the logits [0, ln 3]?

# %%
guess = ...  # a number
reveal(guess, plain_softmax(np.array([0.0, np.log(3.0)]))[1])

# %% [markdown]
# Predict: do the probabilities change if 100 is added to all logits?

# %%
z = np.array([2.0, 1.0, -1.0])
guess = ...  # True or False
reveal(guess, not np.allclose(plain_softmax(z + 100), plain_softmax(z)))

# %% [markdown]
# eᶻ⁺¹⁰⁰ = e¹⁰⁰ eᶻ, and e¹⁰⁰ is in both parts of the fraction. Predict: for two logits that are both
# 1,000, does the formula return 0.5, inf or nan?

# %%
guess = ...  # "0.5", "inf" or "nan"
with np.errstate(all="ignore"):
    found = plain_softmax(np.array([1000.0, 1000.0]))
reveal(guess, str(found[0]))

# %% [markdown]
# Floating-point numbers end at about e⁷⁰⁹, so e¹⁰⁰⁰ becomes inf, and inf / inf is nan. After one
# nan in a weight, everything is nan.
#
# ## Exercise 8.1: softmax that does not overflow
#
# Since a shift changes nothing, shift so that the largest logit of each row is 0. Then no power is
# larger than 1, and one of them is 1, so that the sum is never 0. The check uses logits up to
# ±10,000.


# %%
def stable_softmax(z):
    """The softmax of each row of z, of shape (N, k)."""
    # solution 8.1
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)
    # end


check("8.1", stable_softmax)

# %% [markdown]
# ## A soft maximum
#
# The logarithm of the sum below the fraction has a name, **log-sum-exp**: lse(z) = ln Σ eᶻ. It is a
# maximum with a rounded corner:

# %%
xs = np.linspace(-4, 4, 100)
soft, hard = np.log(np.exp(xs) + 1), np.maximum(xs, 0)
show(curves({"lse(x, 0)": (xs, soft), "max(x, 0)": (xs, hard)}), "08-soft-maximum")

# %% [markdown]
# Predict lse of the logits 10,000 and 0, though the formula as it stands overflows:

# %%
guess = ...  # a number
reveal(guess, ops.logsumexp(np.array([10_000.0, 0.0])))

# %% [markdown]
# ## Exercise 8.2: log-sum-exp
#
# ln Σ eᶻ = c + ln Σ eᶻ⁻ᶜ, for every c. You know which c is a good one.


# %%
def log_sum_exp(z):
    """ln Σ eᶻ of each row of z: N numbers."""
    # solution 8.2
    c = z.max(axis=1)
    return c + np.log(np.exp(z - c[:, None]).sum(axis=1))
    # end


check("8.2", log_sum_exp)

# %% [markdown]
# ## The loss
#
# How bad is it to have given the right class the probability p? **-ln p**: nothing for p = 1, more
# and more toward 0. Its mean over the examples is the *cross-entropy*.

# %%
ps = np.linspace(0.01, 1, 200)
show(curves({"-ln p": (ps, -np.log(ps))}, x="p of the right class"), "08-loss")

# %% [markdown]
# Predict: a new network gives each of 10 classes the same probability. What is its loss? (It is
# worth remembering: a training that begins far above has a bug.)

# %%
guess = ...  # a number
reveal(guess, -np.log(1 / 10))

# %% [markdown]
# Even a stable softmax does not save its logarithm. Predict: the logits are 0 and 1000, and the
# right class is the first. Is -ln p by these two steps 1000, inf or nan?

# %%
guess = ...  # "1000", "inf" or "nan"
with np.errstate(all="ignore"):
    found = -np.log(ops.softmax(np.array([0.0, 1000.0]))[0])
reveal(guess, f"{found:.4g}")

# %% [markdown]
# The exact result is 1000: p is e⁻¹⁰⁰⁰, which is rounded to 0 before the logarithm can see it. So
# never compute p on the way. With p = eᶻ / Σ eᶻ for the right class t:
#
# ```text
# -ln p = ln Σ eᶻ - z[t] = lse(z) - z[t]
# ```
#
# ## Exercise 8.3: cross-entropy


# %%
def cross_entropy_of(z, labels):
    """The mean of -ln p of the right classes; labels are their N indices."""
    # solution 8.3
    c = z.max(axis=1)
    lse = c + np.log(np.exp(z - c[:, None]).sum(axis=1))
    return (lse - z[np.arange(len(z)), labels]).mean()
    # end


check("8.3", cross_entropy_of)

# %% [markdown]
# ## The gradient
#
# Look at lse(z) - z[t] for one example of the class t = 0. Each logit has one way through lse, and
# z[0] also a direct one. **Step ▶** to the backward pass: what does `logsumexp` send back to z?

# %%
z = Tensor([1.0, 2.0, 0.0], requires_grad=True, name="z")
with observe():
    loss = ops.logsumexp(z) - z[0]
    loss.backward()
show(draw_graph(loss), "08-cross-entropy")

# %% [markdown]
# The slope of ln is 1 / (its argument), and that of eᶻ is eᶻ. So the slope of ln Σ eᶻ for each
# logit is eᶻ / Σ eᶻ: **the gradient of log-sum-exp is the softmax.** From the direct way comes -1
# for the right class. With y, which is 1 for the right class and 0 for the others:
#
# ```text
# gradient of lse(z) - z[t]  =  p - y
# ```

# %%
print("p     ", ops.softmax(z.data))
print("z.grad", z.grad)

# %% [markdown]
# Predict: the probabilities are [0.1, 0.7, 0.2] and the right class is the first. What is the
# gradient of the logits?

# %%
guess = ...  # three numbers, as [1, 2, 3]
p = np.array([0.1, 0.7, 0.2])
reveal(guess, p - np.array([1.0, 0.0, 0.0]))

# %% [markdown]
# ## Exercise 8.4: p - y
#
# For a batch. Mind that the loss is a mean over the N examples.


# %%
def gradient_of_cross_entropy(z, labels):
    """The gradient of the mean cross-entropy with respect to the logits z."""
    # solution 8.4
    powers = np.exp(z - z.max(axis=1, keepdims=True))
    p = powers / powers.sum(axis=1, keepdims=True)
    return (p - np.eye(z.shape[1])[labels]) / len(z)
    # end


check("8.4", gradient_of_cross_entropy)

# %% [markdown]
# ## Why not squared error?
#
# A network is certain and wrong: the right class has p = 0.0001. The gradient of its logit is p - 1
# ≈ -1 with cross-entropy. With the loss (p - 1)², the chain rule has one more factor, the slope of
# p, which is p (1 - p). Predict: is that gradient about -2, -0.02 or -0.0002?

# %%
p = 0.0001
guess = ...  # -2, -0.02 or -0.0002
reveal(guess, round(2 * (p - 1) * p * (1 - p), 5))

# %% [markdown]
# Where there is most to learn, almost nothing arrives. In p - y the logarithm has canceled that
# factor.
#
# ## How the engine does it
#
# `peak` is the largest logit. These lines are your exercises 8.2 and 8.3 together:

# %%
source_of(activations.peak)
source_of(ops.cross_entropy, "y = x - peak", "return")

# %% [markdown]
# And your exercise 8.4; `chosen` is y, and `_shared` divides `g` by N:

# %%
source_of(losses._cross_entropy_vjp)

# %% [markdown]
# It is one operation, so no p has to be kept from forward to backward, and nothing overflows. At
# ±10,000, with the right class first:

# %%
z = Tensor([[-1e4, 0.0, 1e4], [1e4, 0.0, -1e4]], requires_grad=True)
loss = ops.cross_entropy(z, np.array([0, 0]))
loss.backward()
print(loss)
print(z.grad)

# %% [markdown]
# A network that ends in a softmax, or a logarithm of a softmax by hand, is a usual mistake: give
# the loss the logits. [What else goes wrong](../docs/sanity.md).
#
# ## In short
#
# - Softmax: subtract the largest logit of each row, then it cannot overflow.
# - The loss is lse(z) - z[t], without computing p.
# - Its gradient is p - y, divided by N for a mean.
# - ln k is the loss of a network that knows nothing of k classes.
#
# In lesson 9, an optimizer walks along these gradients.
