"""The tutorial's search by hand: 10 random convolutional networks for the digits, the best one trained longer, saved.

What it lacks against `examples/quickstart.py`: a budget in seconds, going on after a stop, failures that don't end
it, a strategy that learns, a report, a model file that runs without this script.
"""

# ruff: noqa: ANN001, ANN201  # a script as people write it

import random

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from torch import nn

inputs, targets = load_digits(return_X_y=True)
inputs, targets = torch.tensor(inputs, dtype=torch.float32).view(-1, 1, 8, 8) / 16, torch.tensor(targets)
rest, test, rest_targets, test_targets = train_test_split(inputs, targets, test_size=0.2, stratify=targets)
train, valid, train_targets, valid_targets = train_test_split(rest, rest_targets, test_size=0.2, stratify=rest_targets)


def trained(arch, inputs, targets, epochs):
    blocks, channels = [], 1
    for filters in arch["filters"]:
        convolution = nn.Conv2d(channels, filters, arch["kernel"], padding="same")
        blocks += [convolution, nn.BatchNorm2d(filters), nn.ReLU(), nn.MaxPool2d(2)]
        channels = filters
    model = nn.Sequential(*blocks, nn.Flatten(), nn.LazyLinear(arch["units"]), nn.ReLU(), nn.LazyLinear(10))
    model(inputs[:2])
    optimizer = torch.optim.AdamW(model.parameters(), lr=arch["lr"])
    for _ in range(epochs):
        for rows in torch.randperm(len(inputs)).split(64):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs[rows]), targets[rows]).backward()
            optimizer.step()
    return model.eval()


def accuracy(model, inputs, targets):
    with torch.no_grad():
        return (model(inputs).argmax(1) == targets).float().mean().item()


best, best_accuracy = None, 0.0
for _ in range(10):
    arch = {
        "filters": [random.choice([32, 64, 128]) for _ in range(random.randint(1, 3))],
        "kernel": random.choice([3, 5]),
        "units": random.choice([64, 128, 256]),
        "lr": random.choice([0.001, 0.003, 0.01]),
    }
    found = accuracy(trained(arch, train, train_targets, 10), valid, valid_targets)
    if found > best_accuracy:
        best, best_accuracy = arch, found
model = trained(best, rest, rest_targets, 30)
print(best, accuracy(model, test, test_targets))
torch.save(model, "model.pt")
