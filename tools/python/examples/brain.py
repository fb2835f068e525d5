# A real brain, from 10 % of its frequencies, restored by what it has itself. A plain script with cells ("# %%"), which
# Jupyter (by jupytext), VS Code, Spyder and PyCharm run one by one.
#
#   python brain.py [minutes=3] [FOLDER FOR PICTURES]        (or steps=…: the same result on any machine)
#
# Needs noise2stack, nibabel, matplotlib and tqdm, and the volume ch2 (Debian: mricron-data).

# %% The volume: a head of 1 mm resolution, the mean of 27 scans of one person (Holmes et al. 1998)
import pathlib
import sys

import matplotlib
matplotlib.use('agg')  # pictures go into files
import matplotlib.pyplot as plt
import nibabel
import numpy as np
import tqdm

import noise2stack

unit, length = (sys.argv[1] if len(sys.argv) > 1 else 'minutes=3').split('=')
pictures = pathlib.Path(sys.argv[2] if len(sys.argv) > 2 else '.')
pictures.mkdir(parents=True, exist_ok=True)
volume = nibabel.load('/usr/share/mricron/templates/ch2.nii.gz').get_fdata(dtype=np.float32)
clean = np.moveaxis(volume, 2, 0)[40:140]  # 100 axial planes
clean = clean / clean.max()


# %% Undersampling: each plane keeps 10 % of its frequencies, another choice in each, and low ones rather than high ones.
# What is kept is divided by its chance to be kept: too much or too little, but right in the mean (Lehtinen et al. 2018)
def mirrored(spectrum):
    """The value at the opposite frequency; for an image without imaginary part both are kept or neither."""
    rows, columns = spectrum.shape[-2:]
    return spectrum[..., -np.arange(rows) % rows, :][..., -np.arange(columns) % columns]


shape = clean.shape[1:]
distance = np.hypot(*np.meshgrid(*map(np.fft.fftfreq, shape), indexing='ij'))
chance = min((np.exp(-decay * distance) for decay in np.arange(1, 50, 0.05)), key=lambda kept: abs(kept.mean() - 0.1))
number = np.arange(clean[0].size).reshape(shape)
draw = np.random.default_rng(0).random(clean.shape)
draw = np.where(number <= mirrored(number), draw, mirrored(draw))
noisy = np.fft.ifft2(np.where(draw < chance, np.fft.fft2(clean) / chance, 0)).real.astype(np.float32)

# %% Restoring: a small network learns from the noisy volume alone to predict each plane from its neighbours
restored, model = noise2stack.restore(noisy, axis=0, net='mri', seed=1, **{unit: length}, return_model=True,
                                      progress=noise2stack.bars(tqdm.tqdm))

# %% What it has brought: means over planes
for name, image in (('noisy', noisy), ('restored', restored)):
    found = noise2stack.evaluate(image, clean, range=1)
    print(f'{name:9} PSNR {found["psnr"]:.2f} dB, SSIM {found["ssim"]:.3f}')

# %% A plane of each
figure, axes = plt.subplots(1, 3, figsize=(12, 5), layout='constrained')
for axis, (name, image) in zip(axes, (('noisy', noisy), ('restored', restored), ('original', clean))):
    axis.imshow(np.rot90(image[50]), cmap='gray', vmin=0, vmax=0.9)
    axis.set_title(name)
    axis.axis('off')
figure.savefig(pictures / 'brain.png')

# %% The model is a file, and serves other volumes
model.save(pictures / 'brain.safetensors', overwrite=True)
again = noise2stack.Model.load(pictures / 'brain.safetensors').denoise(noisy)
assert np.array_equal(again, restored)
