"""Writes qwen2.json: what Hugging Face's Qwen2 and PyTorch's AdamW compute for the inputs of test/nn/golden.test.ts.

Made with Debian 12's python3-torch 1.13.1 and transformers 4.41.2:
    /usr/bin/python3 -m venv --system-site-packages venv && venv/bin/pip install "transformers==4.41.2" "numpy<2"
    venv/bin/python test/nn/golden/make_golden.py
Weights and batch come from a counter hash that the test repeats, so that the file holds results alone.
"""

import json
import math
import pathlib

import numpy as np
import torch
from transformers import Qwen2Config, Qwen2ForCausalLM

SHAPE = dict(vocabSize=40, hiddenSize=32, numLayers=2, numHeads=4, numKeyValueHeads=2, headDim=8, intermediateSize=72,
             ropeTheta=10000.0, rmsNormEps=1e-6, maxLength=16)
BATCH, LENGTH = 3, 16
SETTINGS = dict(inverseTemperature=0.8, clipRatioLow=0.2, clipRatioHigh=0.28, learningRate=1e-2, beta1=0.9, beta2=0.95,
                epsilon=1e-5, weightDecay=0.1, maxGradNorm=0.5)


def noise(count, salt):
    """Numbers in [0, 1) from murmur3's finalizer over a counter."""
    x = (np.arange(count, dtype=np.uint64) + np.uint64(salt * 1000003)) & np.uint64(0xFFFFFFFF)
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x ^= x >> np.uint64(shift)
        x = (x * np.uint64(factor)) & np.uint64(0xFFFFFFFF)
    x ^= x >> np.uint64(16)
    return x.astype(np.float64) / 2**32


def weight(shape, name, salt):
    middle = 1.0 if name.endswith("norm.weight") else 0.0
    scale = 0.5 if len(shape) == 1 else 3 / math.sqrt(shape[1])
    values = middle + scale * (noise(int(np.prod(shape)), salt) - 0.5)
    return torch.tensor(values.astype(np.float32).reshape(shape))


def main():
    config = Qwen2Config(
        vocab_size=SHAPE["vocabSize"], hidden_size=SHAPE["hiddenSize"], intermediate_size=SHAPE["intermediateSize"],
        num_hidden_layers=SHAPE["numLayers"], num_attention_heads=SHAPE["numHeads"],
        num_key_value_heads=SHAPE["numKeyValueHeads"], rope_theta=SHAPE["ropeTheta"], rms_norm_eps=SHAPE["rmsNormEps"],
        max_position_embeddings=SHAPE["maxLength"], tie_word_embeddings=True, attn_implementation="eager")
    model = Qwen2ForCausalLM(config)
    parameters = dict(sorted(model.named_parameters()))
    with torch.no_grad():
        for salt, (name, parameter) in enumerate(parameters.items()):
            parameter.copy_(weight(parameter.shape, name, salt))

    n = BATCH * LENGTH
    ids = torch.tensor((noise(n, 101) * SHAPE["vocabSize"]).astype(np.int64))
    targets = torch.roll(ids, -1)
    mask = torch.tensor((noise(n, 102) < 0.7).astype(np.float32))
    advantages = torch.tensor((noise(n, 103) * 2 - 1).astype(np.float32))
    old = torch.tensor((-math.log(SHAPE["vocabSize"]) + 0.8 * (noise(n, 104) - 0.5)).astype(np.float32))
    ref = torch.tensor((-math.log(SHAPE["vocabSize"]) + 0.8 * (noise(n, 105) - 0.5)).astype(np.float32))

    def objective():
        logits = model(ids.view(BATCH, LENGTH)).logits.view(n, -1) * SETTINGS["inverseTemperature"]
        every = torch.log_softmax(logits, -1)
        logprobs = every.gather(1, targets[:, None])[:, 0]
        entropy = -(every.exp() * every).sum(-1)
        ratio = (logprobs - old).exp()
        surrogate = torch.min(ratio * advantages,
                              ratio.clamp(1 - SETTINGS["clipRatioLow"], 1 + SETTINGS["clipRatioHigh"]) * advantages)
        surrogate = torch.where(advantages < 0, torch.max(surrogate, 3 * advantages), surrogate)
        kl = (ref - logprobs).exp() - (ref - logprobs) - 1
        per_token = 0.04 * kl - surrogate - 0.01 * entropy
        return logprobs, entropy, (per_token * mask).sum() / mask.sum(), (kl * mask).sum() / mask.sum()

    groups = [dict(params=[p for p in parameters.values() if p.dim() > 1], weight_decay=SETTINGS["weightDecay"]),
              dict(params=[p for p in parameters.values() if p.dim() == 1], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=SETTINGS["learningRate"], betas=(SETTINGS["beta1"], SETTINGS["beta2"]),
                                  eps=SETTINGS["epsilon"])
    steps, gradients = [], {}
    for step in range(2):
        optimizer.zero_grad()
        logprobs, entropy, loss, kl = objective()
        loss.backward()
        if step == 0:
            first = dict(logprobs=logprobs.tolist(), entropy=entropy.tolist())
            for name, parameter in parameters.items():
                gradients[name] = dict(norm=parameter.grad.norm().item(), entries=picked(parameter.grad))
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), SETTINGS["maxGradNorm"]).item()
        optimizer.step()
        steps.append(dict(loss=loss.item(), kl=kl.item(), gradNorm=norm))
    weights = {name: dict(norm=parameter.norm().item(), entries=picked(parameter))
               for name, parameter in parameters.items()}
    golden = dict(config=SHAPE, batchSize=BATCH, sequenceLength=LENGTH, settings=SETTINGS, **first, steps=steps,
                  gradients=gradients, weights=weights)
    text = json.dumps(golden, indent=1)
    pathlib.Path(__file__).with_name("qwen2.json").write_text(text + "\n")


def picked(tensor):
    """Eight entries spread over a tensor: entry k is at floor(k * size / 8)."""
    flat = tensor.detach().flatten()
    return [flat[k * flat.numel() // 8].item() for k in range(8)]


if __name__ == "__main__":
    main()
