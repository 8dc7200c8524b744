/**
 * PPO with a clipped ratio (Schulman et al., arXiv:1707.06347), clip-higher (DAPO, arXiv:2503.14476) and dual clip
 * (Ye et al., arXiv:1912.09729), averaged over tokens: the objective of CIR (arXiv:2505.24480).
 *
 *   rho_t = exp(logprob_t - oldLogprob_t)
 *   L_t   = max(-A rho_t, -A clip(rho_t, 1 - low, 1 + high))
 *   L_t   = min(L_t, -A dual)                                  where A < 0
 *   loss  = sum_t M_t L_t / sum_t M_t
 *
 * `low`, `high` and `dual` are inputs of the program: changing them costs no new program. As in verl, the clip fraction
 * counts tokens whose clipped term won; kl is the k1 estimate, mean of oldLogprob - logprob.
 */
