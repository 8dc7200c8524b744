"""The same model and work in PyTorch. Standard input: one line that describes the work, then numbers of repetitions."""

import json
import sys
import time

import numpy as np
import torch
import torch.nn.functional as F


def blas():
    """The library that multiplies matrices; reference BLAS would make the comparison worthless."""
    torch.ones(64, 64) @ torch.ones(64, 64)
    if "BLAS_INFO=mkl" in torch.__config__.show():
        return "MKL"
    try:
        with open("/proc/self/maps") as maps:
            return "OpenBLAS" if "openblas" in maps.read() else "reference BLAS, slow: install libopenblas0-pthread"
    except OSError:
        return "BLAS unknown"


class Model:
    def __init__(self, work):
        self.config = work["config"]
        self.decays = {p["name"]: p["decay"] for p in work["parameters"]}
        data = np.fromfile(work["weights"], dtype=np.float32)
        self.weights, at = {}, 0
        for p in work["parameters"]:
            size = int(np.prod(p["shape"]))
            self.weights[p["name"]] = torch.tensor(data[at : at + size].reshape(p["shape"]))
            at += size
        length, dim, half = self.config["maxLength"], self.config["headDim"], self.config["headDim"] // 2
        turns = self.config["ropeTheta"] ** (-torch.arange(half, dtype=torch.float64) / half)
        angles = torch.arange(length, dtype=torch.float64)[:, None] * turns
        angles = torch.cat([angles, angles], 1)
        self.cos, self.sin = angles.cos().float(), angles.sin().float()
        self.mask = torch.full((length, length), -1e9).triu(1)

    def norm(self, x, weight):
        return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + self.config["rmsNormEps"]) * weight

    def logits(self, ids, start=0, cache=None):
        """ids [B, T] at positions from `start` on; a cache is a pair of [B, KV, length, dim] for each layer."""
        c, w = self.config, self.weights
        B, T = ids.shape
        H, KV, dim = c["numHeads"], c["numKeyValueHeads"], c["headDim"]
        cos, sin = self.cos[start : start + T], self.sin[start : start + T]

        def turn(x):
            low, high = x.chunk(2, -1)
            return x * cos + torch.cat([-high, low], -1) * sin

        x = F.embedding(ids, w["model.embed_tokens.weight"])
        for layer in range(c["numLayers"]):
            p = lambda name: w[f"model.layers.{layer}.{name}"]
            h = self.norm(x, p("input_layernorm.weight"))
            qkv = F.linear(h, p("self_attn.qkv_proj.weight"), p("self_attn.qkv_proj.bias"))
            q, k, v = (
                part.view(B, T, -1, dim).transpose(1, 2) for part in qkv.split([H * dim, KV * dim, KV * dim], -1)
            )
            q, k = turn(q), turn(k)
            if cache is not None:
                keys, values = cache[layer]
                keys[:, :, start : start + T], values[:, :, start : start + T] = k, v
                k, v = keys[:, :, : start + T], values[:, :, : start + T]
            scores = torch.matmul(q.reshape(B, KV, -1, dim) * dim**-0.5, k.transpose(-1, -2))
            if T > 1:
                scores = (scores.view(B, H, T, -1) + self.mask[:T, :T]).view(B, KV, -1, T)
            mixed = torch.matmul(scores.softmax(-1), v).view(B, H, T, dim)
            x = x + F.linear(mixed.transpose(1, 2).reshape(B, T, -1), p("self_attn.o_proj.weight"))
            h = self.norm(x, p("post_attention_layernorm.weight"))
            gated = F.silu(F.linear(h, p("mlp.gate_proj.weight"))) * F.linear(h, p("mlp.up_proj.weight"))
            x = x + F.linear(gated, p("mlp.down_proj.weight"))
        if cache is not None:
            x = x[:, -1]
        return F.linear(self.norm(x, w["model.norm.weight"]), w["model.embed_tokens.weight"])


class Training:
    """Forward, PPO's clipped objective with dual clip, its metrics, backward, clipping, AdamW."""

    def __init__(self, work):
        self.model, self.settings = Model(work), work["settings"]
        batch, shape = work["batch"], (work["rows"], work["length"])
        self.ids = torch.tensor(batch["ids"]).view(shape)
        self.targets = torch.tensor(batch["targets"])[:, None]
        self.mask, self.advantages, self.old = (
            torch.tensor(batch[name], dtype=torch.float32) for name in ("mask", "advantages", "oldLogprobs")
        )
        weights = self.model.weights
        for weight in weights.values():
            weight.requires_grad_()
        groups = [
            dict(params=[w for n, w in weights.items() if self.model.decays[n] == decay], weight_decay=amount)
            for decay, amount in ((True, self.settings["weightDecay"]), (False, 0.0))
        ]
        s = self.settings
        self.optimizer = torch.optim.AdamW(
            groups, lr=s["learningRate"], betas=(s["beta1"], s["beta2"]), eps=s["epsilon"], foreach=True
        )

    def run(self):
        s, mask = self.settings, self.mask
        self.optimizer.zero_grad(set_to_none=True)
        logprobs = F.log_softmax(self.model.logits(self.ids).flatten(0, 1), -1)
        logprob = logprobs.gather(1, self.targets)[:, 0]
        log_ratio = logprob - self.old
        ratio = log_ratio.exp()
        plain = -self.advantages * ratio
        clipped = -self.advantages * ratio.clamp(1 - s["clipRatioLow"], 1 + s["clipRatioHigh"])
        worse = torch.max(plain, clipped)
        bounded = torch.min(worse, -self.advantages * s["clipRatioDual"])
        total = mask.sum()
        loss = (torch.where(self.advantages < 0, bounded, worse) * mask).sum() / total
        with torch.no_grad():
            entropy = (-(logprobs.exp() * logprobs).sum(1) * mask).sum() / total
            kl = -(log_ratio * mask).sum() / total
            fraction = ((clipped > plain) * mask).sum() / total
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(list(self.model.weights.values()), s["maxGradNorm"])
        self.optimizer.step()
        figures = dict(loss=loss, gradNorm=norm, entropy=entropy, kl=kl, clipFraction=fraction)
        return {name: value.item() for name, value in figures.items()}


class Generation:
    """A prompt in one pass, then token by token with a static cache; log-prob and entropy of every token."""

    def __init__(self, work):
        self.model, self.new = Model(work), work["newTokens"]
        self.prompts = torch.tensor(work["prompts"])

    @torch.inference_mode()
    def run(self):
        c, (B, P) = self.model.config, self.prompts.shape
        shape = (B, c["numKeyValueHeads"], P + self.new, c["headDim"])
        cache = [(torch.empty(shape), torch.empty(shape)) for _ in range(c["numLayers"])]
        logits, steps = self.model.logits(self.prompts, 0, cache), []
        for i in range(self.new):
            logprobs = F.log_softmax(logits, -1)
            probabilities = logprobs.exp()
            token = torch.multinomial(probabilities, 1)
            steps.append((token, logprobs.gather(1, token), -(probabilities * logprobs).sum(1)))
            if i + 1 < self.new:
                logits = self.model.logits(token, P + i, cache)
        return dict(entropy=steps[0][2].mean().item())


work = json.loads(sys.stdin.readline())
torch.set_num_threads(work["threads"])
contestant = {"training": Training, "generation": Generation}[work["kind"]](work)
print(json.dumps(dict(name=f"PyTorch {torch.__version__} ({blas()})")), flush=True)
for line in sys.stdin:
    times, check = [], None
    for _ in range(int(line)):
        start = time.perf_counter()
        figures = contestant.run()
        times.append(time.perf_counter() - start)
        check = check or figures
    print(json.dumps(dict(seconds=times, check=check)), flush=True)
