"""The few functions of PyTorch that exported networks call, in NumPy: so that these are run where PyTorch is not."""
import json, struct, sys, types

import numpy as np


class Tensor(np.ndarray):
    device = None

    def to(self, _device):
        return self

    def expand(self, *shape):
        return np.broadcast_to(self, shape).view(Tensor)


def tensor(values, dtype=None, device=None):
    return np.array(values, dtype).view(Tensor)


def conv2d(x, weight, bias=None, stride=1, padding=0, groups=1):
    x = np.pad(np.asarray(x, 'f8'), ((0, 0), (0, 0), (padding, padding), (padding, padding)))
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], (2, 3))[:, :, ::stride, ::stride]
    if groups == 1:
        out = np.einsum('nchwij,ocij->nohw', windows, weight, optimize=True)
    else:
        out = np.einsum('nchwij,cij->nchw', windows, weight[:, 0])
    return (out if bias is None else out + np.reshape(bias, (1, -1, 1, 1))).view(Tensor)


def max_pool2d(x, size, stride=2):
    windows = np.lib.stride_tricks.sliding_window_view(x, (size, size), (2, 3))[:, :, ::stride, ::stride]
    return windows.max((-2, -1)).view(Tensor)


def pad(x, sides, mode='constant', value=0.0):
    left, right, top, bottom = sides
    return np.pad(x, ((0, 0), (0, 0), (top, bottom), (left, right)),
                  **({'mode': 'edge'} if mode == 'replicate' else {'constant_values': value})).view(Tensor)


class Module:
    def __call__(self, *arguments):
        return self.forward(*arguments)

    def eval(self):
        return self

    def load_state_dict(self, state):
        wanted = {f'{name}.{key}' for name, conv in self.convolutions() for key in ('weight', 'bias')}
        assert wanted == set(state), wanted ^ set(state)
        for name, conv in self.convolutions():
            conv.weight, conv.bias = state[name + '.weight'], state[name + '.bias']
            assert conv.weight.shape == conv.shape, (name, conv.weight.shape, conv.shape)

    def convolutions(self):
        for block, member in vars(self).items():
            if isinstance(member, Conv2d):
                yield block, member
            else:
                yield from ((f'{block}.{name}', conv) for name, conv in member.items())


class Conv2d(Module):
    def __init__(self, inputs, outputs, size, padding):
        self.shape, self.padding = (outputs, inputs, size, size), padding

    def forward(self, x):
        return conv2d(x, self.weight, self.bias, padding=self.padding)


def load_file(path):
    with open(path, 'rb') as f:
        data = f.read()
    length = struct.unpack_from('<Q', data)[0]
    header = json.loads(data[8:8 + length])
    return {name: np.frombuffer(data, 'f4', (e['data_offsets'][1] - e['data_offsets'][0]) // 4, 8 + length + e['data_offsets'][0])
            .reshape(e['shape']) for name, e in header.items() if name != '__metadata__'}


def install():
    """Takes the place of torch and safetensors."""
    def module(name, **members):
        made = types.ModuleType(name)
        vars(made).update(members)
        sys.modules[name] = made
        return made

    functional = module('torch.nn.functional', relu=lambda x: np.maximum(x, 0).view(Tensor), conv2d=conv2d, pad=pad,
                        leaky_relu=lambda x, slope: np.where(x > 0, x, slope * x).view(Tensor), max_pool2d=max_pool2d,
                        interpolate=lambda x, scale_factor, mode: x.repeat(2, 2).repeat(2, 3).view(Tensor))
    nn = module('torch.nn', Module=Module, Conv2d=Conv2d, ModuleDict=dict, functional=functional)
    module('torch', nn=nn, inf=np.inf, tensor=tensor, arange=lambda n: np.arange(n).view(Tensor),
           minimum=lambda a, b: np.minimum(a, b).view(Tensor), cat=lambda parts, axis: np.concatenate(parts, axis).view(Tensor),
           outer=lambda a, b: np.outer(a, b).view(Tensor))
    module('safetensors')
    module('safetensors.torch', load_file=load_file)
