import { measureCosts } from '../contracts/test/costs.ts'

/** Claims in the operations that carry more than one. */
const claims: Readonly<Record<string, bigint>> = {
  'two first claims': 2n,
  'three claims with receipts': 3n,
  'the same three again': 3n,
}

/**
 * Gas and fees of each operation's whole trace, from the signature in a W5 wallet to the last excess received, in
 * nanograms; the TVM itself at the prices of 2026. What `contracts/test/gas.test.ts` holds.
 * @throws Error when a claim of the hundred was not paid
 */
export async function measureFees() {
  const { each, batch } = await measureCosts()
  if (!batch.done) throw new Error('a claim of the sweep was not paid')
  const operations = Object.entries(each).map(([operation, { burned, gas, size }]) => {
    const measured = { gas: Number(gas), nanograms: Number(burned), messageBytes: size }
    const count = claims[operation]
    return [operation, count ? { ...measured, nanogramsAClaim: Number(burned / count) } : measured] as const
  })
  const sweep = { nanogramsAClaim: Number(batch.each), messageBytes: batch.size }
  return { ...Object.fromEntries(operations), 'sweep of a hundred claims': sweep }
}
