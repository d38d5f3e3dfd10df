// `node localnet/src/walk-channel.ts`: the life of a channel on a development chain, through TonClient and wallet messages
// alone, every balance printed. The chain's own controls do two things: the faucet at the beginning, and the minute of the
// challenge period that nobody wants to wait out. Ends with status 1 at the first sum that is not what was signed.
import { fileURLToPath } from 'node:url'
import { hex, TICKER } from '@cocoon/protocol'
import { formatGrams } from '@cocoon/protocol/money'
import { Supervisor } from './supervisor.ts'
import { ChannelWalk } from './chain/walk.ts'

const GRAM = 1_000_000_000n
const supervisor = new Supervisor((name, how) => {
  console.error(`${name}: ${how}`)
  process.exit(1)
})
const origin = await supervisor.start('chain', fileURLToPath(new URL('run-chain.ts', import.meta.url)), {
  env: { PACE: process.env['PACE'] ?? '200' },
  announces: true,
})

const walk = await ChannelWalk.begin(origin)
console.log(
  `chain    ${walk.endpoint}\nchannel  ${walk.channel.address.toString()} (fee ${walk.feeBasisPoints / 100} %)\n`,
)

/** One line for each balance that moved since the line before. */
let before = new Map<string, bigint>()
async function show(step: string): Promise<void> {
  const now = await walk.balances()
  console.log(step)
  for (const [name, balance] of now) {
    const change = balance - (before.get(name) ?? 0n)
    const sign = change > 0n ? '+' : ''
    if (change !== 0n)
      console.log(`  ${name.padEnd(14)} ${formatGrams(balance).padStart(14)}  ${sign}${formatGrams(change)}`)
  }
  before = now
}

function expectEqual(what: string, actual: unknown, expected: unknown): void {
  if (actual !== expected) throw new Error(`${what}: ${String(actual)} instead of ${String(expected)}`)
}

try {
  await show(`before, in ${TICKER}`)

  await walk.open(GRAM / 2n)
  await show(
    `\n1. opened with 0.5 by one wallet message; payer key ${hex(walk.payer).slice(0, 8)} registered, final after two blocks`,
  )

  let lane = await walk.job({ maximum: 40_000_000n, amount: 31_000_000n, settle: true })
  lane = await walk.job({ maximum: 40_000_000n, amount: 29_500_000n, settle: true })
  lane = await walk.job({ maximum: 80_000_000n, amount: 60_000_000n, settle: true })
  console.log(`\n2. three jobs; three vouchers replaced one another; the lane's total is ${formatGrams(lane.total)}`)
  expectEqual('total', lane.total, 120_500_000n)

  expectEqual('paid to the node', await walk.claimByBroker(), walk.withoutFee(120_500_000n))
  await show('\n3. claimed by the broker: one claim for the three jobs')
  expectEqual('claimed again', await walk.claimByBroker(), 0n)
  await show('\n   claimed once more: pays nothing, only the carrier pays gas')

  await walk.job({ maximum: 50_000_000n, amount: 45_000_000n, settle: false })
  expectEqual(
    'paid to the node',
    await walk.claimByNode(),
    walk.withoutFee(165_500_000n) - walk.withoutFee(120_500_000n),
  )
  await show('\n4. one more job, its receipt never countersigned: claimed by the node itself, against the hold')

  const fees = await walk.collectFees()
  expectEqual('fees', fees, 165_500_000n - walk.withoutFee(165_500_000n))
  await show('\n5. the fee collected')

  expectEqual('released', await walk.release(GRAM / 10n), GRAM / 10n)
  await show('\n6. the broker released 0.1 to the owner, which no hold needs')

  await walk.requestClose()
  await show(`\n7. closing requested; ${walk.challenge} seconds for whoever has a claim`)
  await walk.finishClose()
  await show('\n8. finished by a stranger: the rest is back with the owner, the contract stays')
  expectEqual('left in the channel', (await walk.balances()).get('channel'), 0n)

  await walk.open((GRAM * 3n) / 10n)
  await show('\n9. opened again, with 0.3, the same payer key in a new registration')
  expectEqual('old voucher', await walk.claimByNode(), 0n)
  await show('\n10. a voucher of the registration before pays nothing')
  await walk.job({ maximum: 10_000_000n, amount: 9_000_000n, settle: true })
  expectEqual('paid to the node', await walk.claimByBroker(), walk.withoutFee(9_000_000n))
  await show('\n11. a job and a claim in the new one')

  console.log(`\nevery sum is what was signed; gas and rent of all of it: ${formatGrams(await walk.burned())}`)
} catch (error) {
  console.error(error)
  process.exitCode = 1
} finally {
  await supervisor.stop()
}
