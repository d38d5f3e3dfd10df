/** The one place that holds the coin's ticker. One GRAM is 10^9 nanograms. */
export const TICKER = 'GRAM'
export const NANOGRAMS_PER_GRAM = 1_000_000_000n

/** TON global ids; localnet has a value of its own, so that nothing signed there means anything elsewhere. */
export const networks = { mainnet: -239, testnet: -3, localnet: -7239 } as const
export type NetworkName = keyof typeof networks
export type NetworkId = (typeof networks)[NetworkName]

export const PROTOCOL_VERSION = 1

/** Sizes in bytes; see SPEC.md, Limits. */
export const limits = {
  /** Sealed request body. */
  request: 8 * 1024 * 1024,
  /** Sum of the content of an answer's frames. */
  answer: 2 * 1024 * 1024,
  /** One transport chunk of a sealed request. */
  chunk: 1024 * 1024,
  /** Plaintext of one response frame. */
  frame: 64 * 1024,
  /** Encoded header, statement and every other small object. */
  object: 16 * 1024,
  /** Encoded evidence: sixteen GPUs at some 8 KB, the quote and the claims. */
  evidence: 512 * 1024,
  /** Encoded collateral that a node may hand to its relay. */
  carriedCollateral: 384 * 1024,
  /** Frames of one answer, dummies included. */
  frames: 8192,
  /** Tool calls of one answer. */
  toolCalls: 128,
} as const
