"""The models behind a run's arms, for evaluators that ask them: one load of the weights, adapters switched on and off.

likelihood.py scores rows of ids in batches, weights.py loads and switches, arm_model.py is what an evaluator gets
(Context.language_model), request.py what a stage says of the arms: for its key, and for its child.
"""
