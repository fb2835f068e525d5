# What a type checker (mypy --strict) must accept of the package; tests/tools/python_test checks it, nothing runs it.
from typing import Any

import noise2stack
import numpy as np

stack = np.zeros((9, 64, 64), np.float32)
restored: np.ndarray[Any, Any] = noise2stack.restore(stack, steps=5, progress=lambda p: print(p.done, p.total))
with_model: tuple[np.ndarray[Any, Any], noise2stack.Model] = noise2stack.restore(stack, return_model=True, planes=4)
model: noise2stack.Model = noise2stack.train([stack, stack], targets=[stack, stack], method='noise2noise')
model.save('model.safetensors', overwrite=True)
again: np.ndarray[Any, Any] = noise2stack.Model.load('model.safetensors').denoise(stack, axis=2, out=restored, note=print)
filtered: list[np.ndarray[Any, Any]] = [noise2stack.bm3d(stack), noise2stack.nlm(stack, sigma=3.0)]
psnr: float = noise2stack.evaluate(restored, stack)['psnr']
try:
    noise2stack.inspect(stack, axes='ZYX')
except noise2stack.Interrupted as stopped:
    print(stopped.model, noise2stack.devices())
