import type { NetworkName } from '../network.ts'

/** The constants of a channel. Coins in nanograms, times in seconds. */
export const terms = {
  /** The first deposit is at least this. */
  minimumOpening: 200_000_000n,
  /** Stays in the contract for rent; nobody is paid from it. */
  rentReserve: 20_000_000n,
  /** Attached to a claim for each entry; what is left over comes back. */
  attachPerEntry: 10_000_000n,
  entriesPerClaim: 3,
  claimsPerBatch: 100,
  /** Broker: a lane is claimed from here on. */
  claimFrom: 100_000_000n,
  /** Broker: from here on, when the channel is closing or the key is ending. */
  claimEndingFrom: 3_000_000n,
  /** Broker: from here on, when a closing channel's claims travel by threes. */
  claimClosingFrom: 1_500_000n,
  /** Node: no work beyond this unclaimed in one channel, or with one broker. */
  unclaimedPerChannel: 100_000_000n,
  unclaimedPerBroker: 5_000_000_000n,
  liveKeys: 8,
  storedKeys: 16,
  /** A new payer key's life, where its owner says nothing else. */
  keySeconds: 30 * 86_400,
  /** From a device's signature to a voucher's `until`. */
  holdSeconds: 86_400,
  /** Broker: `until` may be this much further off than `holdSeconds`, because devices' clocks are wrong. */
  clockSlackSeconds: 600,
  /** Node: no work for a voucher that ends sooner; half of it is two polls of the chain away. */
  leastHoldSeconds: 43_200,
  /** Node: polls the chain at least this often. */
  pollSeconds: 21_600,
  /** Blocks of the masterchain until what a channel says is believed. */
  finalityBlocks: 2,
} as const

/** Between an owner's request and its effect: closing, revocation and expiry of a key, rotation of the broker's. */
export const challengeSeconds = { mainnet: 172_800, testnet: 172_800, localnet: 60 } as const satisfies Record<
  NetworkName,
  number
>
