"""Writes value.json: what PyTorch computes for the inputs of test/nn/value.test.ts: Hugging Face's Qwen2 with a linear head of
one number (the layout of Qwen2ForTokenClassification), the value loss of verl's core_algos (its formula written out), and
AdamW after clip_grad_norm_.

Made as make_golden.py says:
    venv/bin/python test/nn/golden/make_value_golden.py
"""

import json
import pathlib

import numpy as np
import torch
from make_golden import BATCH, LENGTH, SHAPE, noise, picked, weight
from transformers import Qwen2Config, Qwen2Model

SETTINGS = dict(valueClip=0.3, learningRate=1e-2, beta1=0.9, beta2=0.95, epsilon=1e-5, weightDecay=0.1, maxGradNorm=0.5)


class ValueModel(torch.nn.Module):
    def __init__(self, config):
        super().__init__()
        self.model = Qwen2Model(config)
        self.score = torch.nn.Linear(config.hidden_size, 1)

    def forward(self, ids):
        return self.score(self.model(ids).last_hidden_state)[..., 0]


def main():
    config = Qwen2Config(
        vocab_size=SHAPE["vocabSize"], hidden_size=SHAPE["hiddenSize"], intermediate_size=SHAPE["intermediateSize"],
        num_hidden_layers=SHAPE["numLayers"], num_attention_heads=SHAPE["numHeads"],
        num_key_value_heads=SHAPE["numKeyValueHeads"], rope_theta=SHAPE["ropeTheta"], rms_norm_eps=SHAPE["rmsNormEps"],
        max_position_embeddings=SHAPE["maxLength"], attn_implementation="eager")
    model = ValueModel(config)
    parameters = dict(sorted(model.named_parameters()))
    with torch.no_grad():
        for salt, (name, parameter) in enumerate(parameters.items()):
            parameter.copy_(weight(parameter.shape, name, salt))

    n = BATCH * LENGTH
    ids = torch.tensor((noise(n, 201) * SHAPE["vocabSize"]).astype(np.int64)).view(BATCH, LENGTH)
    mask = torch.tensor((noise(n, 202) < 0.7).astype(np.float32))
    returns = torch.tensor((noise(n, 203) * 4 - 2).astype(np.float32))
    old = torch.tensor((noise(n, 204) * 2 - 1).astype(np.float32))

    def objective():
        values = model(ids).view(n)
        kept = torch.max(torch.min(values, old + SETTINGS["valueClip"]), old - SETTINGS["valueClip"])
        plain, clipped = (values - returns) ** 2, (kept - returns) ** 2
        mean = lambda x: (x * mask).sum() / mask.sum()
        return values, 0.5 * mean(torch.max(plain, clipped)), mean((clipped > plain).float())

    groups = [dict(params=[p for p in parameters.values() if p.dim() > 1], weight_decay=SETTINGS["weightDecay"]),
              dict(params=[p for p in parameters.values() if p.dim() == 1], weight_decay=0.0)]
    optimizer = torch.optim.AdamW(groups, lr=SETTINGS["learningRate"], betas=(SETTINGS["beta1"], SETTINGS["beta2"]),
                                  eps=SETTINGS["epsilon"])
    steps = []
    for step in range(2):
        optimizer.zero_grad()
        values, loss, fraction = objective()
        if step == 0:
            first = values.tolist()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(parameters.values()), SETTINGS["maxGradNorm"]).item()
        optimizer.step()
        steps.append(dict(loss=loss.item(), clipFraction=fraction.item(), gradNorm=norm))
    weights = {name: dict(norm=parameter.norm().item(), entries=picked(parameter))
               for name, parameter in parameters.items()}
    golden = dict(config=SHAPE, batchSize=BATCH, sequenceLength=LENGTH, settings=SETTINGS, values=first, steps=steps,
                  weights=weights)
    pathlib.Path(__file__).with_name("value.json").write_text(json.dumps(golden, indent=1) + "\n")


main()
