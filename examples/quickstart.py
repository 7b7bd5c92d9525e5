"""Find a convolutional network for the handwritten digits of scikit-learn, in a minute.

python examples/quickstart.py
"""

import netwright

result = netwright.search("cnn", "digits", budget="60s")
print(result.summary())
result.export("model.py")
