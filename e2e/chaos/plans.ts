import type { ChaosOptions } from './chaos.ts'

type Plan = Omit<ChaosOptions, 'seed' | 'seconds'>

/** Three nodes of four slots, forty clients. */
const fleet = { nodes: 3, slots: 4, clients: 40 } as const

/** Faults as long as a broker's and a client's patience, and longer. */
export const longStorm: Plan = {
  ...fleet,
  questions: 4,
  thinking: 4,
  plan: {
    clientFaultEvery: [0.2, 1],
    nodeFaultEvery: [2, 8],
    brokerKillEvery: [30, 90],
    evictEvery: [0.3, 2],
    longest: 30,
    veryLongStops: 0.1,
  },
}

/** Half a minute: everything that can happen does, and nothing lasts long. */
export const shortStorm: Plan = {
  ...fleet,
  questions: 1,
  thinking: 3,
  plan: {
    clientFaultEvery: [0.1, 0.5],
    nodeFaultEvery: [1, 3],
    brokerKillEvery: [14, 22],
    evictEvery: [0.2, 1],
    longest: 4,
    veryLongStops: 0,
  },
}
