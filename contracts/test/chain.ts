import { readFileSync } from 'node:fs'
import { type Address, Cell, type Message, type Transaction } from '@ton/core'
import { Blockchain } from '@ton/sandbox'
import { channelCode, EXCESS } from '../src/index.ts'
import { config2026 } from './prices.ts'

/** The code under test: scripts/mutate.ts puts a broken one here, which the tests must notice. */
const file = process.env['CHANNEL_CODE']
export const code = file === undefined ? channelCode : Cell.fromBase64(readFileSync(file, 'utf8'))

export const newChain = (): Promise<Blockchain> => Blockchain.create({ config: config2026() })

/** What one message did to the channel. */
export interface Outcome {
  /** 0, or what the contract threw; -14 when gas ran out. */
  readonly exit: number
  /** True when compute and action phase both succeeded: only then anything changed. */
  readonly done: boolean
  /** Result code of the action phase; 0 when it succeeded or never began. */
  readonly action: number
  /** Coins that left for this account, the excess left out. */
  paidTo(account: Address): bigint
  /** Every account that was paid, the carrier's excess left out. */
  readonly payees: readonly string[]
  /** What went back to the carrier, as excess or bounced. */
  readonly returned: bigint
  readonly bounced: boolean
  readonly gas: bigint
  /** Of the channel's balance, the rent of this transaction left out. */
  readonly change: bigint
  /** Taken from the balance for the time since the transaction before. */
  readonly rent: bigint
  /** Rent that the balance did not cover: the message's own value paid it. */
  readonly debt: bigint
  readonly transaction: Transaction
}

/**
 * Hands `message` to its destination at `now`. What that sends on stands in its transaction and is not delivered: only the
 * tests of payees follow it further.
 * @throws Error when a nanogram came from nowhere or went there (I6, in every test)
 */
export async function deliver(chain: Blockchain, now: number, to: Address, message: Message): Promise<Outcome> {
  const before = (await chain.getContract(to)).balance
  chain.now = now
  const { value: transaction } = await (await chain.sendMessageIter(message, { allowParallel: true })).next()
  const after = (await chain.getContract(to)).balance
  const came = message.info.type === 'internal' ? message.info.value.coins : 0n
  if (before + came !== after + left(transaction)) throw new Error('coins are not conserved')
  return outcomeOf(transaction, before, after)
}

/** With messages sent, as value and as fees for the way, and as fees of the transaction itself. */
function left({ outMessages, totalFees }: Transaction): bigint {
  let sum = totalFees.coins
  for (const { info } of outMessages.values()) if (info.type === 'internal') sum += info.value.coins + info.forwardFee
  return sum
}

function outcomeOf(transaction: Transaction, before: bigint, after: bigint): Outcome {
  const { description } = transaction
  if (description.type !== 'generic') throw new Error(`no ordinary transaction: ${description.type}`)
  const compute = description.computePhase
  const action = description.actionPhase
  const ran = compute.type === 'vm' ? compute : undefined
  const payments: { to: string; value: bigint }[] = []
  let returned = 0n
  let bounced = false
  for (const { info, body } of transaction.outMessages.values()) {
    if (info.type !== 'internal') throw new Error('a message that is not internal')
    const isExcess = body.bits.length >= 32 && body.beginParse().preloadUint(32) === EXCESS
    if (isExcess || info.bounced) returned += info.value.coins
    else payments.push({ to: info.dest.toString(), value: info.value.coins })
    bounced ||= info.bounced
  }
  const collected = description.storagePhase?.storageFeesCollected ?? 0n
  const rent = collected < before ? collected : before
  const debt = collected - rent + (description.creditPhase?.dueFeesColelcted ?? 0n)
  return {
    exit: ran ? ran.exitCode : -1,
    done: ran?.success === true && action?.success === true,
    action: action?.resultCode ?? 0,
    paidTo: (account) =>
      payments.filter(({ to }) => to === account.toString()).reduce((sum, { value }) => sum + value, 0n),
    payees: payments.map(({ to }) => to),
    returned,
    bounced,
    gas: ran?.gasUsed ?? 0n,
    change: after - before + rent,
    rent,
    debt,
    transaction,
  }
}
