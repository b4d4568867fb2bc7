// toPrecision

(1.5).toPrecision(1e9)
