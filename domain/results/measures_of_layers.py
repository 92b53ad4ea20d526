"""The entries of measures of hidden layers: what they make of points, how far training has moved them, what their
neurons tell. Of most every layer has its own value, and the measure is the last one's.
"""

from phaselab.domain.results.measure import LINEAR_FIRST, Measure

_DOCS = "docs/methods/measures.md"
_LAST = "Of the last hidden layer; every layer has its own."

_FEATURES = (
    Measure(
        "cluster_alignment",
        "CKA_cluster",
        0,
        1,
        "",
        "Linear CKA of hidden features and clusters at the test points: 1 when features tell every cluster apart alike,"
        f" 1/√(k - 1) when they tell only classes. Null when they are the same at all points. {_LAST}",
        f"arXiv 1905.00414; {_DOCS}",
        layered=True,
    ),
    Measure(
        "class_alignment",
        "CKA_class",
        0,
        1,
        "",
        "Linear CKA of hidden features and classes at the test points: 1 when features tell the class and nothing else."
        f" Null when they are the same at all points. {_LAST}",
        f"arXiv 1905.00414; {_DOCS}",
        layered=True,
    ),
    Measure(
        "subclass_variance",
        "V_sub",
        0,
        1,
        "",
        "Share of the variance of hidden features at the test points that is between clusters of one class: 0 for an"
        f" averaging network. Null when no class has two clusters, and without variance. {_LAST}",
        _DOCS,
        layered=True,
    ),
    Measure(
        "stable_rank_features",
        "ρ_H",
        1,
        None,
        "",
        "Squared Frobenius norm over squared spectral norm of the hidden features of the test points. Null when all are"
        f" 0. {_LAST}",
        f"arXiv 2405.15942; {_DOCS}",
        layered=True,
    ),
    Measure(
        "stable_rank_weights",
        "ρ_W",
        1,
        None,
        "",
        f"The same of the layer's weights. A random start has a high one, too: read it with feature_fraction. {_LAST}",
        f"arXiv 2210.07082; {_DOCS}",
        LINEAR_FIRST,
        layered=True,
    ),
)
_TRAINING = (
    Measure(
        "weight_change",
        "ΔW",
        0,
        None,
        "",
        f"Distance of the layer's weights from their start over the length of that. Null for a start at 0. {_LAST}",
        f"arXiv 1812.07956; {_DOCS}",
        layered=True,
    ),
    Measure(
        "pattern_flips",
        "Δφ",
        0,
        1,
        "",
        "Share of neurons and training points whose pre-activation has another sign than at the start. Null for linear"
        f" neurons. {_LAST}",
        _DOCS,
        LINEAR_FIRST,
        layered=True,
    ),
    Measure(
        "normalized_margin",
        "γ",
        None,
        None,
        "",
        "Least margin of a training point over |θ|^q, θ being all that is trained and q the number of layers in it, by"
        " which outputs grow. Null for networks that are not homogeneous: erf below a trained layer, and biases above"
        " one.",
        f"arXiv 2002.04486; {_DOCS}",
        LINEAR_FIRST,
    ),
)
_COLLAPSE = (
    Measure(
        "compression",
        "C",
        0,
        None,
        "",
        "Scatter of hidden features inside label groups over that between them, tr Σ_W / tr Σ_B, at the training"
        f" points: 0 when each group has become a point. Null when all groups have one mean. {_LAST}",
        "arXiv 2311.02960",
        layered=True,
        heavy_tailed=True,
    ),
    Measure(
        "class_compression",
        "C_class",
        0,
        None,
        "",
        "The same of classes in place of label groups: 0 for an averaging network, k - 2 for one that has a neuron for"
        f" each of k clusters. {_LAST}",
        f"arXiv 2311.02960; {_DOCS}",
        layered=True,
        heavy_tailed=True,
    ),
    Measure(
        "discrimination",
        "D_groups",
        0,
        2,
        "",
        "1 less the largest cosine of two label groups' mean hidden features at the training points. Null when a mean"
        f" is 0. {_LAST}",
        "arXiv 2311.02960",
        layered=True,
    ),
    Measure(
        "compression_rate",
        "C_{l+1}/C_l",
        0,
        None,
        "",
        "By what factor compression changes from layer to layer: e to the slope of its logarithm against the layer,"
        " from the training points themselves on. Null where a layer has none, or 0.",
        f"arXiv 2311.02960; {_DOCS}",
    ),
    Measure(
        "compression_fit",
        "R²",
        0,
        1,
        "",
        "How much of the logarithm of compression that line explains, R². Null for fewer than two hidden layers.",
        _DOCS,
        ("mlp", "resnet18"),
    ),
    Measure(
        "probe_class",
        "acc_probe",
        0,
        1,
        "",
        "Share of test points whose hidden features are nearest to the mean of their own class, means being those of"
        f" the training points. Null when all means are one. {_LAST}",
        _DOCS,
        share_of="test_points",
        layered=True,
    ),
    Measure(
        "probe_cluster",
        "acc_probe,k",
        0,
        1,
        "",
        f"The same of clusters: a side's number of them in one for an averaging network, and 1 for one that tells them"
        f" apart. {_LAST}",
        _DOCS,
        share_of="test_points",
        layered=True,
    ),
)
_NEURONS = (
    Measure(
        "subclass_selectivity",
        "c_1",
        0,
        None,
        "",
        "How far the best neuron's pre-activation tells a cluster from the rest of its class: distance of the means"
        " over the sum of the standard deviations at the test points, median over clusters. Null when no class has two"
        f" clusters. Of a ResNet, of channels averaged over positions. {_LAST}",
        "arXiv 2103.06733, c1",
        layered=True,
    ),
    Measure(
        "intraclass_spread",
        "c_3",
        0,
        None,
        "",
        "Standard deviation of a neuron's pre-activation over the test points of a class, over that of all; mean over"
        f" the half of the neurons where it is largest, and over classes. Of a ResNet as above. {_LAST}",
        "arXiv 2103.06733, c3",
        layered=True,
    ),
    Measure(
        "silent_fraction",
        "S",
        0,
        1,
        "",
        "Share of neurons that are on for no label group: its mean there is at most half of the largest of the layer,"
        f" or 0 for erf. Null for linear neurons. {_LAST}",
        f"arXiv 2406.16689; {_DOCS}",
        layered=True,
    ),
    Measure(
        "code_entropy",
        "H_code",
        0,
        1,
        "",
        "Entropy over neurons of the word that says for which label groups a neuron is on, over that of all words"
        f" alike. Null for more than 12 groups. {_LAST}",
        f"arXiv 2406.16689; {_DOCS}",
        layered=True,
    ),
    Measure(
        "neuron_participation",
        "P_neuron",
        0,
        1,
        "",
        "Share of the last hidden layer's neurons that carry the output of a label group at its own test points, by"
        " participation ratio; mean over groups. Null when none carries any.",
        f"arXiv 2406.16689; {_DOCS}",
    ),
    Measure(
        "readout_participation",
        "P_readout",
        0,
        1,
        "",
        "Share of the last hidden layer's neurons that outputs rest on: participation ratio of their largest squared"
        " output weight. Null where output weights are fixed.",
        f"arXiv 2406.16689; {_DOCS}",
        ("mlp", "resnet18"),
    ),
)
OF_LAYERS = (*_FEATURES, *_TRAINING, *_COLLAPSE, *_NEURONS)
"""All of them."""
