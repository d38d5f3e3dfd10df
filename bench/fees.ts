import { measureCosts } from '../contracts/test/costs.ts'

/** Most that the design counts on, in nanograms: for each claim of a message. */
const targets: Readonly<Record<string, { readonly nanograms: bigint; readonly claims: bigint }>> = {
  open: { nanograms: 10_000_000n, claims: 1n },
  'claim with receipt': { nanograms: 1_900_000n, claims: 1n },
  'three claims with receipts': { nanograms: 1_500_000n, claims: 3n },
}

/**
 * Gas and fees of each operation's whole trace, from the signature in a W5 wallet to the last excess received, in
 * nanograms; the TVM itself at the prices of 2026. What `contracts/test/gas.test.ts` holds.
 */
export async function measureFees() {
  const { each, batch } = await measureCosts()
  const operations = Object.entries(each).map(([operation, { burned, gas, size }]) => {
    const target = targets[operation]
    const measured = { operation, gas: Number(gas), nanograms: Number(burned), messageBytes: size }
    if (!target) return measured
    const one = burned / target.claims
    return { ...measured, each: Number(one), target: Number(target.nanograms), met: one <= target.nanograms }
  })
  return { operations, sweepOfHundred: { eachNanograms: Number(batch.each), messageBytes: batch.size } }
}
