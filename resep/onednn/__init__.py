"""Linear layers through oneDNN on a CPU: the same float32 numbers, sooner. Imported only where torch is needed anyway.

reading   for models that only answer, or encode
frozen    for the layers beside which LoRA learns: the gradient of their input goes through
"""
