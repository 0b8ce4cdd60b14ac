"""FID, KID and Inception Score in torchmetrics, and in NumPy and SciPy, as a process of `peer.py`.

Inputs: features `reference` and `samples` [N, D], `logits` [N, C]. KID is the unbiased MMD of all images, twice, because
torchmetrics draws subsets at random: of all images they are the same in any order. The Inception Score has one split, because
torchmetrics shuffles the images.
"""

import numpy as np
from peer import inputs, load, missing, serve, threads

scipy, torch = load("scipy", "SciPy"), load("torch", "PyTorch")
# Without these it needs downloaded networks at import.
torchmetrics = load("torchmetrics", "torchmetrics") if torch is not None else None
if torch is None:
    missing["torchmetrics"] = "PyTorch is not installed"
arrays = inputs()
reference, samples, logits = arrays["reference"], arrays["samples"], arrays["logits"]


def torchmetrics_cases():
    from torchmetrics.image.fid import FrechetInceptionDistance
    from torchmetrics.image.inception import InceptionScore
    from torchmetrics.image.kid import KernelInceptionDistance

    torch.set_num_threads(threads)

    class Features(torch.nn.Module):
        """Stands for the network: the images are their features."""

        num_features = reference.shape[1]

        def forward(self, features):
            return features

    real, fake, scores = (torch.from_numpy(array).double() for array in (reference, samples, logits))

    def distance(metric):
        metric.update(real, real=True)
        metric.update(fake, real=False)
        return metric.compute()

    def fid():
        return {"value": distance(FrechetInceptionDistance(feature=Features()).set_dtype(torch.float64))}

    def kid():
        return {"value": distance(KernelInceptionDistance(feature=Features(), subsets=2, subset_size=len(real)))[0]}

    def inception_score():
        metric = InceptionScore(feature=Features(), splits=1)
        metric.update(scores)
        return {"value": metric.compute()[0]}

    return {"FID torchmetrics": fid, "KID torchmetrics": kid, "Inception Score torchmetrics": inception_score}


def scipy_cases():
    from scipy import linalg, special

    def statistics(features):
        double = features.astype(np.float64)
        return double.mean(0), np.cov(double, rowvar=False)

    def fid():
        (first_mean, first), (second_mean, second) = statistics(reference), statistics(samples)
        root = linalg.sqrtm(first @ second)
        difference = first_mean - second_mean
        return {"value": difference @ difference + np.trace(first) + np.trace(second) - 2 * np.trace(root).real}

    def mmd():
        x, y = reference.astype(np.float64), samples.astype(np.float64)
        size = len(x)

        def kernel(a, b):
            return (a @ b.T / x.shape[1] + 1) ** 3

        within = sum((k.sum() - np.trace(k)) / (size * (size - 1)) for k in (kernel(x, x), kernel(y, y)))
        return within - 2 * kernel(x, y).mean()

    def kid():
        return {"value": np.mean([mmd() for _ in range(2)])}

    def inception_score():
        log_shares = special.log_softmax(logits.astype(np.float64), axis=1)
        shares = np.exp(log_shares)
        return {"value": np.exp((shares * (log_shares - np.log(shares.mean(0)))).sum(1).mean())}

    return {"FID SciPy": fid, "KID SciPy": kid, "Inception Score SciPy": inception_score}


serve(
    (torchmetrics_cases() if torchmetrics is not None else {}) | (scipy_cases() if scipy is not None else {}),
)
