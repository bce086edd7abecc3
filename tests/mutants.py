"""Break the library one line at a time, and see whether the fast tests notice: `python tests/mutants.py`.

Each mutant is a line of the library, what to put in its place, and the test files that should notice. It is put into a copy
of the package; a mutant survives if all of its tests pass. The command ends with the share that was killed, and fails below
95 %. `python tests/mutants.py ppo rollout` tries those of some files only, `--jobs 4` four at once, `--list` names them all.

No mutant here is equivalent to the original by rounding or by design: one that cannot be seen by any test does not belong here.
"""

import os
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
LEAST_KILLED = 0.95
SECONDS = 300


@dataclass(frozen=True)
class Mutant:
    """One broken line."""

    file: str
    """Module below rlhf_lite/, without its ending."""
    before: str
    """What stands there, exactly once."""
    after: str
    """What to put in its place."""
    tests: str
    """Test files below tests/, without test_ and ending, separated by spaces."""


MUTANTS = [Mutant(*line) for line in (
    # averages over what is kept
    ("masked", "kept = values.masked_fill(~mask, 0.0)  # not", "kept = values * mask  # not", "masked"),
    ("masked", "return masked_sum(values, mask, dim) / count", "return masked_sum(values, mask, dim) / mask.sum()", "masked"),
    ("masked", "mean = masked_mean(values, mask)\n", "mean = values.mean()\n", "masked"),
    ("masked", "((values - mean) * torch", "(values * torch", "masked"),
    ("masked", "torch.arange(1, mask.shape[1] + 1, device", "torch.arange(0, mask.shape[1], device", "masked"),
    # tokens, order, windows, padding
    ("bpe", "(-self.counts[pair], pair))", "(self.counts[pair], pair))", "bpe"),
    ("bpe", "new_id, i = min((", "new_id, i = max((", "bpe"),
    ("data", "_epoch_order(n_items, seed, epoch)[place]", "_epoch_order(n_items, seed, 0)[place]", "data"),
    ("data", "generator=seeded_generator(\"order\", seed, epoch)", "generator=seeded_generator(\"order\", 0, epoch)", "data"),
    ("data", "places = (divmod(place, n_items) for place in range(step * batch_size, (step + 1) * batch_size))",
     "places = (divmod(place, n_items) for place in range(step * batch_size + 1, (step + 1) * batch_size + 1))", "data"),
    ("data", "for token in (*ids, tokenizer.end_id)]", "for token in ids]", "data"),
    ("data", "+ item * sequence_length for epoch", "+ item * (sequence_length - 1) for epoch", "data"),
    ("data", "_epoch_offset(n_tokens, seed, epoch) + item", "_epoch_offset(n_tokens, seed, 0) + item", "data"),
    ("data", "tokens[row, -lengths[row] :] =", "tokens[row, : lengths[row]] =", "data"),
    ("data", "device=lengths.device) < lengths[:, None]", "device=lengths.device) <= lengths[:, None]", "data"),
    ("data", "return lengths_to_mask(lengths, T) & ~lengths_to_mask(prompt_lengths, T)", "return lengths_to_mask(lengths, T)", "data sft"),
    ("data", "torch.searchsorted(starts, begins % n_tokens) % len(starts)", "(begins % len(starts))[:0]", "pretrain"),
    ("data", "(tokens == end_id).nonzero()[:, 0] + 1", "(tokens == end_id).nonzero()[:, 0]", "pretrain"),
    ("pretrain", "torch.randint(spare + 1, (n_windows,)", "torch.randint(1, (n_windows,)", "pretrain"),
    ("pretrain", "term, begun = term + 1, step", "term, begun = term + 1, 0", "pretrain"),
    ("pretrain", "row.get(\"answered\", -1.0) >= terms[term].share", "row.get(\"answered\", -1.0) > terms[term].share", "pretrain"),
    ("pretrain", "lengths - 1]  # (N, C)", "-1]  # (N, C)", "pretrain"),
    ("tinyworld/drills", "again = [pair[::-1] for pair in pairs] if backwards else pairs", "again = pairs", "tinyworld/drills"),
    ("tinyworld/world", "for stage in LABELERS_SHARES if self.drills else ():", "for stage in LABELERS_SHARES:", "tinyworld/drills"),
    ("sft", "{\"sft_loss\": (1 - share) * loss}", "{\"sft_loss\": loss}", "sft"),
    ("sft", "backward({\"pretraining_loss\": share * loss}", "backward({\"pretraining_loss\": loss}", "sft"),
    ("comparisons", "if max(map(len, pair)) <= longest]", "]", "pipeline"),
    ("comparisons", "return [row for term in first for row in term] + mixed", "return mixed", "pipeline"),
    ("reward", "None if config.in_order else seed", "seed", "reward"),
    ("reward", " & (batch.ranks == 0)[:, None]", "", "reward"),
    ("reward", "return loss + text_coef * text_loss", "return loss + text_loss", "reward"),
    ("reward", "lengths_to_mask(batch.lengths - 1, ", "lengths_to_mask(batch.lengths, ", "reward"),
    ("pretrain", "answered = min(", "answered = max(", "pretrain"),
    ("tinyworld/mistakes", "if found and not is_held_out(use_case, request.combination):", "if found:", "tinyworld/mistakes"),
    ("tinyworld/mistakes", "if value != need.answer}", "}", "tinyworld/mistakes"),
    ("tinyworld/mistakes", "return rng.sample(pairs, len(pairs))", "return pairs", "tinyworld/mistakes"),
    ("records", "if size <= limit]", "if size < limit]", "records"),
    ("records", "return len(self.ids) - max(1, self.prompt_length)", "return len(self.ids) - self.prompt_length", "sft"),
    ("records", "prompt_index = [index for index, each", "prompt_index = [0 for index, each", "records reward"),
    ("tokenizer", "\"added_tokens\": [], \"post", "\"post", "tokenizer"),
    ("tokenizer", "_FORGED_TURN.sub(' ', content)", "content", "tokenizer"),
    ("tokenizer", "return earlier_ids + encoding.ids + [self.end_id]", "return earlier_ids + encoding.ids", "tokenizer"),
    ("tokenizer", "n_last = sum(start < len(last) for start, _", "n_last = sum(start <= len(last) for start, _", "tokenizer"),
    # models
    ("attention", "/ query.shape[-1] ** 0.5  # (..., T, S)", "/ query.shape[-1]  # (..., T, S)", "attention"),
    ("attention", "scores.masked_fill(~mask, float", "scores.masked_fill(mask, float", "attention"),
    ("attention", ".tril(n_keys - n_queries)", ".tril()", "attention"),
    ("attention", "dropout = self.dropout if self.training else 0.0", "dropout = self.dropout", "attention"),
    ("attention", "\"b s (two h d) -> two b h s d\"", "\"b s (h two d) -> two b h s d\"", "attention gpt"),
    ("transformer", "x = x + self.dropout(self.attention(", "x = self.dropout(self.attention(", "transformer gpt"),
    ("transformer", "self.attention(self.attention_norm(x), mask=mask, is_causal=is_causal)", "self.attention(x, mask=mask, is_causal=is_causal)",
     "transformer gpt"),
    ("gpt", "x = block(x, is_causal=True)", "x = block(x)", "gpt"),
    ("gpt", "return self.final_norm(x)", "return x", "gpt"),
    ("gpt", "self.token_embedding(tokens) + self.position_embedding(positions)", "self.token_embedding(tokens)", "gpt"),
    ("gpt", "gather(1, (lengths - 1)[:, None])", "gather(1, lengths[:, None].clamp(max=tokens.shape[1] - 1))", "reward"),
    ("gpt", "return copy.train(model.training)", "copy.scalar_head.bias.data.zero_()\n    return copy.train(model.training)", "gpt"),
    ("kernels/fused_attention", "if query.shape[-2] == 1 and not dropout:", "if query.requires_grad:", "kernels/fused_attention"),
    ("kernels/active_rows", "x.masked_fill(~real[:, past:, None], 0.0)", "x", "kernels/active_rows"),
    ("kernels/active_rows", "(real.cumsum(1) - 1).clamp(min=0)[:, past:]", "torch.arange(past, n_all, device=real.device)[None]", "generate"),
    ("kernels/active_rows", "kept[gaps] = fillers", "kept[gaps] = gaps", "generate kernels/active_rows"),
    # sampling
    ("generate", "logits = logits.float() / temperature\n", "logits = logits.float()\n", "generate"),
    ("generate", "ordered.cumsum(-1) - ordered >= top_p", "ordered.cumsum(-1) - ordered > top_p", "generate"),
    ("generate", "probs = probs / probs.sum(-1, keepdim=True)", "pass", "generate"),
    ("generate", "logits.topk(top_k).values[..., -1:]", "logits.topk(top_k + 1).values[..., -1:]", "generate"),
    ("generate", "target, right=True)", "target)", "generate"),
    ("generate", "is_last=drawn == end_id", "is_last=drawn < 0", "generate"),
    ("generate", "uniforms[rows.index, step]", "uniforms[: len(rows), step]", "generate"),
    # likelihood
    ("likelihood", "F.pad(tokens[:, 1:].long(), (0, 1), value=IGNORE)", "tokens.long()", "likelihood"),
    ("likelihood", "_scaled(logits.float(), temperature).flatten(0, 1)", "logits.float().flatten(0, 1)", "likelihood"),
    ("likelihood", "F.cross_entropy(_scaled(logits, temperature), targets", "F.cross_entropy(logits, targets", "likelihood"),
    ("likelihood", "with torch.autocast(tokens.device.type, enabled=False):", "if True:", "likelihood ppo"),
    ("likelihood", "model.hidden(tokens)[:, :-1][mask], tokens[:, 1:][mask]", "model.hidden(tokens)[:, 1:][mask], tokens[:, 1:][mask]", "likelihood"),
    ("likelihood", "loss_mask is None else loss_mask[:, 1:]", "loss_mask is None else loss_mask[:, :-1]", "likelihood"),
    ("likelihood", "return log_probs - ref_log_probs", "return ref_log_probs - log_probs", "likelihood rollout"),
    ("likelihood", "return torch.exp(-log_ratio) - 1 + log_ratio", "return torch.exp(log_ratio) - 1 - log_ratio", "likelihood"),
    ("likelihood", "return (log_p.exp() * (log_p - log_q)).sum(-1)", "return (log_q.exp() * (log_p - log_q)).sum(-1)", "likelihood"),
    # optimizer
    ("kernels/muon", "MOMENTUM = 0.95", "MOMENTUM = 0.5", "kernels/muon"),
    ("kernels/muon", "update = p.grad.lerp(momentum, self.MOMENTUM)", "update = momentum", "kernels/muon"),
    ("kernels/muon", "                p.mul_(1 - rate * weight_decay)\n                tall", "                tall", "kernels/muon"),
    ("kernels/muon", "if self.config.muon_parts and", "if False and", "kernels/muon"),
    ("optim", "slow[\"peak\"] = POSITIONS_SHARE * config.learning_rate", "slow[\"peak\"] = config.learning_rate", "kernels/muon"),
    ("kernels/muon", "max(1, p.shape[0] / p.shape[1]) ** 0.5", "1.0", "kernels/muon"),
    ("kernels/muon", "square.sqrt() + config.epsilon, value=-rate", "square.sqrt() + config.epsilon, value=rate", "kernels/muon"),
    ("kernels/muon", "mean = state[\"mean\"] / (1 - config.beta1 ** state[\"step\"].item())", "mean = state[\"mean\"]", "kernels/muon"),
    ("optim", "group[\"lr\"] = rate / config.learning_rate * group.get(\"peak\", config.learning_rate)", "group[\"lr\"] = rate", "kernels/muon"),
    ("optim", "return config.learning_rate * (step + 1) / config.warmup_steps", "return config.learning_rate * step / config.warmup_steps", "optim"),
    ("optim", "config.final_fraction + (1 - config.final_fraction) * cosine", "cosine", "optim"),
    ("optim", "clip_grad_norm_(parameters, config.max_grad_norm)", "clip_grad_norm_(parameters, 1e9)", "optim"),
    ("optim", "if p.dim() < 2], \"weight_decay\": 0.0}", "if p.dim() < 2], \"weight_decay\": config.weight_decay}", "optim"),
    ("optim", "        if not torch.isfinite(loss):", "        if False:", "optim"),
    # engine
    ("engine", "share = sorted(share, key=length)", "share = list(share)", "engine"),
    ("engine", "((False, sum, dist", "((False, max, dist", "engine"),
    # pretraining and fine-tuning
    ("pretrain", "n_valid, found = batch.numel() - len(batch), []", "n_valid, found = batch.numel(), []", "pretrain"),
    ("pretrain", "n_windows, length, self.seed, starts=starts)", "n_windows, length, 0, starts=starts)", "pretrain"),
    ("pretrain", "        if step < config.primer_steps:\n            stream", "        if False:\n            stream", "pretrain"),
    ("pretrain", "    model.train()\n", "    model.eval()\n", "pretrain"),
    ("sft", "answer_mask = batch.response_mask[:, 1:]", "answer_mask = batch.response_mask[:, :-1]", "sft"),
    ("sft", "    model.train()\n", "    model.eval()\n", "sft"),
    ("sft", "sum(example.n_learned for example in batch)", "sum(len(example.ids) for example in batch)", "sft"),
    ("sft", "batch_indices(step, len(examples), config.batch_size, seed)", "batch_indices(0, len(examples), config.batch_size, seed)", "sft"),
    # reward model
    ("reward", "better = batch.ranks[:, None] < batch.ranks[None]", "better = batch.ranks[:, None] > batch.ranks[None]", "reward"),
    ("reward", "better = batch.ranks[:, None] < batch.ranks[None]", "better = batch.ranks[:, None] <= batch.ranks[None]", "reward"),
    ("reward", "mask = same_prompt & better", "mask = better", "reward"),
    ("reward", "    mask[i[identical], j[identical]] = False\n", "", "reward"),
    ("reward", "weights = mask / prompt_pairs[batch.prompt_index].clamp(min=1)[:, None]", "weights = mask.float()", "reward"),
    ("reward", "counted = (prompt_pairs > 0).sum() if n_prompts is None else n_prompts", "counted = (prompt_pairs > 0).sum()", "reward"),
    ("reward", "+ 0.5 * (differences == 0).float()", "", "reward"),
    ("reward", "accuracy = accuracy * pairs / n_pairs if pairs else 0.0", "pass", "reward"),
    ("reward", "    model.train()\n", "    model.eval()\n", "reward"),
    ("reward", "model.scalar_head.bias -= mean", "model.scalar_head.bias += mean", "reward"),
    # rollout
    ("rollout", "-kl_coef * k1(log_probs, ref_log_probs)", "kl_coef * k1(log_probs, ref_log_probs)", "rollout ppo"),
    ("rollout", "rewards[answers, last_kept(mask) - 1] += scores", "rewards[:, -1] += scores", "rollout"),
    ("rollout", "rewards[answers, last_kept(mask) - 1] += scores", "rewards += scores[:, None] * mask", "rollout"),
    ("rollout", "delta = rewards[:, t] + discount * next_value - values[:, t]", "delta = rewards[:, t] + next_value - values[:, t]", "rollout"),
    ("rollout", "delta + discount * gae_lambda * next_advantage, 0.0)", "delta + discount * next_advantage, 0.0)", "rollout"),
    ("rollout", "rewards, values = rewards.masked_fill(~mask, 0.0), values.masked_fill(~mask, 0.0)", "pass", "rollout"),
    ("rollout", "tokens, mask = answers.tokens, answers.response_mask[:, 1:]", "tokens, mask = answers.tokens, answers.response_mask[:, :-1]", "rollout"),
    ("rollout", "scores = scores - config.truncated_penalty * ~finished", "scores = scores - config.truncated_penalty * finished", "rollout"),
    ("rollout", "returns=advantages + values, finished", "returns=masked_whiten(advantages, mask) + values, finished", "rollout"),
    ("rollout", "masked_whiten(advantages, mask) if config.whiten_advantages else advantages", "advantages", "rollout"),
    ("rollout", "for model in (policy, ref_policy)\n", "for model in (policy, policy)\n", "rollout ppo"),
    ("rollout", "masked_log_probs(model, *part, config.temperature)[0]", "masked_log_probs(model, *part)[0]", "rollout ppo"),
    ("rollout", "return value_model(tokens)[:, :-1].float()", "return value_model(tokens)[:, 1:].float()", "rollout"),
    ("rollout", "return last_token_scores(model, tokens, last_kept(response_mask))",
     "return last_token_scores(model, tokens, torch.full((len(tokens),), tokens.shape[1]))", "rollout"),
    ("rollout", "1 - (returns - values).var(correction=0).item() / spread", "values.var(correction=0).item() / spread", "ppo rollout"),
    ("rollout", "return masked_sum(k1(rollout.old_log_probs, rollout.ref_log_probs), rollout.mask, dim=1)",
     "return masked_sum(k1(rollout.old_log_probs, rollout.ref_log_probs), rollout.mask, dim=1) / rollout.mask.sum(1)", "rollout ppo"),
    # PPO
    ("ppo", "torch.max(-advantages * ratio, -advantages * clipped)", "torch.min(-advantages * ratio, -advantages * clipped)", "ppo"),
    ("ppo", "torch.max(-advantages * ratio, -advantages * clipped)", "torch.max(advantages * ratio, advantages * clipped)", "ppo"),
    ("ppo", "clipped = ratio.clamp(1 - ratio_clip, 1 + ratio_clip)", "clipped = ratio", "ppo"),
    ("ppo", "return 0.5 * masked_mean(torch.max((values", "return 0.5 * masked_mean(torch.min((values", "ppo"),
    ("ppo", "clipped = old_values + (values - old_values).clamp(-value_clip, value_clip)", "clipped = values", "ppo"),
    ("ppo", "entropy(logits, config.temperature).sum() / (n_valid or len(logits))", "entropy(logits, config.temperature).mean()", "ppo"),
    ("ppo", "slow.lerp_(fast, 1 - decay)", "slow.lerp_(fast, decay)", "ppo"),
    ("ppo", "\"value\": build_optimizer(value_model, config.value_optim)", "\"value\": build_optimizer(value_model, config.optim)", "ppo"),
    ("ppo", "clip_and_step(self.optimizers[\"value\"], step, total, config.value_optim)",
     "clip_and_step(self.optimizers[\"value\"], step, total, config.optim)", "ppo"),
    ("ppo", "self.seed + 1000 * iteration)", "self.seed)", "ppo"),
    ("ppo", "chosen = batch_indices(iteration, len(prompts), config.episodes, seed)", "chosen = batch_indices(0, len(prompts), config.episodes, seed)", "ppo"),
    ("ppo", "backward({\"ptx_loss\": config.ptx_coef * loss}, step)", "backward({\"ptx_loss\": loss}, step)", "ppo"),
    ("ppo", "n_valid = batch.numel() - len(batch)  # no", "n_valid = batch.numel()  # no", "ppo"),
    ("ppo", "iteration * config.minibatches + k)", "k)", "ppo"),
    ("ppo", "update_ema(self.ema_policy, self.policy, config.ema_decay)", "pass", "ppo"),
    ("ppo", "return ema_policy.eval()", "return policy.eval()", "ppo"),
    ("ppo", "ref_policy, ema_policy = copy_gpt(policy, dropout=0.0), copy_gpt(policy, dropout=0.0)",
     "ref_policy, ema_policy = policy, copy_gpt(policy, dropout=0.0)", "ppo"),
    # checkpoint and files
    ("files", "if checksum not in (None, tensors_checksum(tensors, json.dumps(about))):", "if False:", "files checkpoint"),
    ("checkpoint", "torch.set_rng_state(", "(lambda state: None)(", "sft checkpoint"),
    ("checkpoint", "generator.set_state(", "(lambda state: None)(", "ppo checkpoint"),
    ("checkpoint", "for step in range(first, total):", "for step in range(0, total):", "sft checkpoint"),
    # evaluation, statistics, the judge
    ("evaluate", "wins = sum(d > 0 and d >= tie for d in differences)", "wins = sum(d >= tie for d in differences)", "evaluate"),
    ("evaluate", "losses = sum(d < 0 and -d >= tie for d in differences)", "losses = sum(d < 0 and -d > tie for d in differences)", "evaluate"),
    ("evaluate", "mean = (wins + (n - wins - losses) / 2) / n", "mean = wins / n", "evaluate"),
    ("evaluate", "center = (share + z * z / (2 * trials))", "center = share", "evaluate"),
    ("evaluate", "alike += (a > 0) == (b > 0)", "alike += (a > 0) != (b > 0)", "evaluate"),
    ("evaluate", "if a != 0 and b != 0 and abs(b) >= tie:", "if a != 0 and b != 0:", "evaluate"),
    ("evaluate", "return aligned - base", "return base - aligned", "evaluate"),
    ("evaluate", "return (ppo - ptx) / (ppo - base) if", "return (ppo - ptx) / (ptx - base) if", "evaluate"),
    ("evaluate", "mask, dim=1).mean().item()", "mask, dim=1).sum().item() / mask.sum().item()", "evaluate"),
    ("evaluate", "bin_of = (probabilities * bins).long()", "bin_of = (probabilities * bins).round().long()", "evaluate"),
    ("evaluate", "fall for name, fall in falls.items() if fall > MOST_FALLEN}", "fall for name, fall in falls.items()}", "evaluate"),
    ("evaluate", "if hasattr(world, \"abilities\") else {}", "", "evaluate"),
    ("tinyworld/evaluation", "zip(polite[first], polite[second], strict=True)) if all(both)]", "zip(polite[first], polite[second], strict=True)) if any(both)]", "tinyworld/evaluation"),
    ("tinyworld/evaluation", "exclude=self.requests, n_prompts=n)", "n_prompts=n)", "tinyworld/evaluation"),
    ("tinyworld/world", "rows=WATCHED)", ")", "tinyworld/evaluation"),
    ("tinyworld/evaluation", "n_prompts, held_out=True, use_cases=use_cases)", "n_prompts, held_out=False, use_cases=use_cases)", "tinyworld/evaluation"),
    ("tinyworld/evaluation", "draw_requests(f\"rankings {seed}\", n_prompts, held_out=True)", "draw_requests(f\"rankings {seed}\", n_prompts)", "tinyworld/evaluation"),
    ("tinyworld/evaluation", "[[-r for r in rank(p", "[[r for r in rank(p", "tinyworld/evaluation"),
    ("reports/comparison", "for name in pair.split(\">\")), tie=tie)", "for name in pair.split(\">\")[::-1]), tie=tie)", "tinyworld/evaluation"),
    ("tinyworld/evaluation", "agreement(scores, gold, TIE),", "agreement(scores, gold),", "tinyworld/evaluation"),
    ("tinyworld/judge", "return self.helpful - DISHONEST_COST * (1 - self.honest)", "return self.helpful - DISHONEST_COST * self.honest", "tinyworld/judge"),
    ("tinyworld/judge", "return 2 * len(right) / (len(named) + len(need.mention))", "return len(right) / len(need.mention)", "tinyworld/judge"),
    ("tinyworld/judge", "off = abs(len(right) - need.count) + len(named) - len(right)", "off = abs(len(right) - need.count)", "tinyworld/judge"),
    ("tinyworld/judge", "return max(0.0, 2 * ratio - 1)", "return ratio", "tinyworld/judge"),
    ("tinyworld/judge", "_shrugs(request.need, answer) or _goes_on(answer)", "_goes_on(answer)", "tinyworld/judge"),
    ("tinyworld/judge", "bool(answer) and not (_is_rude(answer) or _asks_back(answer)", "bool(answer) and not (_is_rude(answer)", "tinyworld/judge"),
    # what is asked of models and reward models
    ("tinyworld/abilities", "and is_held_out(request.use_case, request.combination)", "", "tinyworld/abilities"),
    ("tinyworld/abilities", "return FALSE if elsewhere else TRUE", "return TRUE", "tinyworld/abilities"),
    ("tinyworld/abilities", "return len(named) == len(right) == request.need.count", "return len(right) == request.need.count", "tinyworld/abilities"),
    ("tinyworld/abilities", "return told_of and not strangers and", "return told_of and", "tinyworld/abilities"),
    ("tinyworld/abilities", "and not answer[len(wanted) :][:1].isalpha()", "", "tinyworld/abilities"),
    ("tinyworld/abilities", "and len(answer.split()) <= request.need.max_words", "", "tinyworld/abilities"),
    ("tinyworld/abilities", "seed=0, temperature=0.0,", "seed=0, temperature=1.0,", "tinyworld/abilities"),
    ("tinyworld/abilities", "and r.combination[0] not in w.RARE_CITIES", "", "tinyworld/abilities"),
    ("tinyworld/abilities", ".split(\"\\n\")[0].strip() for answer in drawn", ".strip() for answer in drawn", "tinyworld/abilities"),
    ("tinyworld/minimal_pairs", "request.need.wrong if each in request.combination]", "request.need.wrong]", "tinyworld/minimal_pairs"),
    ("tinyworld/minimal_pairs", "(len(said) + rng.choice((-1, 1)))", "(len(said) + rng.choice((0, 1)))", "tinyworld/minimal_pairs"),
    ("tinyworld/minimal_pairs", "if request.need.count or not asks_for_length]", "]", "tinyworld/minimal_pairs"),
    ("tinyworld/minimal_pairs", "next(scores) > next(scores)", "next(scores) >= next(scores)", "tinyworld/minimal_pairs"),
    ("tinyworld/minimal_pairs", "_other(rng, list(w.KINDS), request.need.kind)", "rng.choice(list(w.KINDS))", "tinyworld/minimal_pairs"),
    ("tinyworld/baselines", "if r.prompt not in compared]", "]", "tinyworld/baselines"),
    ("tinyworld/baselines", "return max(TEMPERATURES, key=gold)", "return min(TEMPERATURES, key=gold)", "tinyworld/baselines"),
    ("tinyworld/baselines", "decode_response(drawn[i * n + best])", "decode_response(drawn[i * n])", "tinyworld/baselines"),
    # the pipeline's stages
    ("pipeline", "value_model = copy_scalar(critic)", "value_model = ScalarModel(copy_gpt(self.model(\"sft\")))", "pipeline"),
    ("pipeline", "copy_gpt(self.model(\"pretrain\"), dropout=self.preset.sft.dropout)", "copy_gpt(self.model(\"pretrain\"))", "pipeline"),
    ("pipeline", "center_on_demonstrations(model, centre[:CENTERED_ON], pad_id)", "pass", "pipeline"),
    ("comparisons", "kept[tuple(ids)] = None", "kept[tuple(ids[:-1])] = None", "pipeline"),
    ("comparisons", "if len(set(rank)) > 1", "if True", "pipeline"),
    # people's rows
    ("real_data/splits", "seen[user_id] <= limit", "seen[user_id] < limit", "real_data/splits"),
    ("real_data/splits", "json.dumps([seed, user_id])", "json.dumps([user_id])", "real_data/splits"),
    ("gpt2_recipe/preference_data", "split_by_user([self.split_by(row.prompt) for row in rows]", "split_by_user([repr(row.prompt) for row in rows]", "gpt2_recipe/recipe"),
)]  # fmt: skip


def try_out(mutant: Mutant) -> str:
    """Return "killed", "SURVIVED" or what is wrong with the mutant itself."""
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder)
        shutil.copytree(ROOT / "rlhf_lite", copy / "rlhf_lite", ignore=shutil.ignore_patterns("__pycache__"))
        for name in ("tests", "data", "notebooks", "pyproject.toml"):
            (copy / name).symlink_to(ROOT / name)
        path = copy / "rlhf_lite" / f"{mutant.file}.py"
        text = path.read_text(encoding="utf-8")
        if text.count(mutant.before) != 1:
            return f"INVALID: its line stands {text.count(mutant.before)} times"
        path.write_text(text.replace(mutant.before, mutant.after), encoding="utf-8")
        files = [str(ROOT / "tests" / Path(name).parent / f"test_{Path(name).name}.py") for name in mutant.tests.split()]
        command = [sys.executable, "-m", "pytest", "-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *files]
        environment = os.environ | {"PYTHONPATH": str(copy), "PYTHONDONTWRITEBYTECODE": "1", "OMP_NUM_THREADS": "1"}
        try:
            done = subprocess.run(command, cwd=copy, env=environment, capture_output=True, text=True, timeout=SECONDS)
        except subprocess.TimeoutExpired:
            return "killed"  # it never ends: nobody would call that green
        if done.returncode not in (0, 1, 2):
            return f"INVALID: {done.stdout.strip().splitlines()[-1:]}"
        return "SURVIVED" if done.returncode == 0 else "killed"


def main(arguments: list[str]) -> int:
    """Try all mutants, or those of the files that are named; return the exit status."""
    jobs = int(arguments.pop(arguments.index("--jobs") + 1)) if "--jobs" in arguments else 2
    wanted = [name for name in arguments if not name.startswith("--")]
    chosen = [m for m in MUTANTS if not wanted or m.file in wanted or m.file.split("/")[-1] in wanted]
    if "--list" in arguments:
        print(*(f"{m.file}: {m.before!r} -> {m.after!r}" for m in chosen), sep="\n")
        return 0
    counts: dict[str, int] = {}
    with ThreadPoolExecutor(jobs) as pool:
        for mutant, result in zip(chosen, pool.map(try_out, chosen), strict=True):
            counts[result.split(":")[0]] = counts.get(result.split(":")[0], 0) + 1
            if result != "killed":
                print(f"{result}  {mutant.file}: {mutant.before!r} -> {mutant.after!r}", flush=True)
    killed = counts.get("killed", 0)
    print(f"{killed} of {len(chosen)} killed ({killed / max(1, len(chosen)):.0%}): {counts}")
    return 0 if killed >= LEAST_KILLED * len(chosen) and not counts.get("INVALID") else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
