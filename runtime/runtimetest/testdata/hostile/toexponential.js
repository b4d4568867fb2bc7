// toExponential

(1.5).toExponential(1e9)
