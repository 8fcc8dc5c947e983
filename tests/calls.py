"""How to call each exported name once, with nothing but the library installed: code to evaluate

`picture` marks what needs matplotlib, anywidget or images, which are not there: the call must say
which extra to install.
"""

X = "np.random.default_rng(0).random((40, 16))"
Y = "np.arange(40) % 4"
P = "softmax(np.random.default_rng(0).random((5, 3)))"
NET = "MLP((3, 4, 2), random_state=0)"
ON_FOUR = f"{NET}, np.random.default_rng(0).random((4, 3)), [0, 1, 0, 1]"
STACK = "StackedClassifier(epochs=1, random_state=0)"

CALLS = (
    {
        name: {"call": code}
        for name, code in {
            "check_numbers": "check_numbers([1, 2])",
            "check_matrix": "check_matrix([[1, 2]])",
            "check_labels": "check_labels([0, 1], 2)",
            "colour": "colour('Weight')",
            "check_classes": "check_classes(['b', 'a'])",
            "check_probas": f"check_probas({P})",
            "check_images": "check_images(np.zeros((2, 64)))",
            "check_nonnegative": "check_nonnegative([1, 2], 2, 'exponents')",
            "check_type": "check_type(1, int, 'n')",
            "check_list": "check_list((1, 2), 'sizes')",
            "check_dtype": "check_dtype('float32')",
            "check_random": "check_random(0)",
            "check_views": "check_views([('raw', 'passthrough')])",
            "check_view": "check_view([[1., 2.]], 1, 'raw')",
            "all_or_nothing": "all_or_nothing(RTFeatures.fit)",
            "check_experts": f"check_experts([{P}, {P}])",
            "check_choice": "check_choice('a', ('a', 'b'), 'letter')",
            "check_count": "check_count(3, 'n')",
            "check_number": "check_number(.5, 'lr')",
            "feedback": "feedback(lambda f: f(), lambda: None)",
            "Split": "Split(1, 2, 3, 4)",
            "load_digits": "load_digits()",
            "RTFeatures": f"RTFeatures('deviation').fit({X}, {Y}).transform({X})",
            "softmax": P,
            "log_softmax": "log_softmax(np.zeros((2, 3)))",
            "one_hot": "one_hot([0, 1], 2)",
            "cross_entropy": f"cross_entropy({P}, [0, 1, 2, 0, 1])",
            "MLP": f"{NET}.predict(np.ones((2, 3)))",
            "GradientErrors": "repr(GradientErrors({'weights[0]': 1e-9}))",
            "gradient_check": f"gradient_check({ON_FOUR})",
            "train": f"train({ON_FOUR}, epochs=2, progress=False)",
            "History": "History().loss",
            "combine_output": f"combine_output({P}, {P})",
            "pool": f"pool([{P}, {P}], 'mean')",
            "pool_logs": f"pool_logs(np.log([{P}, {P}]))",
            "Comparison": "repr(Comparison(np.array([0, 1]), {'a': np.array([0, 1])}))",
            "compare": "compare([0, 1], {'a': [0, 1]}).accuracy",
            "ViewSplits": "ViewSplits(*range(6))",
            "view_splits": "view_splits(2)",
            "corrected_interval": "corrected_interval([.1, .2, .3], 70, 30)",
            "mcnemar": "mcnemar(np.array([True, False]), np.array([True, True]))",
            "calibrate": f"calibrate([softmax(3 * np.eye(3)), {P}[:3]], [0, 1, 2])",
            "fit_exponents": f"fit_exponents(np.log([{P}, {P}]), np.array([0, 1, 0, 1, 0]))",
            "expected_calibration_error": f"expected_calibration_error({P}, [0, 1, 2, 0, 1])",
            "distances": "distances(np.eye(3), np.eye(3))",
            "contrastive": "contrastive(np.eye(3), np.array([0, 0, 1]))",
            "Siamese": f"Siamese(epochs=2, random_state=0).fit({X}, {Y}).transform({X})",
            "Cells": "synthetic_cells(2, 3, 20).X",
            "level": "level(np.ones((2, 4, 4)))",
            "synthetic_cells": "synthetic_cells(2, 3, 20).images",
            "RTTiles": f"RTTiles(n_tiles=2).fit_transform({X}, {Y})",
            "profiles": f"profiles({X})",
            "greys": f"greys({X})",
            "valleys": "valleys(np.ones((2, 20, 20)))",
            "patterns": "patterns(np.ones((2, 20, 20)))",
            "bootstrap_interval": "bootstrap_interval([.1, .2, .3], [0, 0, 1])",
            "StackedClassifier": f"{STACK}.fit({X}, {Y}).evaluate({X}, {Y})",
        }.items()
    }
    | {
        "save": {"call": f"save({NET}, 'net.skops')", "none": True},
        "load": {"call": "load('net.skops')"},
        "save_rows": {"call": f"save_rows('rows.npy', [{X}, {X}])"},
        "row_blocks": {"call": "list(row_blocks('rows.npy', 30))"},
        "to_json": {"call": f"to_json({NET})"},
        "to_page": {"call": f"to_page({NET}, 'net.html')", "none": True},
        "export": {"call": f"export({NET}, 'net.json')", "none": True},
        "to_onnx": {"picture": f"to_onnx({NET}, 'net.onnx')", "extra": "onnx"},
        "to_torch": {"picture": f"to_torch({NET})", "extra": "torch"},
        "from_torch": {"picture": "from_torch(None)", "extra": "torch"},
    }
    | {"load_cells": {"picture": "load_cells()", "extra": "inspection"}}
    | {
        name: {"picture": f"{name}('a')", "extra": "parts"}
        for name in ("load_folder", "read_image", "read_digit")
    }
    | {
        "Parts": {
            "call": "Parts(np.ones((1, 4, 4)), np.array(['a']), None, np.array(['a/1'])).order"
        },
        "LeakCheck": {"call": "LeakCheck(.5, .6, .7, True, False).advice"},
        "leak_check": {"call": f"leak_check({X}, {Y})"},
        "main": {"call": "main(['predict', 'no model', 'no image'])"},
    }
    | {
        name: {"picture": code}
        for name, code in {
            "pyplot": "pyplot()",
            "course_style": "course_style()",
            "show_digits": f"show_digits({X})",
            "plot_pixel_scatter": "plot_pixel_scatter(np.ones(4), np.ones(4))",
            "plot_views": "plot_views(np.ones(4), np.ones((2, 4)))",
            "playground": f"playground({STACK}.fit(*load_digits()[::2]), *load_digits()[1::2])",
            "product_explorer": "product_explorer()",
            "training_replay": "training_replay({'epochs': [0, 1], 'loss': [2., 1.],"
            " 'predictions': [[0], [1]], 'weights': np.ones((2, 2, 3)),"
            " 'images': np.eye(1, 64), 'labels': [1]})",
            "independence_dial": "independence_dial({'dial': [0, 1],"
            " 'series': {'product': {'accuracy': [.9, .8], 'log_loss': [.3, .4]}},"
            " 'samples': [{'w': [0, 1], 'b': [1, 2], 'y': [0, 1]}] * 2})",
            "descent_ball": "descent_ball()",
            "switchboard": "switchboard({name: {'loss': [.3, .1], 'accuracy': .9}"
            " for name in ('neither', 'asked', 'taught', 'both')})",
            "another_split": "another_split({'a': np.eye(4, dtype=bool),"
            " 'b': np.zeros((4, 4), bool)}, [('a', 'b')], 9)",
            "cloud_replay": "cloud_replay({'epochs': [0, 1], 'points': np.ones((2, 1, 2)),"
            " 'prototypes': [np.eye(2)] * 2, 'images': np.eye(1, 64), 'labels': [1]})",
            "reliability_sliders": f"reliability_sliders([{P}, {P}], [0, 1, 2, 0, 1], [.5, .5])",
            "operating_explorer": "operating_explorer([0, 1], {'cells': {'a': [.2, .6]}},"
            " {'images': np.zeros((1, 4, 4)), 'labels': [1], 'scores': {'a': [.3]}})",
            "neuron_bench": "neuron_bench([[0., 1.], [1., 0.]], [0, 1])",
            "plot_reliability": f"plot_reliability({{'a': {P}}}, [0, 1, 2, 0, 1])",
            "plot_opinions": f"plot_opinions({{'a': {P}[0]}})",
        }.items()
    }
)
